"""The entries of the ledger: what kinds there are."""

from __future__ import annotations

from enum import StrEnum


class EntryKind(StrEnum):
    """Why credit came to an account or left it. Reports have their columns in this order."""

    PURCHASE = "purchase"
    GIFT = "gift"
    REFUND = "refund"
    DEBIT = "debit"
    CHARGE = "charge"
    SHARE = "share"
    EXPIRY = "expiry"


class CreditKind(StrEnum):
    """The kinds of credit that a host may add."""

    PURCHASE = EntryKind.PURCHASE.value
    GIFT = EntryKind.GIFT.value
    REFUND = EntryKind.REFUND.value
