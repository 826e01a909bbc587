"""Time, cost and credits on one screen belong to one thing, also after the conversation moves to a new chat."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from playwright.sync_api import Page

from .conftest import wait_until

# Each second costs 0.01 when it begins.
TARIFF = {"tiers": [{"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]}
READ = """() => {
  const root = document.querySelector("talk-time").shadowRoot;
  const number = (text) => text.replace(/[^0-9.]/g, "");
  const [minutes, seconds] = root.querySelector("[data-role=elapsed]").textContent.split(":").map(Number);
  return {
    seconds: minutes * 60 + seconds,
    cost: number(document.querySelector("#cost").textContent),
    credits: number(root.querySelector("[data-role=credits]").textContent),
    state: document.querySelector("talk-time").getAttribute("state"),
    earned: document.querySelector("#earned").textContent,
  };
}"""


def assert_one_thing(page: Page, credit: str) -> int:
    """The seconds, the cost and the credits on the page agree; returns the seconds."""
    page.wait_for_selector("talk-time[state=running]")
    shown: dict[str, Any] = page.evaluate(READ)
    cost = Decimal(shown["cost"])
    # The second in progress is owed as soon as it begins.
    assert shown["seconds"] <= cost * 100 <= shown["seconds"] + 1, shown
    assert Decimal(shown["credits"]) + cost - Decimal(credit) in {0, Decimal("-0.01")}, shown
    return int(shown["seconds"])


def test_time_and_cost_match_in_a_new_chat_and_after_a_new_start(screens: Any, demo: Any) -> None:
    pair = demo.pair(TARIFF, "50.00")
    chat = demo.chat(pair)
    advisor = screens.advisor(pair, f"/chat/{chat}")
    page = screens.user(pair, f"/chat/{chat}")
    page.wait_for_selector("talk-time[state=running]")
    demo.advance(57)
    wait_until(lambda: page.evaluate(READ)["seconds"] >= 57)
    before = assert_one_thing(page, "50.00")
    page.click("#new-chat")
    page.click("dialog button[value=yes]")
    page.wait_for_url(re.compile(f"/chat/(?!{chat})"))
    second = page.url.rpartition("/")[2]
    advisor.goto(f"/chat/{second}")
    assert assert_one_thing(page, "50.00") >= before
    # What the chat itself has run is on the lists.
    assert demo.call("GET", f"/chats/{second}/tracking")["chat"]["duration_ms"] < 50_000
    page.click("#stop")
    page.click("dialog button[value=yes]")
    page.wait_for_selector("talk-time[state=ended]")
    spent = demo.call("GET", f"/chats/{second}/tracking")["cost"]
    page.click("#start")
    page.click("dialog button[value=yes]")
    credit = str(Decimal("50.00") - Decimal(spent))
    assert assert_one_thing(page, credit) < 50


def test_an_advisor_sees_what_the_record_brings_and_no_credits(screens: Any, demo: Any) -> None:
    pair = demo.pair(TARIFF, "50.00")
    body = {"display_name": "Theo", "tariff": TARIFF, "terms": {"share_percent": 50}}
    demo.call("PUT", f"/advisors/{pair.advisor}", body)
    chat = demo.chat(pair)
    user, advisor = screens.user(pair, f"/chat/{chat}"), screens.advisor(pair, f"/chat/{chat}")
    for page in (user, advisor):
        page.wait_for_selector("talk-time[state=running]")
    demo.advance(100)
    wait_until(lambda: "You have earned" in (advisor.text_content("#earned") or ""))
    wait_until(lambda: "until" in (advisor.text_content("#forecast") or ""))
    assert advisor.evaluate(READ)["credits"] == ""
    assert advisor.evaluate("document.querySelector('talk-time').reading.balance") is None
    assert user.text_content("#earned") == ""
    assert "50.00" not in advisor.content()
