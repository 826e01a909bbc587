"""The element on a page of a host, in a real browser: what a page may do to the element at any moment."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from talktime.core.roles import Role
from tests.pages.conftest import Demo, Pair, Screens

TARIFF = {"tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 1}]}

_EARLY = """async ([chat, token]) => {
  window.sockets = 0;
  window.WebSocket = class extends WebSocket { constructor(...all) { super(...all); window.sockets += 1; } };
  document.addEventListener("problem", (event) => (document.body.dataset.problem = event.detail.code));
  document.body.innerHTML = `<div id="one"><talk-time chat-id="${chat}"></talk-time></div><div id="two"></div>`;
  const element = document.querySelector("talk-time");
  element.token = () => token;
  await import("/static/talktime.js");
}"""

_RUNS = "talk-time[state=running]"

_MOVE = """async () => {
  const element = document.querySelector("talk-time");
  const shown = [];
  const look = () => shown.push(element.getAttribute("state"), element.reading.elapsedMs !== null);
  document.querySelector("#two").append(element);
  look();
  element.remove();
  await null;
  document.querySelector("#one").append(element);
  look();
  document.querySelector("#two").moveBefore?.(element, null);
  look();
  await new Promise((resolve) => setTimeout(resolve, 300));
  look();
  return shown;
}"""


_TALK = """async ([chat, token, party]) => {
  document.body.innerHTML = `<talk-chat chat-id="${chat}" party="${party}"></talk-chat>`;
  document.querySelector("talk-chat").token = () => token;
  await import("/static/talk-chat.js");
}"""


def _page_with_element(screens: Screens, demo: Demo, pair: Pair) -> Page:
    page = screens.blank()
    page.goto("/")  # a page of the service without the element
    page.evaluate(_EARLY, [demo.chat(pair), demo.token(Role.USER, pair.user)])
    return page


def test_it_takes_a_token_that_was_set_before_its_module_and_moves_with_its_digits(
    screens: Screens, demo: Demo
) -> None:
    page = _page_with_element(screens, demo, demo.pair(TARIFF, "5.00"))
    page.wait_for_selector(_RUNS)
    digits = page.locator("talk-time [data-role=elapsed]")
    before = digits.inner_text()
    shown: list[Any] = page.evaluate(_MOVE)
    assert shown == ["running", True] * 4
    expect(digits).not_to_have_text(before)
    assert page.evaluate("sockets") == 1
    assert page.query_selector("[data-problem]") is None


def test_an_address_that_is_none_is_an_event(screens: Screens, demo: Demo) -> None:
    page = _page_with_element(screens, demo, demo.pair(TARIFF, "5.00"))
    page.wait_for_selector(_RUNS)
    page.evaluate("document.querySelector('talk-time').setAttribute('src', 'http://[')")
    page.wait_for_selector("body[data-problem=unreachable] talk-time[state=syncing]")
    page.evaluate("document.querySelector('talk-time').removeAttribute('src')")
    page.wait_for_selector(_RUNS)


def test_its_words_stand_before_the_digits_in_the_language_around_it(screens: Screens, demo: Demo) -> None:
    page = _page_with_element(screens, demo, demo.pair(TARIFF, "5.00"))
    page.wait_for_selector(_RUNS)
    credit = page.locator("talk-time [data-role=credits]")
    label = "element => getComputedStyle(element, '::before').content"
    assert credit.evaluate(label) == "none"
    page.evaluate("document.querySelector('talk-time').toggleAttribute('labels')")
    page.evaluate("document.querySelector('talk-time').setAttribute('currency', 'EUR')")
    page.evaluate("document.querySelector('talk-time').setAttribute('lang', 'de')")
    assert credit.evaluate(label).startswith('"Guthaben')
    expect(credit).to_have_text(re.compile(r"\d,\d\d\xa0€"))


def test_two_people_talk_pause_and_end_in_the_element_with_the_whole_conversation(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(TARIFF, "5.00")
    chat = demo.chat(pair)
    pages = {}
    for party, who in ((Role.USER, pair.user), (Role.ADVISOR, pair.advisor)):
        pages[party] = page = screens.blank(width=360)
        page.goto("/")  # a page of the service without the element
        page.evaluate(_TALK, [chat, demo.token(party, who), party.value])
    user, advisor = pages[Role.USER], pages[Role.ADVISOR]
    for page in pages.values():
        expect(page.get_by_text("Paid time")).to_be_visible()
    user.get_by_label("Your message").fill("Good day")
    user.get_by_label("Your message").press("Enter")
    for page in pages.values():
        expect(page.get_by_role("log")).to_contain_text("Good day")
    expect(advisor.get_by_text("Top up")).to_be_hidden()
    advisor.get_by_role("button", name="Pause").click()
    expect(user.get_by_text("Paused")).to_be_visible()
    user.get_by_role("button", name="Stop").click()
    user.get_by_role("button", name="End conversation").click()
    for page, who in ((user, "You"), (advisor, "The user")):
        expect(page.get_by_role("status")).to_have_text(f"{who} ended the conversation")
    expect(user.get_by_role("button", name="Start again")).to_be_visible()
    assert user.evaluate("document.documentElement.scrollWidth <= innerWidth")
