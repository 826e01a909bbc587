"""The commands on a real database: one record, one open segment, exact sums, whatever comes at once."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from talktime import Reason, State, Talktime, parse_credits
from talktime.core.errors import Conflict, InsufficientCredit, InvalidRequest, NotFound, Repeated
from talktime.core.price import price
from talktime.database.pool import Pool
from talktime.documents.snapshot import Snapshot
from talktime.engine.idempotency import Repeat
from tests.nodes import add_alice_and_maya, node_on

pytestmark = pytest.mark.both_servers


async def rows(database: Pool, sql: str) -> list[Any]:
    """The rows of a statement."""
    found: list[Any] = await database.fetch(sql)
    return found


async def begin(talktime: Talktime, chat_id: str = "first") -> Snapshot:
    """Alice talks with Maya."""
    return await talktime.initialize_time_tracking_for_chat("alice", "maya", chat_id)


async def test_record_and_timer_begin_at_one_instant(talktime: Talktime, database: Pool) -> None:
    snapshot = await begin(talktime)
    assert snapshot.timer.running
    assert snapshot.timer.since == snapshot.record.started_at
    found = await rows(
        database, "select r.started_at = s.started_at as same from records r join segments s using (record_id)"
    )
    assert [row["same"] for row in found] == [True]


async def test_a_paused_chat_resumes_its_record(talktime: Talktime) -> None:
    first = await begin(talktime)
    await talktime.advance_clock(10_000)
    paused = await talktime.pause("first")
    await talktime.advance_clock(5_000)
    again = await begin(talktime)
    assert again.record.id == first.record.id
    assert again.timer.running
    assert again.elapsed_ms == paused.elapsed_ms


async def test_twenty_switches_add_up(talktime: Talktime) -> None:
    first = await begin(talktime, "chat 0")
    for number in range(1, 21):
        await talktime.advance_clock(1_000 + 37 * number)
        await begin(talktime, f"chat {number % 3}")
    stopped = await talktime.stop("chat 2")
    durations = [chat.duration_ms for chat in await talktime.chats_of_user("alice")]
    receipt = await talktime.receipt(first.record.id)
    assert len(durations) == 3
    assert sum(durations) == stopped.elapsed_ms == sum(part.duration_ms for part in receipt.segments)
    assert stopped.record.ended_at == stopped.record.started_at + stopped.elapsed_ms
    for before, after in zip(receipt.segments, receipt.segments[1:], strict=False):
        assert (before.ended_at, before.reason) == (after.started_at, Reason.SWITCHED)
    assert -sum(entry.amount for entry in receipt.entries) == price(stopped.tariff, stopped.elapsed_ms).cost


async def test_only_the_current_chat_runs(talktime: Talktime) -> None:
    await begin(talktime)
    await talktime.advance_clock(3_000)
    await begin(talktime, "second")
    left = await talktime.snapshot("first")
    await talktime.advance_clock(60_000)
    assert (await talktime.snapshot("first")).chat_duration_ms == left.chat_duration_ms
    assert [await talktime.timers.has_timer(chat) for chat in ("first", "second")] == [False, True]


async def test_fifty_at_once_are_one(talktime: Talktime, database: Pool) -> None:
    answers = await asyncio.gather(*(begin(talktime) for _ in range(50)))
    assert len({(a.record.id, a.record.started_at, a.timer.since, a.timer.cut_at) for a in answers}) == 1
    assert (await rows(database, "select count(*) from segments where ended_at is null"))[0][0] == 1
    assert (await rows(database, "select count(*) from records"))[0][0] == 1


async def test_a_stop_racing_a_switch(talktime: Talktime) -> None:
    for number in range(10):
        first = await begin(talktime, f"old {number}")
        stopped, switched = await asyncio.gather(talktime.stop(f"old {number}"), begin(talktime, f"new {number}"))
        # Stopped first: the new chat has a record of its own. Switched first: the one record ended there.
        if switched.record.id == first.record.id:
            assert stopped.record.state is State.ENDED
            assert stopped.record.current_chat_id == f"new {number}"
        else:
            assert stopped.record.id == first.record.id
            assert stopped.record.ended_at is not None
            assert stopped.record.ended_at <= switched.record.started_at
        await talktime.stop(f"new {number}")


async def test_three_hours_are_exact(talktime: Talktime) -> None:
    await talktime.add_credit("alice", parse_credits("100"))
    first = await begin(talktime)
    for _ in range(18):
        await talktime.advance_clock(600_000)
        await talktime.engine.post_charges()
    stopped = await talktime.stop("first")
    cost = price(stopped.tariff, stopped.elapsed_ms).cost
    receipt = await talktime.receipt(first.record.id)
    assert stopped.record.ended_at is not None
    assert stopped.elapsed_ms == stopped.record.ended_at - first.record.started_at >= 3 * 3_600_000
    assert stopped.cost == cost == -sum(entry.amount for entry in receipt.entries)
    assert (await talktime.account("alice")).balance == parse_credits("200") - cost
    assert stopped.chat_duration_ms == stopped.elapsed_ms


async def test_the_cut_takes_what_there_is_and_a_top_up_goes_on(talktime: Talktime) -> None:
    await talktime.debit("alice", parse_credits("99.40"))
    first = await begin(talktime)
    assert first.timer.cut_at == first.record.started_at + 60_000
    await talktime.advance_clock(100_000)
    cut = await talktime.snapshot("first")
    assert (cut.record.reason, cut.elapsed_ms, cut.balance) == (Reason.OUT_OF_CREDIT, 60_000, 0)
    assert first.timer.cut_at is not None
    assert cut.timer.recharge_until == first.timer.cut_at + 300_000
    await talktime.add_credit("alice", parse_credits("0.60"))
    again = await talktime.snapshot("first")
    assert again.timer.since is not None
    assert again.timer.cut_at == again.timer.since + 60_000
    await talktime.advance_clock(60_000 + 300_000)
    over = await talktime.snapshot("first")
    assert (over.record.state, over.record.ended_at, over.elapsed_ms) == (State.ENDED, again.timer.cut_at, 120_000)


async def test_without_credit_nothing_is_stored(talktime: Talktime, database: Pool) -> None:
    await talktime.debit("alice", parse_credits("100"))
    with pytest.raises(InsufficientCredit):
        await begin(talktime)
    assert await rows(database, "select 1 from chats") == []
    assert await rows(database, "select 1 from records") == []
    with pytest.raises(NotFound):
        await talktime.snapshot("first")


def repeat(key: str, body: bytes = b"body") -> Repeat:
    """A request under an idempotency key."""
    return Repeat("caller", "POST", "/credits", key, body)


async def test_a_repeat_changes_nothing(talktime: Talktime) -> None:
    first = await talktime.add_credit("alice", 1_000_000, repeat=repeat("one"))
    with pytest.raises(Repeated) as caught:
        await talktime.add_credit("alice", 1_000_000, repeat=repeat("one"))
    with pytest.raises(InvalidRequest):
        await talktime.add_credit("alice", 2_000_000, repeat=repeat("one", b"other"))
    assert caught.value.document == first.document()
    assert (await talktime.account("alice")).balance == first.balance


async def test_repeats_at_once_are_done_once(talktime: Talktime) -> None:
    results = await asyncio.gather(
        *(talktime.add_credit("alice", 1_000_000, repeat=repeat("one")) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(result, Repeated) for result in results) == 7
    assert (await talktime.account("alice")).balance == parse_credits("101")


async def test_a_refusal_for_credit_is_kept(talktime: Talktime) -> None:
    with pytest.raises(InsufficientCredit):
        await talktime.debit("alice", parse_credits("101"), repeat=repeat("one"))
    await talktime.add_credit("alice", parse_credits("5"))
    with pytest.raises(Repeated) as caught:
        await talktime.debit("alice", parse_credits("101"), repeat=repeat("one"))
    assert caught.value.status == 402


FAIL = """
create function fail() returns trigger language plpgsql as $$ begin raise exception 'no timer today'; end $$;
create trigger fail before insert on segments for each row execute function fail();
"""


async def test_a_failing_timer_keeps_the_record_and_bills_no_gap(talktime: Talktime, database: Pool) -> None:
    await database.execute(FAIL)
    with capture_logs() as logs:
        failed = await begin(talktime)
    assert (failed.record.reason, failed.timer.running) == (Reason.TIMER_FAILED, False)
    (fault,) = [line for line in logs if line["event"] == "init_time_tracking.timer_failed"]
    facts = {name: fault[name] for name in ("record_id", "chat_id", "user_id", "advisor_id")}
    assert facts == {"record_id": failed.record.id, "chat_id": "first", "user_id": "alice", "advisor_id": "maya"}
    assert "no timer today" in fault["cause"]
    await talktime.advance_clock(60_000)
    await database.execute("drop trigger fail on segments")
    await talktime.node.deadlines.check_health()
    started = await talktime.snapshot("first")
    assert started.record.id == failed.record.id
    assert started.timer.since is not None
    assert started.timer.since >= failed.record.started_at + 60_000
    stopped = await talktime.stop("first")
    assert stopped.record.ended_at is not None
    assert stopped.elapsed_ms == stopped.record.ended_at - started.timer.since


async def test_timers_by_the_old_names(talktime: Talktime, database: Pool) -> None:
    first = await begin(talktime)
    await talktime.advance_clock(10_000)
    assert await talktime.timers.update_chat_time("first", first.record.id)
    stored = (await rows(database, "select duration_ms from chats"))[0]["duration_ms"]
    assert stored >= 10_000
    assert not (await talktime.timers.stop_timer("first")).timer.running
    assert not await talktime.timers.has_timer("first")
    assert not await talktime.timers.update_chat_time("first", first.record.id)
    assert (await talktime.timers.start_timer("first")).timer.running
    await talktime.stop("first")
    with pytest.raises(Conflict):
        await talktime.timers.start_timer("first")


@pytest.mark.parametrize(
    "sql",
    [
        "update accounts set balance = -1",
        "update entries set amount = amount + 1",
        "delete from entries",
        "update tariffs set version = 2",
        (
            "insert into segments (record_id, user_id, chat_id, started_at)"
            " select record_id, user_id, chat_id, started_at from segments"
        ),
        (
            "insert into segments (record_id, user_id, chat_id, started_at, ended_at, reason)"
            " select record_id, user_id, chat_id, started_at, started_at + interval '1 second', 'paused' from segments"
        ),
        'insert into records select (jsonb_populate_record(r, \'{"record_id": "twin"}\')).* from records r',
    ],
)
async def test_the_schema_refuses(talktime: Talktime, database: Pool, sql: str) -> None:
    await begin(talktime)
    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.RaiseError)):
        await database.execute(sql)


async def test_a_chat_can_be_changed_while_its_timer_fails(talktime: Talktime, database: Pool) -> None:
    await database.execute(FAIL)
    first = await begin(talktime)
    second = await talktime.initialize_time_tracking_for_chat("alice", "maya", "second")
    assert (second.record.id, second.record.current_chat_id) == (first.record.id, "second")
    assert (second.record.reason, second.timer.running) == (Reason.TIMER_FAILED, False)
    await database.execute("drop trigger fail on segments")
    await talktime.node.deadlines.check_health()
    assert (await talktime.snapshot("second")).timer.running
    assert not (await talktime.snapshot("first")).timer.running


async def test_a_new_record_starts_where_an_overdue_end_is_not_stored_yet(database_url: str, database: Pool) -> None:
    async with node_on(database_url, work=False, presence_lease_seconds=1, abandon_seconds=1) as visitor:
        await add_alice_and_maya(visitor)
        first = await begin(visitor)
        await database.execute("update engine_clock set offset_ms = offset_ms + 60000")
        again = await begin(visitor)
        assert again.timer.running
        assert again.record.id != first.record.id
        assert (await visitor.record(first.record.id)).ended_at == first.record.started_at + 1_000
        assert await visitor.broken_rules() == []


async def test_the_worker_waits_for_who_holds_a_due_account(
    database_url: str, database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node_on(database_url, presence_lease_seconds=1) as node:
        await add_alice_and_maya(node)
        await begin(node)
        rounds = 0
        settle_due = node.node.deadlines.settle_due

        async def counted() -> int:
            nonlocal rounds
            rounds += 1
            return await settle_due()

        monkeypatch.setattr(node.node.deadlines, "settle_due", counted)
        async with database.acquire() as connection, connection.transaction():
            await connection.execute("select from accounts where user_id = 'alice' for update")
            await asyncio.sleep(2)
        assert 1 < rounds < 50
        async with asyncio.timeout(20):
            while await database.fetchval("select reason from records") != Reason.USER_AWAY.value:
                await asyncio.sleep(0.02)


async def test_a_change_of_a_record_with_many_chats_writes_one_row_of_a_chat(
    talktime: Talktime, database: Pool
) -> None:
    for number in range(30):
        await talktime.initialize_time_tracking_for_chat("alice", "maya", f"chat {number}")
    before = await database.fetchval("select array_agg(ctid::text order by chat_id) from chats")
    sequence = await database.fetchval("select sequence from accounts where user_id = 'alice'")
    await talktime.pause("chat 29")
    after = await database.fetchval("select array_agg(ctid::text order by chat_id) from chats")
    assert sum(old != new for old, new in zip(before, after, strict=True)) <= 1
    assert await database.fetchval("select sequence from accounts where user_id = 'alice'") == sequence + 1


async def test_a_change_by_the_version_before_raises_the_number_of_the_account(
    talktime: Talktime, database: Pool
) -> None:
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    before = (await talktime.snapshot("first")).sequence
    await database.execute("update chats set sequence = sequence + 1 where chat_id = 'first'")
    assert (await talktime.snapshot("first")).sequence == before + 1
