"""Steps: the entries whose amounts screens compute themselves."""

from __future__ import annotations

import pytest

from talktime.core.entries import EntryKind
from talktime.core.steps import EntryPosted


@pytest.mark.parametrize(
    ("kind", "follows"),
    [
        *((EntryKind.CHARGE, True), (EntryKind.SHARE, True), (EntryKind.PURCHASE, False), (EntryKind.GIFT, False)),
        *((EntryKind.REFUND, False), (EntryKind.DEBIT, False), (EntryKind.EXPIRY, False)),
    ],
)
def test_only_charges_and_shares_follow_from_time(kind: EntryKind, follows: bool) -> None:
    assert EntryPosted(1, kind, 0).follows_from_time is follows
