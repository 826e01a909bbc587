"""The entries of all users with all three sides: what the user, the advisor and the platform got by each entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.roles import Role
from talktime.documents.document import Document, Named, fields_of, shown
from talktime.documents.fields import Credits, Instant, Metadata, MillisecondsAsSeconds
from talktime.documents.report import BookKind


@dataclass(frozen=True, slots=True)
class LedgerEntry(Document):
    """An entry of the ledger. The three amounts add up to nothing. A negative amount left its side."""

    id: str
    at: Instant
    kind: EntryKind
    user_id: str
    user_name: str
    advisor_id: str | None
    advisor_name: str | None
    user_amount: Annotated[Credits, "what the user got, or gave if it is negative"]
    advisor_amount: Annotated[Credits, "what the advisor got, or gave if it is negative"]
    platform_amount: Annotated[Credits, "what the platform got, or gave if it is negative"]
    fees: Annotated[Credits, "the part of `platform_amount` that was taken before the share"]
    gift: Annotated[Credits, "the part of `user_amount` that was given, not bought"]
    record_id: str | None
    chat_id: Annotated[str | None, "the last chat of the record"]
    reference: Annotated[str | None, "the host's own text, such as the number of an order"]
    reason: Annotated[str | None, "why a refund was made"]
    borne_by: Annotated[BorneBy | None, "who bears a refund"]
    refunded_ms: Annotated[
        MillisecondsAsSeconds | None, Named("refunded_seconds"), "the time that was given back, of a refund by time"
    ]
    expires_at: Annotated[Instant | None, "when a gift expires"]
    by_role: Annotated[
        Role | None,
        "the role of who asked; null for what follows from time, and for a call of the library without `actor`",
    ]
    by_subject: Annotated[str | None, "who asked for the entry: the subject of the token, or the name of a program"]
    metadata: Annotated[Metadata, "the host's own texts of a credit or a debit, by key"] = field(default_factory=dict)

    @property
    @shown(after="platform_amount", as_="platform_book")
    def platform_book(self) -> Annotated[BookKind, "which book of the platform has `platform_amount`"]:
        """The book of the platform that has the platform's amount."""
        if self.kind in {EntryKind.GIFT, EntryKind.EXPIRY}:
            return BookKind.PROMOTION
        return BookKind.OUTSIDE if self.record_id is None else BookKind.REVENUE


LEDGER_COLUMNS: Final = tuple(field.name for field in fields_of(LedgerEntry))
"""The columns of a table of entries, which are the fields of their JSON."""
