"""10: a record stops at the instant at which its credit ends, waits for a top-up, and resumes after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .stage import Stage, micros, milliseconds

# 0.50 pays for seven seconds, and 0.01 is left.
SEVEN_CENTS = {"tiers": [{"from_seconds": 0, "rate": "0.07", "per_seconds": 1, "increment_seconds": 1}]}
RECHARGE_SECONDS = 6


async def test_10_credit_ends_at_its_instant_and_a_top_up_in_the_last_second_resumes(
    stage: Stage, tell: Callable[[str], None]
) -> None:
    await stage.start("demo", recharge_seconds=RECHARGE_SECONDS)
    await stage.people(credit="0.50", tariff=SEVEN_CENTS)
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    cut_ms = milliseconds(opened["record"]["started_at"]) + 7_000
    assert milliseconds(opened["timer"]["cut_at"]) == cut_ms
    user, advisor = screens = await stage.both_screens(chat_id)
    await asyncio.gather(*(screen.wait_for("paused") for screen in screens))
    cut = await stage.tracking(chat_id)
    assert [await screen.elapsed_ms() for screen in screens] == [7_000, 7_000]
    assert milliseconds(cut["timer"]["recharge_until"]) == cut_ms + RECHARGE_SECONDS * 1000
    assert (cut["record"]["reason"], cut["balance"]) == ("out_of_credit", "0.01")
    await user.page.get_by_text("Your credits have run out").wait_for()
    await advisor.page.get_by_text("Uma is out of credit").wait_for()
    receipt = await stage.assert_adds_up(record_id)
    assert (receipt["elapsed_ms"], receipt["cost"]) == (7_000, "0.49")
    assert receipt["segments"][0]["reason"] == "out_of_credit"
    assert (await stage.call("GET", "/users/uma/account"))["balance"] == "0.01"

    # A top-up in the last second of the recharge window, by the button.
    await asyncio.sleep(cut_ms / 1000 + RECHARGE_SECONDS - 0.7 - time.time())
    await user.page.get_by_role("button", name="Top up 5.00").click()
    await asyncio.gather(*(screen.wait_for("running") for screen in screens))
    entries = await stage.entries()
    credited_at = next(entry["at"] for entry in entries if entry["amount"] == "5.00")
    left_ms = cut_ms + RECHARGE_SECONDS * 1000 - milliseconds(credited_at)
    tell(f"topped up {left_ms:.0f} ms before the window's end")
    assert 0 < left_ms <= 1_000
    again = await stage.tracking(chat_id)
    assert (again["record"]["id"], again["timer"]["since"]) == (record_id, credited_at)
    await asyncio.sleep(1.2)
    await stage.assert_agreement(chat_id, *screens)

    # The credit ends again, and nobody tops up: the record ends as of the cut.
    await stage.call("POST", "/users/uma/debits", {"amount": await spare(stage)})
    cut_at = (await stage.tracking(chat_id))["timer"]["cut_at"]
    await asyncio.gather(*(screen.wait_for("ended") for screen in screens))
    receipt = await stage.assert_adds_up(record_id)
    assert [segment["reason"] for segment in receipt["segments"]] == ["out_of_credit", "out_of_credit"]
    assert receipt["record"]["ended_at"] == receipt["segments"][1]["ended_at"] == cut_at
    assert receipt["record"]["reason"] == "out_of_credit"
    account = await stage.call("GET", "/users/uma/account")
    assert 0 <= micros(account["balance"]) < 70_000
    assert micros(receipt["cost"]) == -(-receipt["elapsed_ms"] // 1000) * 70_000
    assert [await screen.elapsed_ms() for screen in screens] == [receipt["elapsed_ms"]] * 2
    for screen in screens:
        await screen.assert_calm()


async def spare(stage: Stage) -> str:
    """What the account has beyond the price of about two seconds, as an amount."""
    available = micros((await stage.call("GET", "/users/uma/account"))["available"])
    return f"{(available - 200_000) / 1_000_000:.6f}"


async def test_10_a_top_up_after_the_recharge_window_is_too_late(stage: Stage) -> None:
    await stage.start(recharge_seconds=1)
    await stage.people(credit="0.14", tariff=SEVEN_CENTS)
    opened = await stage.new_chat()
    over_ms = milliseconds(opened["timer"]["cut_at"]) + 1_000
    await asyncio.sleep(over_ms / 1000 - time.time() + 0.001)
    await stage.top_up("5.00")
    ended = await stage.tracking(opened["chat"]["id"])
    assert (ended["record"]["state"], ended["record"]["ended_at"]) == ("ended", opened["timer"]["cut_at"])
    assert (ended["timer"]["running"], ended["balance"]) == (False, "5.00")
    await stage.assert_adds_up(opened["record"]["id"])
