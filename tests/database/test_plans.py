"""How PostgreSQL finds the rows of the statements that every command runs.

Each looks at a few rows of a few payers, so its work must not grow with the number of payers, whatever the statistics
of the last `analyze` make the planner believe: here they were taken while nothing ran, and then everything does.
"""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import pytest

from talktime.database.pool import SESSION
from talktime.database.queries import SQL

pytestmark = pytest.mark.both_servers

PAYERS = 3_000

_PEOPLE = """
insert into talktime.tariffs select 'advisor', 1, '{{"tiers": [{{"rate": "1"}}]}}';
insert into talktime.advisors values ('advisor', 'Advisor', 1);
insert into talktime.accounts (user_id, display_name, due_at)
select 'user ' || n, 'User', now() + n * interval '1 second' from generate_series(1, {payers}) n;
insert into talktime.chats (chat_id, user_id, advisor_id, created_at)
select 'chat ' || n, 'user ' || n, 'advisor', now() from generate_series(1, {payers}) n;
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
_CHATS = [f"chat {n}" for n in range(1, FEW + 1)]
_RUNNING = [f"running {n}" for n in range(1, FEW + 1)]

EVERY_COMMAND: dict[str, list[list[Any]]] = {
    "lock_accounts": [_USERS],
    "load_accounts": [_USERS],
    "load_active_records": [_USERS],
    "load_sockets": [_USERS],
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
    "load_tallies": [_RUNNING],
    "save_chats": [_CHATS, [5] * FEW, _RUNNING, _RUNNING, _CHATS, _CHATS[:1]],
    "save_accounts": [_USERS, [0] * FEW, ["2027-01-01"] * FEW, ["2027-01-01"] * FEW, ["[]"] * FEW],
}


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


@pytest.mark.breaks_rules  # its rows are many, and no bills
async def test_no_command_reads_other_payers_rows(connection: Any) -> None:
    read: dict[str, int] = {}
    for name, arguments in EVERY_COMMAND.items():
        types = dict(re.findall(r"\$(\d+)::([a-z]+\[\])", SQL[name]))
        signature = [types[str(number + 1)] for number in range(len(arguments))]
        await connection.execute(f"prepare {name} ({', '.join(signature)}) as {SQL[name]}")
        values = ", ".join(f"array{column}::{kind}" for column, kind in zip(arguments, signature, strict=True))
        plan = await connection.fetch(f"explain (analyze, timing off) execute {name} ({values})")
        read[name] = sum(_rows_read(line[0]) for line in plan)
    assert {name: rows for name, rows in read.items() if rows > 10 * FEW} == {}


def _rows_read(line: str) -> int:
    """Rows that a node of the plan came across in a table: those it gave, and those it left out."""
    removed = re.search(r"Rows Removed by Filter: (\d+)", line)
    if removed is not None:
        return int(removed[1])
    scanned = re.search(r"Scan .* on .*actual rows=([\d.]+) loops=(\d+)", line)
    return 0 if scanned is None else round(float(scanned[1]) * int(scanned[2]))
