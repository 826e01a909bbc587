"""The books of a period: what each held before, what came and went, by kind, and what it held then. Pure.

Every entry of the ledger has its lines in the books of a user, an advisor and the platform, and they add up to nothing;
so does every column of a report, which is how one sees that nothing is missing from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from talktime.core.instants import instant
from talktime.core.money import format_credits

KINDS: Final = ("purchase", "gift", "refund", "debit", "charge", "share", "expiry")
COLUMNS: Final = ("book", "owner", "name", "opening", *KINDS, "closing")
BOOKS: Final = ("user", "advisor", "revenue", "promotion", "outside")
"""Whose: each user's credit, each advisor's earnings; the platform's revenue, what it gave away, what came and went."""


@dataclass(frozen=True, slots=True)
class Book:
    """One book: `opening` before the period, `amounts` in it in the order of `KINDS`."""

    book: str
    owner: str
    name: str
    opening: int
    amounts: tuple[int, ...]

    @property
    def closing(self) -> int:
        """What it held at the period's end."""
        return self.opening + sum(self.amounts)

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "book": self.book,
            "owner": self.owner,
            "name": self.name,
            "opening": format_credits(self.opening),
            **{kind: format_credits(amount) for kind, amount in zip(KINDS, self.amounts, strict=True)},
            "closing": format_credits(self.closing),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All books, from `begin` until just before `end`."""

    begin: int
    end: int
    books: tuple[Book, ...]

    def totals(self) -> list[Book]:
        """One line for all books of each sort."""
        return [
            Book(
                sort,
                "",
                "all",
                sum(book.opening for book in self.books if book.book == sort),
                tuple(sum(book.amounts[n] for book in self.books if book.book == sort) for n in range(len(KINDS))),
            )
            for sort in BOOKS
        ]

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "from": instant(self.begin),
            "to": instant(self.end),
            "books": [book.document() for book in self.books],
            "totals": [book.document() for book in self.totals()],
        }
