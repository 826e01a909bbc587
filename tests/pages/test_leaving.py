"""A page that closes in a real browser says so, a page that is loaded again is back in time, and a list only looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import wait_until

TARIFF = {"tiers": [{"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]}


def tracking(demo: Any, chat: str) -> Any:
    return demo.call("GET", f"/chats/{chat}/tracking")


def milliseconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp() * 1000


def close_tab(page: Page) -> None:
    page.close()


def go_elsewhere(page: Page) -> None:
    page.goto("/")


@pytest.mark.parametrize("go", [close_tab, go_elsewhere])
@pytest.mark.parametrize("party", ["user", "advisor"])
def test_a_page_that_closes_is_billed_about_five_seconds_more(
    screens: Any, demo: Any, go: Callable[[Page], None], party: str
) -> None:
    pair = demo.pair(TARIFF, "50.00")
    chat = demo.chat(pair)
    pages = {"user": screens.user(pair, f"/chat/{chat}"), "advisor": screens.advisor(pair, f"/chat/{chat}")}
    for page in pages.values():
        page.wait_for_selector("talk-time[state=running]")
    before = milliseconds(tracking(demo, chat)["server_time"])
    go(pages[party])
    closed = milliseconds(tracking(demo, chat)["server_time"])
    wait_until(lambda: not tracking(demo, chat)["timer"]["running"])
    record = tracking(demo, chat)["record"]
    assert record["reason"] == f"{party}_away"
    assert before + 5_000 <= milliseconds(record["paused_at"]) <= closed + 5_500


def test_a_page_that_is_loaded_again_changes_nothing(screens: Any, demo: Any) -> None:
    pair = demo.pair(TARIFF, "50.00")
    chat = demo.chat(pair)
    user, advisor = screens.user(pair, f"/chat/{chat}"), screens.advisor(pair, f"/chat/{chat}")
    for page in (user, advisor):
        page.wait_for_selector("talk-time[state=running]")
        page.reload()
        page.wait_for_selector("talk-time[state=running]")
    time.sleep(7)
    shown = tracking(demo, chat)
    assert shown["timer"]["running"]
    receipt = demo.call("GET", f"/records/{shown['record']['id']}/receipt")
    # The record may have begun only when both were there.
    assert [segment["reason"] for segment in receipt["segments"]].count(None) == len(receipt["segments"]) == 1


def test_an_advisor_who_looks_at_the_list_is_not_present(screens: Any, demo: Any) -> None:
    pair = demo.pair(TARIFF, "50.00")
    chat = demo.chat(pair)
    listed = screens.advisor(pair, "/advisor")
    listed.wait_for_selector(f"a[href$='{chat}'] talk-time")
    user = screens.user(pair, f"/chat/{chat}")
    user.wait_for_selector("talk-time[state]:not([state=syncing])")
    # No socket of the advisor holds the lease: only the page of the chat does.
    demo.advance(40)
    assert tracking(demo, chat)["record"]["reason"] == "advisor_away"
    there = screens.advisor(pair, f"/chat/{chat}")
    there.wait_for_selector("talk-time[state=running]")
    demo.advance(40)
    assert tracking(demo, chat)["timer"]["running"]
