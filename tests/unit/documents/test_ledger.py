"""An entry with all three sides: its amounts add up to nothing, and the platform's amount is in one of its books."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.roles import Role
from talktime.documents.ledger import LEDGER_COLUMNS, LedgerEntry
from talktime.documents.report import BookKind
from tests.unit.documents.samples import TEN

REFUND = LedgerEntry(
    id="7",
    at=TEN,
    kind=EntryKind.REFUND,
    user_id="alice",
    user_name="Alice",
    advisor_id="maya",
    advisor_name="Maya",
    user_amount=2_000_000,
    advisor_amount=-500_000,
    platform_amount=-1_500_000,
    fees=0,
    gift=250_000,
    record_id="r",
    chat_id="first",
    reference=None,
    reason="the line was bad",
    borne_by=BorneBy.SHARED,
    refunded_ms=60_500,
    expires_at=None,
    by_role=Role.OPERATOR,
    by_subject="olga",
)


def test_the_json_names_the_three_sides_and_who_asked() -> None:
    document = REFUND.document()
    assert tuple(document) == LEDGER_COLUMNS
    assert [document[side] for side in ("user_amount", "advisor_amount", "platform_amount")] == [
        "2.00",
        "-0.50",
        "-1.50",
    ]
    assert (document["gift"], document["refunded_seconds"], document["by_role"]) == ("0.25", 60.5, "operator")


@pytest.mark.parametrize(
    ("kind", "record_id", "book"),
    [
        (EntryKind.CHARGE, "r", BookKind.REVENUE),
        (EntryKind.SHARE, "r", BookKind.REVENUE),
        (EntryKind.REFUND, "r", BookKind.REVENUE),
        (EntryKind.REFUND, None, BookKind.OUTSIDE),
        (EntryKind.PURCHASE, None, BookKind.OUTSIDE),
        (EntryKind.DEBIT, None, BookKind.OUTSIDE),
        (EntryKind.GIFT, None, BookKind.PROMOTION),
        (EntryKind.EXPIRY, None, BookKind.PROMOTION),
    ],
)
def test_the_platform_has_a_book_for_each_kind(kind: EntryKind, record_id: str | None, book: BookKind) -> None:
    assert replace(REFUND, kind=kind, record_id=record_id).platform_book is book
