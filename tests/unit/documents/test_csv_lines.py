"""No text in a line of CSV is taken for a formula, and every text can be read again."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.documents.csv_lines import csv_heading, csv_lines, safe_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+49 30 1234",
        "-2+3",
        "@SUM(A1)",
        " =1",
        "\t=1",
        "＝1+1",
        "|calc",
        "%0A",
        '=HYPERLINK("http://evil","x")',
        "-",
        "+5",
        "-1e5",
    ],
)
def test_a_text_like_a_formula_gets_a_mark(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "plain", "8.75", "-8.75", "-2", "2026-01-05T10:00:00.000Z", "a=b", "1+1"])
def test_numbers_and_other_texts_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text
    assert safe_cell(None) == ""
    assert safe_cell(5) == "5"


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"))), min_size=2, max_size=2))
def test_what_is_written_can_be_read_again(cells: list[str]) -> None:
    text = csv_heading(["a", "b"]) + csv_lines(["a", "b"], [dict(zip("ab", cells, strict=True))])
    heading, row = csv.reader(io.StringIO(text, newline=""))
    assert heading == ["a", "b"]
    assert row == [safe_cell(cell) for cell in cells]
    assert all(cell.lstrip()[:1] not in {"=", "+", "@"} for cell in row)
