"""A user's credit: the account, the entries of its ledger, and refunds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.gifts import Gift
from talktime.documents.document import CONFIDENTIAL, INSIDE, Document, Named, encoded, shown
from talktime.documents.fields import Credits, Instant, Metadata, MillisecondsAsSeconds


@dataclass(frozen=True, slots=True)
class Expiry(Document):
    """The gift that expires next. What is neither spent nor committed of the amount by then is gone."""

    amount: Credits
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Account(Document):
    """The credit of a user."""

    user_id: str
    display_name: str
    balance: Annotated[Credits, "what is posted"]
    committed: Annotated[Credits, "what running records owe beyond what is posted"]
    available: Annotated[Credits, "what can be spent now: the balance minus what is committed"]
    gift: Annotated[Credits, "the part of the balance that was given, not bought"] = 0
    next_expiry: Annotated[Gift | None, INSIDE] = None
    metadata: Annotated[Metadata, CONFIDENTIAL, "the host's own texts, by key; absent for users and advisors"] = field(
        default_factory=dict
    )

    def document(self, *, with_metadata: bool = False) -> dict[str, Any]:
        """The JSON of this document. Users are not shown the metadata."""
        return encoded(self, with_confidential=with_metadata)

    @property
    @shown(as_="next_expiry")
    def _next_expiry(self) -> Annotated[Expiry | None, "the gift that expires next, if a gift expires"]:
        gift = self.next_expiry
        return None if gift is None or gift.expires_at is None else Expiry(gift.amount, gift.expires_at)


@dataclass(frozen=True, slots=True)
class Entry(Document):
    """An entry of a user's ledger. Charges, debits and expiries are negative."""

    id: str
    amount: Credits
    gift: Annotated[Credits, "the part of the amount that was given, not bought"]
    kind: EntryKind
    at: Instant
    record_id: str | None = None
    reference: Annotated[str | None, "the host's own text, such as the number of an order"] = None
    reason: Annotated[str | None, "why a refund was made"] = None
    expires_at: Annotated[Instant | None, "when a gift expires"] = None


@dataclass(frozen=True, slots=True)
class Refund(Document):
    """A part of a record's cost that was given back, and who bears it."""

    record_id: str
    amount: Credits
    gift: Annotated[Credits, "the part of the amount that comes back as a gift"]
    refunded_ms: Annotated[
        MillisecondsAsSeconds | None, Named("seconds"), "the billed time that was given back, if it was by time"
    ]
    reason: str
    borne_by: BorneBy
    by_advisor: Annotated[Credits, Named("advisor_amount"), "the part of the amount that the advisor bears"]
    at: Instant
    refunded: Annotated[Credits, "all that was given back of the record's cost, this refund included"]
    refundable: Annotated[Credits, "what can still be given back"]
    dry_run: Annotated[bool, "whether this is what a refund would be, and nothing was given back"] = False

    @property
    @shown(after="by_advisor")
    def platform_amount(self) -> Annotated[Credits, "the part of the amount that the platform bears"]:
        """The part of the amount that the platform bears."""
        return self.amount - self.by_advisor
