"""The pages around the chats: signing in, lists, receipt, operator."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from talktime.core.roles import Role
from tests.services import BY_THE_MINUTE

from .conftest import Demo, Pair, Screens


@pytest.fixture
def pair(demo: Demo) -> Pair:
    return demo.pair(BY_THE_MINUTE, "20.00")


@pytest.mark.parametrize(
    ("person", "page", "heading"),
    [("alice", "/user", "Your chats"), ("maya", "/advisor", "Your chats"), ("olga", "/operator", "Running now")],
)
def test_each_person_of_the_demo_arrives_at_their_page(screens: Screens, person: str, page: str, heading: str) -> None:
    tab = screens.blank()
    tab.goto(f"/demo/as/{person}")
    tab.wait_for_url(f"**{page}")
    expect(tab.get_by_role("heading", level=1)).to_have_text(heading)
    assert "token" not in tab.url
    assert tab.context.cookies() == []


@pytest.mark.parametrize(
    "outside",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "/.//evil.example/",
        "/..//evil.example/",
        "/./\\evil.example/",
        "/%09//evil.example/",
    ],
)
def test_becoming_somebody_never_leads_outside(screens: Screens, demo: Demo, outside: str) -> None:
    tab = screens.blank()
    tab.goto(f"/demo/as/alice?next={outside}")
    tab.wait_for_url(re.compile(re.escape(demo.address) + "/(user|evil.example/)"))


def test_a_token_that_ran_out_leads_back_to_the_same_page(screens: Screens) -> None:
    tab = screens.blank()
    tab.goto("/demo/as/alice?next=/user")
    tab.locator("#content").wait_for()
    tab.evaluate("sessionStorage.setItem('talktime.token', 'stale')")
    tab.reload()
    tab.get_by_role("link", name="Sign in again").click()
    tab.wait_for_url("**/user")
    tab.locator("#advisors").wait_for()
    # The refusals of the stale token are what was wanted here.
    screens.complaints.clear()


def test_a_page_of_another_role_says_so(screens: Screens, pair: Pair) -> None:
    tab = screens.blank()
    tab.goto("/demo/as/maya?next=/user")
    expect(tab.get_by_role("heading", name="This page is for somebody else")).to_be_visible()
    # To sign in once more as the same person would lead here again.
    expect(tab.get_by_role("link", name="Sign in again")).to_have_count(0)
    tab.locator("#signed-out").get_by_role("link", name="Your chats").click()
    tab.wait_for_url("**/advisor")


def test_an_advisor_sees_a_chat_begin_and_end_by_itself(screens: Screens, demo: Demo, pair: Pair) -> None:
    advisor = screens.advisor(pair, "/advisor")
    expect(advisor.get_by_text("Nobody is talking to you.")).to_be_visible()
    chat = demo.chat(pair)
    advisor.wait_for_selector("#running talk-time[state=running]")
    before = advisor.locator("#running talk-time").evaluate("e => e.reading.elapsedMs")
    advisor.wait_for_timeout(300)
    assert advisor.locator("#running talk-time").evaluate("e => e.reading.elapsedMs") > before
    demo.call("POST", f"/chats/{chat}/stop")
    expect(advisor.locator("#earlier .row")).to_contain_text("ended")
    expect(advisor.locator("#running .row")).to_have_count(0)


def test_an_advisor_sees_what_is_earned_so_far(screens: Screens, demo: Demo, pair: Pair) -> None:
    terms = {"share_percent": 49}
    demo.call(
        "PUT",
        f"/advisors/{pair.advisor}",
        {"display_name": "Theo", "tariff": BY_THE_MINUTE, "terms": terms, "starts": "at_once"},
    )
    chat = demo.chat(pair)
    screens.user(pair, f"/chat/{chat}").wait_for_selector("talk-time[state=running]")
    screens.advisor(pair, f"/chat/{chat}")  # the list alone only looks, and time would end with the advisor's lease
    advisor = screens.advisor(pair, "/advisor")
    expect(advisor.locator("#running .earned")).to_have_text("0.49 earned")
    advisor.wait_for_selector("#running talk-time[state=running]")
    row = advisor.locator("#running .row").element_handle()
    demo.advance(75)
    expect(advisor.locator("#running .earned")).to_have_text("0.98 earned")
    assert row.evaluate("row => row.isConnected")


@pytest.mark.parametrize(("language", "said"), [("en", "you were away"), ("de", "du warst nicht da")])
def test_the_own_absence_is_told_as_such(screens: Screens, demo: Demo, pair: Pair, language: str, said: str) -> None:
    chat = demo.chat(pair)
    advisor = screens.advisor(pair, f"/chat/{chat}")
    advisor.wait_for_selector("talk-time[state=running]")
    demo.advance(35)
    assert demo.call("GET", f"/chats/{chat}/tracking")["record"]["reason"] == "user_away"
    expect(screens.user(pair, f"/user?lang={language}").locator("#chats .badge")).to_have_text(said)
    advisor.goto("/advisor")
    expect(advisor.locator("#running .badge")).to_have_text("user away")


def test_a_users_list_keeps_no_meter_running(screens: Screens, demo: Demo, pair: Pair) -> None:
    demo.chat(pair)
    user = screens.blank()
    sockets: list[str] = []
    user.on("websocket", lambda socket: sockets.append(socket.url))
    user.close()
    user = screens.user(pair, "/user")
    user.on("websocket", lambda socket: sockets.append(socket.url))
    user.reload()
    expect(user.locator("#chats .row")).to_contain_text("running")
    expect(user.locator("#available")).to_have_text("19.00")
    assert sockets == []


def test_a_user_sees_which_gift_expires(screens: Screens, demo: Demo, pair: Pair) -> None:
    user = screens.user(pair, "/user")
    expect(user.locator("#available")).to_have_text("20.00")
    expect(user.locator("#expiry")).to_be_hidden()
    gift = {"amount": "2.50", "kind": "gift", "expires_at": "2099-12-24T12:00:00Z"}
    demo.call("POST", f"/users/{pair.user}/credits", gift)
    user.reload()
    expect(user.locator("#available")).to_have_text("22.50")
    expect(user.locator("#expiry")).to_contain_text(re.compile(r"A gift of 2\.50 is spent first; it expires .*24"))


def test_the_price_is_in_words_and_the_chat_starts_at_it(screens: Screens) -> None:
    tab = screens.blank()
    tab.goto("/demo/as/alice")
    card = tab.locator("#advisors li", has_text="Maya")
    expect(card).to_contain_text("First 3 minutes free, then 1.00 a minute, by whole minutes")
    card.get_by_role("button", name="Start chat with Maya").click()
    tab.wait_for_url("**/chat/*")
    expect(tab.locator("#price")).to_have_text("First 3 minutes free, then 1.00 a minute, by whole minutes")


def test_a_card_promises_only_the_free_time_that_is_left(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    page = screens.user(pair, "/user")
    card = page.locator("#advisors li", has_text="Maya")
    expect(card).to_contain_text("First 3 minutes free")
    talk = {"user_id": pair.user, "advisor_id": "maya", "starts": "at_once"}
    chat = demo.call("POST", "/chats", talk)["chat"]["id"]
    demo.advance(20)
    demo.call("POST", f"/chats/{chat}/stop")
    # A card that promises more is not believed: the user is asked.
    card.get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("First 2 minutes")
    dialog.get_by_role("button", name="Not now").click()
    page.reload()
    expect(card).to_contain_text("First 2 minutes")


def test_a_start_right_after_an_end_asks_although_the_list_is_older(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    talk = {"user_id": pair.user, "advisor_id": "ben", "starts": "at_once"}
    chat = demo.call("POST", "/chats", talk)["chat"]["id"]
    page = screens.user(pair, "/user")
    start = page.get_by_role("button", name="Start chat with Ben")
    expect(page.locator("#chats .badge")).to_have_text("running")
    demo.call("POST", f"/chats/{chat}/stop")
    start.click()
    dialog = page.get_by_role("dialog", name="Start paid time with Ben?")
    expect(dialog).to_be_visible()
    page.wait_for_timeout(1_200)  # a question looks once a second whether it is still wanted
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Not now").click()


def test_a_conversation_that_began_while_the_user_was_asked_stays_where_it_is(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    page = screens.user(pair, "/user")
    start = page.get_by_role("button", name="Start chat with Ben")
    dialog = page.get_by_role("dialog")
    talk = {"user_id": pair.user, "advisor_id": "ben", "starts": "at_once"}

    start.click()
    expect(dialog).to_be_visible()
    first = demo.call("POST", "/chats", talk)["chat"]["id"]  # on another screen of the user
    expect(dialog).to_have_count(0, timeout=20_000)
    demo.call("POST", f"/chats/{first}/stop")

    # The user answers before the page has heard of the beginning.
    page.reload()
    start.click()
    expect(dialog).to_be_visible()
    held: list[Route] = []
    may_pass = False
    page.route("**/v1/users/*/chats", lambda route: route.continue_() if may_pass else held.append(route))
    second = demo.call("POST", "/chats", talk)["chat"]["id"]
    may_pass = True
    dialog.get_by_role("button", name="Start paid time").click()
    page.wait_for_url(f"**/chat/{second}")
    assert len(demo.call("GET", f"/users/{pair.user}/chats")["chats"]) == 2


def opened_receipt(page: Page) -> None:
    """Unfold the details of a receipt."""
    page.locator("#details > summary").click()


def amounts(page: Page, selector: str) -> list[Decimal]:
    return [Decimal(text.replace("−", "-")) for text in page.locator(selector).all_inner_texts()]


def test_a_receipt_adds_up_and_shows_its_pauses(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = screens.user(pair, f"/chat/{chat}")
    screens.advisor(pair, f"/chat/{chat}").wait_for_selector("talk-time[state=running]")
    user.wait_for_selector("talk-time[state=running]")
    demo.advance(90)
    demo.call("POST", f"/chats/{chat}/pause")
    demo.advance(60)
    demo.call("POST", f"/chats/{chat}/resume")
    demo.advance(60)
    demo.call("POST", f"/chats/{chat}/stop")
    user.get_by_role("link", name="See the receipt").click()
    opened_receipt(user)
    (cost,) = amounts(user, "#cost")
    assert cost == Decimal("3.00")
    assert sum(amounts(user, "#lines td")) == cost
    assert sum(amounts(user, "#entries td.number")) == -cost
    picture = user.get_by_role("img", name="When the time ran")
    expect(picture.locator("rect")).to_have_count(2)
    expect(picture.locator("line.pause")).to_have_count(1)
    expect(user.locator("#timeline-parts tr")).to_have_count(3)
    expect(user.locator("#timeline-parts tr").nth(1)).to_contain_text(re.compile(r"Paused\s*1:0\d"))
    expect(user.locator("#gaps tr")).to_contain_text(re.compile(r"paused \(by the service\)\s*1:0\d"))


def test_an_operator_gives_something_back(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    user = screens.user(pair, f"/chat/{chat}")
    for screen in (user, screens.advisor(pair, f"/chat/{chat}")):
        screen.wait_for_selector("talk-time[state=running]")
    demo.advance(150)
    running = demo.call("GET", f"/chats/{chat}/tracking")["record"]["id"]
    operator = screens.of(Role.OPERATOR, "olga", f"/receipts/{running}")
    opened_receipt(operator)
    # Nothing is posted yet, but the record owes three minutes.
    expect(operator.locator("#refundable")).to_have_text("3.00 can be given back.")
    demo.call("POST", f"/chats/{chat}/stop")
    user.get_by_role("link", name="See the receipt").click()
    user.locator("#payments").wait_for()
    expect(user.locator("#refund-section")).to_be_hidden()
    operator.reload()
    opened_receipt(operator)
    expect(operator.locator("#refundable")).to_have_text("3.00 can be given back.")
    operator.get_by_label("How much").fill("60")
    operator.get_by_label("Of what").select_option("seconds")
    operator.get_by_label("Who bears it").select_option("shared")
    operator.get_by_label("Why").fill("the line was bad")
    operator.get_by_role("button", name="Give it back").click()
    expect(operator.locator("dialog h2")).to_have_text("Give back 1.00 for 1 minute?")
    operator.locator("dialog button[value=yes]").click()
    expect(operator.locator("#given-back")).to_have_text("1.00 given back.")
    expect(operator.locator("#entries tr").last).to_contain_text(re.compile(r"Refund: the line was bad\s*1\.00"))
    expect(operator.locator("#refundable")).to_have_text("2.00 can be given back.")
    operator.get_by_label("How much").fill("2.01")
    operator.get_by_label("Why").fill("more")
    operator.get_by_role("button", name="Give it back").click()
    expect(operator.locator("#problem")).to_contain_text("2.00 was charged and not given back yet")
    operator.get_by_role("button", name="Check this receipt").click()
    expect(operator.locator("#proof")).to_contain_text(re.compile(r"All \d+ figures follow from the facts"))
    # The refusal was wanted here.
    screens.complaints.clear()


def test_an_operator_stops_no_later_conversation(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    operator = screens.of(Role.OPERATOR, "olga", "/operator")
    row = operator.locator("#records tr", has_text=pair.user)
    row.get_by_role("button", name="Stop").click()
    expect(operator.get_by_role("dialog")).to_be_visible()
    # The operator answers before the page has heard of the end.
    held: list[Route] = []
    operator.route("**/v1/records?*", lambda route: held.append(route))  # noqa: PLW0108  Playwright marks it
    demo.call("POST", f"/chats/{chat}/stop")
    second = demo.call("POST", f"/chats/{chat}/tracking")["record"]["id"]
    operator.get_by_role("button", name="Stop it").click()
    expect(operator.get_by_role("dialog")).to_have_count(0)
    record = demo.call("GET", f"/chats/{chat}/tracking")["record"]
    assert (record["id"], record["state"]) == (second, "running")
    operator.unroute("**/v1/records?*")
    for route in held:
        route.continue_()
    row.get_by_role("button", name="Stop").click()
    demo.call("POST", f"/chats/{chat}/stop")
    expect(operator.get_by_role("dialog")).to_have_count(0)


def test_a_refund_gives_back_the_amount_of_the_question_also_while_time_runs(screens: Screens, demo: Demo) -> None:
    tiers = [{"rate": "1.00"}, {"from_seconds": 60, "rate": "60.00"}]
    pair = demo.pair({"tiers": tiers}, "500.00")
    chat = demo.chat(pair)
    for screen in (screens.user(pair, f"/chat/{chat}"), screens.advisor(pair, f"/chat/{chat}")):
        screen.wait_for_selector("talk-time[state=running]")
    demo.advance(40)
    record = demo.call("GET", f"/chats/{chat}/tracking")["record"]["id"]
    operator = screens.of(Role.OPERATOR, "olga", f"/receipts/{record}")
    opened_receipt(operator)
    operator.get_by_label("How much").fill("30")
    operator.get_by_label("Of what").select_option("seconds")
    operator.get_by_label("Why").fill("the line was bad")
    operator.get_by_role("button", name="Give it back").click()
    expect(operator.locator("dialog h2")).to_have_text("Give back 0.50 for 30 seconds?")
    demo.advance(60)
    operator.locator("dialog button[value=yes]").click()
    expect(operator.locator("#given-back")).to_contain_text("0.50 given back.")


def test_the_operator_is_asked_again_where_somebody_else_has_given_back_meanwhile(screens: Screens, demo: Demo) -> None:
    tiers = [{"rate": "1.00"}, {"from_seconds": 20, "rate": "60.00"}]
    pair = demo.pair({"tiers": tiers}, "500.00")
    chat = demo.chat(pair)
    demo.advance(25)
    record = demo.call("POST", f"/chats/{chat}/stop")["record"]["id"]
    operator = screens.of(Role.OPERATOR, "olga", f"/receipts/{record}")
    opened_receipt(operator)
    operator.get_by_label("How much").fill("4")
    operator.get_by_label("Of what").select_option("seconds")
    operator.get_by_label("Why").fill("the line was bad")
    operator.get_by_role("button", name="Give it back").click()
    title = operator.locator("dialog h2")
    expect(title).to_have_text(re.compile(r"Give back .* for 4 seconds\?"))
    first = title.inner_text()
    other = {"seconds": 4, "reason": "the same complaint", "borne_by": "platform"}
    given = demo.call("POST", f"/records/{record}/refunds", other)["amount"]
    operator.locator("dialog button[value=yes]").click()
    expect(title).not_to_have_text(first)
    operator.locator("dialog button[value=no]").click()
    expect(title).to_have_count(0)
    assert demo.call("GET", f"/records/{record}/receipt")["totals"]["refunded"] == given


def test_a_reader_checks_a_receipt_and_a_saved_one(screens: Screens, demo: Demo, pair: Pair, tmp_path: Path) -> None:
    chat = demo.chat(pair)
    demo.advance(90)
    record = demo.call("POST", f"/chats/{chat}/stop")["record"]["id"]
    user = screens.user(pair, f"/receipts/{record}")
    opened_receipt(user)
    user.get_by_role("button", name="Check this receipt").click()
    expect(user.locator("#proof")).to_contain_text(re.compile(r"All \d+ figures follow from the facts"))
    with user.expect_download() as download:
        user.get_by_role("button", name="Save it").click()
    saved = tmp_path / "receipt.json"
    download.value.save_as(saved)
    user.locator("#file").set_input_files(saved)
    expect(user.locator("#proof")).to_contain_text(f"Record {record}")
    document = json.loads(saved.read_text("utf-8"))
    assert "shares" not in document  # a user is not shown what the advisor earns
    saved.write_text(json.dumps({**document, "cost": "0.01"}), "utf-8")
    user.locator("#file").set_input_files(saved)
    expect(user.locator("#proof")).to_contain_text("cost says 0.01")
    saved.write_text("{}", "utf-8")
    user.locator("#file").set_input_files(saved)
    expect(user.locator("#proof")).to_contain_text("not a receipt")
    # A page that did not come over HTTPS finds the same: a changed name changes the fingerprint.
    user.evaluate("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    saved.write_text(json.dumps({**document, "advisor_name": "Eve"}), "utf-8")
    user.locator("#file").set_input_files(saved)
    expect(user.locator("#proof")).to_contain_text(re.compile(r"1 of \d+ figures differ.*fingerprint says"))


def test_a_receipt_counts_the_pairs_chats_as_their_page_does(screens: Screens, demo: Demo, pair: Pair) -> None:
    demo.call("POST", f"/chats/{demo.chat(pair)}/stop")
    second = demo.chat(pair)
    third = demo.chat(pair)
    demo.advance(5)
    record = demo.call("POST", f"/chats/{third}/stop")["record"]["id"]
    user = screens.user(pair, f"/chat/{third}")
    expect(user.locator("#chats [aria-current=page]")).to_contain_text("Chat 3")
    user.goto(f"/receipts/{record}")
    opened_receipt(user)
    expect(user.locator("#timeline-parts tr").first).to_contain_text("Chat 2")
    expect(user.locator("#timeline-parts tr").last).to_contain_text("Chat 3")
    expect(user.locator("#timeline .key")).to_have_text(re.compile(r"Chat 2\s*Chat 3$"))
    numbers = {chat["id"]: chat["number"] for chat in demo.call("GET", f"/users/{pair.user}/chats")["chats"]}
    assert (numbers[second], numbers[third]) == (2, 3)


def test_an_operator_stops_what_runs_after_being_asked(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    operator = screens.of(Role.OPERATOR, "olga", "/operator")
    row = operator.locator("#records tr", has_text=pair.user)
    expect(row).to_contain_text("running")
    expect(row).to_contain_text(f"Nora ({pair.user}), not connected")
    demo.call("POST", f"/chats/{chat}/pause")
    expect(row).to_contain_text("paused by the service")
    since = demo.call("GET", f"/chats/{chat}/tracking")["record"]["paused_at"]
    told = operator.evaluate("instant => new Date(instant).toLocaleTimeString('en-GB')", since)
    expect(row.locator("td").nth(3)).to_have_text(told)
    demo.call("POST", f"/chats/{chat}/resume")
    screens.user(pair, f"/chat/{chat}").wait_for_selector("talk-time[state=running]")
    expect(row.get_by_role("rowheader")).to_have_text(f"Nora ({pair.user})")
    row.get_by_role("button", name="Stop").click()
    operator.get_by_role("button", name="Keep it running").click()
    assert demo.call("GET", f"/chats/{chat}/tracking")["timer"]["running"]
    row.get_by_role("button", name="Stop").click()
    operator.get_by_role("button", name="Stop it").click()
    expect(row).to_have_count(0)
    assert demo.call("GET", f"/chats/{chat}/tracking")["record"]["reason"] == "stopped"
