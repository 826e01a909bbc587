"""The meter of the chat page: on a phone with its keyboard, before something costs, with two talks, and offline."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from talktime.core.roles import Role
from tests.services import BY_THE_MINUTE

from .conftest import Demo, Pair, Screens

FREE_MINUTE = {**BY_THE_MINUTE, "free_seconds": 60}
SECONDS = {"tiers": [{"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]}
PHONE_WITH_KEYBOARD = (375, 476)
PHONE_ON_ITS_SIDE = (844, 390)
SMALL_PHONES = [(375, 553), (320, 568), (375, 476)]
BUTTONS = ("#pause", "#stop", "#topup summary")
VIEW_TRIES = 50


@pytest.fixture
def pair(demo: Demo) -> Pair:
    return demo.pair(BY_THE_MINUTE, "20.00")


def running(page: Page) -> Page:
    page.wait_for_selector("talk-time[state=running]")
    return page


def is_in_view(page: Page, selector: str) -> bool:
    """Whether the whole element is on the screen and nothing lies over it, once the page has come to rest."""
    for _ in range(VIEW_TRIES):
        if _is_in_view_now(page, selector):
            return True
        page.wait_for_timeout(100)
    return False


def _is_in_view_now(page: Page, selector: str) -> bool:
    return bool(
        page.locator(selector).evaluate(
            """async e => {
                for (let frames = 0; frames < 3; frames += 1) await new Promise(requestAnimationFrame);
                const box = e.getBoundingClientRect();
                const inside = box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth;
                const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                return inside && box.height > 0 && (e === top || e.contains(top) || top?.contains(e));
            }"""
        )
    )


def messages_in_view(page: Page) -> int:
    """How many messages are wholly inside the part of the log that is on the screen."""
    return int(
        page.evaluate(
            """() => {
                const log = document.querySelector('#log').getBoundingClientRect();
                return [...document.querySelectorAll('#messages li')].filter(e => {
                    const box = e.getBoundingClientRect();
                    return box.top >= log.top - 1 && box.bottom <= Math.min(log.bottom, innerHeight) + 1;
                }).length;
            }"""
        )
    )


@pytest.mark.parametrize("language", ["en", "de", "es"])
@pytest.mark.parametrize("size", [PHONE_WITH_KEYBOARD, PHONE_ON_ITS_SIDE], ids=["keyboard", "landscape"])
def test_a_low_screen_shows_the_figures_in_one_line_and_the_conversation(
    screens: Screens, demo: Demo, pair: Pair, size: tuple[int, int], language: str
) -> None:
    chat = demo.chat(pair)
    for number in range(8):
        body = {
            "party": "advisor",
            "text": f"message {number}, and what else there is to say",
            "client_id": f"{number}",
        }
        demo.call("POST", f"/chats/{chat}/messages", body)
    page = running(screens.user(pair, f"/chat/{chat}?lang={language}", width=390))
    page.locator("#text").focus()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    words = {"en": ("More", "Pause", r"\d+ min left"), "de": ("Mehr", "Anhalten", r"noch \d+ Min\.")}
    more, pause, left = words.get(language, ("Más", "Pausar", r"aún \d+ min"))
    expect(page.locator("#fold")).to_have_text(more)
    for selector in ("#time", "#cost", "#left", "#text"):
        assert is_in_view(page, selector), selector
    expect(page.locator("#left")).to_have_text(re.compile(f"^{left}$"))
    assert page.locator("#left").evaluate("e => e.scrollWidth <= e.clientWidth")  # nothing of it is cut off
    assert messages_in_view(page) >= 3
    assert page.evaluate("document.documentElement.scrollHeight") <= size[1]
    page.locator("#fold").click()
    expect(page.get_by_role("button", name=pause)).to_be_visible()
    expect(page.locator("#fold")).to_have_attribute("aria-expanded", "true")
    # Without the keyboard there is room again.
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("button", name=pause)).to_be_visible()


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_with_the_keyboard_three_messages_are_in_view_when_paid_time_starts_and_in_a_pause(
    screens: Screens, demo: Demo, language: str
) -> None:
    pair = demo.pair(FREE_MINUTE, "20.00")
    chat = demo.chat(pair)
    page = running(screens.user(pair, f"/chat/{chat}?lang={language}", width=375))
    running(screens.advisor(pair, f"/chat/{chat}"))
    for number in range(8):
        body = {"party": "advisor", "text": f"message {number}", "client_id": f"{number}"}
        demo.call("POST", f"/chats/{chat}/messages", body)
    page.locator("#text").focus()
    page.set_viewport_size({"width": PHONE_WITH_KEYBOARD[0], "height": PHONE_WITH_KEYBOARD[1]})

    def check() -> None:
        for selector in ("#time", "#cost", "#left", "#text", "#messages li:last-child"):
            assert is_in_view(page, selector), selector
        assert page.locator("#left").inner_text() != ""
        assert page.locator("#left").evaluate("e => e.scrollWidth <= e.clientWidth")  # nothing of it is cut off
        assert messages_in_view(page) >= 3
        name, fold = page.locator("#other, #fold").evaluate_all("all => all.map(e => e.getBoundingClientRect())")
        assert fold["top"] < name["bottom"]  # in one line

    demo.advance(demo.call("GET", f"/chats/{chat}/tracking")["free_remaining_ms"] / 1000)
    expect(page.locator("#paid")).to_be_visible()
    check()
    demo.call("POST", f"/chats/{chat}/pause")
    page.wait_for_selector("talk-time[state=paused]")
    expect(page.locator("#no-writing")).to_be_visible()
    check()


@pytest.fixture
def with_two_talks(screens: Screens, demo: Demo) -> Callable[[str], Page]:
    """Opens a user's page on a phone, in a language: another talk runs as well, and the credit is low."""

    def open_page(language: str) -> Page:
        pair = demo.pair(BY_THE_MINUTE, "5.00")
        hal = Pair(pair.user, demo.pair(BY_THE_MINUTE, "1.00").advisor)
        demo.call("PUT", f"/advisors/{hal.advisor}", {"display_name": "Hal", "tariff": BY_THE_MINUTE})
        other, chat = demo.chat(hal), demo.chat(pair)
        for number in range(8):
            body = {"party": "advisor", "text": f"message {number}, and what else there is", "client_id": f"{number}"}
            demo.call("POST", f"/chats/{chat}/messages", body)
        for who in (pair, hal):
            running(screens.advisor(who, f"/chat/{chat if who is pair else other}"))
        running(screens.user(hal, f"/chat/{other}"))
        page = running(screens.user(pair, f"/chat/{chat}?lang={language}", width=375))
        expect(page.locator("#elsewhere")).to_be_visible()
        expect(page.locator("#warning")).to_be_visible()
        expect(page.locator("#messages li")).to_have_count(8)
        return page

    return open_page


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_two_notes_on_a_low_screen_leave_three_messages_in_view(
    with_two_talks: Callable[[str], Page], language: str
) -> None:
    page = with_two_talks(language)
    for focuses in (True, False):
        page.locator("#text").evaluate("(e, focuses) => focuses ? e.focus() : e.blur()", focuses)
        for width, height in [PHONE_ON_ITS_SIDE, PHONE_WITH_KEYBOARD] if focuses else [PHONE_ON_ITS_SIDE]:
            page.set_viewport_size({"width": width, "height": height})
            for selector in ("#warning", "#elsewhere", "#elsewhere a", "#time", "#left", "#text"):
                assert is_in_view(page, selector), selector
            assert messages_in_view(page) >= 3, (width, height, focuses)
            assert is_in_view(page, "#messages li:last-child")


def test_a_press_that_takes_the_focus_from_the_field_gets_its_click(with_two_talks: Callable[[str], Page]) -> None:
    page = with_two_talks("en")
    page.set_viewport_size({"width": 375, "height": 553})
    page.locator("#text").focus()
    expect(page.locator("#stop")).to_be_hidden()
    box = page.locator("#elsewhere a").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(300)  # as long as a finger rests on a link
    assert page.locator("#elsewhere a").bounding_box() == box
    before = page.url
    page.mouse.up()
    page.wait_for_url(lambda url: url != before)


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_without_a_keyboard_the_buttons_are_in_view_on_a_small_phone(
    screens: Screens, demo: Demo, pair: Pair, language: str
) -> None:
    page = running(screens.user(pair, f"/chat/{demo.chat(pair)}?lang={language}", width=375))
    for width, height in [*SMALL_PHONES, PHONE_ON_ITS_SIDE, (667, 375)]:
        page.set_viewport_size({"width": width, "height": height})
        for selector in ("#time", "#left", "#text", *BUTTONS):
            assert is_in_view(page, selector), (selector, width, height)
        assert len({page.locator(selector).evaluate("e => e.getBoundingClientRect().top") for selector in BUTTONS}) == 1
    page.set_viewport_size({"width": 375, "height": 553})
    page.locator("#text").focus()
    expect(page.locator("#stop")).to_be_hidden()
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#stop")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("size", [PHONE_ON_ITS_SIDE, (667, 375), (568, 320), PHONE_WITH_KEYBOARD])
def test_the_unfolded_meter_is_whole_on_a_low_screen(
    screens: Screens, demo: Demo, pair: Pair, size: tuple[int, int], language: str
) -> None:
    page = running(screens.user(pair, f"/chat/{demo.chat(pair)}?lang={language}", width=375))
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.locator("#fold").click()
    for selector in ("#time", "#cost", "#price", "#forecast", *BUTTONS):
        assert is_in_view(page, selector), selector


def test_a_phone_that_is_turned_still_shows_the_newest_message(with_two_talks: Callable[[str], Page]) -> None:
    page = with_two_talks("en")
    for width, height in (PHONE_ON_ITS_SIDE, (390, 844), PHONE_ON_ITS_SIDE):
        page.set_viewport_size({"width": width, "height": height})
        assert is_in_view(page, "#messages li:last-child")


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_after_an_hour_the_folded_meter_is_one_line_and_says_what_is_left(
    screens: Screens, demo: Demo, language: str
) -> None:
    tariff = {"tiers": [{"from_seconds": 0, "rate": "1.99", "per_seconds": 60, "increment_seconds": 60}]}
    pair = demo.pair(tariff, "155.00")
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    page = running(screens.user(pair, f"/chat/{chat}?lang={language}", width=PHONE_WITH_KEYBOARD[0]))
    page.set_viewport_size({"width": PHONE_WITH_KEYBOARD[0], "height": PHONE_WITH_KEYBOARD[1]})
    demo.advance(3600)
    expect(page.locator("talk-time [data-role=elapsed]")).to_have_text(re.compile(r"^1:00:\d\d$"))
    for selector in ("#time", "#cost", "#left", "#fold"):
        assert is_in_view(page, selector), selector
    assert page.locator("#left").evaluate("e => e.scrollWidth <= e.clientWidth")
    middles = page.locator("#left, #fold").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(box => box.y + box.height / 2)"
    )
    assert abs(middles[0] - middles[1]) < 5


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_a_meter_that_leaves_the_messages_no_room_folds_while_time_runs(
    screens: Screens, demo: Demo, language: str
) -> None:
    tariff = {**FREE_MINUTE, "grace_seconds": 70, "minimum_charge": "0.50", "connect_fee": "0.20"}
    pair = demo.pair(tariff, "6.20")
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    page = running(screens.user(pair, f"/chat/{chat}?lang={language}", width=390))
    page.set_viewport_size({"width": 390, "height": 660})  # a phone whose browser shows its bars
    for number in range(8):
        body = {"party": "advisor", "text": f"message {number}", "client_id": f"{number}"}
        demo.call("POST", f"/chats/{chat}/messages", body)
    for seconds in (0, 130):  # in free time, and with what is said when paid time begins and credit is low
        demo.advance(seconds)
        expect(page.locator("#meter")).to_have_class(re.compile("folded"))
        for selector in ("#text", "#pause", "#stop", "#topup summary"):  # who pays must see how to stop
            assert is_in_view(page, selector), selector
        assert messages_in_view(page) >= 3
    page.locator("#fold").click()  # who wants to see the whole meter sees the whole meter
    expect(page.locator("#meter")).not_to_have_class(re.compile("folded"))
    page.locator("#fold").click()
    page.reload()
    running(page)
    demo.call("POST", f"/chats/{chat}/stop")
    expect(page.locator("#past")).to_be_visible()
    expect(page.locator("#meter")).not_to_have_class(re.compile("folded"))


def test_what_is_said_before_and_as_paid_time_begins_does_not_hide_the_buttons_for_long(
    screens: Screens, demo: Demo, pair: Pair
) -> None:
    demo.call(
        "PUT", f"/advisors/{pair.advisor}", {"display_name": "Theo", "tariff": BY_THE_MINUTE, "starts": "present"}
    )
    chat = demo.chat(pair)
    page = screens.user(pair, f"/chat/{chat}", width=390)
    expect(page.locator("#why")).to_be_visible()
    running(screens.advisor(pair, f"/chat/{chat}"))
    running(page)
    expect(page.locator("#paid")).to_be_visible()
    expect(page.locator("#paid")).to_be_hidden(timeout=20_000)
    for selector in ("#stop", "#pause", "#price", "#text"):
        assert is_in_view(page, selector), selector


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_the_newest_message_is_whole_on_a_phone_whatever_the_record_does(
    screens: Screens, demo: Demo, language: str
) -> None:
    pair = demo.pair(BY_THE_MINUTE, "2.00")
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    page = running(screens.user(pair, f"/chat/{chat}?lang={language}", width=390))
    for number in range(5):
        body = {"party": "advisor", "text": f"message {number}, and what else there is", "client_id": f"{number}"}
        demo.call("POST", f"/chats/{chat}/messages", body)
    newest = "#messages li:last-child"
    expect(page.locator(newest)).to_contain_text("message 4")
    assert is_in_view(page, newest)
    demo.call("POST", f"/chats/{chat}/pause")
    page.wait_for_selector("talk-time[state=paused]")
    assert is_in_view(page, newest)
    demo.call("POST", f"/chats/{chat}/resume")
    running(page)
    demo.advance(125)
    expect(page.locator("#why")).to_have_attribute("data-tone", "warn")
    assert is_in_view(page, newest)
    demo.call("POST", f"/chats/{chat}/stop")
    page.wait_for_selector("talk-time[state=ended]")
    expect(page.locator("#past")).to_be_visible()
    assert is_in_view(page, newest)
    assert page.evaluate("document.documentElement.scrollHeight") == 844


@pytest.mark.parametrize("language", ["en", "de", "es"])
@pytest.mark.parametrize("size", [(390, 844), (390, 476), PHONE_WITH_KEYBOARD], ids=["whole", "keyboard", "narrow"])
def test_without_credit_a_phone_shows_the_amounts_to_top_up_and_the_field(
    screens: Screens, demo: Demo, language: str, size: tuple[int, int]
) -> None:
    pair = demo.pair(BY_THE_MINUTE, "1.00")
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    page = running(screens.user(pair, f"/chat/{chat}?lang={language}", width=size[0]))
    page.set_viewport_size({"width": size[0], "height": size[1]})
    demo.advance(65)
    expect(page.locator("#why")).to_have_attribute("data-tone", "warn")
    expect(page.locator("#topup .actions button")).to_have_count(3)
    # The end of the credit is computed on the screen; that nobody can write is told by the service.
    expect(page.locator("#no-writing")).to_be_visible()
    for selector in ("#stop", "#topup summary", "#why-text", "#fold", "#no-writing", "#text", "#send"):
        assert is_in_view(page, selector), selector
    for number in range(3):
        assert is_in_view(page, f"#topup .actions button >> nth={number}"), number
    lines = {box["y"] for box in (page.locator(s).bounding_box() for s in ("#stop", "#topup summary")) if box}
    assert len(lines) == 1


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_the_links_of_the_demo_are_in_one_line_on_a_phone(screens: Screens, pair: Pair, language: str) -> None:
    for page in (
        screens.user(pair, f"/user?lang={language}", width=390),
        screens.advisor(pair, f"/advisor?lang={language}", width=390),
    ):
        expect(page.locator("#ways a")).to_have_count(3)
        lines = page.locator("#ways a, .brand").evaluate_all("links => links.map(e => e.getBoundingClientRect().top)")
        assert len(set(lines)) == 1


def test_the_question_before_the_end_shows_what_it_costs_so_far(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    page = running(screens.user(pair, f"/chat/{chat}"))
    page.get_by_role("button", name="Stop").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("So far it has cost 1.00.")
    demo.advance(60)
    expect(dialog).to_contain_text("So far it has cost 2.00.")


def test_without_messages_there_is_nothing_to_give_room_to(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    page = running(screens.user(pair, f"/chat/{chat}", width=390))
    page.set_viewport_size({"width": 390, "height": 664})
    for selector in ("#pause", "#stop", "#price"):
        assert is_in_view(page, selector), selector
    expect(page.locator("#meter")).not_to_have_class(re.compile("folded"))


def test_a_question_closes_when_what_it_asks_has_happened(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    page = running(screens.user(pair, f"/chat/{chat}"))
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Stop").click()
    expect(dialog).to_contain_text("End the conversation?")
    demo.call("POST", f"/chats/{chat}/stop")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Start again").click()
    expect(dialog).to_contain_text("as soon as time begins")
    demo.call("POST", f"/chats/{chat}/tracking")
    expect(dialog).to_be_hidden()
    running(page)


def test_a_stop_ends_only_the_record_that_was_asked_about(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    page = running(screens.user(pair, f"/chat/{chat}"))
    page.get_by_role("button", name="Stop").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    # Before the question looks again, the record ends and another one begins, and the answer is on its way.
    page.route(
        f"**/v1/chats/{chat}/stop",
        lambda route: (
            demo.call("POST", f"/chats/{chat}/stop"),
            demo.call("POST", f"/chats/{chat}/tracking"),
            route.continue_(),
        ),
    )
    dialog.get_by_role("button", name="End conversation").click()
    expect(dialog).to_have_count(0)
    running(page)
    assert demo.call("GET", f"/chats/{chat}/tracking")["timer"]["running"]
    page.close()
    screens.complaints.clear()  # the browser tells of the offer for a new record that there is not any more


@pytest.mark.parametrize("is_long", [False, True], ids=["shortly", "for longer than a lease"])
@pytest.mark.parametrize("act", ["Pause", "Stop"])
def test_what_is_pressed_without_a_connection_is_done_once_there_is_one_and_before_time_runs_again(
    screens: Screens, demo: Demo, pair: Pair, act: str, is_long: bool
) -> None:
    chat = demo.chat(pair)
    advisor = running(screens.advisor(pair, f"/chat/{chat}"))
    page = running(screens.user(pair, f"/chat/{chat}"))
    page.context.set_offline(True)
    page.get_by_role("button", name=act).click()
    if act == "Stop":
        page.get_by_role("dialog").get_by_role("button", name="End conversation").click()
    expect(page.get_by_role("alert")).to_have_text(f"No connection: “{act}” is done once there is one.")
    if is_long:
        demo.advance(31)
        expect(advisor.locator("#why-title")).to_contain_text("is away")
    page.context.set_offline(False)
    title = {"Pause": "You paused", "Stop": "You ended the conversation"}[act]
    expect(page.locator("#why-title")).to_have_text(title, timeout=15_000)
    expect(page.get_by_role("alert")).to_be_hidden()
    record = demo.call("GET", f"/chats/{chat}/tracking")["record"]
    assert record["paused_by" if act == "Pause" else "ended_by"] == "user"
    segments = demo.call("GET", f"/records/{record['id']}/receipt")["segments"]
    assert [segment["ended_at"] is None for segment in segments] == [False]
    # The user is there again: the page watches the chat with presence.
    expect(advisor.locator("#here")).to_contain_text("is here")
    screens.complaints.clear()  # the browser tells of what was lost


def test_who_is_away_has_no_green_dot(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    advisor = screens.advisor(pair, f"/chat/{chat}")
    user = running(screens.user(pair, f"/chat/{chat}"))
    color = """e => getComputedStyle(e, "::before").backgroundColor"""
    here = advisor.locator("#here")
    expect(here).to_have_text("Nora is here")
    green = here.evaluate(color)
    # A record that waits for the user says so already: the dot is for a pause that somebody asked for.
    demo.call("POST", f"/chats/{chat}/pause")
    user.close()
    # Until the service has noticed, the user would be present through the whole advance of the clock.
    for _ in range(100):
        if demo.call("GET", f"/chats/{chat}/tracking")["presence"]["until"] is not None:
            break
        advisor.wait_for_timeout(100)
    demo.advance(35)
    advisor.reload()
    expect(here).to_have_text("Nora isn’t here")
    assert here.evaluate(color) != green


def test_the_price_is_agreed_to_before_paid_time_begins(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/stop")
    page = screens.user(pair, f"/chat/{chat}")
    expect(page.locator("#price")).to_have_text("To start again: 1.00 a minute, by whole minutes")
    page.get_by_role("button", name="Start again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1.00 a minute, by whole minutes. The first 1.00 is due as soon as time begins.")
    dialog.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("button", name="Start again")).to_be_focused()
    assert demo.call("GET", f"/chats/{chat}/tracking")["record"]["state"] == "ended"
    page.get_by_role("button", name="Start again").click()
    dialog.get_by_role("button", name="Start paid time").click()
    running(page)


def test_the_agreement_says_how_long_the_credit_lasts_where_that_is_short(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(SECONDS, "0.02")
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/stop")  # the second that had begun took one half
    page = screens.user(pair, f"/chat/{chat}")
    page.get_by_role("button", name="Start again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("is due as soon as time begins. Your credit lasts at most 1 second.")
    dialog.get_by_role("button", name="Not now").click()
    demo.call("POST", f"/users/{pair.user}/credits", {"amount": "1.18", "kind": "purchase"})
    expect(page.locator("talk-time [data-role=credits]")).to_have_text("1.19")
    page.get_by_role("button", name="Start again").click()
    expect(dialog).to_contain_text("Your credit lasts at most 1 minute 59 seconds.")
    dialog.get_by_role("button", name="Not now").click()
    demo.call("POST", f"/users/{pair.user}/credits", {"amount": "0.01", "kind": "purchase"})
    expect(page.locator("talk-time [data-role=credits]")).to_have_text("1.20")
    page.get_by_role("button", name="New chat").click()
    expect(dialog).to_contain_text("is due as soon as time begins.")
    expect(dialog).not_to_contain_text("Your credit lasts")


@pytest.mark.parametrize("press", ["Start again", "New chat"])
def test_a_price_that_changes_while_one_thinks_starts_nothing(
    screens: Screens, demo: Demo, pair: Pair, press: Literal["Start again", "New chat"]
) -> None:
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/stop")
    page = screens.user(pair, f"/chat/{chat}")
    page.get_by_role("button", name=press).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1.00 a minute")
    dearer = {"tiers": [{**BY_THE_MINUTE["tiers"][0], "rate": "9.00"}]}
    demo.call("PUT", f"/advisors/{pair.advisor}", {"display_name": "Theo", "tariff": dearer})
    dialog.get_by_role("button", name="Start paid time").click()
    expect(page.get_by_role("alert")).to_contain_text("The price has changed.")
    assert pair.user not in {record["user_id"] for record in demo.call("GET", "/records?state=active")["records"]}
    page.get_by_role("button", name=press).click()
    expect(dialog).to_contain_text("9.00 a minute")
    # The refusal was wanted here.
    screens.complaints.clear()


def test_free_time_begins_without_a_question(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(FREE_MINUTE, "20.00")
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/stop")
    page = screens.user(pair, f"/chat/{chat}")
    expect(page.locator("#price")).to_have_text(
        re.compile(r"^To start again: first .* free, then 1\.00", re.IGNORECASE)
    )
    page.get_by_role("button", name="Start again").click()
    running(page)


@pytest.mark.parametrize("press", ["Start again", "New chat"])
def test_free_time_begins_only_at_the_price_that_the_page_shows(
    screens: Screens, demo: Demo, press: Literal["Start again", "New chat"]
) -> None:
    pair = demo.pair(FREE_MINUTE, "20.00")
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/stop")
    page = screens.user(pair, f"/chat/{chat}")
    expect(page.locator("#price")).to_contain_text("then 1.00 a minute")
    dearer = {**FREE_MINUTE, "tiers": [{**BY_THE_MINUTE["tiers"][0], "rate": "9.00"}]}
    demo.call("PUT", f"/advisors/{pair.advisor}", {"display_name": "Theo", "tariff": dearer})
    page.get_by_role("button", name=press).click()
    expect(page.get_by_role("alert")).to_contain_text("The price has changed.")
    expect(page.locator("#price")).to_contain_text("then 9.00 a minute")
    assert pair.user not in {record["user_id"] for record in demo.call("GET", "/records?state=active")["records"]}
    page.get_by_role("button", name=press).click()
    running(page)
    # The refusal was wanted here.
    screens.complaints.clear()


def test_what_another_chat_uses_up_changes_the_price_and_an_older_question_starts_nothing(
    screens: Screens, demo: Demo
) -> None:
    pair = demo.pair({**BY_THE_MINUTE, "free_seconds": 4, "grace_seconds": 20, "connect_fee": "1.50"}, "20.00")
    first, second = demo.chat(pair), demo.chat(pair)
    demo.call("POST", f"/chats/{second}/stop")
    left_ms = demo.call("GET", f"/users/{pair.user}/offers/{pair.advisor}")["free_remaining_ms"]
    assert left_ms > 2_000
    page = screens.user(pair, f"/chat/{first}")
    expect(page.locator("#price")).to_have_text(re.compile(r"^To start again: first \d seconds? free", re.IGNORECASE))
    expect(page.locator("talk-time [data-role=free]")).to_be_hidden()  # of a record that has ended
    page.get_by_role("button", name="Start again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("free, 1.50 to connect")
    expect(dialog).to_contain_text("is due after")
    demo.call("POST", f"/chats/{second}/tracking")
    demo.advance(10)  # over the free time, and within the grace
    demo.call("POST", f"/chats/{second}/stop")
    expect(page.locator("#price")).to_have_text(re.compile(r"^To start again: 1\.50 to connect, then 1\.00 a minute"))
    dialog.get_by_role("button", name="Start paid time").click()
    expect(page.get_by_role("alert")).to_contain_text("The price has changed.")
    assert demo.call("GET", f"/users/{pair.user}/account")["balance"] == "20.00"
    page.get_by_role("button", name="Start again").click()
    expect(dialog).to_contain_text("is due as soon as time begins.")
    screens.complaints.clear()  # the refusal was wanted


def test_within_the_grace_nothing_is_called_paid_and_the_held_credit_is_told(screens: Screens, demo: Demo) -> None:
    pair = demo.pair({**BY_THE_MINUTE, "grace_seconds": 50}, "20.00")
    chat = demo.chat(pair)
    page = screens.user(pair, f"/chat/{chat}", width=360)
    expect(page.locator("#phase")).to_have_text("Not charged if it ends by 0:50")
    expect(page.locator("#held")).to_have_text("1.00 held")
    expect(page.locator("#paid")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    demo.advance(25)
    demo.call("POST", f"/chats/{chat}/heartbeat", {"party": "advisor"})
    demo.advance(24)
    expect(page.locator("#paid")).to_have_text("Paid time starts now. 1.00 a minute, by whole minutes")
    expect(page.locator("#phase")).to_have_text("Paid time")
    expect(page.locator("#held")).to_be_hidden()


@pytest.mark.parametrize("side", ["user", "advisor"])
def test_stop_asks_first(screens: Screens, demo: Demo, pair: Pair, side: Literal["user", "advisor"]) -> None:
    chat = demo.chat(pair)
    page = running(screens.user(pair, f"/chat/{chat}") if side == "user" else screens.advisor(pair, f"/chat/{chat}"))
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("dialog")).to_contain_text("It ends for both of you. So far it has cost 1.00.")
    page.get_by_role("button", name="Keep talking").click()
    assert demo.call("GET", f"/chats/{chat}/tracking")["record"]["state"] == "running"
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="End conversation").click()
    expect(page.locator("#why-title")).to_have_text("You ended the conversation")
    page.get_by_role("link", name="See the receipt").click()
    expect(page.locator("#about")).to_contain_text(f"stopped (by the {side})")


def test_two_talks_at_once_know_of_each_other(screens: Screens, demo: Demo, pair: Pair) -> None:
    second = Pair(pair.user, demo.pair(BY_THE_MINUTE, "1.00").advisor)
    demo.call("PUT", f"/advisors/{second.advisor}", {"display_name": "Sybil", "tariff": BY_THE_MINUTE})
    chats = demo.chat(pair), demo.chat(second)
    for here, there, name in ((chats[0], chats[1], "Sybil"), (chats[1], chats[0], "Theo")):
        page = running(screens.user(pair, f"/chat/{here}"))
        expect(page.locator("#elsewhere")).to_contain_text(f"Your time with {name} runs too.")
        expect(page.locator("#elsewhere a")).to_have_attribute("href", f"/chat/{there}")
    demo.call("POST", f"/chats/{chats[0]}/stop")
    expect(page.locator("#elsewhere")).to_be_hidden()


def test_both_screens_of_two_talks_show_one_credit(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(SECONDS, "5.00")
    second = Pair(pair.user, demo.pair(BY_THE_MINUTE, "1.00").advisor)
    chats = demo.chat(pair), demo.chat(second)
    by_the_second, by_the_minute = (running(screens.user(pair, f"/chat/{chat}")) for chat in chats)
    balance = "Number(document.querySelector('talk-time').reading.balance)"
    before = by_the_minute.evaluate(balance)
    # No second of this talk is charged, and no message comes: the screen computes what the other talk spends.
    by_the_minute.wait_for_function(f"before => {balance} <= before - 0.03", arg=before)
    shown = [page.evaluate(balance) for page in (by_the_second, by_the_minute, by_the_second)]
    available = float(demo.call("GET", f"/users/{pair.user}/account")["available"])
    assert shown[0] >= shown[1] >= shown[2] >= available - 0.01
    demo.call("POST", f"/chats/{chats[0]}/stop")
    expect(by_the_minute.locator("#elsewhere")).to_be_hidden()
    final = demo.call("GET", f"/users/{pair.user}/account")["available"]
    expect(by_the_minute.locator("talk-time [data-role=credits]")).to_have_text(final)


def test_unread_messages_are_counted_in_the_title_and_in_the_lists(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    for number in range(2):
        body = {"party": "user", "text": "Are you there?", "client_id": f"{number}"}
        demo.call("POST", f"/chats/{chat}/messages", body)
    listed = screens.advisor(pair, "/advisor")
    expect(listed.locator("#running .unread")).to_have_text("2 new")
    expect(listed).to_have_title(re.compile(r"^\(2\) "))
    page = running(screens.advisor(pair, f"/chat/{chat}"))
    expect(page).to_have_title("Nora · talktime")
    expect(listed.locator("#running .unread")).to_have_count(0)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    demo.call("POST", f"/chats/{chat}/messages", {"party": "user", "text": "Hello?", "client_id": "3"})
    expect(page).to_have_title("(1) Nora · talktime")
    expect(listed.locator("#running .unread")).to_have_text("1 new")
    # The list beside the chat is requested again; the chat on the page is the one that is read.
    demo.call("POST", f"/chats/{chat}/pause")
    expect(page.locator("#chats [aria-current] .number")).not_to_have_text("running")
    expect(page.locator("#chats .unread")).to_have_count(0)
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title("Nora · talktime")
    expect(listed.locator("#running .unread")).to_have_count(0)


def test_one_sees_whether_the_other_is_here_also_while_no_time_runs(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    page = running(screens.user(pair, f"/chat/{chat}"))
    advisor = running(screens.advisor(pair, f"/chat/{chat}"))
    expect(page.locator("#here")).to_have_text("Theo is here")
    demo.call("POST", f"/chats/{chat}/pause")
    expect(page.locator("#phase")).to_have_text("Paused")
    expect(page.locator("#here")).to_have_text("Theo is here")
    advisor.goto("/advisor")
    expect(page.locator("#here")).to_have_text("Theo isn’t here", timeout=15_000)
    advisor.goto(f"/chat/{chat}")
    expect(page.locator("#here")).to_have_text("Theo is here")
    expect(advisor.locator("#here")).to_have_text("Nora is here")
    demo.call("POST", f"/chats/{chat}/stop")
    expect(page.locator("#here")).to_be_hidden()


def test_the_page_says_for_whom_the_record_waits_and_takes_one_note(screens: Screens, demo: Demo, pair: Pair) -> None:
    demo.call(
        "PUT", f"/advisors/{pair.advisor}", {"display_name": "Theo", "tariff": BY_THE_MINUTE, "starts": "present"}
    )
    page = screens.user(pair, f"/chat/{demo.chat(pair)}")
    expect(page.locator("#why-title")).to_have_text("Waiting for Theo")
    expect(page.locator("#here")).to_be_hidden()
    expect(page.locator("#no-writing")).to_contain_text("one note of at most 500 characters")
    page.get_by_label("Your message").fill("About my cat")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#no-writing")).to_contain_text("Your note is sent")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    screens.advisor(pair, page.url)
    running(page)
    expect(page.locator("#no-writing")).to_be_hidden()
    expect(page.locator("#here")).to_have_text("Theo is here")


def test_offline_is_noticed_and_the_digits_that_stand_say_why(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    page = running(screens.user(pair, f"/chat/{chat}"))
    running(screens.advisor(pair, f"/chat/{chat}"))
    page.context.set_offline(True)
    expect(page.locator("#why-title")).to_have_text("You are offline", timeout=5000)
    expect(page.locator("#why-text")).to_contain_text("The server keeps the time.")
    expect(page.locator("#phase")).to_have_text("Offline")
    page.context.set_offline(False)
    running(page)
    expect(page.locator("#why-title")).to_be_empty()
    # Requests without a network were wanted here.
    screens.complaints.clear()


def test_an_operator_only_looks_on(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    page = running(screens.of(Role.OPERATOR, "olga", f"/chat/{chat}"))
    expect(page.locator("#here")).to_be_hidden()
    expect(page.locator("#elsewhere")).to_be_hidden()
