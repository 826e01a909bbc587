"""The receipt for its user: one page, also on paper, each payment with its date, reached from every list of records."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.services import BY_THE_MINUTE

from .conftest import Demo, Pair, Screens

FREE_MINUTE = {**BY_THE_MINUTE, "free_seconds": 60}
A_DATE = r"\d{1,2} \w+ 20\d\d, \d\d:\d\d"


@pytest.fixture
def pair(demo: Demo) -> Pair:
    return demo.pair(FREE_MINUTE, "100.00")


def pages_on_paper(page: Page) -> int:
    """How many pages a browser prints."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))


def an_hour_with_pauses(screens: Screens, demo: Demo, pair: Pair) -> str:
    """A conversation of an hour with ten pauses and two refunds, on one day; returns the id of its record."""
    demo.have_hours_of_a_day(2)
    chat = demo.chat(pair)
    for screen in (screens.user(pair, f"/chat/{chat}"), screens.advisor(pair, f"/chat/{chat}")):
        screen.wait_for_selector("talk-time[state=running]")
    for _ in range(10):
        demo.advance(360)
        demo.call("POST", f"/chats/{chat}/pause")
        demo.advance(30)
        demo.call("POST", f"/chats/{chat}/resume")
    record = str(demo.call("POST", f"/chats/{chat}/stop")["record"]["id"])
    for amount, reason in (("1.00", "the line was bad"), ("2.00", "and again")):
        refund = {"amount": amount, "reason": reason, "borne_by": "platform"}
        demo.call("POST", f"/records/{record}/refunds", refund)
    return record


def test_time_that_is_charged_by_whole_minutes_is_no_part_of_the_time_that_ran(screens: Screens, demo: Demo) -> None:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    record = demo.call("POST", f"/chats/{demo.chat(pair)}/stop")["record"]["id"]
    about = screens.user(pair, f"/receipts/{record}").locator("#about")
    expect(about).to_contain_text(re.compile(r"0:\d\d(\.\d{3})?, charged as 1:00"))


def test_a_record_without_the_grace_of_its_tariff_names_the_one_that_used_it(screens: Screens, demo: Demo) -> None:
    pair = demo.pair({**BY_THE_MINUTE, "grace_seconds": 30}, "20.00")
    records = []
    for _ in range(2):
        chat = demo.chat(pair)
        demo.advance(5)
        records.append(demo.call("POST", f"/chats/{chat}/stop")["record"]["id"])
    first, second = (screens.user(pair, f"/receipts/{record}").locator("#price") for record in records)
    expect(first).to_have_text("1.00 a minute, by whole minutes, nothing up to 30 seconds")
    expect(second).to_have_text(
        re.compile(
            r"^1\.00 a minute, by whole minutes\. A conversation of up to 30 seconds costs nothing once in 24 hours\. "
            rf"That was the one of {A_DATE}\.$"
        )
    )


def test_no_time_of_day_breaks_into_two_lines_on_a_phone(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    # Nobody comes, so the table says who was away: the longest words of a reason.
    demo.advance(40)
    record = demo.call("POST", f"/chats/{chat}/stop")["record"]["id"]
    page = screens.user(pair, f"/receipts/{record}", width=390)
    page.locator("#details > summary").click()
    times = page.locator("#details td > time")
    times.first.wait_for()
    assert times.evaluate_all("times => times.map(e => e.getClientRects().length)") == [1] * times.count()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def milliseconds(digits: str) -> int:
    """The duration that digits such as 1:03.417 say."""
    clock, _, fraction = digits.partition(".")
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part)
    return 1000 * seconds + int(fraction or 0)


def test_the_times_on_a_receipt_add_up(screens: Screens, demo: Demo) -> None:
    """The sums that a reader of the page can make: segments add up to the time, time and pauses to the whole."""
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    chat = demo.chat(pair)
    for seconds in (1.417, 33.2, 45.913, 12.9, 7.6):
        demo.advance(seconds)
        act = "resume" if demo.call("GET", f"/chats/{chat}/tracking")["record"]["state"] == "paused" else "pause"
        demo.call("POST", f"/chats/{chat}/{act}")
    record = demo.call("POST", f"/chats/{chat}/stop")["record"]
    receipt = demo.call("GET", f"/records/{record['id']}/receipt")
    page = screens.user(pair, f"/receipts/{record['id']}")
    page.locator("#details > summary").click()
    rows = [
        (row.locator("td").nth(2).inner_text(), row.locator("td").last.inner_text())
        for row in page.locator("#timeline-parts tr").all()
    ]
    ran = sum(milliseconds(digits) for what, digits in rows if what.startswith("Chat"))
    assert ran == receipt["elapsed_ms"] == milliseconds(page.locator("#ran").inner_text())
    assert page.locator("#about").inner_text().count(page.locator("#ran").inner_text()) == 1
    paused = sum(milliseconds(digits) for what, digits in rows if not what.startswith("Chat"))
    assert paused == sum(milliseconds(digits) for digits in page.locator("#gaps td.number").all_inner_texts())


def test_an_hour_is_one_page_on_paper_and_says_what_was_paid(screens: Screens, demo: Demo, pair: Pair) -> None:
    gift = {"amount": "5.00", "kind": "gift"}
    demo.call("POST", f"/users/{pair.user}/credits", gift)
    record = an_hour_with_pauses(screens, demo, pair)
    page = screens.user(pair, f"/receipts/{record}")
    page.locator("#payments").wait_for()
    about = page.locator("#about")
    expect(about).to_contain_text(record)
    expect(about).to_contain_text("Nora with Theo")
    expect(about).to_contain_text(re.compile(r"\d{1,2} \w+ 20\d\d, \d\d:\d\d:\d\d to .*UTC"))
    paid = page.locator("#paid tr")
    expect(paid).to_have_text(
        [
            re.compile(rf"This conversation{A_DATE}60\.00"),
            re.compile(rf"Refund: the line was bad{A_DATE}−1\.00"),
            re.compile(rf"Refund: and again{A_DATE}−2\.00"),
        ]
    )
    expect(page.locator("#net")).to_have_text("57.00")
    expect(page.locator("#gift-row")).to_contain_text("paid with a gift")
    expect(page.locator("#currency")).to_have_text("Amounts are in credits.")
    # The details are folded, and are not printed even when they are open.
    expect(page.locator("#timeline-parts")).to_be_hidden()
    assert pages_on_paper(page) == 1
    page.locator("#details > summary").click()
    expect(page.locator("#timeline-parts")).to_be_visible()
    assert pages_on_paper(page) == 1


def test_every_receipt_is_reached_from_the_chat_and_from_the_account(screens: Screens, demo: Demo, pair: Pair) -> None:
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/stop")
    demo.call("POST", f"/chats/{chat}/tracking")
    demo.call("POST", f"/chats/{chat}/stop")
    records = [record["id"] for record in demo.call("GET", f"/chats/{chat}/records")["records"]]
    assert len(records) == 2
    for page in (screens.user(pair, f"/chat/{chat}"), screens.advisor(pair, f"/chat/{chat}")):
        page.get_by_text("Receipts", exact=True).click()
        links = page.locator("#records a")
        expect(links).to_have_count(2)
        assert [link.get_attribute("href") for link in links.all()] == [f"/receipts/{record}" for record in records]
    account = screens.user(pair, "/user")
    account.get_by_role("link", name="Account").click()
    expect(account.locator("#receipts .row")).to_have_count(2)
    account.locator("#receipts .row").first.click()
    expect(account.locator("#about")).to_contain_text(records[0])


def test_the_account_says_what_came_and_went(screens: Screens, demo: Demo, pair: Pair) -> None:
    demo.call("POST", f"/users/{pair.user}/credits", {"amount": "5.00", "kind": "gift", "reference": "welcome"})
    demo.call("POST", f"/users/{pair.user}/debits", {"amount": "2.50", "reference": "a horoscope"})
    chat = demo.chat(pair)
    for screen in (screens.user(pair, f"/chat/{chat}"), screens.advisor(pair, f"/chat/{chat}")):
        screen.wait_for_selector("talk-time[state=running]")
    demo.advance(100)
    # A pause is a charge of its own in the ledger, but not a payment of its own for the user.
    demo.call("POST", f"/chats/{chat}/pause")
    demo.call("POST", f"/chats/{chat}/resume")
    demo.advance(60)
    record = demo.call("POST", f"/chats/{chat}/stop")["record"]["id"]
    demo.call("POST", f"/records/{record}/refunds", {"amount": "0.50", "reason": "sorry", "borne_by": "platform"})
    page = screens.user(pair, "/account")
    rows = page.locator("#months tr td:nth-child(2)")
    expect(rows).to_have_text(
        [
            "Refund, conversation with Theo: sorry, as a gift",
            "Conversation with Theo, paid with a gift",
            "Spent elsewhere: a horoscope, paid with a gift",
            "Gift: welcome",
            "Bought",
        ]
    )
    expect(page.locator("#months section")).to_contain_text("105.50 came, 4.50 went.")
    expect(page.locator("#available")).to_have_text("101.00")
    page.locator("#months a").first.click()
    expect(page.locator("#about")).to_contain_text(record)


def test_a_receipt_names_the_seller_of_its_start(screens: Screens, demo: Demo) -> None:
    """The demo of these tests has neither a seller nor a currency today."""
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    chat = demo.chat(pair)
    demo.call("POST", f"/chats/{chat}/stop")
    record = demo.call("GET", f"/chats/{chat}/tracking")["record"]["id"]
    page = screens.user(pair, f"/receipts/{record}")
    expect(page.locator("#cost")).to_have_text("1.00")

    def sold(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "seller": "Stars & Co", "currency": "EUR"})

    page.route("**/receipt", sold)
    page.reload()
    expect(page.locator("#seller")).to_have_text("Stars & Co")
    expect(page.locator("#cost")).to_have_text("€1.00")
    expect(page.locator("#lines")).to_contain_text("1 minute at €1.00 a minute")
    expect(page.locator("#currency")).to_contain_text("Amounts are in Euro (EUR).")
