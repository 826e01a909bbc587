"""A user's credit: the account, the entries of its ledger, and refunds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from talktime.core.durations import seconds
from talktime.core.gifts import Lot
from talktime.core.instants import instant, instant_or_none
from talktime.core.money import format_credits
from talktime.core.refunds import Bearer


@dataclass(frozen=True, slots=True)
class Account:
    """A user's credit: `balance` is what is posted, `committed` what running meters have begun to owe beyond that.

    `gift` is what of the balance was given, not bought; `next_expiry` the gift that expires next, if one does.
    """

    user_id: str
    display_name: str
    balance: int
    committed: int
    available: int
    gift: int = 0
    next_expiry: Lot | None = None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        lot = self.next_expiry
        return {
            "user_id": self.user_id,
            "display_name": self.display_name,
            "balance": format_credits(self.balance),
            "committed": format_credits(self.committed),
            "available": format_credits(self.available),
            "gift": format_credits(self.gift),
            "next_expiry": None
            if lot is None
            else {"amount": format_credits(lot.amount), "expires_at": instant_or_none(lot.expires_at)},
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. Charges, debits and expiries are negative; `gift` is what of the amount was given."""

    id: str
    amount: int
    gift: int
    kind: str
    at: int
    record_id: str | None = None
    reference: str | None = None
    reason: str | None = None
    expires_at: int | None = None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "id": self.id,
            "amount": format_credits(self.amount),
            "gift": format_credits(self.gift),
            "kind": self.kind,
            "at": instant(self.at),
            "record_id": self.record_id,
            "reference": self.reference,
            "reason": self.reason,
            "expires_at": instant_or_none(self.expires_at),
        }


@dataclass(frozen=True, slots=True)
class Refund:
    """What was given back of a record's cost, who bears it, and what is `refunded` and `refundable` of it by now."""

    record_id: str
    amount: int
    gift: int
    refunded_ms: int | None
    reason: str
    borne_by: Bearer
    by_advisor: int
    at: int
    refunded: int
    refundable: int

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "record_id": self.record_id,
            "amount": format_credits(self.amount),
            "gift": format_credits(self.gift),
            "seconds": None if self.refunded_ms is None else seconds(self.refunded_ms),
            "reason": self.reason,
            "borne_by": self.borne_by.value,
            "advisor_amount": format_credits(self.by_advisor),
            "platform_amount": format_credits(self.amount - self.by_advisor),
            "at": instant(self.at),
            "refunded": format_credits(self.refunded),
            "refundable": format_credits(self.refundable),
        }
