"""The doctor sees that a database has lost what protects its facts.

To write the list of the schema again after a migration: `WRITE_SCHEMA=1 pytest tests/database/test_schema.py`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

import talktime.database
from talktime.database.pool import Pool
from talktime.database.schema import schema_faults, schema_lines
from tests.databases import Server
from tests.nodes import add_alice_and_maya, node_on

LIST: Final = Path(talktime.database.__file__).parent / "sql/schema.txt"

pytestmark = pytest.mark.both_servers


async def test_the_list_is_what_a_migrated_database_has(database: Pool) -> None:
    async with database.acquire() as connection:
        lines = await schema_lines(connection)
        if os.environ.get("WRITE_SCHEMA"):
            LIST.write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert lines == LIST.read_text(encoding="utf-8").splitlines()
        assert await schema_faults(connection) == []


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (
            "alter table segments drop constraint segments_never_overlap",
            "constraint segments.segments_never_overlap is",
        ),
        ("alter table entries disable trigger entries_append_only", "trigger entries.entries_append_only is CREATE"),
        ("drop index records_one_active", "index records_one_active is missing"),
        ("alter table accounts alter balance drop not null", "column accounts.balance is bigint; it must be"),
        ("drop view broken_rule_5", "view broken_rule_5 is missing"),
    ],
)
async def test_what_is_lost_is_named(database: Pool, damage: str, fault: str) -> None:
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(damage)
            (found,) = await schema_faults(connection)
        finally:
            await transaction.rollback()
        assert found.startswith(fault)


async def test_a_dump_of_the_schema_alone_is_not_whole(
    server: Server, database_url: str, empty_database_url: str
) -> None:
    async with node_on(database_url, work=False) as node:
        await add_alice_and_maya(node)
    dump = server.programs.run("pg_dump", "--schema=talktime", database_url)
    server.programs.run("psql", "--no-psqlrc", "--quiet", empty_database_url, stdin=dump)
    async with node_on(empty_database_url, work=False) as node:
        faults = (await node.audit()).schema_faults
        assert [fault.split(" is ")[0] for fault in faults] == [
            "constraint segments.segments_never_overlap",
            "extension btree_gist",
        ]
    # What the doctor says is enough to mend the database.
    definition = next(fault.split("it is: ")[1] for fault in faults if "never_overlap" in fault)
    server.ask(empty_database_url, "create extension btree_gist")
    server.ask(empty_database_url, f"alter table talktime.segments add constraint segments_never_overlap {definition}")
    async with node_on(empty_database_url, work=False) as node:
        assert (await node.audit()).schema_faults == []
