"""The grace of a tariff is granted to a pair once in 24 hours."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from talktime import Talktime, Tariff, parse_credits
from talktime.core.errors import InsufficientCredit
from talktime.core.instants import format_instant
from talktime.database.pool import Pool
from talktime.documents.receipt import Receipt
from talktime.documents.verification import verify
from tests.databases import STANDING_CLOCK

pytestmark = pytest.mark.both_servers

DAY_MS: Final = 86_400_000
GRACE: Final = Tariff.parse({"tiers": [{"rate": "0.60"}], "grace_seconds": 30})
COST: Final = parse_credits("0.28")


@pytest.fixture(autouse=True)
async def _stage(talktime: Talktime, database: Pool) -> None:
    await database.execute(STANDING_CLOCK)
    for advisor in ("vera", "ben"):
        await talktime.put_advisor(advisor, advisor.title(), GRACE, starts="at_once")


async def talk(talktime: Talktime, advisor: str = "vera", seconds: float = 28) -> Receipt:
    """A record of this length; its receipt, which must be right."""
    started = await talktime.initialize_time_tracking_for_chat("alice", advisor, f"with {advisor}")
    await talktime.advance_clock(int(seconds * 1000))
    await talktime.stop(f"with {advisor}")
    receipt = await talktime.receipt(started.record.id)
    assert [check for check in verify(receipt.document()) if not check.holds] == []
    return receipt


async def test_of_ten_short_talks_one_is_free(talktime: Talktime) -> None:
    receipts = [await talk(talktime) for _ in range(10)]
    assert [receipt.cost for receipt in receipts] == [0, *[COST] * 9]
    first = receipts[0].record.started_at
    assert [receipt.grace_used_at for receipt in receipts] == [None, *[first] * 9]
    assert receipts[1].document()["grace_used_at"] == format_instant(first)
    assert (await talktime.account("alice")).balance == parse_credits("100") - 9 * COST
    replayed = await talktime.replay(GRACE, 0, 10**13)
    assert [each.replayed for each in replayed.sessions] == [0, *[COST] * 9]


async def test_after_24_hours_there_is_grace_again(talktime: Talktime, database: Pool) -> None:
    first = await talk(talktime)
    passed = await talktime.now() - first.record.started_at
    await talktime.advance_clock(DAY_MS - passed - 1)
    assert (await talk(talktime)).cost == COST
    await database.execute("update engine_clock set offset_ms = offset_ms - 28000")
    await talktime.advance_clock(28_000)
    # That record was not free, so it does not put off the next grace.
    assert (await talk(talktime)).cost == 0
    assert (await talk(talktime)).cost == COST


async def test_a_talk_beyond_the_grace_uses_nothing_up(talktime: Talktime) -> None:
    assert (await talk(talktime, seconds=31)).cost == parse_credits("0.31")
    assert (await talk(talktime)).cost == 0


async def test_each_advisor_is_another_pair(talktime: Talktime) -> None:
    starts = [talktime.initialize_time_tracking_for_chat("alice", advisor, advisor) for advisor in ("vera", "ben")]
    await asyncio.gather(*starts)
    await talktime.advance_clock(28_000)
    stops = await asyncio.gather(*(talktime.stop(advisor) for advisor in ("vera", "ben")))
    assert [stopped.cost for stopped in stops] == [0, 0]
    assert [(await talk(talktime, advisor)).cost for advisor in ("vera", "ben")] == [COST, COST]


async def test_a_tariff_without_cost_uses_no_grace(talktime: Talktime) -> None:
    await talktime.put_advisor("vera", "Vera", Tariff.parse({"tiers": [{"rate": "0"}], "grace_seconds": 30}))
    await talk(talktime)
    await talktime.put_advisor("vera", "Vera", GRACE)
    assert (await talk(talktime)).cost == 0


async def test_without_grace_the_credit_ends_sooner(talktime: Talktime) -> None:
    await talk(talktime)
    await talktime.debit("alice", parse_credits("99.90"))
    started = await talktime.initialize_time_tracking_for_chat("alice", "vera", "with vera")
    assert started.timer.cut_at == started.record.started_at + 10_000  # with grace: not before 30 seconds
    await talktime.advance_clock(9_500)
    shown = await talktime.snapshot("with vera")
    assert (shown.cost, shown.balance) == (parse_credits("0.10"), 0)
    await talktime.advance_clock(1_000)
    assert (await talktime.snapshot("with vera")).record.reason == "out_of_credit"
    await talktime.stop("with vera")
    with pytest.raises(InsufficientCredit):
        await talktime.initialize_time_tracking_for_chat("alice", "vera", "with vera")
