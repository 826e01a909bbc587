"""Texts that are hard to show: long words, no-break spaces, stacked marks, right-to-left scripts, long chats."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from talktime.core.roles import Role
from tests.services import BY_THE_MINUTE

from .conftest import Demo, Pair, Screens

LONG_WORD = "W" * 190
NO_BREAKS = "one\u00a0two\u00a0" * 20
STACKED = "a" + "\u0301" * 150
HARD = pytest.mark.parametrize("text", [LONG_WORD, NO_BREAKS, STACKED], ids=["word", "no-break spaces", "marks"])
WIDTHS = pytest.mark.parametrize("width", [390, 1280])


def pair_named(demo: Demo, name: str) -> Pair:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    demo.call("PUT", f"/users/{pair.user}", {"display_name": name})
    demo.call("PUT", f"/advisors/{pair.advisor}", {"display_name": name, "tariff": BY_THE_MINUTE})
    return pair


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def overlapping(page: Page, selector: str) -> list[str]:
    """The elements whose content stands out of them, and so lies over their neighbours."""
    found: list[str] = page.evaluate(
        """selector => [...document.querySelectorAll(selector)]
            .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'visible')
            .map(e => e.className || e.tagName)""",
        selector,
    )
    return found


@HARD
@WIDTHS
def test_a_hard_text_widens_no_chat(screens: Screens, demo: Demo, text: str, width: int) -> None:
    pair = pair_named(demo, text)
    chat = demo.chat(pair)
    for party in ("user", "advisor"):
        demo.call("POST", f"/chats/{chat}/messages", {"party": party, "text": text * 3, "client_id": party})
    demo.call(
        "POST",
        f"/chats/{chat}/messages",
        {"party": "user", "text": f"see https://example.org/{LONG_WORD}", "client_id": "link"},
    )
    page = screens.user(pair, f"/chat/{chat}", width=width)
    expect(page.locator("#messages li")).to_have_count(3)
    page.wait_for_selector("talk-time[state=running]")
    assert not is_too_wide(page)
    assert overlapping(page, "#messages li, .meter, .meter *, #log") == []
    # A message stays in its own box: nothing is painted over the message beside it.
    assert page.locator("#messages li").first.evaluate("e => getComputedStyle(e).overflowY") == "clip"
    assert page.locator("#time").bounding_box() is not None


@HARD
@WIDTHS
def test_a_hard_name_widens_no_list(screens: Screens, demo: Demo, text: str, width: int) -> None:
    pair = pair_named(demo, text)
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/messages", {"party": "user", "text": text, "client_id": "1"})
    for page, row in (
        (screens.user(pair, "/user", width=width), "#chats .row"),
        (screens.advisor(pair, "/advisor", width=width), "#running .row"),
    ):
        page.locator(row).first.wait_for()
        assert not is_too_wide(page)
        assert overlapping(page, ".row, .row *") == []
        box = page.locator(row).first.bounding_box()
        assert box is not None
        assert box["height"] < 160
    operator = screens.of(Role.OPERATOR, "olga", "/operator", width=width)
    listed = operator.locator("#records tr", has_text=pair.user)
    listed.wait_for()
    assert not is_too_wide(operator)
    # A label is one line, however long the name beside it.
    labels = listed.locator("[data-label]").evaluate_all(
        "cells => cells.map(e => [getComputedStyle(e, '::before').height, e.dataset.label])"
    )
    assert width > 960 or [label for height, label in labels if float(height.removesuffix("px")) > 24] == []
    stop = listed.get_by_role("button").bounding_box()
    assert stop is not None
    assert stop["x"] + stop["width"] <= width
    demo.call("POST", f"/chats/{chat}/stop")


def test_a_long_name_is_whole_only_in_the_heading(screens: Screens, demo: Demo) -> None:
    name = "W" * 80
    pair = pair_named(demo, name)
    chat = demo.chat(pair)
    screens.user(pair, f"/chat/{chat}")
    page = screens.advisor(pair, f"/chat/{chat}", width=390)
    expect(page.locator("#here")).to_have_text(f"{'W' * 28}… is here")
    expect(page.locator("#forecast")).to_contain_text(f"{'W' * 28}… can go on")
    assert page.locator("main").inner_text().count(name) == 1


def test_the_operators_list_is_whole_on_a_phone_at_200_percent(screens: Screens, demo: Demo) -> None:
    pair = pair_named(demo, LONG_WORD)
    chat = demo.chat(pair)
    page = screens.of(Role.OPERATOR, "olga", "/operator?lang=de", width=195)
    row = page.locator("#records tr", has_text=pair.user)
    row.wait_for()
    right = page.locator("#table").evaluate("e => e.getBoundingClientRect().right")
    for part in row.locator("xpath=descendant-or-self::*").all():
        assert part.evaluate("e => Math.max(e.getBoundingClientRect().right, e.scrollWidth)") <= right
    demo.call("POST", f"/chats/{chat}/stop")


@pytest.mark.parametrize(
    ("text", "direction"), [("שלום, מה שלומך?", "rtl"), ("مرحبا", "rtl"), ("Hello", "ltr")], ids=["he", "ar", "en"]
)
def test_a_text_has_the_direction_of_its_script(
    screens: Screens, demo: Demo, text: str, direction: Literal["ltr", "rtl"]
) -> None:
    pair = pair_named(demo, text)
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/messages", {"party": "advisor", "text": text, "client_id": "1"})
    page = screens.user(pair, f"/chat/{chat}")
    expect(page.locator("#other")).to_have_text(text)
    page.get_by_label("Your message").fill(text)
    for selector in ("#other", "#messages .text", "#text"):
        assert page.locator(selector).evaluate("e => getComputedStyle(e).direction") == direction, selector
    page = screens.user(pair, "/user")
    for selector in ("#chats .row strong", "#chats .row .quiet"):
        assert page.locator(selector).evaluate("e => getComputedStyle(e).direction") == direction, selector


@WIDTHS
def test_a_long_chat_begins_at_its_end_and_goes_back_on_scrolling(screens: Screens, demo: Demo, width: int) -> None:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    chat = demo.chat(pair)
    for number in range(1, 251):
        party = "user" if number % 3 else "advisor"
        demo.call(
            "POST", f"/chats/{chat}/messages", {"party": party, "text": f"message {number}", "client_id": f"{number}"}
        )
    page = screens.user(pair, f"/chat/{chat}", width=width)
    expect(page.get_by_text("message 250", exact=True)).to_be_in_viewport()
    expect(page.locator("#messages li")).to_have_count(200)
    assert page.evaluate("document.documentElement.scrollHeight") <= 1000  # no blank space below the conversation
    page.reload()
    expect(page.get_by_text("message 250", exact=True)).to_be_in_viewport()
    page.locator("#log").evaluate("log => { log.scrollTop = 10; }")
    expect(page.locator("#messages li")).to_have_count(250)
    # What was in sight stays in sight.
    expect(page.get_by_text("message 51", exact=True)).to_be_in_viewport()
    texts = page.locator("#messages .text").all_inner_texts()
    assert texts == [f"message {number}" for number in range(1, 251)]
    demo.call("POST", f"/chats/{chat}/messages", {"party": "advisor", "text": "the newest", "client_id": "new"})
    expect(page.locator("#messages li")).to_have_count(251)
