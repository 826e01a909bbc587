"""How PostgreSQL finds the rows of the statements that every command runs, and that an idle node runs.

Each looks at a few rows of a few payers, so its work must not grow with the number of payers, whatever the statistics
of the last `analyze` make the planner believe: here they were taken while nothing ran, and then everything does.
"""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import pytest

from talktime.database.connecting import SESSION
from talktime.database.queries import SQL
from talktime.node.auditor import BY_INDEXES

pytestmark = pytest.mark.both_servers

PAYERS = 3_000

_PEOPLE = """
insert into talktime.tariffs select 'advisor', 1, '{{"tiers": [{{"rate": "1"}}]}}';
insert into talktime.advisors values ('advisor', 'Advisor', 1);
insert into talktime.accounts (user_id, display_name, due_at)
select 'user ' || n, 'User', now() + n * interval '1 second' from generate_series(1, {payers}) n;
insert into talktime.chats (chat_id, user_id, advisor_id, created_at)
select 'chat ' || n, 'user ' || n, 'advisor', now() from generate_series(1, {payers}) n;
insert into talktime.repeats (caller, method, path, key, body_hash, status, document, at)
select caller, 'POST', '/v1/users/user ' || n || '/credits', 'key ' || n, '', 201, '{{}}', now()
from generate_series(1, {payers}) n, unnest(array['service:shop', 'user:user ' || n]) caller;
"""

_RECORDS = """
insert into talktime.records (record_id, user_id, advisor_id, chat_id, tariff_version, free_ms_before, state, reason,
    started_at, settled_at, ended_at, user_lease_until, advisor_lease_until)
select '{state} ' || n, 'user ' || n, 'advisor', 'chat ' || n, 1, 0, '{state}',
       case '{state}' when 'ended' then 'stopped' end, now(), now(), case '{state}' when 'ended' then now() end,
       now(), now()
from generate_series(1, {payers}) n;
insert into talktime.segments (record_id, user_id, chat_id, started_at, ended_at, reason)
select '{state} ' || n, 'user ' || n, 'chat ' || n, now(), case '{state}' when 'ended' then now() end,
       case '{state}' when 'ended' then 'stopped' end
from generate_series(1, {payers}) n;
update talktime.chats set record_id = '{state} ' || substr(user_id, 6);
"""

FEW = 16
"""As many payers as share a transaction."""

_USERS = [f"user {n}" for n in range(1, FEW + 1)]
_UP_TO = sorted(f"user {n}" for n in range(1, PAYERS + 1))[FEW - 1]
_CHATS = [f"chat {n}" for n in range(1, FEW + 1)]
_RUNNING = [f"running {n}" for n in range(1, FEW + 1)]

EVERY_COMMAND: dict[str, list[list[Any] | int | str]] = {
    "lock_accounts": [_USERS],
    "load_accounts": [_USERS],
    "load_active_records": [_USERS],
    "load_sockets": [_USERS, 30_000],
    "load_chats": [_CHATS],
    "load_chat_records": [_CHATS],
    "load_last_records": [_USERS, ["advisor"] * FEW],
    "close_segments": [
        list(range(PAYERS + 1, PAYERS + FEW + 1)),
        ["9999-01-01"] * FEW,
        ["stopped"] * FEW,
        ["user"] * FEW,
    ],
    "load_ended_records": [_RUNNING],
    "load_entry_totals": [_RUNNING],
    "load_repeats": [
        ["service"] * FEW,
        ["POST"] * FEW,
        [f"/v1/users/user {n}/credits" for n in range(1, FEW + 1)],
        [f"key {n}" for n in range(1, FEW + 1)],
    ],
    "segments": ["running 1"],
    "save_chats": [_CHATS, [5] * FEW, _RUNNING],
    "save_accounts": [_USERS, [0] * FEW, ["2027-01-01"] * FEW, ["2027-01-01"] * FEW, ["[]"] * FEW, [1] * FEW],
}

EVERY_TURN: dict[str, list[list[Any] | int | str]] = {
    "claim_due_accounts": ["2020-01-01", 500],
    "next_due": [],
    "lapsed_nodes": [30_000],
    "next_active_payers": ["user 1", FEW],
    "unhealthy_payers": ["2020-01-01", _USERS],
}
"""The statements that the workers of an idle node run again and again."""


@pytest.fixture
async def connection(database_url: str) -> Any:
    connection = await asyncpg.connect(database_url, server_settings=SESSION)
    await connection.execute(_PEOPLE.format(payers=PAYERS))
    await connection.execute(_RECORDS.format(payers=PAYERS, state="ended"))
    await connection.execute("vacuum analyze")
    await connection.execute(_RECORDS.format(payers=PAYERS, state="running"))
    await connection.execute("set plan_cache_mode = force_generic_plan")  # as prepared statements end up
    yield connection
    await connection.close()


@pytest.mark.breaks_rules  # its many rows follow from no facts
async def test_no_command_reads_other_payers_rows(connection: Any) -> None:
    read = {name: await rows_read(connection, name, arguments) for name, arguments in EVERY_COMMAND.items()}
    assert {name: rows for name, rows in read.items() if rows > 10 * FEW} == {}


@pytest.mark.breaks_rules
async def test_what_a_node_does_by_itself_does_not_grow_with_the_running_records(connection: Any) -> None:
    read = {name: await rows_read(connection, name, arguments) for name, arguments in EVERY_TURN.items()}
    assert {name: rows for name, rows in read.items() if rows > 10 * FEW} == {}


@pytest.mark.breaks_rules
async def test_a_glance_of_the_auditor_does_not_grow_with_the_records(connection: Any) -> None:
    await connection.execute("analyze")
    await connection.execute("set plan_cache_mode = force_custom_plan")
    await connection.execute(BY_INDEXES.replace("set local", "set"))
    arguments: list[list[Any] | int | str] = ["", _UP_TO]
    read = {
        name: await rows_read(connection, name, arguments) for name in SQL if name.startswith(("audited_", "broken_"))
    }
    assert {name: rows for name, rows in read.items() if rows > 100 * FEW} == {}


async def rows_read(connection: Any, name: str, arguments: list[list[Any] | int | str]) -> int:
    """How many rows the statement came across in tables."""
    types = dict(re.findall(r"\$(\d+)::([a-z]+(?:\[\])?)", SQL[name]))
    signature = [types.get(str(number + 1), "text") for number in range(len(arguments))]
    await connection.execute(f"prepare {name} {_in_brackets(signature)} as {SQL[name]}")
    values = [
        f"array{value}::{kind}" if isinstance(value, list) else f"'{value}'::{kind}"
        for value, kind in zip(arguments, signature, strict=True)
    ]
    plan = await connection.fetch(f"explain (analyze, timing off) execute {name} {_in_brackets(values)}")
    return sum(_rows_read(line[0]) for line in plan)


def _in_brackets(words: list[str]) -> str:
    return f"({', '.join(words)})" if words else ""


def _rows_read(line: str) -> int:
    """Rows that a node of the plan came across in a table: those it gave, and those it left out."""
    removed = re.search(r"Rows Removed by Filter: (\d+)", line)
    if removed is not None:
        return int(removed[1])
    scanned = re.search(r"Scan .* on .*actual rows=([\d.]+) loops=(\d+)", line)
    return 0 if scanned is None else round(float(scanned[1]) * int(scanned[2]))
