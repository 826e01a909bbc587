"""The form of a receipt: what a document must have, and what it may lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from talktime.documents import receipt_form
from talktime.documents.fingerprint import fingerprint
from talktime.documents.receipt_form import RECEIPT, IfPresent, NotAReceiptError, require
from talktime.documents.verification import verify

VECTORS: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "receipts.json").read_text("utf-8")
)


def whole(value: Any) -> str | None:
    return None if isinstance(value, int) else "a whole number"


FORM: Final = {"entries": [{"id": whole, "tax": IfPresent(whole), "taxes": IfPresent([{"rate": whole}])}]}


@pytest.mark.parametrize("entry", [{"id": 1}, {"id": 1, "tax": 2}, {"id": 1, "taxes": [{"rate": 3}]}])
def test_a_field_that_may_be_absent_is_absent_or_has_its_form(entry: dict[str, Any]) -> None:
    require({"entries": [entry]}, FORM)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"tax": 2}, r"entries\[0\].id is missing"),
        ({"id": 1, "tax": "2"}, r"entries\[0\].tax must be a whole number"),
        ({"id": 1, "tax": None}, r"entries\[0\].tax must be a whole number"),
        ({"id": 1, "taxes": {}}, r"entries\[0\].taxes must be a list"),
        ({"id": 1, "taxes": [{}]}, r"entries\[0\].taxes\[0\].rate is missing"),
    ],
)
def test_a_field_that_may_be_absent_is_refused_where_it_is_wrong(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(NotAReceiptError, match=message):
        require({"entries": [entry]}, FORM)


def test_a_field_that_a_release_adds_leaves_older_receipts_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt_form, "RECEIPT", {**RECEIPT, "vat_percent": IfPresent(whole)})
    older = VECTORS[0]
    newer = {**older, "vat_percent": 19}
    newer["fingerprint"] = fingerprint(newer)
    for receipt in (older, newer):
        assert [check.path for check in verify(receipt) if not check.holds] == []
    with pytest.raises(NotAReceiptError, match="vat_percent must be a whole number"):
        verify({**older, "vat_percent": "19"})
