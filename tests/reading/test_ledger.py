"""An export has every entry of its period once, in order, and adds up to the report of the period."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from talktime import Party, Tariff, Terms, parse_credits
from talktime.reading import ledger
from tests.nodes import add_alice_and_maya, node_on


@pytest.mark.parametrize("rows", [1, 2, 1000])
async def test_an_export_adds_up_to_the_report(database_url: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_ROWS", rows)
    async with node_on(database_url, test_clock=True) as talktime:
        await add_alice_and_maya(talktime)
        for number in range(5):
            await talktime.add_credit("alice", 1_000_000 + number, "gift", reference=f"{number}")
        begin = await talktime.now()
        await talktime.create_chat("alice", "maya", "first")
        await talktime.advance_clock(20_000)
        end = await talktime.now()
        await talktime.advance_clock(5_000)  # the record runs on beyond the period
        entries = [entry async for entry in talktime.all_entries(begin=begin, end=end)]
        assert [entry.kind for entry in entries] == ["charge"]
        everything = [entry async for entry in talktime.all_entries(end=end)]
        assert [entry.id for entry in everything] == [f"{number}" for number in range(1, len(everything) + 1)]
        books: Counter[tuple[str, str]] = Counter()
        for entry in everything:
            assert entry.user_amount + entry.advisor_amount + entry.platform_amount == 0
            books["user", entry.user_id] += entry.user_amount
            books["advisor", entry.advisor_id or ""] += entry.advisor_amount
            books[entry.platform_book.value, "platform"] += entry.platform_amount
        report = await talktime.report(0, end)
        closing = {(book.book.value, book.owner): book.closing for book in report.books}
        assert {key: amount for key, amount in books.items() if amount} == closing
        assert [entry async for entry in talktime.all_entries(end=end)] == everything


async def test_statements_of_parts_add_up_to_what_can_be_paid_of_all(database_url: str) -> None:
    tariff = Tariff.parse({"tiers": [{"rate": "0.123457", "per_seconds": 1}], "rounding": {"places": 6}})
    async with node_on(database_url, test_clock=True) as talktime:
        await talktime.put_advisor("maya", "Maya", tariff, Terms.parse({"share_percent": 33.3333}), starts="at_once")
        await talktime.put_user("alice", "Alice")
        await talktime.add_credit("alice", parse_credits("100"))
        ends = [await talktime.now()]
        for number in range(6):
            await talktime.create_chat("alice", "maya", f"{number}")
            await talktime.advance_clock(1_700 + number)
            ends.append(await talktime.now() + 1)  # in the middle of a record
            await talktime.advance_clock(900)
            await talktime.stop(f"{number}")
        ends.append(await talktime.now() + 1)
        parts = [await talktime.statement("maya", begin, end) for begin, end in pairwise(ends)]
        whole = await talktime.statement("maya", ends[0], ends[-1])
        assert sum(part.payable for part in parts) == whole.payable > 0
        assert parts[-1].carried == whole.carried > 0
        assert sum(part.total.net for part in parts) == whole.total.net == whole.payable + whole.carried
        earned = await talktime.earnings("maya")
        assert earned.net == whole.total.net


async def test_a_statement_says_what_is_charged_after_its_period(database_url: str) -> None:
    """A charge belongs to the period in which it is posted: at a pause or at the end."""
    tariff = Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}]})
    async with node_on(database_url, test_clock=True) as talktime:
        await add_alice_and_maya(talktime)
        await talktime.put_advisor("maya", "Maya", tariff, starts="at_once")
        begin = await talktime.now()
        await talktime.create_chat("alice", "maya", "c")
        await talktime.advance_clock(1_000)
        await talktime.pause("c")  # posts the first minute
        await talktime.resume("c")
        month = await talktime.now() + 500
        await talktime.advance_clock(1_000)
        (session,) = (await talktime.statement("maya", begin, month)).sessions
        assert (session.figures.gross, session.charged_later) == (parse_credits("1.00"), 0)
        for party in Party:
            await talktime.heartbeat("c", party)
        await talktime.advance_clock(20_000)
        for _ in range(3):
            for party in Party:
                await talktime.heartbeat("c", party)
            await talktime.advance_clock(20_000)
        await talktime.stop("c")
        (session,) = (await talktime.statement("maya", begin, month)).sessions
        assert (session.figures.gross, session.charged_later) == (parse_credits("1.00"), parse_credits("1.00"))
        (rest,) = (await talktime.statement("maya", month, await talktime.now() + 1)).sessions
        assert (rest.figures.gross, rest.charged_later) == (parse_credits("1.00"), 0)
