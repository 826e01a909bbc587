"""A receipt is verified without a database: the receipts in `tests/vectors` are right, other documents are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from talktime.documents.fingerprint import fingerprint
from talktime.documents.verification import NotAReceiptError, verify

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "vectors" / "receipts.json").read_text("utf-8"))


def test_the_receipts_that_the_browser_is_tested_with_are_right() -> None:
    assert VECTORS
    for receipt in VECTORS:
        assert [check.path for check in verify(receipt) if not check.holds] == []


@pytest.mark.parametrize("document", [{}, {"server_time": "yesterday"}, {"server_time": None, "record": []}])
def test_what_is_no_receipt_says_so(document: dict[str, Any]) -> None:
    with pytest.raises(NotAReceiptError):
        verify(document)


def wrong(change: dict[str, Any], *path: str | int) -> list[str]:
    """What is wrong with the fullest receipt after a change at a place, its fingerprint renewed."""
    receipt = cast("dict[str, Any]", json.loads(json.dumps(VECTORS[0])))
    place: Any = receipt
    for step in path:
        place = place[step]
    place.update(change)
    receipt["fingerprint"] = fingerprint(receipt)
    return [check.path for check in verify(receipt) if not check.holds]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 2**53, -(2**53), 1e300, 0.00001, 7.00001])
def test_a_number_that_programs_may_read_differently_is_refused(number: float) -> None:
    with pytest.raises(NotAReceiptError, match="no figure can be"):
        wrong({"added": number})


@pytest.mark.parametrize("value", [b"", {1: 2}, (1,), {1}])
def test_a_value_that_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(NotAReceiptError):
        verify({**VECTORS[0], "added": value})


def test_a_document_that_is_nested_too_deeply_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(NotAReceiptError, match="nested too deeply"):
        verify({**VECTORS[0], "added": value})


def test_a_field_that_a_later_version_added_is_left_alone() -> None:
    assert wrong({"added": {"to": ["a receipt"]}}) == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cost", "0.7550", "cost must be an amount"),
        ("cost", "-0.00", "cost must be an amount"),
        ("cost", "0,755", "cost must be an amount"),
        ("cost", 0.755, "cost must be an amount"),
        ("server_time", "2030-01-05T10:03:22.500+00:00", "server_time must be an instant"),
        ("server_time", "2030-01-05T10:03:22.5Z", "server_time must be an instant"),
        ("elapsed_ms", "182500", "elapsed_ms must be a whole number"),
        ("elapsed_ms", True, "elapsed_ms must be a whole number"),
        ("free_ms_before", -1, "free_ms_before must be a whole number, 0 or more"),
        ("segments", {}, "segments must be a list"),
        ("record", [], "record must be an object"),
        ("gaps", [{}], r"gaps\[0\].started_at is missing"),
        ("tariff", {"tiers": [{"rate": "0.2"}]}, "tariff must be written as talktime writes it"),
        ("tariff", {"tiers": []}, "in tariff, tiers: must be a list of at least one tier"),
    ],
)
def test_another_spelling_or_kind_of_a_figure_is_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(NotAReceiptError, match=f"This is not a receipt: {message}"):
        wrong({name: value})


def test_a_whole_number_is_the_same_however_it_is_written() -> None:
    receipt = {**VECTORS[0], "elapsed_ms": float(VECTORS[0]["elapsed_ms"])}
    assert [check.path for check in verify(receipt) if not check.holds] == []


def test_an_amount_shifted_between_two_lines_is_found() -> None:
    receipt = json.loads(json.dumps(VECTORS[0]))
    receipt["lines"][1]["amount"], receipt["lines"][2]["amount"] = "0.41", "0.19"
    receipt["fingerprint"] = fingerprint(receipt)
    assert [check.path for check in verify(receipt) if not check.holds] == ["lines[1].amount", "lines[2].amount"]


@pytest.mark.parametrize(
    ("change", "place", "found"),
    [
        ({"paused_at": "2030-01-05T10:03:22.500Z"}, ["record"], ["record.paused_at"]),
        ({"paused_by": "user"}, ["record"], ["record.paused_by"]),
        ({"reason": "abandoned", "ended_by": "user"}, ["record"], ["record.ended_by"]),
        ({"reason": None}, ["segments", 2], ["segments[2].reason", "segments[2].caused_by"]),
        ({"reason": "advisor_away"}, ["segments", 2], ["segments[2].caused_by", "leases"]),
        ({"expires_at": "2030-01-05T10:03:22.500Z"}, ["entries", 0], ["entries[0].expires_at"]),
        ({"reason": "why"}, ["entries", 0], ["entries[0].reason"]),
        ({"id": "4"}, ["entries", 0], ["entries", "shares.entries"]),
    ],
)
def test_what_follows_from_the_facts_is_found(change: dict[str, Any], place: list[Any], found: list[str]) -> None:
    assert wrong(change, *place) == found
