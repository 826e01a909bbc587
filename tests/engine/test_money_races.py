"""Money when everything comes at once, through two nodes, in real time: always one of the serial outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from talktime import Talktime, Tariff, parse_credits
from talktime.core.errors import Conflict, InsufficientCredit, Repeated
from talktime.core.terms import Terms
from talktime.documents.account import Refund
from talktime.engine.idempotency import Repeat
from tests.nodes import LONG_SECONDS, node_on

pytestmark = pytest.mark.both_servers

MINUTES = Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}]})
ONE = parse_credits("1.00")


@pytest.fixture
async def nodes(talktime: Talktime, database_url: str) -> AsyncIterator[tuple[Talktime, Talktime]]:
    """Two nodes; Bob has no credit yet, and there are thirty advisors by the minute."""
    await talktime.put_user("bob", "Bob")
    for number in range(30):
        await talktime.put_advisor(
            f"advisor {number}", "A", MINUTES, Terms.parse({"share_percent": 30}), starts="at_once"
        )
    async with node_on(database_url, work=False, presence_lease_seconds=LONG_SECONDS) as other:
        yield talktime, other


async def outcomes(*calls: Coroutine[Any, Any, Any], refused: type[Exception]) -> list[Any]:
    """Run all of them at once. Returns the results of those that were not refused."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    unforeseen = [result for result in results if isinstance(result, BaseException) and not isinstance(result, refused)]
    assert unforeseen == []
    return [result for result in results if not isinstance(result, BaseException)]


async def test_thirty_starts_on_credit_for_one(nodes: tuple[Talktime, Talktime]) -> None:
    await nodes[0].add_credit("bob", ONE)
    started = await outcomes(
        *(
            nodes[number % 2].initialize_time_tracking_for_chat("bob", f"advisor {number}", f"chat {number}")
            for number in range(30)
        ),
        refused=InsufficientCredit,
    )
    assert len(started) == 1
    assert [snapshot.record.id for snapshot in await nodes[0].records()] == [started[0].record.id]
    assert len(await nodes[0].chats_of_user("bob")) == 1


async def test_committed_credit_cannot_be_withdrawn(nodes: tuple[Talktime, Talktime]) -> None:
    await nodes[0].add_credit("bob", 5 * ONE)
    calls = [nodes[number % 2].debit("bob", ONE) for number in range(12)]
    calls.insert(3, nodes[1].initialize_time_tracking_for_chat("bob", "advisor 0", "chat"))  # type: ignore[arg-type]
    done = await outcomes(*calls, refused=InsufficientCredit)
    assert len(done) == 5
    account = await nodes[0].account("bob")
    assert account.available == 0
    with pytest.raises(InsufficientCredit):
        await nodes[1].debit("bob", 1)


async def test_free_time_is_not_used_twice(nodes: tuple[Talktime, Talktime]) -> None:
    free = Tariff.parse({"free_seconds": 180, "tiers": [{"rate": "1.00", "increment_seconds": 60}]})
    await nodes[0].put_advisor("vera", "Vera", free, starts="at_once")
    await nodes[0].add_credit("bob", 50 * ONE)
    both = await asyncio.gather(*(nodes[n].initialize_time_tracking_for_chat("bob", "vera", f"{n}") for n in (0, 1)))
    assert len({snapshot.record.id for snapshot in both}) == 1
    current = (await nodes[0].record(both[0].record.id)).current_chat_id
    await nodes[0].advance_clock(120_000)
    await asyncio.gather(nodes[0].stop(current), nodes[1].initialize_time_tracking_for_chat("bob", "vera", "another"))
    # Stopped before it was switched, a second record goes on; switched before it was stopped, there is none.
    if not (await nodes[0].snapshot("another")).timer.running:
        await nodes[0].initialize_time_tracking_for_chat("bob", "vera", "another")
    await nodes[0].advance_clock(120_500)
    await nodes[0].stop("another")
    assert (await nodes[0].account("bob")).balance == 48 * ONE


async def talked(nodes: tuple[Talktime, Talktime]) -> str:
    """A record of Bob's that has cost 5 credits and still runs; the balance is 45."""
    await nodes[0].add_credit("bob", 50 * ONE)
    started = await nodes[0].initialize_time_tracking_for_chat("bob", "advisor 1", "chat")
    await nodes[0].advance_clock(290_000)
    return started.record.id


async def test_refunds_at_once_give_back_no_more_than_there_was(nodes: tuple[Talktime, Talktime]) -> None:
    record_id = await talked(nodes)
    calls: list[Coroutine[Any, Any, Any]] = [
        nodes[number % 2].refund(record_id, reason="line", borne_by="shared", amount=ONE) for number in range(12)
    ]
    calls.insert(4, nodes[0].stop("chat"))
    calls.insert(8, nodes[1].timers.update_chat_time("chat", record_id))
    done = await outcomes(*calls, refused=Conflict)
    given = [result for result in done if isinstance(result, Refund)]
    assert sorted(refund.refundable for refund in given) == [n * ONE for n in range(5)]
    assert sum(refund.by_advisor for refund in given) == 5 * parse_credits("0.30")
    assert (await nodes[0].account("bob")).balance == 50 * ONE
    receipt = await nodes[0].receipt(record_id)
    assert receipt.cost == 5 * ONE
    assert [entry.amount for entry in receipt.entries if entry.kind == "refund"] == [ONE] * 5
    assert {entry.reason for entry in receipt.entries if entry.kind == "refund"} == {"line"}


async def test_a_repeated_refund_gives_back_once(nodes: tuple[Talktime, Talktime]) -> None:
    record_id = await talked(nodes)
    repeat = Repeat("service:host", "POST", f"/v1/records/{record_id}/refunds", "key", b"body")
    done = await outcomes(
        *(
            nodes[n % 2].refund(record_id, reason="why", borne_by="platform", amount=ONE, repeat=repeat)
            for n in range(10)
        ),
        refused=Repeated,
    )
    assert len(done) == 1
    assert (await nodes[0].account("bob")).available == 46 * ONE


async def test_a_refund_resumes_what_ran_out_or_finds_it_over(nodes: tuple[Talktime, Talktime]) -> None:
    await nodes[0].add_credit("bob", 2 * ONE)
    started = await nodes[0].initialize_time_tracking_for_chat("bob", "advisor 1", "chat")
    await nodes[0].advance_clock(130_000)
    assert (await nodes[0].snapshot("chat")).timer.recharge_until is not None
    await asyncio.gather(
        nodes[1].refund(started.record.id, reason="why", borne_by="platform", duration_ms=60_000),
        nodes[0].stop("chat"),
    )
    assert (await nodes[0].account("bob")).balance in {0, ONE}
    receipt = await nodes[0].receipt(started.record.id)
    assert receipt.record.ended_at is not None
    # Refunded before it was stopped, it ran for a moment, and so for one more minute.
    assert receipt.cost in {2 * ONE, 3 * ONE}
    assert sum(entry.amount for entry in receipt.entries) == ONE - receipt.cost


async def test_a_record_that_is_not_there_and_one_of_long_ago(nodes: tuple[Talktime, Talktime]) -> None:
    record_id = await talked(nodes)
    await nodes[0].stop("chat")
    await nodes[0].initialize_time_tracking_for_chat("bob", "advisor 1", "chat")
    assert (await nodes[1].refund(record_id, reason="why", borne_by="advisor", amount=ONE)).by_advisor == ONE
    with pytest.raises(Exception, match="no such record"):
        await nodes[1].refund("nothing", reason="why", borne_by="advisor", amount=ONE)
