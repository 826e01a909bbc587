"""The checks of the auditor that need a price, and how their findings are counted and shown."""

from __future__ import annotations

import pytest

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.money import MICRO
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.documents.audit import (
    EXAMPLES,
    RULES,
    Audit,
    AuditedRecord,
    Finding,
    charge_findings,
    shared_refund_findings,
)

TARIFF = Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}]})
TERMS = Terms(share_ppm=500_000, fee_per_minute=100_000)
SEGMENTS = [(0, 60_000), (70_000, 130_000)]
CHARGES = [(60_000, MICRO), (130_000, MICRO)]
"""Two minutes at 1.00, of which 0.20 are fees; the advisor earns half of 1.80."""


def record(*, charged: int = 2 * MICRO, earned: int = 900_000, fees: int = 200_000) -> AuditedRecord:
    return AuditedRecord("r", "alice", TARIFF, 0, 120_000, charged, earned, fees, TERMS)


def finding(number: int, user_id: str = "alice") -> Finding:
    return Finding(4, "wrong", str(number), user_id, "1.00", "2.00")


def test_a_record_that_was_charged_its_price_at_each_instant_has_no_findings() -> None:
    assert list(charge_findings(record(), CHARGES, SEGMENTS)) == []


@pytest.mark.parametrize(
    ("wrong", "stored", "follows"),
    [
        (record(charged=2 * MICRO + 1), "2.000001", "2.00"),
        (record(earned=899_999), "0.899999", "0.90"),
        (record(fees=0), "0.00", "0.20"),
    ],
)
def test_a_stored_total_that_does_not_follow_from_the_time_is_found(
    wrong: AuditedRecord, stored: str, follows: str
) -> None:
    (found,) = charge_findings(wrong, CHARGES, SEGMENTS)
    assert (found.rule, found.id, found.user_id, found.stored, found.follows) == (4, "r", "alice", stored, follows)


def test_a_charge_before_its_time_is_found_once() -> None:
    early = [(59_999, 2 * MICRO), (130_000, 0)]
    (found,) = charge_findings(record(), early, SEGMENTS)
    assert (found.rule, found.stored, found.follows) == (6, "2.00", "1.00")
    assert "0:59.999" in found.what


def test_a_charge_in_a_pause_is_the_price_of_the_time_before() -> None:
    assert list(charge_findings(record(), [(65_000, MICRO), (130_000, MICRO)], SEGMENTS)) == []


CHARGE = (EntryKind.CHARGE, -5 * MICRO, 2 * MICRO, None)


def test_shared_refunds_are_borne_in_the_proportion_in_which_the_charge_was_earned() -> None:
    entries = [
        CHARGE,
        (EntryKind.REFUND, MICRO, -400_000, BorneBy.SHARED),
        (EntryKind.REFUND, MICRO, -MICRO, BorneBy.ADVISOR),
        (EntryKind.REFUND, 1_500_000, -600_000, BorneBy.SHARED),
    ]
    assert list(shared_refund_findings("r", "alice", entries)) == []


def test_a_shared_refund_in_another_proportion_is_found() -> None:
    (found,) = shared_refund_findings("r", "alice", [CHARGE, (EntryKind.REFUND, MICRO, -400_001, BorneBy.SHARED)])
    assert (found.rule, found.stored, found.follows) == (4, "0.400001 by the advisor", "0.40")


def test_the_shared_refund_of_a_record_without_charges_is_the_platforms() -> None:
    assert list(shared_refund_findings("r", "alice", [(EntryKind.REFUND, MICRO, 0, BorneBy.SHARED)])) == []


def test_all_findings_are_counted_and_the_first_are_shown() -> None:
    audit = Audit()
    assert audit.document()["broken"] == []
    audit.add(finding(number) for number in range(EXAMPLES + 2))
    audit.add([finding(99, "bob")])
    (broken,) = audit.broken()
    assert (broken["rule"], broken["says"], broken["count"]) == (4, RULES[4].says, EXAMPLES + 3)
    assert [example["id"] for example in broken["examples"]] == [str(number) for number in range(EXAMPLES)]
    assert "rule" not in broken["examples"][0]
    assert audit.users == {"alice", "bob"}
