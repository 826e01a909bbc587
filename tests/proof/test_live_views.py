"""The views of now show what the interface shows, at every instant, although nothing is written.

Random histories are played on a clock that stands still. The worker is often away, so there are deadlines and outages
that are due and that nobody has applied. The reference model says what every record and chat has come to.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, Final

import pytest

from talktime import Party, Talktime
from talktime.database.pool import Pool
from tests.databases import STANDING_CLOCK
from tests.nodes import LONG_SECONDS, Screen, add_alice_and_maya, node_on
from tests.proof.histories import History, apply
from tests.proof.model import ABANDON_MS, LEASE_MS, RECHARGE_MS, Model
from tests.proof.worlds import DatabaseWorld, frozen

pytestmark = pytest.mark.both_servers

HISTORIES: Final = 40
LENGTH: Final = 14
_DURATIONS: Final = "update engine_clock set lease_ms = $1, recharge_ms = $2, abandon_ms = $3"
_RECORDS: Final = """
select advisor_id, started_at, chat_id, state, reason, elapsed_ms, cost, ended_at, at
from live_records where user_id = $1
"""
_CHATS: Final = "select chat_id, duration_ms from live_chats where user_id = $1"


async def compare(database: Pool, user: str, model: Model) -> None:
    """The views must show what the model says of the user's records and chats."""
    now = model.now
    expected = [
        (
            f"{user} {record.advisor}",
            record.started_at,
            f"{user} {record.chat}",
            record.state,
            record.reason,
            record.elapsed_ms(now),
            record.cost(now),
            record.ended_at,
            now,
        )
        for record in model.records
    ]
    assert Counter(map(tuple, await database.fetch(_RECORDS, user))) == Counter(expected)
    durations = {row["chat_id"]: row["duration_ms"] for row in await database.fetch(_CHATS, user)}
    assert durations == {f"{user} {chat}": model.duration_ms(chat) for chat in model.latest}


async def test_the_views_follow_random_histories(database_url: str, seed: int | None) -> None:
    async with frozen(database_url) as (talktime, database):
        await database.execute(_DURATIONS, LEASE_MS, RECHARGE_MS, ABANDON_MS)
        for number in range(HISTORIES) if seed is None else [seed]:
            random = Random(number)
            history = History(number, await talktime.now())
            world = DatabaseWorld(talktime, database, f"user {number}")
            await world.begin()
            for act in history.acts(LENGTH):
                apply(history.model, act)
                await world.perform(act, late=random.random() < 0.7)
                try:
                    await compare(database, world.user, history.model)
                except AssertionError as error:
                    error.add_note(f"after {act}; to see it again: pytest {__file__} --seed {number}")
                    raise
        await talktime.node.deadlines.settle_due()  # the last worker may have been late


async def assert_shown(talktime: Talktime, database: Pool) -> None:
    """The views must show what the snapshot of the chat `first` shows."""
    shown = await talktime.snapshot("first")
    record = (await database.fetch("select * from live_records where record_id = $1", shown.record.id))[0]
    chat = (await database.fetch("select * from live_chats where chat_id = 'first'"))[0]
    assert {
        name: record[name] for name in ("state", "reason", "elapsed_ms", "cost", "paused_at", "ended_at", "at")
    } == {
        "state": shown.record.state,
        "reason": shown.record.reason,
        "elapsed_ms": shown.elapsed_ms,
        "cost": shown.cost,
        "paused_at": shown.record.paused_at,
        "ended_at": shown.record.ended_at,
        "at": shown.server_time,
    }
    assert (chat["duration_ms"], chat["at"]) == (shown.chat_duration_ms, shown.server_time)


async def test_the_views_know_what_sockets_prove_and_what_nodes_set(database_url: str, database: Pool) -> None:
    durations: dict[str, Any] = {"presence_lease_seconds": 40, "recharge_seconds": 20, "abandon_seconds": 50}
    quiet: dict[str, Any] = {"health_seconds": LONG_SECONDS, "audit_seconds": 0}
    async with (
        node_on(database_url, **durations, **quiet) as node,
        node_on(database_url, work=False, **durations) as other,
    ):
        await node.node.supervisor.stop()
        await database.execute(STANDING_CLOCK)
        await add_alice_and_maya(node)
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        screens = {party: Screen(node) for party in Party}
        for party, screen in screens.items():
            await node.node.presence.attach(screen, "first", party)
        await database.execute("update nodes set renewed_at = engine_now()")
        states = []
        for _ in range(14):
            await database.execute("update engine_clock set offset_ms = offset_ms + 7001")
            await assert_shown(other, database)
            states.append((await other.snapshot("first")).record.state.value)
    assert sorted(set(states)) == ["ended", "paused", "running"]


async def test_the_views_know_that_an_outage_puts_off_the_end_of_an_announced_payment(
    database_url: str, database: Pool
) -> None:
    """The payment is announced while the timer runs, and nothing is applied between the outage and the look."""
    await database.execute(STANDING_CLOCK)
    async with node_on(database_url, work=False, presence_lease_seconds=LONG_SECONDS, recharge_seconds=300) as node:
        await add_alice_and_maya(node)
        started = await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        await node.heartbeat("first", Party.ADVISOR)
        cut_at = started.timer.cut_at
        assert cut_at is not None
        await database.execute(
            "update engine_clock set offset_ms = offset_ms + $1", cut_at - started.server_time - 10_000
        )
        await node.paying("alice", 900_000)
        await database.execute(
            "insert into outages (started_at, ended_at)"
            " values (engine_now() + interval '1 second', engine_now() + interval '61 seconds')"
        )
        states = []
        for _ in range(17):
            await database.execute("update engine_clock set offset_ms = offset_ms + 61001")
            await assert_shown(node, database)
            states.append((await node.snapshot("first")).record.state.value)
        await node.node.deadlines.settle_due()  # the auditor wants no deadline that is overdue
    assert sorted(set(states)) == ["ended", "paused", "running"]
