"""6: a long session is exact, by the test clock and by the real clock."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import pytest

from .stage import AGREE_MS, CENT, Stage, micros, milliseconds

FIVE_MINUTES = 300
THREE_HOURS_MS = 3 * 3_600_000
# 3 minutes free, 0.25 to connect, 1.20 a minute by the second, cheaper after an hour.
TARIFF = {
    "connect_fee": "0.25",
    "free_seconds": 180,
    "tiers": [
        {"from_seconds": 0, "rate": "1.20", "per_seconds": 60, "increment_seconds": 1},
        {"from_seconds": 3600, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1},
    ],
}


def cost_of(elapsed_ms: int) -> int:
    """The price by `TARIFF` of more than an hour, in micro-credits, computed without talktime."""
    seconds = -(-elapsed_ms // 1000) - 180
    return 25 * CENT + 3600 * 2 * CENT + (seconds - 3600) * 1 * CENT


async def test_6_three_hours_by_the_test_clock_are_exact(stage: Stage, tell: Callable[[str], None]) -> None:
    await stage.start(test_clock=1)
    await stage.people(credit="200.00", tariff=TARIFF)
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    screens = await stage.both_screens(chat_id)
    seed = random.randrange(1_000_000)
    tell(f"seed {seed}")
    steps = random.Random(seed)
    advanced_ms = 0
    while advanced_ms < THREE_HOURS_MS:
        step_ms = min(steps.randrange(1, 1_800_000), THREE_HOURS_MS - advanced_ms)
        await stage.call("POST", "/test-clock/advance", {"seconds": step_ms / 1000})
        advanced_ms += step_ms
        assert (await stage.tracking(chat_id))["timer"]["running"]
    (offset,) = await stage.sql("select offset_ms from engine_clock")
    # Engine time is ahead of the clock of this machine now, and so are the screens as soon as they have noticed.
    async with asyncio.timeout(20):
        while (
            max([abs(await screen.zero_ms() - await zero_ms(stage, chat_id) + offset[0]) for screen in screens])
            > AGREE_MS
        ):
            await asyncio.sleep(0.1)
    await screens[1].press("stop")
    await asyncio.gather(*(screen.wait_for("ended") for screen in screens))
    receipt = await stage.assert_adds_up(record_id)
    record, (segment,) = receipt["record"], receipt["segments"]
    elapsed_ms = receipt["elapsed_ms"]
    assert (segment["started_at"], segment["ended_at"]) == (record["started_at"], record["ended_at"])
    assert elapsed_ms == round(milliseconds(record["ended_at"]) - milliseconds(record["started_at"]))
    assert THREE_HOURS_MS <= elapsed_ms <= THREE_HOURS_MS + 60_000
    assert [await screen.elapsed_ms() for screen in screens] == [elapsed_ms, elapsed_ms]
    assert (await stage.tracking(chat_id))["chat"]["duration_ms"] == elapsed_ms
    cost = cost_of(elapsed_ms)
    assert micros(receipt["cost"]) == cost
    charges = [micros(entry["amount"]) for entry in await stage.entries() if entry["kind"] == "charge"]
    assert charges == [-cost]
    account = await stage.call("GET", "/users/uma/account")
    assert micros(account["balance"]) == micros(account["available"]) == 200_000_000 - cost
    for screen in screens:
        await screen.assert_calm(clock_moved=True)


async def zero_ms(stage: Stage, chat_id: str) -> float:
    """The engine time at which the timer of the server was at zero."""
    snapshot = await stage.tracking(chat_id)
    return milliseconds(snapshot["server_time"]) - float(snapshot["chat"]["duration_ms"])


@pytest.mark.begins_first(seconds=310)
async def test_6_five_minutes_of_real_time_are_exact(
    stage_without_database: Stage, tell: Callable[[str], None]
) -> None:
    """The service starts its own database."""
    stage = stage_without_database
    await stage.start()
    await stage.people(credit="50.00")
    begun_ms = time.time() * 1000
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    screens = await stage.both_screens(chat_id)
    apart_ms = []
    while (left := begun_ms / 1000 + FIVE_MINUTES - time.time()) > 0:
        apart_ms.append(await stage.apart_ms(chat_id, *screens))
        await asyncio.sleep(min(1.0, left))
    await screens[0].press("stop")
    await asyncio.gather(*(screen.wait_for("ended") for screen in screens))
    ended_ms = time.time() * 1000
    tell(f"the most that two screens and the server were apart in five minutes: {max(apart_ms):.1f} ms")

    receipt = await stage.assert_adds_up(record_id)
    record, (segment,) = receipt["record"], receipt["segments"]
    elapsed_ms = receipt["elapsed_ms"]
    assert (segment["started_at"], segment["ended_at"]) == (record["started_at"], record["ended_at"])
    assert elapsed_ms == round(milliseconds(record["ended_at"]) - milliseconds(record["started_at"]))
    # Not a millisecond outside of the test's own instants; the service truncates instants to whole milliseconds.
    assert begun_ms - 1 <= milliseconds(record["started_at"])
    assert milliseconds(record["ended_at"]) <= ended_ms
    assert elapsed_ms >= FIVE_MINUTES * 1000 - 1_000
    assert [await screen.elapsed_ms() for screen in screens] == [elapsed_ms, elapsed_ms]
    cost = -(-elapsed_ms // 1000) * 10 * CENT  # 0.10 for each second begun
    assert micros(receipt["cost"]) == cost
    charges = [micros(entry["amount"]) for entry in await stage.entries() if entry["kind"] == "charge"]
    assert charges == [-cost]
    account = await stage.call("GET", "/users/uma/account")
    assert micros(account["balance"]) == 50_000_000 - cost
    for screen in screens:
        await screen.assert_calm()
