"""Nodes that died: the leases of their sockets are ended, for every payer, before the nodes are forgotten."""

from __future__ import annotations

import asyncio

import pytest

from talktime import Party, Reason, State, Talktime, parse_credits
from talktime.database.pool import Pool
from talktime.documents.snapshot import PresenceView
from talktime.engine.presence import WatchChat
from tests.nodes import add_alice_and_maya, node_on

pytestmark = pytest.mark.both_servers

NODES = "select count(*) from nodes where node_id = 'dead.1'"


async def test_a_node_is_kept_until_all_its_payers_are_settled(talktime: Talktime, database: Pool) -> None:
    """Forgotten earlier, it would take its proofs along, and the payer that could not be settled would lose time."""
    await database.execute("insert into nodes values ('dead.1', engine_now())")
    await talktime.put_user("bob", "Bob")
    for user_id, chat_id in (("alice", "hers"), ("bob", "his")):
        await talktime.add_credit(user_id, parse_credits("10000"))
        await talktime.initialize_time_tracking_for_chat(user_id, "maya", chat_id)
        for party in Party:
            await talktime.engine.run(WatchChat(user_id, chat_id, party, "dead.1"))
    await database.execute(
        "create trigger refuse before update on records for each row when (new.user_id = 'bob')"
        " execute function refuse_change()"
    )
    await talktime.advance_clock(talktime.engine.durations.lease_ms + 60_000)
    await talktime.node.deadlines.bury_nodes()
    assert (await database.fetchval("select state from records where user_id = 'alice'")) == "paused"
    assert (await database.fetchval("select state from records where user_id = 'bob'")) == "running"
    assert await database.fetchval(NODES) == 1

    await database.execute("drop trigger refuse on records")
    async with asyncio.timeout(10):
        # The node's own worker may hold the payer's account at the moment.
        while await database.fetchval(NODES):
            await talktime.node.deadlines.bury_nodes()
    hers, his = [await talktime.snapshot(chat_id) for chat_id in ("hers", "his")]
    for shown in (hers, his):
        assert (shown.record.state, shown.record.reason) == (State.PAUSED, Reason.USER_AWAY)
        # Each watch was a proof of its own, within the seconds that this test took to begin.
        assert 0 <= shown.elapsed_ms - talktime.engine.durations.lease_ms < 30_000


async def test_screens_are_told_that_the_people_of_a_dead_node_are_gone(database_url: str, database: Pool) -> None:
    """Where time runs, a pause tells it. Where no time runs, nothing else would."""
    async with node_on(database_url, work=False, presence_lease_seconds=30, abandon_seconds=3_600) as node:
        await add_alice_and_maya(node)
        await node.initialize_time_tracking_for_chat("alice", "maya", "hers")
        await node.pause("hers")
        await node.advance_clock(60_000)
        await database.execute("insert into nodes values ('dead.1', engine_now())")
        before = await node.engine.run(WatchChat("alice", "hers", Party.ADVISOR, "dead.1"))
        assert before.presence == PresenceView(user=False, advisor=True, until=None)
        await node.advance_clock(31_000)
        await node.node.deadlines.bury_nodes()
        after = await node.snapshot("hers")
        assert after.presence == PresenceView(user=False, advisor=False, until=None)
        assert after.sequence > before.sequence
