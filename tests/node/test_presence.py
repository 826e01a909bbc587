"""Leases that sockets hold: what they prove counts, and nothing else."""

from __future__ import annotations

import time

import pytest

from talktime import Party, Reason, State, Talktime, parse_credits
from talktime.database.pool import Pool
from talktime.documents.snapshot import Snapshot
from talktime.engine.presence import WatchChat

pytestmark = pytest.mark.both_servers

HOUR_MS = 3_600_000


class Socket:
    """A socket that says nothing by itself."""

    def send_heartbeat(self, leases: dict[str, int], now_ms: int, epoch: str) -> None:
        pass

    def send_leases(self, leases: dict[str, int]) -> None:
        pass

    def lost(self) -> None:
        raise AssertionError


class Answering(Socket):
    """A socket with somebody there."""

    def __init__(self, talktime: Talktime) -> None:
        self._presence = talktime.node.presence
        self.told: list[int] = []

    def send_heartbeat(self, leases: dict[str, int], now_ms: int, epoch: str) -> None:
        self._presence.prove(self)

    def send_leases(self, leases: dict[str, int]) -> None:
        self.told.append(leases["first"])


async def start(talktime: Talktime) -> None:
    """A chat whose credit outlasts every lease here."""
    await talktime.add_credit("alice", parse_credits("10000"))
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")


async def both_watch(talktime: Talktime) -> dict[Party, Socket]:
    await start(talktime)
    sockets = {party: Socket() for party in Party}
    for party, socket in sockets.items():
        await talktime.node.presence.attach(socket, "first", party)
    return sockets


async def moved_on(talktime: Talktime) -> Snapshot:
    """A minute past every lease, and well before a paused record is abandoned."""
    await talktime.advance_clock(talktime.engine.durations.lease_ms + 60_000)
    return await talktime.snapshot("first")


async def test_parties_with_open_sockets_are_present_through_an_advance(talktime: Talktime) -> None:
    await both_watch(talktime)
    await talktime.advance_clock(HOUR_MS)
    assert (await talktime.snapshot("first")).record.state is State.RUNNING


async def test_a_node_that_was_just_killed_is_present_through_nothing(talktime: Talktime, database: Pool) -> None:
    await start(talktime)
    await database.execute("insert into nodes values ('killed.1', engine_now())")
    for party in Party:
        await talktime.engine.run(WatchChat("alice", "first", party, "killed.1"))
    renewed = await database.fetchval("select renewed_at from nodes where node_id = 'killed.1'")
    shown = await moved_on(talktime)
    assert shown.record.reason is Reason.USER_AWAY
    lease_ms = talktime.engine.durations.lease_ms
    # A watch is itself a proof, a moment after the node's row.
    assert renewed + lease_ms <= shown.record.started_at + shown.elapsed_ms <= renewed + lease_ms + 10_000


async def test_a_last_proof_whose_command_is_refused_holds_up_no_other_lease_and_lengthens_no_lease(
    talktime: Talktime,
    database: Pool,
) -> None:
    sockets = await both_watch(talktime)
    presence = talktime.node.presence
    await database.execute(
        "create trigger refuse before delete on watches for each row execute function refuse_change()"
    )
    node = "select renewed_at from nodes where node_id = $1"
    proved = "select proved_at from watches where party = 'user'"
    await presence.renew()
    earlier = "update nodes set renewed_at = renewed_at - interval '2 seconds' where node_id = $1"
    await database.execute(earlier, presence.node_id)
    renewed = await database.fetchval(node, presence.node_id)
    presence.detach(sockets[Party.USER])
    left = await talktime.now()
    presence.prove(sockets[Party.ADVISOR])
    await presence.renew()
    assert await database.fetchval(node, presence.node_id) > renewed + 1_000
    assert abs(await database.fetchval(proved) - left) < 1_000

    await database.execute("drop trigger refuse on watches")
    await presence.store_changes()
    assert await database.fetchval("select count(*) from watches where party = 'user'") == 0
    shown = await moved_on(talktime)
    assert shown.record.reason is Reason.USER_AWAY
    ended = shown.record.started_at + shown.elapsed_ms
    assert abs(ended - left - talktime.engine.durations.lease_ms) < 1_000


async def test_the_node_is_renewed_as_soon_as_all_have_answered(talktime: Talktime) -> None:
    await start(talktime)
    for party in Party:
        await talktime.node.presence.attach(Answering(talktime), "first", party)
    began = time.monotonic()
    await talktime.node.presence.ask()
    await talktime.node.presence.renew()
    assert time.monotonic() - began < 2.5  # half of how long one waits for those that don't


async def test_a_silent_socket_keeps_no_renewed_lease_from_the_other_screens(
    talktime: Talktime, database: Pool
) -> None:
    """The node waits for the silent socket and renews late. Each screen must know the lease that is stored then."""
    await start(talktime)
    presence = talktime.node.presence
    screens = [Answering(talktime), Answering(talktime)]
    for screen, party in zip(screens, Party, strict=True):
        await presence.attach(screen, "first", party)
    observer = Answering(talktime)
    presence.observe(observer, "first")
    await talktime.put_user("bob", "Bob")
    await talktime.add_credit("bob", parse_credits("10000"))
    await talktime.initialize_time_tracking_for_chat("bob", "maya", "second")
    await presence.attach(Socket(), "second", Party.USER)
    await presence.ask()
    await presence.renew()
    renewed_at = await database.fetchval("select renewed_at from nodes where node_id = $1", presence.node_id)
    for screen in (*screens, observer):
        assert abs(screen.told[-1] - renewed_at - talktime.engine.durations.lease_ms) < 1_000


async def test_a_running_record_without_a_deadline_is_seen_and_mended(talktime: Talktime, database: Pool) -> None:
    await start(talktime)
    await database.execute("update accounts set due_at = null")
    assert [broken["rule"] for broken in await talktime.broken_rules()] == [9]
    await talktime.node.deadlines.check_health()
    assert await talktime.broken_rules() == []
