"""The kinds of entries in the ledger, and who bears a refund.

Each entry moves credit between a user, an advisor and the platform.
"""

from __future__ import annotations

from enum import StrEnum


class EntryKind(StrEnum):
    """Why an entry moves credit. Reports have their columns in this order."""

    PURCHASE = "purchase"  # credit that the user bought
    GIFT = "gift"  # credit that the user was given
    REFUND = "refund"  # a charge that is given back, or a part of it
    DEBIT = "debit"  # credit that the user spent elsewhere
    CHARGE = "charge"  # the cost of a record's time, divided between advisor and platform
    SHARE = "share"  # credit between advisor and platform alone, while the cost stands still
    EXPIRY = "expiry"  # what is left of a gift when it expires


class CreditKind(StrEnum):
    """The kinds of credit that a host may add."""

    PURCHASE = EntryKind.PURCHASE.value
    GIFT = EntryKind.GIFT.value
    REFUND = EntryKind.REFUND.value


class BorneBy(StrEnum):
    """The side that bears a refund."""

    PLATFORM = "platform"
    ADVISOR = "advisor"
    SHARED = "shared"
