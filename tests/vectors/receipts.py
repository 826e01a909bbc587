"""Records with all that can be on a receipt, for tests, and for `tests/vectors/receipts.json`:

.venv/bin/python -m tests.vectors.receipts > tests/vectors/receipts.json
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from talktime import Party, Talktime, Tariff, logs, parse_credits
from talktime.core.entries import BorneBy
from talktime.core.terms import Terms
from talktime.documents.receipt import Receipt
from talktime.testing import disposable_database
from tests.databases import STANDING_CLOCK, open_database
from tests.nodes import LONG_SECONDS, add_alice_and_maya, node_on

TARIFF: Final = Tariff.parse(
    {
        "connect_fee": "0.40",
        "free_seconds": 30,
        "tiers": [
            {"rate": "0.20", "per_seconds": 60, "increment_seconds": 60},
            {"from_seconds": 60, "rate": "0.10", "per_seconds": 60, "increment_seconds": 1},
        ],
        "rounding": {"places": 4, "mode": "up"},
    }
)
TERMS: Final = Terms.parse({"share_percent": 49, "fee_per_minute": "0.04"})


async def a_story(talktime: Talktime) -> Receipt:
    """A record with two chats, a pause by the advisor, charges in between, and a gift spent."""
    await talktime.put_advisor("vera", "Vera", TARIFF, TERMS, starts="at_once")
    await talktime.add_credit("alice", parse_credits("0.50"), "gift")
    started = await talktime.initialize_time_tracking_for_chat("alice", "vera", "first")
    await talktime.advance_clock(61_500)
    await talktime.engine.post_charges()
    await talktime.initialize_time_tracking_for_chat("alice", "vera", "second")
    await talktime.advance_clock(45_250)
    await talktime.pause("second", by="advisor")
    await talktime.advance_clock(20_000)
    await talktime.resume("second")
    await talktime.advance_clock(75_750)
    await talktime.stop("second", by="user")
    return await talktime.receipt(started.record.id)


async def a_maximum(talktime: Talktime) -> Receipt:
    """A record beyond its maximum: the time goes on, costs nothing and bears no fee."""
    tariff = {"tiers": [{"rate": "1.00", "increment_seconds": 60}], "max_cost": "2.50", "boundary": "begun"}
    await talktime.put_advisor("max", "Max", Tariff.parse(tariff), TERMS, starts="at_once")
    started = await talktime.initialize_time_tracking_for_chat("alice", "max", "third")
    await talktime.advance_clock(600_000)
    await talktime.stop("third")
    return await talktime.receipt(started.record.id)


async def a_minimum(talktime: Talktime) -> Receipt:
    """A record below its minimum charge: the price stands still and fees go on, in entries that a user does not see."""
    tariff = {"tiers": [{"rate": "0.50", "increment_seconds": 1}], "minimum_charge": "3.00", "grace_seconds": 5}
    await talktime.put_advisor("minnie", "Minnie", Tariff.parse(tariff), TERMS, starts="at_once")
    started = await talktime.initialize_time_tracking_for_chat("alice", "minnie", "fourth")
    for _ in range(3):
        await talktime.advance_clock(59_500)
        await talktime.engine.post_charges()
    await talktime.stop("fourth", by="operator")
    await talktime.advance_clock(1_000)
    for borne_by, amount in ((BorneBy.SHARED, "0.50"), (BorneBy.ADVISOR, "0.25"), (BorneBy.SHARED, "1.00")):
        await talktime.refund(started.record.id, reason="A bad line", borne_by=borne_by, amount=parse_credits(amount))
    return await talktime.receipt(started.record.id)


async def one_that_waits(talktime: Talktime) -> Receipt:
    """A paused record: its last gap has no end yet."""
    started = await talktime.initialize_time_tracking_for_chat("alice", "maya", "sixth")
    await talktime.advance_clock(30_000)
    await talktime.pause("sixth", by="user")
    await talktime.advance_clock(45_000)
    return await talktime.receipt(started.record.id)


async def an_absence(talktime: Talktime) -> Receipt:
    """A record that paused because the advisor's lease ended, and resumed."""
    await talktime.put_advisor(
        "ann", "Ann", Tariff.parse({"tiers": [{"rate": "0.01"}]}), TERMS, starts="at_once"
    )  # it lasts
    started = await talktime.initialize_time_tracking_for_chat("alice", "ann", "seventh")
    lease_ms = int(talktime.settings.presence_lease_seconds * 1000)
    await talktime.advance_clock(lease_ms // 2)
    await talktime.heartbeat("seventh", Party.USER)
    await talktime.advance_clock(lease_ms // 2 + 7_000)
    await talktime.heartbeat("seventh", Party.ADVISOR)
    await talktime.advance_clock(20_000)
    await talktime.stop("seventh", by="service")
    return await talktime.receipt(started.record.id)


async def one_that_runs(talktime: Talktime) -> Receipt:
    """A receipt as of this moment."""
    await talktime.put_advisor("vera", "Vera", TARIFF, TERMS, starts="at_once")
    started = await talktime.initialize_time_tracking_for_chat("alice", "vera", "fifth")
    await talktime.advance_clock(92_345)
    return await talktime.receipt(started.record.id)


STORIES: Final = (a_story, a_maximum, a_minimum, one_that_runs, one_that_waits, an_absence)


async def documents() -> list[dict[str, Any]]:
    """The receipt of each story."""
    found = []
    for story in STORIES:
        async with (
            disposable_database() as url,
            node_on(url, presence_lease_seconds=LONG_SECONDS) as talktime,
            open_database(url) as database,
        ):
            await database.execute(STANDING_CLOCK)
            await add_alice_and_maya(talktime)
            found.append((await story(talktime)).document())
    return found


if __name__ == "__main__":
    logs.configure(debug=False)  # to standard error
    print(json.dumps(asyncio.run(documents()), indent=1))  # noqa: T201  that is its work
