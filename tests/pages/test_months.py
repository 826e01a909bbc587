"""The pages of a month: an advisor's statement, and the books with what the auditor has found."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from talktime.core.roles import Role
from tests.services import BY_THE_MINUTE

from .conftest import Demo, Pair, Screens


@pytest.fixture
def pair(demo: Demo) -> Pair:
    return demo.pair(BY_THE_MINUTE, "20.00")


@pytest.fixture
def record(demo: Demo, pair: Pair) -> str:
    """The id of a record of a minute, which brought its advisor 0.29997."""
    terms = {"share_percent": "33.33", "fee_per_minute": "0.10"}
    advisor = {"display_name": "Theo", "tariff": BY_THE_MINUTE, "terms": terms, "starts": "at_once"}
    demo.call("PUT", f"/advisors/{pair.advisor}", advisor)
    chat = demo.chat(pair)
    demo.advance(20)
    return str(demo.call("POST", f"/chats/{chat}/stop")["record"]["id"])


def test_an_advisors_page_has_the_statement_what_is_paid_and_the_records(
    screens: Screens, pair: Pair, record: str
) -> None:
    page = screens.of(Role.OPERATOR, "olga", f"/operator/advisors/{pair.advisor}")
    expect(page.get_by_role("heading", name="Theo", exact=True)).to_be_visible()
    expect(page.locator("#terms")).to_have_text(
        "Gets 33.33 % of the cost, after fees of 0.10 a minute and 0.00 a conversation."
    )
    month = page.locator("#month").inner_text()
    assert re.fullmatch(r"\w+ 20\d\d", month)
    expect(page.locator("#lines tr")).to_have_text(
        [
            "Charged to users1.00",
            "Fees of the platform−0.10",
            "The platform’s share−0.60003",
            "Refunds that the advisor bears0.00",
            "Left over from earlier months0.00",
            "Left to the next month−0.00997",
        ]
    )
    expect(page.locator("#payable")).to_have_text("0.29")
    expect(page.locator("#carried")).to_contain_text("0.00997 is too little to be paid")
    for rows in ("#sessions a", "#records a"):
        expect(page.locator(rows)).to_have_attribute("href", f"/receipts/{record}")
    page.locator("#months a").first.click()
    expect(page.locator("#counted")).to_have_text("No conversations in this month.")
    page.get_by_role("link", name=month, exact=True).click()
    expect(page.locator("#payable")).to_have_text("0.29")


def test_the_first_month_is_that_of_the_service(screens: Screens, pair: Pair, record: str) -> None:
    page = screens.advisor(pair, "/advisor")
    page.clock.set_fixed_time("2020-02-15T12:00:00Z")  # the clock of the reader is years behind
    page.goto("/advisor/statement?lang=en")
    expect(page.locator("#payable")).to_have_text("0.29")


def test_advisors_have_their_statement(screens: Screens, pair: Pair, record: str) -> None:
    page = screens.advisor(pair, "/advisor")
    page.get_by_role("link", name="Statement").click()
    expect(page.locator("#name")).to_have_text("Theo")
    expect(page.locator("#payable")).to_have_text("0.29")
    expect(page.locator("#sessions a")).to_have_attribute("href", f"/receipts/{record}")
    page.goto("/earnings?month=2020-02&lang=de")  # the address of earlier versions
    expect(page).to_have_url(re.compile(r"/advisor/statement\?month=2020-02&lang=de$"))
    expect(page.locator("#month")).to_have_text("Februar 2020")
    expect(page.locator("#counted")).to_have_text("Keine Gespräche in diesem Monat.")
    expect(page.locator("#months a")).to_have_text(["Januar 2020", "März 2020"])
    page.goto("/advisor/statement?month=2026-13&lang=en")  # no month of the calendar, so this month
    expect(page.locator("#payable")).to_have_text("0.29")
    expect(screens.user(pair, "/advisor/statement").locator("#signed-out")).to_be_visible()


def test_a_refund_of_an_earlier_month_is_named_and_is_no_conversation_of_this_one(
    screens: Screens, demo: Demo, pair: Pair, record: str
) -> None:
    page = screens.advisor(pair, "/advisor/statement?lang=en")
    refund = {"amount": "0.30", "reason": "the line was bad", "borne_by": "advisor"}
    demo.call("POST", f"/records/{record}/refunds", refund)
    page.reload()
    expect(page.locator("#counted")).to_contain_text("Conversations: 1")
    expect(page.locator("#sessions a")).to_contain_text("0.30 refunded")
    # The statement of the next month, if the refund was given then.

    def only_the_refund(route: Route) -> None:
        document = route.fetch().json() | {"payable": "-0.30", "carried": "0.00"}
        for figures in (document["total"], *document["sessions"]):
            figures.update(time_ms=0, gross="0.00", fees="0.00", share="0.00", net="-0.30")
        route.fulfill(json=document)

    page.route("**/v1/**/statement?*", only_the_refund)
    page.reload()
    expect(page.locator("#sessions a")).to_contain_text("0.30 refunded")
    expect(page.locator("#sessions a")).not_to_contain_text("min")
    expect(page.locator("#carried")).to_contain_text("taken from the next payment")
    expect(page.locator("#counted")).to_have_text("No conversations in this month.")


def test_the_books_add_up_and_can_be_taken_away(screens: Screens, demo: Demo, pair: Pair, record: str) -> None:
    demo.call("POST", f"/users/{pair.user}/credits", {"amount": "5.00", "kind": "gift", "reference": pair.user})
    page = screens.of(Role.OPERATOR, "olga", "/operator")
    page.get_by_role("link", name="Books").click()
    page.locator("#report").wait_for()
    words = "Book Before Bought Gifts Refunds Taken Charges Shares Expired After"
    assert page.locator("#columns th").all_inner_texts() == words.split()
    expect(page.locator("#books th")).to_have_text(["Users", "Advisors", "Revenue", "Promotion", "Outside"])
    expect(page.locator("#sums td")).to_have_text(["0.00"] * 9)
    expect(page.locator("#balanced")).to_have_text("Each column adds up to nothing.")
    gifts = page.locator("#books tr").nth(0).locator("td").nth(2)
    assert float(gifts.inner_text()) >= 5
    with page.expect_download() as download:
        page.get_by_role("button", name="Entries of the month as CSV").click()
    assert re.fullmatch(r"entries-20\d\d-\d\d\.csv", download.value.suggested_filename)
    lines = download.value.path().read_text("utf-8").splitlines()
    assert lines[0].startswith("id,at,kind,user_id")
    assert any(f",gift,{pair.user}," in line for line in lines)
    assert any(f",charge,{pair.user}," in line and record in line for line in lines)
    expect(page.locator("#turn")).to_contain_text("The auditor of this node")
    page.goto("/operator/books?month=2020-02")
    expect(page.locator("#month")).to_have_text("February 2020")
    expect(page.locator("#books td")).to_have_text(["0.00"] * 45)


def test_the_names_of_the_books_are_whole_on_a_phone(screens: Screens, record: str) -> None:
    page = screens.of(Role.OPERATOR, "olga", "/operator/books", width=390)
    page.locator("#report").wait_for()
    names = page.locator("#books th, #sums th")
    expect(names).to_have_count(6)
    heights = names.evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
    assert max(heights) < 60  # one line, with its padding
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_books_that_do_not_add_up_are_said_to_be_wrong(screens: Screens, demo: Demo, pair: Pair) -> None:
    report = demo.call("GET", "/report?from=2020-01-01&to=2020-02-01&by_person=false")
    report["totals"][0]["gift"] = "0.01"
    page = screens.of(Role.OPERATOR, "olga", "/operator/find")
    page.route("**/v1/report?*", lambda route: route.fulfill(json=report))
    page.goto("/operator/books")
    expect(page.locator("#sums td").nth(2)).to_have_text("0.01")
    expect(page.locator("#balanced")).to_have_text("A column does not add up to nothing: the report is wrong.")


@pytest.mark.parametrize("breaches", [0, 2])
def test_the_books_say_what_the_auditor_has_found(screens: Screens, breaches: int) -> None:
    page = screens.of(Role.OPERATOR, "olga", "/operator/find")
    rule = {"rule": 5, "says": "a balance is the sum of the entries", "breaches": breaches, "repair": "doctor"}
    audit = {"ended_at": "2026-01-05T10:00:00.000Z", "accounts": 120, "rules": [rule]}
    page.route("**/v1/audit", lambda route: route.fulfill(json=audit))
    page.goto("/operator/books")
    expect(page.locator("#turn")).to_have_text(
        re.compile(r"The auditor of this node got through all 120 accounts on 5 January 2026, \d\d:\d\d\.")
    )
    found = "Rule 5 is broken 2 times: a balance is the sum of the entries. To do: doctor."
    expect(page.locator("#rules")).to_have_text(found if breaches else "None of the 1 rules was seen broken.")
