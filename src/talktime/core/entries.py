"""The entries of the ledger: what kinds there are."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class EntryKind(StrEnum):
    """Why credit came to an account or left it. Reports have their columns in this order."""

    PURCHASE = "purchase"
    GIFT = "gift"
    REFUND = "refund"
    DEBIT = "debit"
    CHARGE = "charge"
    SHARE = "share"
    EXPIRY = "expiry"


CREDIT_KINDS: Final = (EntryKind.PURCHASE, EntryKind.GIFT, EntryKind.REFUND)
"""The kinds of credit that a host may add."""
