"""The statements of `sql/queries.sql`, by name.

A statement that stores many rows at once names the columns of its rows above its text:

    -- name: close_segments
    -- rows: segment_id bigint, at timestamptz, reason text, ended_by text
    update segments s set ended_at = row.at, reason = row.reason from {rows} as row where s.segment_id = row.segment_id;

`{rows}` becomes one array a column, and `arrays` turns mappings into these arrays by name, so no code depends on the
order of columns. A list of columns that several statements share is declared once:

    -- columns: record
    record_id text, user_id text, …

`{record}` lists these columns, `{record:r}` lists them as `r.record_id, r.user_id, …`, and `{record:set}` as
`record_id = excluded.record_id, …`. In the same way a condition that several statements share is declared once:

    -- part: wanted_entries
    e.at >= $7 and e.at < $8 and …

`{wanted_entries}` becomes this text.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BLOCK = re.compile(r"^-- (columns|part|name): (\w+)\n", re.MULTILINE)
_ROWS = re.compile(r"^-- rows: (.+)\n", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")


class _Column(NamedTuple):
    name: str
    type: str


def _columns(declaration: str) -> list[_Column]:
    text = _COMMENT.sub("", declaration).partition(";")[0]
    return [_Column(*part.split()) for part in text.split(",")]


class _Query(NamedTuple):
    text: str
    columns: tuple[str, ...]


def arrays(name: str, rows: Iterable[Mapping[str, object]]) -> list[list[object]]:
    """The arguments for `{rows}` of the statement `name`: one list a column, in the order that the statement declares.

    Raises:
        KeyError: a row lacks one of the columns.
    """
    rows = list(rows)
    return [[row[column] for row in rows] for column in _QUERIES[name].columns]


def _read(text: str) -> dict[str, _Query]:
    blocks = _BLOCK.split(text)[1:]
    shared: dict[str, list[_Column]] = {}
    parts: dict[str, str] = {}
    queries: dict[str, _Query] = {}
    for kind, name, body in zip(blocks[::3], blocks[1::3], blocks[2::3], strict=True):
        if kind == "columns":
            shared[name] = _columns(body)
        elif kind == "part":
            parts[name] = _COMMENT.sub("", body).strip().removesuffix(";")
        else:
            queries[name] = _query(body, shared, parts)
    return queries


def _query(body: str, shared: Mapping[str, list[_Column]], parts: Mapping[str, str]) -> _Query:
    declared = _ROWS.search(body)
    if declared is None:
        rows: list[_Column] = []
    else:
        rows = shared[declared[1]] if declared[1] in shared else _columns(declared[1])
    # The array that numbers the rows keeps their order where a statement asks for the order.
    parameters = ", ".join(f"${number}::{column.type}[]" for number, column in enumerate(rows, 1))

    def replace(match: re.Match[str]) -> str:
        name, style = match[1], match[2]
        if name in parts:
            return parts[name]
        if name == "rows":
            return f"unnest({parameters})"
        if name == "row_names":
            return ", ".join(column.name for column in rows)
        names = [column.name for column in shared[name]]
        if style is None:
            return ", ".join(names)
        if style == "set":
            return ", ".join(f"{column} = excluded.{column}" for column in names)
        return ", ".join(f"{style}.{column}" for column in names)

    return _Query(_PLACEHOLDER.sub(replace, _ROWS.sub("", body)), tuple(column.name for column in rows))


_QUERIES: Final = _read(files("talktime.database").joinpath("sql/queries.sql").read_text("utf-8"))

SQL: Final = {name: query.text for name, query in _QUERIES.items()}
"""The text of each statement by its name."""
