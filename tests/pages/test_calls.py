"""Calls: a user calls an advisor who accepts first; it rings at the advisor's, in the chat and in the list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from talktime.core.roles import Role
from tests.headless import WHOLE
from tests.services import BY_THE_MINUTE

from .conftest import Demo, Pair, Screens, launched

CALLS = {"display_name": "Theo", "tariff": BY_THE_MINUTE, "starts": "accepted", "ring_seconds": 60}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched(WHOLE) as browser:
        yield browser


@pytest.fixture
def pair(demo: Demo) -> Pair:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    demo.call("PUT", f"/advisors/{pair.advisor}", CALLS)
    return pair


def listening(screens: Screens, pair: Pair, path: str) -> Page:
    """An advisor's page that counts the tones and the notifications of the browser."""
    page = screens.advisor(pair, "/advisor")
    page.context.grant_permissions(["notifications"])
    page.add_init_script(
        """window.tones = 0; window.notes = [];
        const make = AudioContext.prototype.createOscillator;
        AudioContext.prototype.createOscillator = function () { window.tones += 1; return make.call(this); };
        const Real = window.Notification;
        window.Notification = class extends Real {
            constructor(title, options) { super(title, options); window.notes.push(title); }
        };"""
    )
    page.goto(path)
    page.locator("h1").click()  # a browser plays sounds only after a click
    return page


def assert_rings(page: Page) -> None:
    """The page plays a tone within ten seconds. Its security policy forbids conditions that are given as text."""
    for _ in range(50):
        if page.evaluate("window.tones") > 0:
            return
        page.wait_for_timeout(200)
    pytest.fail("the page played no tone")


def test_a_user_calls_and_the_advisor_accepts_in_the_chat(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = screens.user(pair, f"/chat/{chat}")
    expect(user.locator("#why")).to_contain_text(re.compile(r"Calling Theo….*It rings 0:\d\d more", re.DOTALL))
    expect(user.get_by_role("button", name="Cancel")).to_be_visible()
    expect(user.get_by_role("button", name="Accept")).to_be_hidden()
    advisor = listening(screens, pair, f"/chat/{chat}")
    expect(advisor.locator("#why-title")).to_have_text("Nora is calling")
    expect(advisor).to_have_title("☎ Nora is calling")
    assert_rings(advisor)
    advisor.get_by_role("button", name="Accept").click()
    for page in (user, advisor):
        page.wait_for_selector("talk-time[state=running]")
    expect(advisor).to_have_title("Nora · talktime")
    expect(advisor.get_by_role("button", name="Accept")).to_be_hidden()


def test_a_click_allows_sound_and_notifications(screens: Screens, pair: Pair) -> None:
    page = screens.advisor(pair, "/advisor")
    page.add_init_script(
        """Object.defineProperty(Notification, "permission", { get: () => window.allowed ?? "default" });
        Notification.requestPermission = async () => (window.allowed = "granted");
        const resume = AudioContext.prototype.resume;
        AudioContext.prototype.resume = function () { window.heard = true; return resume.call(this); };"""
    )
    page.reload()
    button = page.get_by_role("button", name="Turn on sound and notifications")
    button.click()
    expect(button).to_be_hidden()
    assert page.evaluate("[window.allowed, window.heard]") == ["granted", True]


@pytest.mark.parametrize("answer", ["Accept", "Decline"])
def test_it_rings_in_the_list(screens: Screens, demo: Demo, pair: Pair, answer: Literal["Accept", "Decline"]) -> None:
    advisor = listening(screens, pair, "/advisor")
    advisor.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    chat = demo.chat(pair)
    screens.user(pair, f"/chat/{chat}")
    call = advisor.locator("#calls .call")
    expect(call).to_contain_text("Nora is calling", timeout=15_000)
    expect(advisor).to_have_title("☎ Nora is calling")
    assert advisor.evaluate("window.notes") == ["Nora is calling"]
    assert_rings(advisor)
    call.get_by_role("button", name=answer).click()
    if answer == "Accept":
        advisor.wait_for_url(f"**/chat/{chat}")
        advisor.wait_for_selector("talk-time[state=running]")
    else:
        expect(call).to_have_count(0)
        assert demo.call("GET", f"/chats/{chat}/tracking")["record"]["reason"] == "declined"


def test_an_advisor_who_looks_elsewhere_is_told_who_waits(screens: Screens, demo: Demo, pair: Pair) -> None:
    demo.call("PUT", f"/advisors/{pair.advisor}", {**CALLS, "starts": "present"})
    advisor = listening(screens, pair, "/advisor")
    advisor.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    screens.user(pair, f"/chat/{demo.chat(pair)}")
    expect(advisor.locator("#running .badge.paused")).to_have_text("waiting for you", timeout=15_000)
    expect(advisor).to_have_title("Nora is waiting for you")
    assert advisor.evaluate("window.notes") == ["Nora is waiting for you"]
    assert_rings(advisor)
    # In the conversation with somebody else, too.
    second = Pair(demo.pair(BY_THE_MINUTE, "20.00").user, pair.advisor)
    other = screens.advisor(second, f"/chat/{demo.chat(second)}")
    expect(other.locator("#elsewhere")).to_contain_text("Nora is waiting for you. Go there")
    advisor.locator("#running .row", has_text="waiting for you").first.click()
    advisor.wait_for_url("**/chat/*")
    advisor.wait_for_selector("talk-time[state=running]")


def test_the_list_of_an_advisor_follows_who_waits_and_who_has_gone(screens: Screens, demo: Demo, pair: Pair) -> None:
    demo.call("PUT", f"/advisors/{pair.advisor}", {**CALLS, "starts": "present"})
    badge = screens.advisor(pair, "/advisor").locator("#running .badge.paused")
    chat = demo.chat(pair)
    user = screens.user(pair, f"/chat/{chat}")
    expect(badge).to_have_text("waiting for you", timeout=15_000)
    user.close()
    expect(badge).to_have_text("user away", timeout=15_000)
    screens.user(pair, f"/chat/{chat}")
    expect(badge).to_have_text("waiting for you", timeout=15_000)


def test_a_call_can_be_cancelled_and_costs_nothing(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = screens.user(pair, f"/chat/{chat}")
    advisor = screens.advisor(pair, f"/chat/{chat}")
    expect(advisor.get_by_role("button", name="Decline")).to_be_visible()
    user.get_by_role("button", name="Cancel").click()
    expect(user.get_by_role("button", name="Start again")).to_be_visible()
    expect(advisor.get_by_role("button", name="Decline")).to_be_hidden()
    assert demo.call("GET", f"/chats/{chat}/tracking")["cost"] == "0.00"


@pytest.mark.parametrize(
    ("end", "to_user", "to_advisor"),
    [
        ("missed", "not answered", "not answered"),
        ("declined", "declined", "declined"),
        ("user_away", "you were away", "user away"),
    ],
)
def test_the_lists_of_both_say_that_a_call_was_not_answered(
    screens: Screens, demo: Demo, pair: Pair, end: str, to_user: str, to_advisor: str
) -> None:
    chat = demo.chat(pair)
    if end == "missed":
        # The page shows what it has heard since its user is present.
        expect(screens.user(pair, f"/chat/{chat}").locator("#phase")).to_have_text("Ringing")
    if end == "declined":
        demo.call("POST", f"/chats/{chat}/decline")
    else:
        demo.advance(61)
    assert demo.call("GET", f"/chats/{chat}/tracking")["record"]["reason"] == end
    expect(screens.user(pair, "/user").locator("#chats .badge")).to_have_text(to_user)
    expect(screens.advisor(pair, "/advisor").locator("#earlier .badge")).to_have_text(to_advisor)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_focus_goes_to_the_button_that_cancels_the_call(
    screens: Screens, demo: Demo, pair: Pair, width: int
) -> None:
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/stop")
    page = screens.user(pair, f"/chat/{chat}", width=width)
    page.get_by_role("button", name="Start again").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Start paid time").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()


def test_an_operator_sees_a_call_and_answers_none(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    page = screens.of(Role.OPERATOR, "olga", f"/chat/{chat}")
    expect(page.locator("#phase")).to_have_text("Ringing")
    expect(page.get_by_role("button", name="Accept")).to_be_hidden()
    page.goto("/operator")
    expect(page.locator("#summary")).to_have_text(re.compile(r"paused, [1-9]\d* ringing$"))


def test_one_waits_for_an_advisor_who_is_not_there(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    demo.call("PUT", f"/advisors/{pair.advisor}", {**CALLS, "starts": "present"})
    chat = demo.chat(pair)
    user = screens.user(pair, f"/chat/{chat}")
    expect(user.locator("#why-title")).to_have_text("Waiting for Theo")
    expect(user.locator("#cost")).to_have_text("0.00")
    screens.advisor(pair, f"/chat/{chat}")
    user.wait_for_selector("talk-time[state=running]")
