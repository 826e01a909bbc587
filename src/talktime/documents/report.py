"""The books of a period: what each book held before, what came and went by kind, and what it held at the end.

Each entry of the ledger has a line in the books of a user, an advisor and the platform; the lines add up to nothing.
So each column of a report adds up to nothing too, which shows that nothing is missing from the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from talktime.core.entries import EntryKind
from talktime.documents.document import Columns, Document, Named, shown
from talktime.documents.fields import Credits, Instant

KINDS: Final = tuple(kind.value for kind in EntryKind)
COLUMNS: Final = ("book", "owner", "name", "opening", *KINDS, "closing")


class BookKind(StrEnum):
    """The credit of a user, the earnings of an advisor, and the platform's own books.

    Those are its revenue, the promotion that it gave away, and what came from outside and went there.
    """

    USER = "user"
    ADVISOR = "advisor"
    REVENUE = "revenue"
    PROMOTION = "promotion"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Book(Document):
    """A book: what it held before the period, what came and went by kind of entry, and what it held at the end."""

    book: BookKind
    owner: Annotated[str, "whose book it is; empty for the platform's own"]
    name: str
    opening: Credits
    amounts: Annotated[
        tuple[Credits, ...], Columns(KINDS), "what came and went: one for each `EntryKind`, in its order"
    ]

    @property
    @shown(after="amounts")
    def closing(self) -> Credits:
        """The amount in the book at the end of the period."""
        return self.opening + sum(self.amounts)


@dataclass(frozen=True, slots=True)
class Report(Document):
    """All books in the period from `from` until just before `to`. Each column of the totals adds up to nothing."""

    begin: Annotated[Instant, Named("from")]
    end: Annotated[Instant, Named("to")]
    books: tuple[Book, ...]

    @property
    @shown(after="books", as_="totals")
    def _totals(self) -> tuple[Book, ...]:
        return tuple(self.totals())

    def totals(self) -> list[Book]:
        """For each kind of book, all books of the kind together."""
        return [_sum(kind, [book for book in self.books if book.book is kind]) for kind in BookKind]


def _sum(kind: BookKind, books: list[Book]) -> Book:
    amounts = tuple(map(sum, zip(*(book.amounts for book in books), strict=True))) or (0,) * len(KINDS)
    return Book(kind, "", "all", sum(book.opening for book in books), amounts)
