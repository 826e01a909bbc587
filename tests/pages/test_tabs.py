"""New tabs and wrong addresses: a tab is signed in as the tab that opened it, and a wrong address has a page."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

from talktime.core.roles import Role
from tests.services import BY_THE_MINUTE

from .conftest import Demo, Pair, Screens


@pytest.fixture
def pair(demo: Demo) -> Pair:
    return demo.pair(BY_THE_MINUTE, "20.00")


def opened_by(page: Page, selector: str, how: Literal["ctrl", "middle"]) -> Page:
    """The tab that a click on the link opens."""
    with page.context.expect_page() as opened:
        if how == "ctrl":
            page.locator(selector).click(modifiers=["ControlOrMeta"])
        else:
            page.locator(selector).click(button="middle")
    return opened.value


@pytest.mark.parametrize("how", ["ctrl", "middle"])
def test_a_new_tab_is_signed_in_as_its_opener(
    screens: Screens, demo: Demo, pair: Pair, how: Literal["ctrl", "middle"]
) -> None:
    chat = demo.chat(pair)
    user = screens.user(pair, "/user")
    # Another tab of the same browser, in which somebody else is signed in, must not answer.
    advisor = user.context.new_page()
    advisor.goto("/demo/as/ben")
    advisor.wait_for_url("**/advisor")
    user.locator("#chats .row").wait_for()
    tab = opened_by(user, "#chats .row", how)
    tab.wait_for_selector("talk-time[state=running]")
    assert tab.evaluate("sessionStorage.getItem('talktime.subject')") == pair.user
    assert tab.url.endswith(f"/chat/{chat}")
    assert tab.context.cookies() == []
    assert user.evaluate("sessionStorage.getItem('talktime.subject')") == pair.user
    expect(user.locator("#chats .row")).to_be_visible()


@pytest.mark.parametrize("first", ["user", "advisor"])
def test_a_new_tab_of_an_advisor_is_never_signed_in_as_the_user(
    screens: Screens, demo: Demo, pair: Pair, first: Literal["user", "advisor"]
) -> None:
    """Both sit side by side in one browser, and the menu of the same link was open in the tab of the other."""
    chat = demo.chat(pair)
    tabs = {"user": screens.user(pair, "/user")}
    tabs["advisor"] = tabs["user"].context.new_page()
    session = {"token": demo.token(Role.ADVISOR, pair.advisor), "role": "advisor", "subject": pair.advisor}
    tabs["advisor"].goto("/")
    tabs["advisor"].evaluate(
        "session => Object.entries(session).forEach(([k, v]) => sessionStorage.setItem(`talktime.${k}`, v))", session
    )
    tabs["advisor"].goto("/advisor")
    row = f"a.row[href$='/chat/{chat}'], .row a[href$='/chat/{chat}']"
    for tab in tabs.values():
        tab.locator(row).first.wait_for()
    second = "advisor" if first == "user" else "user"
    tabs[first].locator(row).first.click(button="right")  # "Copy the address", say
    opened = opened_by(tabs[second], row, "ctrl")
    opened.wait_for_selector("talk-time[state=running]")
    subject = {"user": pair.user, "advisor": pair.advisor}
    assert opened.evaluate("sessionStorage.getItem('talktime.subject')") == subject[second]
    for name, tab in tabs.items():
        assert tab.evaluate("sessionStorage.getItem('talktime.subject')") == subject[name]


@pytest.mark.parametrize("rel", ["", "noopener", "opener"])
def test_a_link_into_a_new_tab_takes_the_session_along(screens: Screens, demo: Demo, pair: Pair, rel: str) -> None:
    chat = demo.chat(pair)
    user = screens.user(pair, "/user")
    user.evaluate(
        """([href, rel]) => {
            const link = Object.assign(document.createElement("a"), { href, rel, target: "_blank", id: "into-a-tab" });
            link.textContent = "Open";
            document.querySelector("main").append(link);
        }""",
        [f"/chat/{quote(chat)}", rel],
    )
    with user.context.expect_page() as opened:
        user.locator("#into-a-tab").click()
    opened.value.wait_for_selector("talk-time[state=running]")
    assert opened.value.evaluate("sessionStorage.getItem('talktime.subject')") == pair.user


def test_a_tab_that_nobody_opened_is_nobody(screens: Screens, demo: Demo, pair: Pair) -> None:
    user = screens.user(pair, "/user")
    tab = user.context.new_page()
    tab.goto("/user")
    expect(tab.get_by_role("heading", name="You are not signed in")).to_be_visible()


def test_a_wrong_address_is_a_page_for_a_browser_and_a_problem_for_a_program(screens: Screens, demo: Demo) -> None:
    tab = screens.blank()
    answer = tab.goto("/no/such/page")
    assert answer is not None
    assert answer.status == 404
    expect(tab.get_by_role("heading", name="There is no such page")).to_be_visible()
    for accept in ("application/json", "*/*"):
        program = httpx.get(f"{demo.address}/no/such/page", headers={"accept": accept})
        assert program.status_code == 404
        assert program.headers["content-type"] == "application/problem+json"
        assert program.json()["code"] == "not_found"
    screens.complaints.clear()  # the browser tells of the 404


def test_an_unknown_chat_has_no_composer(screens: Screens, pair: Pair) -> None:
    page = screens.user(pair, "/chat/no-such-chat")
    expect(page.get_by_role("heading", name="This chat isn’t here")).to_be_visible()
    expect(page.get_by_label("Your message")).to_be_hidden()
    expect(page.locator("#meter")).to_be_hidden()
    page.locator("#signed-out").get_by_role("link", name="Your chats").click()
    page.wait_for_url("**/user")
    screens.complaints.clear()  # the refusals were wanted


@pytest.mark.parametrize("chat_id", [".", "..", "a/b", "../..", "%2e%2e", "ä ?#&"])
def test_every_id_of_a_chat_has_an_address(screens: Screens, demo: Demo, pair: Pair, chat_id: str) -> None:
    body = {"user_id": pair.user, "advisor_id": pair.advisor, "chat_id": f"{chat_id}"}
    if chat_id not in (".", ".."):  # each test has people of its own, but the ids of chats belong to all
        body["chat_id"] = chat_id = f"{chat_id}{pair.user}"
    demo.call("POST", "/chats", body)
    page = screens.user(pair, "/user")
    page.locator("#chats .row").click()
    page.wait_for_selector("talk-time[state=running]")
    assert page.locator("#content").get_attribute("data-chat") == chat_id
    page.reload()
    page.wait_for_selector("talk-time[state=running]")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()


def test_a_page_shows_its_frame_before_scripts_run(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    tab = screens.blank()
    tab.route("**/static/pages/*.js", lambda route: route.abort())
    for path, text in (
        ("/user", "Your chats"),
        ("/account", "Your account"),
        ("/advisor", "Your chats"),
        ("/advisor/statement", "Your statement"),
        ("/receipts/r", "Receipt"),
        ("/operator", "Running now"),
        ("/operator/find", "Find"),
        ("/operator/books", "Books"),
    ):
        tab.goto(path)
        expect(tab.get_by_role("heading", level=1, name=text)).to_be_visible()
        expect(tab.get_by_text("Loading…")).to_be_visible()
    tab.goto(f"/chat/{quote(chat)}")
    expect(tab.locator("#meter")).to_be_visible()
    # A form without its script would send what is written in an address.
    expect(tab.get_by_label("Your message")).to_be_disabled()
    screens.complaints.clear()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_focus_stays_on_what_one_does_next(screens: Screens, demo: Demo, pair: Pair, width: int) -> None:
    chat = demo.chat(pair)
    page = screens.of(Role.USER, pair.user, f"/chat/{chat}", width=width)
    page.wait_for_selector("talk-time[state=running]")
    for press, then in (
        ("Pause", "Continue"),
        ("Continue", "Pause"),
        ("Stop", "Keep talking"),
        ("Keep talking", "Stop"),
    ):
        button = page.get_by_role("button", name=press)
        button.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name=then)).to_be_focused()
    # The button is free again a moment after the focus is back.
    expect(page.get_by_role("button", name="Stop")).not_to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="End conversation").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="See the receipt")).to_be_focused()
    page.get_by_role("button", name="Start again").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Start paid time").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()


def test_the_focus_stays_when_a_question_closes_by_itself(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    page = screens.user(pair, f"/chat/{chat}")
    page.wait_for_selector("talk-time[state=running]")
    page.get_by_role("button", name="Stop").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    demo.call("POST", f"/chats/{chat}/stop")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("link", name="See the receipt")).to_be_focused()
    page.get_by_role("button", name="Start again").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    demo.call("POST", f"/chats/{chat}/tracking")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Pause")).to_be_focused()


def test_free_time_is_shown_only_where_there_was_some(screens: Screens, demo: Demo, pair: Pair) -> None:
    page = screens.user(pair, f"/chat/{demo.chat(pair)}")
    page.wait_for_selector("talk-time[state=running]")
    expect(page.locator("talk-time [data-role=free]")).to_be_hidden()
    free = demo.pair({**BY_THE_MINUTE, "free_seconds": 60}, "20.00")
    page = screens.user(free, f"/chat/{demo.chat(free)}")
    page.wait_for_selector("talk-time[state=running]")
    expect(page.locator("talk-time [data-role=free]")).to_be_visible()
