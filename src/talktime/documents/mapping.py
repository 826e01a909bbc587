"""A mapping: which tables and columns of another system have the rows of an import. TOML, a section for each source.

    [users]
    table = "users"                          # and `schema`, if it is not the one that the database finds by itself
    columns = { id = "id", name = "fullName" }

    [balances]
    query = "select id as user_id, credits as amount from users"

    [advisors]
    table = "advisors"
    columns = { id = "id", name = "name", rate = "pricePerMinute" }
    values = { increment_seconds = 60 }      # the same for every row

`[[sessions]]` allows several sections of one kind. A query names its columns as an import does.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from talktime.documents.import_rows import COLUMNS, IMPORTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from talktime.documents.import_rows import Cells
    from talktime.documents.old_rows import RowKind

_FIELDS: Final = {"table": str, "schema": str, "query": str, "columns": dict, "values": dict}


@dataclass(frozen=True, slots=True)
class OldTable:
    """Where the rows of one kind are.

    Attributes:
        name: what a report calls the source; its first word is the kind of the rows.
        table: the name of the table; None for a query.
        schema: the schema of the table; None for the one that the database finds.
        query: the query that gives the rows; None for a table.
        columns: the column of the table for each column of an import.
        values: what is the same in every row, by column of an import.
    """

    name: str
    table: str | None
    schema: str | None
    query: str | None
    columns: Mapping[str, str]
    values: Mapping[str, object]

    def cells(self, rows: Iterable[Cells]) -> Iterator[Cells]:
        """The rows of the source, numbered from 1, with the columns of an import."""
        for number, (_, row) in enumerate(rows, 1):
            cells = {ours: row[theirs] for ours, theirs in self.columns.items()} if self.table is not None else row
            yield number, {**cells, **self.values}


def parse_mapping(text: str) -> list[OldTable]:
    """The sources of a mapping.

    Raises:
        ValueError: the text is not a mapping. The message says what to change.
    """
    document = tomllib.loads(text)
    if unknown := sorted(document.keys() - set(IMPORTED)):
        msg = f"[{unknown[0]}] is not one of: {', '.join(IMPORTED)}"
        raise ValueError(msg)
    tables: list[OldTable] = []
    for kind in IMPORTED:
        sections = document.get(kind, [])
        tables += [_table(kind, section) for section in (sections if isinstance(sections, list) else [sections])]
    if not tables:
        msg = f"has no section; sections are: {', '.join(IMPORTED)}"
        raise ValueError(msg)
    return tables


def _table(kind: RowKind, section: Any) -> OldTable:
    if not isinstance(section, dict) or any(
        not isinstance(value, _FIELDS.get(name, ())) for name, value in section.items()
    ):
        msg = f"[{kind}] has table and schema, or query, as texts, and columns and values as tables; and nothing else"
        raise ValueError(msg)
    table, columns, values = section.get("table"), section.get("columns", {}), section.get("values", {})
    if (table is None) == ("query" not in section):
        msg = f"[{kind}] needs table or query: one of the two"
        raise ValueError(msg)
    if (table is None) != (not columns) or not all(isinstance(name, str) for name in columns.values()):
        msg = f"[{kind}] needs columns, with the names of columns, if it has table, and only then"
        raise ValueError(msg)
    if unknown := sorted((columns.keys() | values.keys()) - set(COLUMNS[kind])):
        msg = f"[{kind}] {unknown[0]} is not one of the columns {', '.join(COLUMNS[kind])}"
        raise ValueError(msg)
    name = f"{kind} ({table or 'query'})"
    return OldTable(name, table, section.get("schema"), section.get("query"), columns, values)
