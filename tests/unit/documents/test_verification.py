"""A receipt is verified without a database: the receipts in `tests/vectors` are right, other documents are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

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
