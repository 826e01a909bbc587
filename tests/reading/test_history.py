"""The past from facts: balances, earnings and durations as of an instant, the books of a period, another tariff."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from talktime import Talktime, Tariff, parse_credits
from talktime.core.entries import BorneBy, EntryKind
from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.terms import Terms
from talktime.database.pool import Pool
from talktime.documents.account import Account
from talktime.documents.advisor import Earnings
from talktime.documents.report import KINDS, Report
from talktime.documents.what_if import Replay
from tests.databases import STANDING_CLOCK
from tests.nodes import LONG_SECONDS, node_on
from tests.vectors.receipts import STORIES

pytestmark = pytest.mark.both_servers

TERMS: Final = Terms.parse({"share_percent": 40, "fee_per_session": "0.10"})
MINUTES: Final = Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}], "free_seconds": 30})
FAR: Final = 10**13


async def test_what_was_shown_then_is_what_is_found_now(talktime: Talktime, database: Pool) -> None:
    await database.execute(STANDING_CLOCK)
    await talktime.put_advisor("vera", "Vera", MINUTES, TERMS, starts="at_once")
    await talktime.add_credit("alice", parse_credits("3"), "gift", expires_at=await talktime.now() + 90_000)
    record_id = ""
    seen = []

    async def look() -> None:
        now = await talktime.now()
        account = await talktime.account("alice")
        duration = (await talktime.snapshot("first")).chat_duration_ms if record_id else 0
        earned = await talktime.earnings("vera")
        seen.append((now, account, earned.share + earned.unposted, duration))
        await talktime.advance_clock(1)

    await look()
    started = await talktime.initialize_time_tracking_for_chat("alice", "vera", "first")
    record_id = started.record.id
    for duration_ms, act in (
        (20_000, None),
        (20_000, talktime.pause("first")),
        (5_000, talktime.resume("first")),
        (130_000, talktime.engine.post_charges()),
        (1_000, talktime.debit("alice", parse_credits("7"))),
        (61_000, talktime.stop("first")),
        (10_000, talktime.refund(record_id, reason="Late", borne_by=BorneBy.ADVISOR, amount=parse_credits("1"))),
        (1_000, None),
    ):
        await look()
        await talktime.advance_clock(duration_ms)
        if act is not None:
            await act
    await look()
    assert len({account.available for _, account, _, _ in seen}) >= 5
    for at, account, share, duration in seen:
        assert await talktime.account("alice", at=at) == account
        then = await talktime.earnings("vera", at=at)
        assert then.share + then.unposted == share  # whether it was posted by then, or only later
        assert record_id == "" or await talktime.chat_duration("first", at=at) == duration


async def closings(talktime: Talktime) -> dict[str, int]:
    return {book.book: book.closing for book in (await talktime.report(0, FAR)).books}


# Two minutes and a half were paid for, half a minute of them by a gift; the record has ended since.
DUE: Final[list[tuple[Callable[[Talktime, int], Awaitable[Any]], Any]]] = [
    (lambda talktime, _: talktime.chat_duration("first"), 150_000),
    (lambda talktime, _: talktime.chat_duration("first", at=FAR), 150_000),
    (lambda talktime, begin: talktime.chat_duration("first", at=begin + 160_000), 150_000),
    (lambda talktime, begin: talktime.account("alice", at=begin + 160_000), (0, 0, 0)),
    (lambda talktime, begin: talktime.account("alice", at=begin + 149_000), (900_000, 900_000, 0)),
    (lambda talktime, _: talktime.earnings("vera"), (560_000, 0)),
    (lambda talktime, begin: talktime.earnings("vera", at=begin + 59_000), (0, 196_000)),
    (lambda talktime, _: closings(talktime), {"user": 0, "advisor": 560_000, "revenue": 940_000}),
    (lambda talktime, _: talktime.replay(MINUTES, 0, FAR), 2_000_000),
]


@pytest.mark.parametrize(("ask", "answer"), DUE)
async def test_what_was_due_counts_though_nobody_worked(
    database_url: str, database: Pool, ask: Callable[[Talktime, int], Awaitable[Any]], answer: Any
) -> None:
    async with node_on(database_url, work=False, presence_lease_seconds=LONG_SECONDS) as visitor:
        await database.execute(STANDING_CLOCK)
        await visitor.put_user("alice", "Alice")
        await visitor.put_advisor("vera", "Vera", Tariff.parse({"tiers": [{"rate": "0.60"}]}), TERMS, starts="at_once")
        begin = await visitor.now()
        await visitor.add_credit("alice", parse_credits("1.20"))
        await visitor.add_credit("alice", parse_credits("0.30"), "gift", expires_at=begin + 60_000)
        await visitor.initialize_time_tracking_for_chat("alice", "vera", "first")
        await database.execute("update engine_clock set offset_ms = offset_ms + 3600000")
        found = await ask(visitor, begin)
    if isinstance(found, Account):
        found = (found.balance, found.committed, found.available)
    elif isinstance(found, Earnings):
        found = (found.share, found.unposted)
    elif isinstance(found, Replay):
        found = sum(session.replayed for session in found.sessions)
    elif isinstance(found, dict):
        found = {book: found[book] for book in answer}
    assert found == answer


async def test_the_books_tie_to_the_entries(talktime: Talktime, database: Pool) -> None:
    await database.execute(STANDING_CLOCK)
    begin = await talktime.now()
    for story in STORIES[:3]:
        await story(talktime)
        await talktime.advance_clock(60_000)
    end = await talktime.now()
    rows = await database.fetch("select kind, amount, advisor_amount, platform_amount, at, user_id from entries")
    whole = await talktime.report(0, FAR)
    assert sums(whole) == [0] * (len(KINDS) + 2)
    for number, kind in enumerate(KINDS):
        for sort, field in (("user", "amount"), ("advisor", "advisor_amount")):
            found = sum(book.amounts[number] for book in whole.books if book.book == sort)
            assert found == sum(row[field] for row in rows if row["kind"] == kind)
    (alice,) = [book for book in whole.books if book.book == "user"]
    assert alice.closing == (await talktime.account("alice")).balance
    for book in whole.books:
        if book.book == "advisor":
            earned = await talktime.earnings(book.owner)
            assert book.closing == earned.share - earned.refunds
    # Cut into periods, each begins with what the one before ended with, and nothing is lost between.
    middle = begin + (end - begin) // 3
    first, second = await talktime.report(begin, middle), await talktime.report(middle, end)
    opening = {(book.book, book.owner): book.opening for book in second.books}
    for book in first.books:
        assert opening[book.book, book.owner] == book.closing
    assert sums(first) == sums(second) == [0] * (len(KINDS) + 2)
    both = await talktime.report(begin, end)
    for book in both.books:
        parts = [b for b in (*first.books, *second.books) if (b.book, b.owner) == (book.book, book.owner)]
        assert book.amounts == tuple(map(sum, zip(*(part.amounts for part in parts), strict=True)))


async def test_a_period_that_is_over_says_tomorrow_what_it_says_today(talktime: Talktime, database: Pool) -> None:
    await database.execute(STANDING_CLOCK)
    await talktime.add_credit("alice", parse_credits("0.50"), "gift")
    for advisor in ("vera", "ben"):
        await talktime.put_advisor(
            advisor, advisor.title(), Tariff.parse({"tiers": [{"rate": "0.60"}]}), TERMS, starts="at_once"
        )
        await talktime.initialize_time_tracking_for_chat("alice", advisor, advisor)
    await talktime.advance_clock(40_000)  # the gift is used up after 25 seconds, and nobody has posted that yet
    end = await talktime.now()
    await talktime.advance_clock(1_000)
    today = await talktime.report(0, end)
    await talktime.advance_clock(60_000)
    for chat in ("vera", "ben"):
        await talktime.stop(chat)
    assert await talktime.report(0, end) == today


async def test_a_report_has_the_cost_of_the_time_that_lies_in_its_period(talktime: Talktime, database: Pool) -> None:
    await database.execute(STANDING_CLOCK)
    begin = await talktime.now()
    started = await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    await talktime.advance_clock(60_000)
    end = await talktime.now()
    await talktime.advance_clock(60_000)  # the report is made a minute after the period is over
    assert await charged(talktime, begin, end) == parse_credits("0.60")
    (entry,) = (await talktime.receipt(started.record.id)).entries
    assert entry.at == end - 1
    await talktime.advance_clock(60_000)
    await talktime.stop("first")
    assert await charged(talktime, begin, end) == parse_credits("0.60")
    assert await charged(talktime, end, await talktime.now() + 1) == parse_credits("1.20")
    # A later report of an earlier period finds nothing to post, and a report of now posts up to now.
    assert await charged(talktime, begin, begin + 30_000) == 0
    assert await charged(talktime, begin, FAR) == parse_credits("1.80")


async def charged(talktime: Talktime, begin: int, end: int) -> int:
    report = await talktime.report(begin, end)
    return -sum(book.amounts[KINDS.index(EntryKind.CHARGE)] for book in report.books if book.book == "user")


async def test_a_statement_has_the_time_and_the_charges_of_its_period(talktime: Talktime, database: Pool) -> None:
    await database.execute(STANDING_CLOCK)
    await talktime.put_advisor("vera", "Vera", Tariff.parse({"tiers": [{"rate": "0.60"}]}), TERMS, starts="at_once")
    begin = await talktime.now()
    await talktime.initialize_time_tracking_for_chat("alice", "vera", "first")
    await talktime.advance_clock(60_000)
    end = await talktime.now()
    await talktime.advance_clock(60_000)
    today = await talktime.statement("vera", begin, end)
    (session,) = today.sessions
    assert (session.figures.time_ms, session.figures.gross) == (60_000, parse_credits("0.60"))
    await talktime.stop("first")
    (tomorrow,) = (await talktime.statement("vera", begin, end)).sessions
    assert tomorrow.figures == session.figures
    (rest,) = (await talktime.statement("vera", end, await talktime.now() + 1)).sessions
    assert (rest.figures.time_ms, rest.figures.gross) == (60_000, parse_credits("0.60"))


LONG_AGO = 1_000_000_000_000  # 2001


async def test_what_makes_no_sense_is_refused(talktime: Talktime) -> None:
    with pytest.raises(InvalidRequest):
        await talktime.report(LONG_AGO, LONG_AGO)
    with pytest.raises(InvalidRequest):
        await talktime.replay(MINUTES, LONG_AGO, LONG_AGO - 1)
    for nothing in (
        talktime.account("nobody", at=LONG_AGO),
        talktime.earnings("nobody"),
        talktime.chat_duration("none"),
        talktime.replay(MINUTES, 0, LONG_AGO, advisor_id="nobody"),
    ):
        with pytest.raises(NotFound):
            await nothing
    assert (await talktime.account("alice", at=LONG_AGO)).balance == 0
    started = await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    with pytest.raises(InvalidRequest):
        await talktime.receipt(started.record.id, at=started.record.started_at - 1)


async def test_past_sessions_under_another_tariff(talktime: Talktime, database: Pool) -> None:
    await database.execute(STANDING_CLOCK)
    for chat, duration_ms in (("first", 45_000), ("second", 90_000)):
        await talktime.initialize_time_tracking_for_chat("alice", "maya", chat)
        await talktime.advance_clock(duration_ms)
        await talktime.stop(chat)
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "third")
    same = await talktime.replay((await talktime.advisor("maya")).tariff, 0, FAR)
    assert [each.document()["difference"] for each in same.sessions] == ["0.00", "0.00"]
    other = await talktime.replay(MINUTES, 0, FAR, advisor_id="maya")
    # 30 free seconds in all, and then minutes: 15 s and 90 s are one and two of them.
    assert [each.replayed for each in other.sessions] == [parse_credits("1"), parse_credits("2")]
    assert other.document()["total"] == {
        "sessions": 2,
        "elapsed_ms": 135_000,
        "cost": "1.35",
        "replayed_ms": 135_000,
        "replayed": "3.00",
        "difference": "1.65",
    }
    assert (await talktime.replay(MINUTES, 0, same.sessions[1].session.started_at)).sessions == other.sessions[:1]


def sums(report: Report) -> list[int]:
    """The sum of each column over all books."""
    columns = [(book.opening, *book.amounts, book.closing) for book in report.books]
    return [sum(column) for column in zip(*columns, strict=True)] if columns else [0] * (len(KINDS) + 2)
