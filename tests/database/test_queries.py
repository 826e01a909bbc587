"""The statements of `queries.sql`: each is used, each used name exists, and rows are read by their columns' names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import talktime
from talktime.core.record import Record
from talktime.core.tariff import Tariff
from talktime.database.pool import Pool
from talktime.database.queries import SQL, arrays
from talktime.database.record_rows import record_row

SOURCE = Path(talktime.__file__).parent
_NAMES = re.compile(
    r"""
    (?: \bSQL\[ | \barrays\(\s* | \bfetch(?:_row|_value)?\(\s* | \bsearch\(\s* | \b_store\(connection,\s*
      | \bLock\(\s* | \bcls\(\s* )
    "(\w+)\"
    """,
    re.VERBOSE,
)
_LOOPED = re.compile(r'for name in \(("\w+"(?:, "\w+")*)\)')


def used_names() -> set[str]:
    """The names of statements in the program's code."""
    code = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    looped = {name for names in _LOOPED.findall(code) for name in re.findall(r"\w+", names)}
    return set(_NAMES.findall(code)) | (looped & SQL.keys())


def test_every_statement_is_used_and_every_used_statement_exists() -> None:
    assert used_names() == SQL.keys()


def test_no_placeholder_is_left_in_a_statement() -> None:
    assert [name for name, text in SQL.items() if "{" in text] == []


def test_every_shared_condition_is_used_by_several_statements() -> None:
    text = (SOURCE / "database" / "sql" / "queries.sql").read_text(encoding="utf-8")
    parts = re.findall(r"^-- part: (\w+)$", text, re.MULTILINE)
    assert parts
    assert [part for part in parts if text.count(f"{{{part}}}") < 2] == []


def test_rows_become_one_array_a_column_whatever_the_order_of_their_keys() -> None:
    rows = [{"chat_id": "first", "position": 1}, {"position": 2, "chat_id": "second", "more": True}]
    assert arrays("messages_at", rows) == [["first", "second"], [1, 2]]
    assert arrays("messages_at", []) == [[], []]


def test_a_row_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(KeyError, match="position"):
        arrays("messages_at", [{"chat_id": "first"}])


async def test_a_record_stores_every_column_of_its_table(database: Pool) -> None:
    tariff = Tariff.parse({"tiers": [{"rate": "1.00"}]})
    record = Record("record", "alice", "maya", "chat", tariff, 1, 0, 0, 0)
    columns = await database.fetch(
        "select attname from pg_attribute where attrelid = 'records'::regclass and attnum > 0 and not attisdropped"
    )
    assert record_row(record, None).keys() == {row["attname"] for row in columns}
    assert len(arrays("save_records", [record_row(record, None)])) == len(columns)
