"""Events: what a host is told, in which order, at which instants; and that no reader ever skips one."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import asyncpg
import pytest

from talktime import Party, Talktime, parse_credits
from talktime.core.errors import Gone, InvalidRequest
from talktime.core.instants import format_instant
from talktime.database.pool import Pool
from talktime.documents.event import Event
from tests.nodes import LONG_SECONDS, MAYAS_TARIFF, add_alice_and_maya, node_on

pytestmark = pytest.mark.both_servers


async def read(node: Talktime, **wanted: Any) -> list[Event]:
    """All events, the oldest first."""
    return [event async for event in node.events(**wanted, follow=False)]


async def types(node: Talktime, **wanted: Any) -> list[str]:
    return [event.type.value for event in await read(node, **wanted)]


async def test_a_conversation_as_a_host_is_told(talktime: Talktime) -> None:
    started = await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    await talktime.advance_clock(60_000)
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "second")
    await talktime.advance_clock(30_000)
    await talktime.pause("second", by=Party.USER)
    await talktime.resume("second", by=Party.USER)
    await talktime.advance_clock(30_000)
    await talktime.stop("second")
    await talktime.refund(started.record.id, reason="a fault", borne_by="platform", amount=parse_credits("0.20"))
    events = await read(talktime)
    assert [event.type.value for event in events] == [
        "credit.added",
        "record.started",
        "charge.posted",
        "record.switched",
        "charge.posted",
        "record.paused",
        "record.resumed",
        "charge.posted",
        "record.ended",
        "refund.posted",
    ]
    begun, switched, ended, refunded = (events[place] for place in (1, 3, 8, 9))
    assert (begun.chat_id, begun.occurred_at) == ("first", started.record.started_at)
    assert (switched.chat_id, switched.data["previous_chat_id"]) == ("second", "first")
    assert (ended.data["state"], ended.data["reason"]) == ("ended", "stopped")
    receipt = await talktime.receipt(started.record.id)
    assert (ended.data["cost"], ended.data["elapsed_ms"]) == (receipt.document()["cost"], receipt.elapsed_ms)
    charges = [event.data["amount"] for event in events if event.type == "charge.posted"]
    assert sum(map(float, charges)) == pytest.approx(-float(ended.data["cost"]))
    assert refunded.data["balance"] == (await talktime.account("alice")).document()["balance"]
    assert {entry.id for entry in await talktime.entries("alice")} == {
        event.data["entry_id"] for event in events if "entry_id" in event.data
    }
    assert [int(event.id) for event in events] == sorted(int(event.id) for event in events)


@pytest.mark.parametrize(
    ("starts", "act", "told"),
    [
        ("present", "nothing", ["record.requested"]),
        ("present", "stop", ["record.requested", "record.ended"]),
        ("accepted", "nothing", ["record.requested"]),
        ("accepted", "accept", ["record.requested", "record.started"]),
        ("accepted", "decline", ["record.requested", "record.declined"]),
        ("accepted", "ring", ["record.requested", "record.missed"]),
        ("at_once", "nothing", ["record.started"]),
    ],
)
async def test_a_start_is_told_as_it_is(talktime: Talktime, starts: str, act: str, told: list[str]) -> None:
    await talktime.put_advisor("vera", "Vera", MAYAS_TARIFF, starts=starts, ring_ms=20_000)
    await talktime.initialize_time_tracking_for_chat("alice", "vera", "chat")
    if act == "ring":
        await talktime.advance_clock(20_000)
    elif act != "nothing":
        await getattr(talktime, act)("chat")
    assert await types(talktime, advisor_id="vera") == told


async def test_what_happens_late_is_told_at_its_own_instant(database_url: str) -> None:
    async with node_on(database_url, presence_lease_seconds=20, work=False) as node:
        await add_alice_and_maya(node)
        started = await node.initialize_time_tracking_for_chat("alice", "maya", "chat")
        await node.advance_clock(86_400_000)
        events = [event for event in await read(node) if event.record_id == started.record.id]
        lapse = started.record.started_at + 20_000
        assert [(event.type.value, event.occurred_at) for event in events] == [
            ("record.started", started.record.started_at),
            ("charge.posted", lapse),
            ("party.left", lapse),
            ("record.paused", lapse),
            ("record.ended", lapse),
        ]
        assert events[-1].recorded_at > lapse + 80_000_000
        assert events[-1].data["reason"] == "abandoned"


async def test_credit_that_ends_is_told_before_and_then(database_url: str) -> None:
    async with node_on(
        database_url, presence_lease_seconds=LONG_SECONDS, health_seconds=LONG_SECONDS, low_credit_seconds=60
    ) as node:
        await add_alice_and_maya(node, credit="1.00")
        started = await node.initialize_time_tracking_for_chat("alice", "maya", "chat")
        await node.advance_clock(50_000)
        assert await types(node, types=("credit.low", "credit.exhausted")) == ["credit.low"]
        await node.advance_clock(60_000)
        low, exhausted = await read(node, types=("credit.low", "credit.exhausted"))
        cut_at = started.record.started_at + 100_000
        assert (low.occurred_at, low.data["cut_at"], low.data["left_ms"]) == (
            cut_at - 60_000,
            format_instant(cut_at),
            60_000,
        )
        assert (exhausted.occurred_at, exhausted.data["cost"]) == (cut_at, "1.00")
        await node.add_credit("alice", parse_credits("5.00"))
        assert (await types(node))[-2:] == ["credit.added", "record.resumed"]
        assert await node.broken_rules() == []


async def test_credit_that_is_not_low_any_more_is_stored_so_at_once(talktime: Talktime, database: Pool) -> None:
    """Otherwise the next command would store this, also if that command is refused."""
    await talktime.debit("alice", parse_credits("99.00"), reference="tea")
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "chat")
    await talktime.advance_clock(1_000)
    assert await types(talktime, types=("credit.low",)) == ["credit.low"]
    told_at = "select low_told_at from records where state = 'running'"
    assert await database.fetchval(told_at) is not None
    await talktime.add_credit("alice", parse_credits("50.00"))
    assert await database.fetchval(told_at) is None


async def test_a_gift_that_expires_is_told_with_what_was_left_of_it(talktime: Talktime) -> None:
    expires_at = await talktime.now() + 3_600_000
    texts = {"campaign": "spring"}
    await talktime.add_credit("alice", parse_credits("5.00"), "gift", expires_at=expires_at, metadata=texts)
    await talktime.debit("alice", parse_credits("2.00"), reference="tea", metadata={"sku": "x"})
    await talktime.advance_clock(7_200_000)
    added, spent, expired = (await read(talktime, user_id="alice"))[-3:]
    assert [event.type.value for event in (added, spent, expired)] == ["credit.added", "credit.spent", "credit.expired"]
    assert (added.data["kind"], added.data["metadata"]) == ("gift", texts)
    assert (spent.data["amount"], spent.data["reference"], spent.data["metadata"]) == ("-2.00", "tea", {"sku": "x"})
    assert (expired.occurred_at, expired.data["amount"], expired.data["gift"]) == (expires_at, "-3.00", "-3.00")
    assert expired.data["balance"] == (await talktime.account("alice")).document()["balance"]


async def test_the_events_of_a_record_have_the_texts_of_its_host(talktime: Talktime) -> None:
    started, _ = await talktime.create_chat("alice", "maya", "chat", metadata={"topic": "work"})
    await talktime.stop("chat")
    told = await read(talktime, record_id=started.record.id)
    records = [event for event in told if event.type.value.startswith("record.")]
    assert [event.data["metadata"] for event in records] == [{"topic": "work"}] * 2


async def test_a_reader_never_skips_a_transaction_that_commits_late(talktime: Talktime, database: Pool) -> None:
    """Writers take ids in one order and commit in another, while a reader follows."""
    insert = (
        "insert into events (type, occurred_at, recorded_at, user_id, data, data_version)"
        " values ('credit.added', now(), now(), 'alice', '{}', 1) returning event_id"
    )
    first = (await talktime.event_page(after="latest")).next
    stored: list[int] = []
    seen: list[int] = []
    chance = random.Random(1)

    async def write() -> None:
        for _ in range(12):
            async with database.acquire() as connection, connection.transaction():
                stored.append(await connection.fetchval(insert))
                await asyncio.sleep(chance.random() / 10)

    async def follow() -> None:
        async for event in talktime.events(after=first):
            seen.append(int(event.id))  # noqa: PERF401  the loop never ends

    reader = asyncio.create_task(follow())
    await asyncio.gather(*(write() for _ in range(6)))
    async with asyncio.timeout(10):
        while len(seen) < len(stored):
            await asyncio.sleep(0.05)
    reader.cancel()
    assert seen == sorted(stored)


async def test_a_long_transaction_of_somebody_else_holds_up_nobody(talktime: Talktime, database: Pool) -> None:
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("select pg_current_xact_id()")
        await talktime.add_credit("alice", parse_credits("1.00"))
        assert (await types(talktime))[-1] == "credit.added"


async def test_an_event_exists_only_if_its_fact_exists(talktime: Talktime, database: Pool) -> None:
    before = len(await read(talktime))
    with pytest.raises(InvalidRequest):
        await talktime.add_credit("alice", 0)
    async with database.acquire() as connection:
        await connection.execute("alter table accounts add constraint no_more check (balance < 150000000) not valid")
        with pytest.raises(asyncpg.CheckViolationError, match="no_more"):
            await talktime.add_credit("alice", parse_credits("60.00"))
        await connection.execute("alter table accounts drop constraint no_more")
    assert len(await read(talktime)) == before


async def test_events_never_change(database: Pool, talktime: Talktime) -> None:
    with pytest.raises(asyncpg.RaiseError, match="facts"):
        await database.execute("update events set type = 'record.ended'")


async def test_old_events_go_and_a_reader_who_is_too_late_is_told(talktime: Talktime) -> None:
    first = (await read(talktime))[0]
    await talktime.advance_clock(91 * 86_400_000)
    await talktime.add_credit("alice", parse_credits("1.00"))
    await talktime.node.retention.delete_old()
    (kept,) = await read(talktime)
    assert kept.data["amount"] == "1.00"
    with pytest.raises(Gone):
        await talktime.event_page(after=str(int(first.id) - 1))
    assert (await talktime.event_page(after=first.id)).data == (kept,)


async def test_a_broken_rule_is_told_once_a_day(database_url: str) -> None:
    async with node_on(database_url, work=False) as node:
        await add_alice_and_maya(node)
        async with node.node.database.writing() as connection:
            await connection.execute("update accounts set balance = balance + 1")
        for _ in range(3):
            await node.node.auditor.look()
        (event,) = await read(node, types=("rule.broken",))
        assert (event.data["rule"], event.data["id"], event.user_id) == (5, "alice", "alice")
        async with node.node.database.writing() as connection:
            await connection.execute("update accounts set balance = balance - 1")


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 19, "٣"])
async def test_what_is_no_cursor_is_refused(talktime: Talktime, after: str) -> None:
    with pytest.raises(InvalidRequest, match="after"):
        await talktime.event_page(after=after)
