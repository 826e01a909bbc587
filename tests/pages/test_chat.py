"""The chat page, on both sides, as people use it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from talktime.core.roles import Role
from tests.services import BY_THE_MINUTE

from .conftest import Demo, Pair, Screens

SECONDS = {"tiers": [{"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]}
FREE_MINUTE = {**BY_THE_MINUTE, "free_seconds": 60}


@pytest.fixture
def pair(demo: Demo) -> Pair:
    return demo.pair(BY_THE_MINUTE, "20.00")


def running(page: Page) -> Page:
    page.wait_for_selector("talk-time[state=running]")
    return page


def elapsed_ms(page: Page) -> float:
    return float(page.evaluate("document.querySelector('talk-time').reading.elapsedMs"))


def test_one_person_alone_gets_from_the_landing_to_a_receipt_by_keyboard(screens: Screens) -> None:
    page = screens.blank()
    page.goto("/")

    def press_on(role: str, name: str) -> None:
        """Tab to it, as somebody without a mouse would, and press Enter."""
        wanted = page.get_by_role(role, name=name)  # type: ignore[arg-type]  # Playwright lists the roles, and the test has texts
        wanted.wait_for()
        for _ in range(40):
            page.keyboard.press("Tab")
            if wanted.evaluate("e => e === document.activeElement"):
                break
        else:
            pytest.fail(f"Tab does not reach {name}")
        page.keyboard.press("Enter")

    press_on("link", "Alice")
    press_on("button", "Start chat with Ben")
    press_on("button", "Start paid time")
    running(page)
    page.get_by_label("Your message").focus()
    page.keyboard.type("What does this cost?")
    page.keyboard.press("Enter")
    expect(page.locator("#messages .own")).to_contain_text("What does this cost?")
    # The seat is empty, so the automatic advisor of the demo answers.
    page.locator("#messages .other").first.wait_for()
    press_on("button", "Stop")
    press_on("button", "End conversation")
    press_on("link", "See the receipt")
    expect(page.locator("#payments")).to_be_visible()


def test_a_message_arrives_once_and_stays_after_a_refresh(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    advisor = running(screens.advisor(pair, f"/chat/{chat}"))
    user.get_by_label("Your message").fill("Are you\nthere?")
    user.get_by_role("button", name="Send").click()
    expect(advisor.locator("#messages li")).to_have_count(1)  # a question comes before its answer
    advisor.get_by_label("Your message").fill("I am")
    expect(user.get_by_text("Theo is typing…")).to_be_visible()
    advisor.keyboard.press("Enter")
    for page in (user, advisor):
        expect(page.locator("#messages li")).to_have_count(2)
        page.reload()
        expect(page.locator("#messages li")).to_have_text([re.compile("Are you\nthere"), re.compile("I am")])


def test_it_is_told_who_says_what(screens: Screens, demo: Demo, pair: Pair) -> None:
    """By name, even if the names come later than the messages; an operator, who is neither, sees it too."""
    chat = demo.chat(pair)
    for party, text in (("user", "Are you there?"), ("advisor", "I am")):
        demo.call("POST", f"/chats/{chat}/messages", {"party": party, "text": text, "client_id": text})
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    for role, subject, told in (
        (Role.USER, pair.user, ["You:", "Theo:"]),
        (Role.ADVISOR, pair.advisor, ["Nora:", "You:"]),
        (Role.OPERATOR, "olga", ["Nora:", "Theo:"]),
    ):
        page = screens.of(role, subject, f"/chat/{chat}")
        held.clear()
        page.route("**/v1/*/*/chats*", hold)
        page.reload()
        expect(page.locator("#messages li")).to_have_count(2)
        for request in held:
            request.continue_()
        page.unroute_all()
        expect(page.locator("#messages li")).to_have_text([re.compile(who) for who in told])
        seen = page.locator("#messages [data-sender]").first.bounding_box()
        assert seen is not None
        assert (seen["height"] > 10) == (role is Role.OPERATOR)


def test_loading_a_page_only_reads(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    user.get_by_role("button", name="Pause").click()
    expect(user.get_by_role("button", name="Continue")).to_be_visible()
    asked: list[str] = []
    user.on("request", lambda request: asked.append(request.method))
    user.reload()
    expect(user.get_by_role("button", name="Continue")).to_be_visible()
    assert set(asked) == {"GET"}
    assert demo.call("GET", f"/chats/{chat}/tracking")["record"]["reason"] == "paused"


def test_the_other_side_is_told_of_a_pause(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    advisor = running(screens.advisor(pair, f"/chat/{chat}"))
    user.get_by_role("button", name="Pause").click()
    expect(advisor.locator("#why")).to_contain_text("Nothing is charged until Nora continues.")
    expect(advisor.get_by_role("button", name="Continue")).to_be_hidden()
    user.get_by_role("button", name="Continue").click()
    running(advisor)
    expect(advisor.locator("#why-title")).to_be_empty()
    advisor.get_by_role("button", name="Pause").click()
    expect(user.locator("#why-title")).to_have_text("Theo paused")
    advisor.get_by_role("button", name="Continue").click()
    running(user)


def test_who_is_writing_keeps_the_focus_and_the_text_whatever_happens(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    advisor = running(screens.advisor(pair, f"/chat/{chat}"))
    field = user.get_by_label("Your message")
    field.focus()
    user.keyboard.type("I am")
    advisor.get_by_role("button", name="Pause").click()
    expect(user.locator("#why-title")).to_have_text("Theo paused")
    user.keyboard.type(" writing")
    user.keyboard.press("Enter")
    expect(field).to_have_value("I am writing")
    expect(user.get_by_role("button", name="Send")).to_be_disabled()
    user.reload()
    expect(user.locator("#why-title")).to_have_text("Theo paused")
    expect(field).to_have_value("I am writing")
    field.focus()
    advisor.get_by_role("button", name="Continue").click()
    running(user)
    expect(user.get_by_role("button", name="Send")).to_be_enabled()
    user.keyboard.press("Enter")
    expect(advisor.locator("#messages li").last).to_contain_text("I am writing")
    user.reload()
    running(user)
    expect(field).to_have_value("")


def test_credit_that_a_call_had_held_lets_the_user_continue(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "3.00")
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    user = running(screens.user(pair, f"/chat/{chat}"))
    called = f"{pair.advisor}-called"
    tariff = {**BY_THE_MINUTE, "connect_fee": "1.00"}
    leo = {"display_name": "Leo", "tariff": tariff, "starts": "accepted", "ring_seconds": 120}
    demo.call("PUT", f"/advisors/{called}", leo)
    ringing = demo.call("POST", "/chats", {"user_id": pair.user, "advisor_id": called})
    calling = screens.user(pair, f"/chat/{ringing['chat']['id']}")
    expect(calling.locator("#phase")).to_have_text("Ringing")
    demo.advance(61)
    expect(user.locator("#why-title")).to_have_text("Your credits have run out")
    expect(user.get_by_role("button", name="Continue")).to_be_hidden()
    demo.call("POST", f"/chats/{ringing['chat']['id']}/stop")
    expect(user.locator("#why-title")).to_have_text("There is credit again")
    user.get_by_role("button", name="Continue").click()
    running(user)


def test_moving_to_another_chat_and_back(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    advisor = running(screens.advisor(pair, f"/chat/{chat}"))
    user.get_by_role("button", name="New chat").click()
    question = user.get_by_role("dialog", name="Go on in the other chat?")
    expect(question).to_contain_text("and soon stops if Theo does not come there.")
    question.get_by_role("button", name="Continue").click()
    user.wait_for_url(lambda url: not url.endswith(chat))
    running(user)
    # The record's time goes on elsewhere: this page shows the chat's own, and no cost and credits of then.
    left = demo.call("GET", f"/chats/{chat}/tracking")["chat"]["duration_ms"]
    link = advisor.get_by_role("link", name="Go to that chat")
    expect(link).to_be_visible()
    expect(advisor).to_have_title("Nora went on in another chat")
    assert elapsed_ms(advisor) == left
    expect(advisor.locator("#cost")).to_be_hidden()
    link.click()
    advisor.wait_for_url(user.url)
    assert abs(elapsed_ms(running(advisor)) - elapsed_ms(user)) < 1000
    user.get_by_role("button", name=re.compile("Chat 1")).click()
    question.get_by_role("button", name="Continue").click()
    user.wait_for_url(f"**/chat/{chat}")
    running(user)
    assert demo.call("GET", f"/chats/{chat}/tracking")["timer"]["running"]


def test_with_nothing_active_another_chat_is_only_shown(screens: Screens, demo: Demo, pair: Pair) -> None:
    first, second = demo.chat(pair), demo.chat(pair)
    demo.call("POST", f"/chats/{second}/stop")
    user = screens.user(pair, f"/chat/{second}")
    user.get_by_role("link", name=re.compile("Chat 1")).click()
    user.wait_for_url(f"**/chat/{first}")
    expect(user.get_by_role("button", name="Start again")).to_be_visible()
    assert pair.user not in {record["user_id"] for record in demo.call("GET", "/records?state=active")["records"]}
    user.get_by_role("button", name="Start again").click()
    user.get_by_role("button", name="Start paid time").click()
    running(user)


def test_going_to_another_chat_after_the_end_begins_nothing(screens: Screens, demo: Demo, pair: Pair) -> None:
    """The list of chats is older than the end: its button names the record that should have moved."""
    first, second = demo.chat(pair), demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{second}"))
    other = user.get_by_role("button", name=re.compile("Chat 1"))
    expect(other).to_be_visible()
    user.route("**/v1/users/*/chats*", lambda _route: None)  # no answer comes
    demo.call("POST", f"/chats/{second}/stop")
    user.wait_for_selector("talk-time[state=ended]")
    other.click()
    expect(user.get_by_role("dialog")).to_be_hidden()
    user.wait_for_url(f"**/chat/{first}")
    expect(user.get_by_role("button", name="Start again")).to_be_visible()
    assert pair.user not in {record["user_id"] for record in demo.call("GET", "/records?state=active")["records"]}
    screens.complaints.clear()  # the browser tells of the refusal, too


@pytest.mark.parametrize("button", ["Continue here", "New chat"])
def test_the_end_overtakes_a_press_that_only_goes_on(screens: Screens, demo: Demo, pair: Pair, button: str) -> None:
    first, second = demo.chat(pair), demo.chat(pair)
    page = screens.user(pair, f"/chat/{first}")
    pressed = page.get_by_role("button", name=button)
    expect(pressed).to_be_visible()
    # The end comes after the press, and before the service has the request.
    page.route(
        re.compile(r"/v1/chats(/[^/]+/tracking)?$"),
        lambda route: (
            route.request.method == "POST" and demo.call("POST", f"/chats/{second}/stop"),
            route.continue_(),
        ),
    )
    pressed.click()
    if button == "New chat":
        page.get_by_role("dialog").get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("The conversation has ended.")
    assert pair.user not in {record["user_id"] for record in demo.call("GET", "/records?state=active")["records"]}
    screens.complaints.clear()  # the browser tells of the refusal, too


def test_a_paused_conversation_goes_on_only_when_asked(screens: Screens, demo: Demo, pair: Pair) -> None:
    first, second = demo.chat(pair), demo.chat(pair)
    demo.call("POST", f"/chats/{second}/pause")
    user = screens.user(pair, f"/chat/{second}")
    expect(user.locator("#why-text")).to_contain_text("Nothing is charged until")
    expect(user.locator("#why-text")).to_have_text(re.compile(r"the conversation ends at \d\d:\d\d\.$"))
    # To look at the older chat is not to go on.
    user.get_by_role("link", name=re.compile("Chat 1")).click()
    user.wait_for_url(f"**/chat/{first}")
    assert not demo.call("GET", f"/chats/{second}/tracking")["timer"]["running"]
    user.get_by_role("button", name="New chat").click()
    question = user.get_by_role("dialog", name="Go on in the other chat?")
    expect(question).to_contain_text("The conversation is paused. Its time goes on there, at the same price, and soon")
    question.get_by_role("button", name="Not now").click()
    expect(question).to_have_count(0)
    assert not demo.call("GET", f"/chats/{second}/tracking")["timer"]["running"]
    user.get_by_role("button", name="New chat").click()
    question.get_by_role("button", name="Continue").click()
    user.wait_for_url(lambda url: not url.endswith(first))
    running(user)


def test_less_than_a_second_of_free_time_is_no_free_start(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(FREE_MINUTE, "20.00")
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    running(screens.advisor(pair, f"/chat/{chat}"))
    left_ms = demo.call("POST", f"/chats/{chat}/pause")["free_remaining_ms"]
    demo.call("POST", f"/chats/{chat}/resume")
    demo.advance(left_ms / 1000 - 0.6)
    demo.call("POST", f"/chats/{chat}/stop")
    user.get_by_role("button", name="Start again").click()
    expect(user.get_by_role("dialog", name="Start paid time with Theo?")).to_be_visible()


def test_a_field_to_write_in_folds_the_meter_on_a_low_screen(screens: Screens, demo: Demo, pair: Pair) -> None:
    user = running(screens.user(pair, f"/chat/{demo.chat(pair)}", width=375))
    user.set_viewport_size({"width": 375, "height": 476})
    user.get_by_role("button", name="More").click()
    expect(user.locator("#meter")).not_to_have_class(re.compile("folded"))
    user.locator("#text").focus()
    expect(user.locator("#meter")).to_have_class(re.compile("folded"))
    for selector in ("#time", "#cost", "#left"):
        expect(user.locator(selector)).to_be_in_viewport()
    # On a high screen the meter stays as the person has chosen.
    user.set_viewport_size({"width": 375, "height": 844})
    user.get_by_role("button", name="Less").click()
    user.locator("#send").focus()
    user.locator("#text").focus()
    expect(user.locator("#meter")).to_have_class(re.compile("folded"))


def test_an_old_failure_goes_when_the_record_changes(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    running(screens.advisor(pair, f"/chat/{chat}"))
    user.get_by_role("button", name="Pause").click()
    user.route("**/resume", lambda route: route.abort())
    user.get_by_role("button", name="Continue").click()
    failure = user.get_by_role("alert")
    expect(failure).to_contain_text("can’t be reached")
    user.wait_for_timeout(3_100)
    expect(failure).to_be_visible()  # nothing has changed
    demo.call("POST", f"/chats/{chat}/resume")
    expect(failure).to_be_hidden()
    screens.complaints.clear()  # the browser tells of the call that was broken off, too


def test_a_failure_goes_when_the_connection_is_back_at_once(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    running(screens.advisor(pair, f"/chat/{chat}"))
    user.get_by_role("button", name="Pause").click()
    expect(user.locator("#why-title")).to_have_text("You paused")
    user.context.set_offline(True)
    user.wait_for_selector("talk-time[state=reconnecting]")
    user.get_by_role("button", name="Continue").click()
    failure = user.get_by_role("alert")
    expect(failure).to_contain_text("can’t be reached")
    user.context.set_offline(False)
    expect(user.locator("#why-title")).to_have_text("You paused")
    expect(failure).to_be_hidden()
    screens.complaints.clear()  # requests without a network were wanted here


def test_the_moment_paid_time_starts(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(FREE_MINUTE, "20.00")
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    running(screens.advisor(pair, f"/chat/{chat}"))
    expect(user.locator("#phase")).to_have_text("Free time")
    expect(user.locator("#paid")).to_be_hidden()
    demo.advance(58 - elapsed_ms(user) / 1000)
    expect(user.locator("#paid")).to_have_text("Paid time starts now. 1.00 a minute, by whole minutes")
    expect(user.locator("#phase")).to_have_text("Paid time")
    user.reload()
    running(user)
    expect(user.locator("#phase")).to_have_text("Paid time")
    expect(user.locator("#paid")).to_be_hidden()


def test_running_out_and_topping_up_without_leaving(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "8.00")
    chat = demo.chat(pair)
    user = running(screens.user(pair, f"/chat/{chat}"))
    advisor = running(screens.advisor(pair, f"/chat/{chat}"))
    expect(user.locator("#forecast")).to_have_text(re.compile(r"^Enough for about 7 min, until \d\d:\d\d$"))
    expect(advisor.locator("#forecast")).to_have_text(re.compile("^Nora can go on for about 7 min"))
    expect(user.locator("#warning")).to_be_hidden()
    demo.advance(185)
    expect(user.locator("#warning")).to_have_text("Less than 5 minutes of credit left")
    demo.advance(180)
    expect(user.locator("#warning")).to_have_text("Less than 2 minutes of credit left")
    demo.advance(120)
    expect(user.locator("#why")).to_contain_text(re.compile(r"It waits [0-4]:\d\d more"))
    expect(user.locator("#phase")).to_have_text("Out of credit")
    expect(advisor.locator("#why-title")).to_have_text("Nora is out of credit")
    # The amounts are there by themselves.
    user.get_by_role("button", name="Top up 5.00").click()
    running(user)
    running(advisor)
    assert demo.call("GET", f"/users/{pair.user}/account")["balance"] == "5.00"


def test_a_start_without_credit_offers_a_top_up(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "1.00")
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/stop")
    # The minute that had begun took all of it.
    user = screens.user(pair, f"/chat/{chat}")
    user.get_by_role("button", name="Start again").click()
    expect(user.get_by_role("alert")).to_contain_text("There isn’t enough credit for that.")
    expect(user.get_by_role("dialog")).to_have_count(0)
    user.get_by_role("button", name="Top up 5.00").click()
    user.get_by_role("button", name="Start again").click()
    user.get_by_role("button", name="Start paid time").click()
    running(user)
    expect(user.get_by_role("alert")).to_be_hidden()
    # The browser tells of the refusal too.
    screens.complaints.clear()


def test_the_top_up_of_a_host_opens_beside_the_chat_and_the_record_waits(screens: Screens, demo: Demo) -> None:
    """A card form takes a while, so the record waits longer, and the user stays on the page."""
    pair = demo.pair(BY_THE_MINUTE, "1.00")
    chat = demo.chat(pair)
    running(screens.advisor(pair, f"/chat/{chat}"))
    user = running(screens.user(pair, f"/chat/{chat}"))

    # The page as a service with `TALKTIME_TOPUP_URL` writes it, before its scripts run.
    user.add_init_script(
        """new MutationObserver(() => {
            const data = document.documentElement?.dataset;
            if (data?.demo === undefined) return;
            delete data.demo;
            data.topup = "/icon.svg";
        }).observe(document, { childList: true, subtree: true });"""
    )
    user.reload()
    running(user)
    demo.advance(62)
    expect(user.locator("#why")).to_contain_text(re.compile(r"It waits [0-4]:\d\d more"))
    with user.context.expect_page() as opened:
        user.get_by_role("link", name="Top up").click()
    assert opened.value.url == f"{demo.address}/icon.svg"
    assert opened.value.evaluate("window.opener") is None
    expect(user.locator("#why")).to_contain_text(re.compile(r"It waits 1[0-4]:\d\d more"))
    demo.advance(600)
    demo.call("POST", f"/users/{pair.user}/credits", {"amount": "5.00", "kind": "purchase"})
    running(user)


def test_all_digits_change_in_one_frame(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(SECONDS, "20.00")
    user = running(screens.user(pair, f"/chat/{demo.chat(pair)}"))
    # One observer for all: what changes in one task of the browser comes in one batch.
    batches: list[list[str]] = user.evaluate(
        """() => new Promise(done => {
            const root = document.querySelector('talk-time').shadowRoot;
            const names = new Map([[document.querySelector('#cost'), 'cost']]);
            for (const role of ['elapsed', 'credits']) names.set(root.querySelector(`[data-role=${role}]`), role);
            const batches = [];
            const observer = new MutationObserver(records => {
                batches.push([...new Set(records.map(r => names.get(r.target)))].sort());
                if (batches.length === 4) done(batches);
            });
            for (const element of names.keys()) observer.observe(element, {childList: true});
        })"""
    )
    assert batches == [["cost", "credits", "elapsed"]] * 4


def test_what_is_not_yours_is_not_shown(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    stranger = screens.of(Role.USER, "alice", f"/chat/{chat}")
    expect(stranger.get_by_role("heading", name="This chat isn’t here")).to_be_visible()
    expect(stranger.locator("#messages")).not_to_contain_text("Nora")
    # The refusals are what was wanted here.
    screens.complaints.clear()


def test_an_old_chat_asks_before_it_brings_the_conversation_here(screens: Screens, demo: Demo, pair: Pair) -> None:
    """The record of the chat has ended, and the two talk in another chat: nothing new can begin here."""
    old = demo.chat(pair)
    demo.call("POST", f"/chats/{old}/stop")
    demo.chat(pair)
    page = screens.user(pair, f"/chat/{old}")
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("You talk in another chat.")
    dialog.get_by_role("button", name="Continue here").click()
    running(page)
    # The browser tells of the offer that there is not.
    screens.complaints.clear()


def test_questions_about_a_conversation_elsewhere_close_when_it_has_gone_on(
    screens: Screens, demo: Demo, pair: Pair
) -> None:
    old = demo.chat(pair)
    demo.call("POST", f"/chats/{old}/stop")
    demo.chat(pair)
    page = screens.user(pair, f"/chat/{old}")
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_role("dialog", name="Bring the conversation here?")).to_be_visible()
    demo.call("POST", f"/chats/{old}/tracking")  # from another screen of the user
    expect(page.get_by_role("dialog")).to_be_hidden()
    screens.complaints.clear()  # the browser tells of the offer that there is not
    demo.call("POST", f"/chats/{old}/pause")
    page.get_by_role("button", name="New chat").click()
    expect(page.get_by_role("dialog", name="Go on in the other chat?")).to_be_visible()
    demo.call("POST", f"/chats/{old}/resume")
    expect(page.get_by_role("dialog")).to_be_hidden()
    running(page)


def test_a_failure_in_the_background_is_gone_once_the_request_succeeds_again(
    screens: Screens, demo: Demo, pair: Pair
) -> None:
    chat = demo.chat(pair)
    running(screens.user(pair, f"/chat/{chat}"))  # both stay, so no state changes
    advisor = running(screens.advisor(pair, f"/chat/{chat}"))
    advisor.route("**/v1/advisors/*/chats*", lambda route: route.abort())
    expect(advisor.get_by_role("alert")).to_be_visible(timeout=25_000)
    advisor.unroute("**/v1/advisors/*/chats*")
    expect(advisor.get_by_role("alert")).to_be_hidden(timeout=25_000)
    screens.complaints.clear()  # the browser tells of the request that was lost
