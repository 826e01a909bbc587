"""Lines of CSV, which people open with spreadsheets.

A spreadsheet takes text that begins with `=`, `+`, `-` or `@` for a formula, also in quotes, and runs the formula.
Names, ids and references come from anybody, so such a text gets a `'` before it: a spreadsheet then shows the text
as it is. A number stays a number.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FORMULA: Final = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]|[\t\r\n]")  # also as wide as a Chinese character
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A line for each row, without a heading. None and an empty object are an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerows([safe_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue()


def csv_heading(columns: Sequence[str]) -> str:
    """The line with the names of the columns."""
    return csv_lines(columns, [dict(zip(columns, columns, strict=True))])


def safe_cell(value: object) -> str:
    """The text of a cell that no spreadsheet takes for a formula."""
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False) if value else None
    text = "" if value is None else str(value)
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
