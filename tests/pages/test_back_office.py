"""What an operator does at the desk: find somebody, see what happened, put an account right, close a month."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from talktime.core.roles import Role
from tests.services import BY_THE_MINUTE, PROGRAM, environment

from .conftest import Demo, Pair, Screens


@pytest.fixture
def pair(demo: Demo) -> Pair:
    return demo.pair(BY_THE_MINUTE, "20.00")


def talked(demo: Demo, pair: Pair) -> str:
    """The id of a record of a minute, which has ended."""
    chat = demo.chat(pair)
    demo.advance(20)
    return str(demo.call("POST", f"/chats/{chat}/stop")["record"]["id"])


def desk(screens: Screens, path: str) -> Page:
    return screens.of(Role.OPERATOR, "olga", path)


def do(page: Page, act: str, amount: str, why: str) -> None:
    """Fill in the form of a person's page, up to the question."""
    page.locator("[name=act]").select_option(label=act)
    page.get_by_label("How much").fill(amount)
    page.get_by_label("Why").fill(why)
    page.get_by_role("button", name="Go on").click()


def test_anybody_and_any_record_is_found_from_one_field(screens: Screens, demo: Demo, pair: Pair) -> None:
    demo.call("PUT", f"/users/{pair.user}", {"display_name": f"Zelda {pair.user}"})
    record = talked(demo, pair)
    demo.call("POST", f"/users/{pair.user}/credits", {"amount": "1.00", "reference": f"order {record}"})
    page = desk(screens, "/operator")
    page.get_by_role("link", name="Find").click()
    field = page.get_by_role("searchbox")
    for text in (f"zelda {pair.user}", pair.user):
        field.fill(text)
        field.press("Enter")
        expect(page.locator("#users-rows a").first).to_have_attribute("href", f"/operator/users/{pair.user}")
    expect(page.locator("#records-rows a")).to_have_attribute("href", f"/receipts/{record}")  # by the id of the user
    field.fill(record)
    field.press("Enter")
    expect(page.locator("#users")).to_have_count(0)
    expect(page.locator("#records-rows a")).to_have_count(1)
    field.fill(f"order {record[:30]}")
    field.press("Enter")
    expect(page.locator("#records")).to_have_count(0)
    expect(page.locator("#entries-rows a")).to_have_text(re.compile(rf"Bought: order {record}1\.00"))
    field.fill("nobody at all")
    field.press("Enter")
    expect(page.get_by_text("Nothing was found.")).to_be_visible()


def test_records_are_found_by_reason_and_day_and_the_address_keeps_the_search(
    screens: Screens, demo: Demo, pair: Pair
) -> None:
    chat = demo.chat(pair)
    demo.advance(20 * 60 + 10)  # over the end of the credit, or of a lease
    record = demo.call("GET", f"/chats/{chat}/tracking")["record"]["id"]
    demo.call("POST", f"/chats/{chat}/stop")
    reason = demo.call("GET", f"/records/{record}/receipt")["segments"][0]["reason"]
    page = desk(screens, "/operator/find")
    page.get_by_role("searchbox").fill(pair.user)
    page.locator("[name=reason]").select_option(value=reason)
    page.get_by_role("button", name="Find", exact=True).click()
    row = page.locator("#records-rows a")
    for other in ("users", "advisors", "entries"):  # a reason is about records
        expect(page.locator(f"#{other}")).to_have_count(0)
    expect(row).to_have_attribute("href", f"/receipts/{record}")
    expect(row).to_contain_text("stopped")
    row.click()
    expect(page.locator("#about")).to_contain_text(record)
    page.go_back()
    expect(row).to_have_attribute("href", f"/receipts/{record}")
    expect(page.locator("[name=reason]")).to_have_value(reason)
    page.get_by_label("To, that day included").fill("2020-01-01")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.get_by_text("Nothing was found.")).to_be_visible()


def test_a_long_list_goes_on_at_a_press(screens: Screens, demo: Demo, pair: Pair) -> None:
    for number in range(25):
        credit = {"amount": "1.00", "kind": "gift", "reference": f"many {pair.user} {number:02}"}
        demo.call("POST", f"/users/{pair.user}/credits", credit)
    page = desk(screens, f"/operator/find?query=many {pair.user}&list=entries")
    rows = page.locator("#entries-rows li")
    expect(rows).to_have_count(20)
    more = page.get_by_role("button", name="Load more entries")
    more.click()
    expect(rows).to_have_count(25)
    expect(more).to_be_hidden()
    assert len(set(rows.locator("strong").all_inner_texts())) == 25


def test_a_persons_page_says_what_there_is_and_who_did_it(screens: Screens, demo: Demo, pair: Pair) -> None:
    record = talked(demo, pair)
    demo.call("POST", f"/users/{pair.user}/credits", {"amount": "3.00", "kind": "gift", "reference": "welcome"})
    page = desk(screens, f"/operator/users/{pair.user}")
    expect(page.get_by_role("heading", name="Nora", exact=True)).to_be_visible()
    expect(page.locator("#balance")).to_have_text("22.00")
    expect(page.locator("#gift")).to_have_text("3.00")
    expect(page.locator("#records a")).to_have_attribute("href", f"/receipts/{record}")
    entries = page.locator("#entries a")
    expect(entries).to_have_count(3)
    expect(entries.nth(0)).to_contain_text(re.compile(r"Gift: welcome.*3\.00.*by the service tests"))
    expect(entries.nth(1)).to_contain_text("Conversation with Theo")
    expect(entries.nth(1)).to_have_attribute("href", f"/receipts/{record}")


def test_conversations_of_the_system_before_are_on_the_pages_of_their_people(
    screens: Screens, demo: Demo, pair: Pair, tmp_path: Path
) -> None:
    page = desk(screens, f"/operator/users/{pair.user}")
    expect(page.locator("#earlier")).to_be_hidden()
    lines = [f"{pair.user}-{n},{pair.user},{pair.advisor},2025-01-05T10:00:00Z,300,3.50" for n in range(25)]
    file = tmp_path / "sessions.csv"
    file.write_text("id,user_id,advisor_id,started_at,duration_seconds,cost\n" + "\n".join(lines) + "\n")
    command = [*PROGRAM, "--data-dir", str(demo.data_dir), "import", str(file), "--as-of", "2026-01-01T00:00:00Z"]
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    for path, other in (
        (f"/operator/users/{pair.user}", pair.advisor),
        (f"/operator/advisors/{pair.advisor}", pair.user),
    ):
        page = desk(screens, path)
        rows = page.locator("#past-sessions li")
        expect(rows).to_have_count(20)
        expect(rows.first).to_contain_text(re.compile(rf"{other}.*3\.50.*5 min"))
        page.get_by_role("button", name="More conversations").click()
        expect(rows).to_have_count(25)
        expect(page.get_by_role("heading", name="In the system before this one")).to_be_visible()


def test_an_operator_puts_an_account_right_and_is_named(screens: Screens, demo: Demo, pair: Pair) -> None:
    talked(demo, pair)
    page = desk(screens, f"/operator/users/{pair.user}")
    available = page.locator("#available")
    expect(available).to_have_text("19.00")
    acts = [
        ("Give a gift", "5", "for the wait", "Give Nora 5.00 as a gift?", "24.00"),
        ("Give credit back", "2.50", "paid twice", "Give Nora 2.50 back?", "26.50"),
        ("Take credit", "1.00", "a mistake", "Take 1.00 from Nora?", "25.50"),
        ("Refund a conversation", "0.40", "a bad line", "Refund Nora 0.40 of a conversation?", "25.90"),
    ]
    for act, amount, why, question, then in acts:
        do(page, act, amount, why)
        dialog = page.get_by_role("dialog", name=question)
        expect(dialog).to_contain_text(f"Reason: {why}. The entry names you, olga.")
        dialog.get_by_role("button", name="Do it").click()
        expect(available).to_have_text(then)
        expect(page.get_by_role("status")).to_have_text(f"Done. Nora has {then} available.")
    entries = page.locator("#entries a")
    expect(entries).to_have_text(
        [
            re.compile(r"Refund, conversation with Theo: a bad line0\.40.*by the operator olga"),
            re.compile(r"Spent elsewhere: a mistake.*−1\.00.*by the operator olga"),
            re.compile(r"Refund: paid twice2\.50.*by the operator olga"),
            re.compile(r"Gift: for the wait5\.00.*by the operator olga"),
            re.compile(r"Conversation with Theo−1\.00"),
            re.compile(r"Bought20\.00.*by the service tests"),
        ]
    )
    expect(page.locator("#records a")).to_contain_text("0.40 refunded")


def test_nothing_happens_without_a_reason_an_amount_and_a_yes(screens: Screens, demo: Demo, pair: Pair) -> None:
    page = desk(screens, f"/operator/users/{pair.user}")
    for amount, why in (("5", ""), ("5", "   "), ("", "because"), ("-5", "because"), ("five", "because")):
        do(page, "Give a gift", amount, why)
        expect(page.get_by_role("dialog")).to_have_count(0)
    do(page, "Give a gift", "5", "because")
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    do(page, "Take credit", "1000", "because")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("alert")).to_contain_text("This needs 1000.00")
    screens.complaints.clear()  # the browser tells of the refusal, too
    assert demo.call("GET", f"/users/{pair.user}/account")["balance"] == "20.00"


def test_two_presses_and_a_lost_answer_are_one_act(screens: Screens, demo: Demo, pair: Pair) -> None:
    page = desk(screens, f"/operator/users/{pair.user}")
    keys = []

    def lose(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/credits", lose)
    do(page, "Give a gift", "5", "for the wait")
    page.get_by_role("button", name="Do it").dblclick()
    expect(page.get_by_role("alert")).to_contain_text("can’t be reached")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status")).to_have_text("Done. Nora has 25.00 available.")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    do(page, "Give a gift", "5", "for the wait")  # once more, on purpose
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status")).to_have_text("Done. Nora has 30.00 available.")
    screens.complaints.clear()  # the browser tells of the lost answer, too


def test_a_receipt_leads_to_its_people_and_asks_before_it_gives_back(screens: Screens, demo: Demo, pair: Pair) -> None:
    page = desk(screens, f"/receipts/{talked(demo, pair)}")
    page.get_by_role("link", name="Theo").click()
    expect(page.get_by_role("heading", name="Theo", exact=True)).to_be_visible()
    page.locator("#records a").click()
    page.locator("[name=size]").fill("0.25")
    page.locator("[name=reason]").fill("a bad line")
    page.get_by_role("button", name="Give it back").click()
    dialog = page.get_by_role("dialog", name="Give back 0.25?")
    dialog.get_by_role("button", name="Not now").click()
    expect(page.locator("#net")).to_have_text("1.00")
    page.get_by_role("button", name="Give it back").click()
    expect(dialog).to_contain_text("Refund: a bad line")
    dialog.get_by_role("button", name="Give it back").click()
    expect(page.locator("#net")).to_have_text("0.75")
    page.get_by_role("link", name="Nora").click()
    expect(page.locator("#entries a").first).to_contain_text("by the operator olga")


def test_who_bears_a_refund_is_asked_and_told_to_the_advisor_and_not_to_the_user(
    screens: Screens, demo: Demo, pair: Pair
) -> None:
    terms = {"share_percent": 33.3333}
    maya = {"display_name": "Theo", "tariff": BY_THE_MINUTE, "starts": "at_once", "terms": terms}
    demo.call("PUT", f"/advisors/{pair.advisor}", maya)
    record = talked(demo, pair)
    page = desk(screens, f"/receipts/{record}")
    for bearer, amount, borne in (
        ("the platform", "0.20", "the platform bears it"),
        ("the advisor", "0.30", "the advisor bears 0.30"),
        ("both, as they earned it", "0.40", "the advisor bears 0.13"),
    ):
        page.locator("[name=borne_by]").select_option(label=bearer)
        page.locator("[name=size]").fill(amount)
        page.locator("[name=reason]").fill("a bad line")
        page.get_by_role("button", name="Give it back").click()
        dialog = page.get_by_role("dialog", name=f"Give back {amount}?")
        expect(dialog).to_contain_text(f"Refund: a bad line · {borne}")
        dialog.get_by_role("button", name="Give it back").click()
        expect(page.locator("#given-back")).to_contain_text(f"{amount} given back")
    told = [re.compile("the platform bears it"), re.compile(r"bears 0\.30"), re.compile(r"bears 0\.13")]
    refunds = "#paid tr:has-text('Refund')"
    expect(page.locator(refunds)).to_have_text(told)
    advisor = screens.advisor(pair, f"/receipts/{record}")
    expect(advisor.locator(refunds)).to_have_text(told)
    advisor.goto("/advisor/statement?lang=en")
    expect(advisor.locator("#sessions a")).to_contain_text(re.compile(r"0\.90 refunded \(the advisor bears 0\.43"))
    user = screens.user(pair, f"/receipts/{record}")
    expect(user.locator(refunds)).to_have_count(3)
    expect(user.locator("#payments")).not_to_contain_text("bears")
    expect(desk(screens, f"/operator/advisors/{pair.advisor}").locator("#terms")).to_contain_text("Gets 33.3333 %")


def test_a_question_says_which_conversation_is_meant_and_what_may_go_on(
    screens: Screens, demo: Demo, pair: Pair
) -> None:
    talked(demo, pair)
    page = desk(screens, f"/operator/users/{pair.user}")
    do(page, "Refund a conversation", "0.10", "sorry")
    which = page.locator("#refundable option").first.text_content()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{which} · the platform bears it")
    expect(dialog).not_to_contain_text("waits for credit")
    dialog.get_by_role("button", name="Not now").click()
    chat = demo.chat(pair)
    for present in (screens.user(pair, f"/chat/{chat}"), screens.advisor(pair, f"/chat/{chat}")):
        present.wait_for_selector("talk-time[state=running]")
    do(page, "Take credit", "17.00", "a mistake")
    expect(dialog).to_contain_text("A conversation of this user runs, and may end sooner with this")
    dialog.get_by_role("button", name="Do it").click()
    expect(page.locator("#done")).to_contain_text("has 1.00 available")
    do(page, "Take credit", "9.00", "a mistake")
    dialog.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("alert")).to_contain_text("This needs 9.00")
    expect(page.locator("#done")).to_have_text("")
    screens.complaints.clear()  # the browser tells of the refusal, too
    demo.call("POST", f"/users/{pair.user}/debits", {"amount": "1.00"})
    demo.advance(61)  # over the end of the credit
    assert demo.call("GET", f"/chats/{chat}/tracking")["record"]["reason"] == "out_of_credit"
    for act in ("Refund a conversation", "Give credit back", "Give a gift"):
        page.reload()
        page.get_by_label("Last day of the gift").fill("2099-12-24")
        do(page, act, "0.10", "sorry")
        expect(dialog).to_contain_text("A conversation of this user waits for credit, and may go on with this")
        if act == "Give a gift":
            expect(dialog).to_contain_text("The gift can be used until 24 December 2099.")
        dialog.get_by_role("button", name="Not now").click()


def test_people_do_not_see_the_pages_of_operators(screens: Screens, pair: Pair) -> None:
    for path in ("find", "books", f"users/{pair.user}", f"advisors/{pair.advisor}"):
        page = screens.user(pair, f"/operator/{path}")
        expect(page.locator("#signed-out")).to_be_visible()
        expect(page.locator("#content")).to_be_hidden()
