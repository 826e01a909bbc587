"""Events: the entries whose amounts screens compute themselves."""

from __future__ import annotations

import pytest

from talktime.core.events import EntryPosted


@pytest.mark.parametrize(
    ("kind", "follows"),
    [
        *(("charge", True), ("share", True)),
        *(("purchase", False), ("gift", False), ("refund", False), ("debit", False), ("expiry", False)),
    ],
)
def test_only_charges_and_shares_follow_from_time(kind: str, follows: bool) -> None:
    assert EntryPosted(1, kind, 0).follows_from_time is follows
