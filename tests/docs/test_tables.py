"""The reference of the tables has the columns of the schema with their types, and names what it leaves out."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "tables.md").read_text(encoding="utf-8")
COLUMNS = """
    select c.relname, c.relkind = 'v' as is_view, a.attname, a.attnotnull, format_type(a.atttypid, a.atttypmod) as type
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'talktime'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped
    order by c.relname, a.attnum
"""


def described() -> dict[str, dict[str, str]]:
    """Each table and view of the page, with its columns and their types."""
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        rows = dict(
            re.findall(r"^\| `(\w+)` \| ((?:text|bigint|integer|jsonb?|timestamptz)(?:, null)?) \|", text, re.MULTILINE)
        )
        for name in [f"broken_rule_{n}" for n in range(1, 10)] if "broken_rule" in heading else [heading]:
            if rows:
                found[name] = rows
    return found


async def test_the_columns_are_those_of_the_schema(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(COLUMNS)
    await connection.close()
    schema: dict[str, dict[str, str]] = {}
    for row in rows:
        kind = row["type"].replace("timestamp with time zone", "timestamptz")
        null = "" if row["attnotnull"] or row["is_view"] else ", null"
        schema.setdefault(row["relname"], {})[row["attname"]] = kind + null
    left_out = set(re.findall(r"`(\w+)`", TEXT.partition("## Not to be read")[2]))
    assert left_out <= schema.keys()
    assert left_out.isdisjoint(described())
    assert described() == {name: columns for name, columns in schema.items() if name not in left_out}
