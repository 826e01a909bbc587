"""How PostgreSQL finds the rows of lists and exports: a page reads about as many rows as it shows, in large tables too.

The tables here are large enough that a plan which reads one of them would be noticed, and have the shape of the real
ones: instants in the order of ids, most records ended, few of them cut, a few people with many of the rows.
"""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import pytest

from talktime.core.instants import INSTANT_MAX
from talktime.database.connecting import SESSION, open_connection
from talktime.database.queries import SQL

pytestmark = [
    pytest.mark.both_servers,
    pytest.mark.breaks_rules,
]  # its many rows follow from no facts

ROWS = 20_000
PAGE = 50

_TABLES = f"""
insert into talktime.tariffs select 'advisor ' || n, 1, '{{"tiers": [{{"rate": "1"}}]}}' from generate_series(0, 99) n;
insert into talktime.advisors select 'advisor ' || n, 'Advisor ' || n, 1 from generate_series(0, 99) n;
insert into talktime.accounts (user_id, display_name)
select 'user ' || lpad(n::text, 6, '0'), 'Name ' || md5(n::text) from generate_series(0, {ROWS // 4}) n;
insert into talktime.chats (chat_id, user_id, advisor_id, created_at)
select 'chat ' || n, 'user ' || lpad((n / 4)::text, 6, '0'), 'advisor ' || n % 100, now()
from generate_series(1, {ROWS}) n;
insert into talktime.records (record_id, user_id, advisor_id, chat_id, tariff_version, free_ms_before, state, reason,
    started_at, settled_at, ended_at, user_lease_until, advisor_lease_until)
select 'record ' || n, 'user ' || lpad((n / 4)::text, 6, '0'), 'advisor ' || n % 100, 'chat ' || n, 1, 0,
       case when n < 2000 then 'running' else 'ended' end, case when n >= 2000 then 'stopped' end,
       at, at, case when n >= 2000 then at + interval '5 minutes' end, at, at
from (select n, '2026-01-01'::timestamptz + n * interval '1 minute' as at from generate_series(1, {ROWS}) n) rows;
insert into talktime.tariffs values ('advisor gone', 1, '{{"tiers": [{{"rate": "1"}}]}}');
insert into talktime.advisors values ('advisor gone', 'Advisor', 1);
update talktime.records set advisor_id = 'advisor gone' where started_at < '2026-01-02' and right(record_id, 1) = '3';
insert into talktime.segments (record_id, user_id, chat_id, started_at, ended_at, reason)
select record_id, user_id, chat_id, started_at, ended_at,
       case when ended_at is null then null when right(record_id, 2) = '77' then 'out_of_credit' else 'stopped' end
from talktime.records order by started_at;
insert into talktime.entries (user_id, amount, kind, at, record_id, reference, advisor_id, advisor_amount)
select user_id, -5, 'charge', ended_at, record_id, null, advisor_id, 2 from talktime.records
where ended_at is not null order by started_at;
insert into talktime.entries (user_id, amount, kind, at, reference)
select 'user ' || lpad((n / 4)::text, 6, '0'), 9, 'purchase', '2026-01-01'::timestamptz + n * interval '1 minute',
       'order ' || n
from generate_series(1, {ROWS}) n;
"""

_NEWEST = [None, None]
_ALWAYS = [0, INSTANT_MAX]
_DAY = [1_767_571_200_000, 1_767_657_600_000]  # 2026-01-05


def _records(
    user: Any = None, advisor: Any = None, states: Any = None, period: Any = None, query: Any = None, after: Any = None
) -> list[Any]:
    return [user, advisor, states, *(period or _ALWAYS), query, *(after or _NEWEST), PAGE]


def _entries(
    user: Any = None,
    advisor: Any = None,
    record: Any = None,
    kinds: Any = None,
    reference: Any = None,
    beginning: Any = None,
    period: Any = None,
    after: Any = None,
) -> list[Any]:
    return [user, advisor, record, kinds, reference, beginning, *(period or _ALWAYS), *(after or _NEWEST), PAGE]


_ACTIVE = ["paused", "requested", "running"]
_FROM_THE_MIDDLE = [1_767_600_000_000, "record 5000"]

SEARCHES: list[tuple[str, str, list[Any]]] = [
    ("users by a name", "find_users", ["name 5", PAGE, "", "", ""]),
    ("the next users by a name", "find_users", ["name", PAGE, "\U0010ffff", "Name 5", "user 000007"]),
    ("users by an id", "find_users", ["user 00", PAGE, "user 000100", "", ""]),
    ("advisors", "find_advisors", ["advisor 1", PAGE, "", "", ""]),
    ("the newest records", "find_records", _records()),
    ("the next records", "find_records", _records(after=_FROM_THE_MIDDLE)),
    ("records of a day", "find_records", _records(period=_DAY)),
    ("records of a user", "find_records", _records(user="user 000500")),
    ("records of an advisor", "find_records", _records(advisor="advisor 7")),
    ("ended records of an advisor", "find_records", _records(advisor="advisor 7", states=["ended"])),
    ("records of a pair", "find_records", _records(user="user 000500", advisor="advisor 1")),
    ("active records", "find_records", _records(states=_ACTIVE)),
    ("running records", "find_records", _records(states=["running"])),
    ("ended records", "find_records", _records(states=["ended"])),
    ("a record by its id", "find_records", _records(query="record 77")),
    ("records of a chat", "find_records", _records(query="chat 77")),
    ("records of a user by the user's id", "find_records", _records(query="user 000500")),
    ("records of an advisor by the advisor's id", "find_records", _records(query="advisor 7")),
    ("records by an id of nobody", "find_records", _records(query="nobody")),
    ("records by the id of an advisor who left", "find_records", _records(query="advisor gone")),
    ("the newest records of a user", "records_of_user", ["user 000500", PAGE, None]),
    ("the next records of a user", "records_of_user", ["user 000500", PAGE, "record 2002"]),
    ("the next entries of a user", "find_entries", _entries(user="user 000500", after=[1_767_600_000_000, 12_000])),
    ("a day of an advisor's statement", "statement", ["advisor 7", *_DAY, PAGE]),
    ("records that were cut", "find_stopped_records", [*_records(), "out_of_credit"]),
    ("records that were cut on a day", "find_stopped_records", [*_records(period=_DAY), "out_of_credit"]),
    ("records that stopped", "find_stopped_records", [*_records(after=_FROM_THE_MIDDLE), "stopped"]),
    ("the newest records that stopped", "find_stopped_records", [*_records(), "stopped"]),
    ("a user's records that stopped", "find_stopped_records", [*_records(user="user 000500"), "stopped"]),
    ("records that were missed", "find_stopped_records", [*_records(), "missed"]),
    ("the newest entries", "find_entries", _entries()),
    ("entries of a day", "find_entries", _entries(period=_DAY)),
    ("entries of a user", "find_entries", _entries(user="user 000500")),
    ("entries of an advisor", "find_entries", _entries(advisor="advisor 7")),
    ("entries of an advisor in a period", "find_entries", _entries(advisor="advisor 7", period=_DAY)),
    ("entries of a record", "find_entries", _entries(record="record 77")),
    ("an entry by its reference", "find_entries", _entries(reference="order 777")),
    ("entries by a reference", "find_entries", _entries(beginning="order 77")),
    ("an export", "find_entries_in_order", _entries(period=_DAY)),
    ("an export in the middle", "find_entries_in_order", _entries(after=[1_767_600_000_000, 12_000])),
    ("an export of one advisor", "find_entries_in_order", _entries(advisor="advisor 7", period=_DAY)),
]


@pytest.fixture
async def connection(database_url: str) -> Any:
    connection = await open_connection(database_url, 10, settings=SESSION, connection_class=asyncpg.Connection)
    await connection.execute(_TABLES)
    await connection.execute("vacuum analyze")
    await connection.execute("set plan_cache_mode = force_custom_plan")  # as `Database.search` does
    yield connection
    await connection.close()


async def test_a_page_reads_about_as_many_rows_as_it_shows(connection: Any) -> None:
    read = {what: await rows_read(connection, name, arguments) for what, name, arguments in SEARCHES}
    assert {what: rows for what, rows in read.items() if rows > 12 * PAGE} == {}


async def test_a_report_sums_the_ledger_before_it_sorts(connection: Any) -> None:
    """A million entries are read in a second. To sort them, or to give each a name, takes many times as long.

    Some plans sort the entries of one side alone, which has some two entries for each record.
    """
    plan = await connection.fetch(f"explain (analyze, timing off) {SQL['report']}", _DAY[0], INSTANT_MAX, None, True)
    lines = [line[0] for line in plan]
    assert sum(_rows_in(line) for line in lines if "on entries" in line) <= 3 * 2 * ROWS
    busy = [line for line in lines if re.search(r"(?:Sort|Join|GroupAggregate) .*actual rows=", line)]
    assert busy
    assert [line for line in busy if _actual(line) > 2 * ROWS] == []


async def rows_read(connection: Any, name: str, arguments: list[Any]) -> int:
    """How many rows the statement came across in tables and indexes."""
    plan = await connection.fetch(f"explain (analyze, timing off) {SQL[name]}", *arguments)
    return sum(_rows_in(line[0]) for line in plan)


def _actual(line: str) -> int:
    """How many rows a node of the plan gave."""
    found = re.search(r"actual rows=([\d.]+) loops=(\d+)", line)
    return 0 if found is None else round(float(found[1]) * int(found[2]))


def _rows_in(line: str) -> int:
    """Rows that a node of the plan came across in a table: those it gave, and those it left out."""
    removed = re.search(r"Rows Removed by (?:Filter|Index Recheck): (\d+)", line)
    if removed is not None:
        return int(removed[1])
    scanned = re.search(r"Scan .*actual rows=([\d.]+) loops=(\d+)", line)
    return 0 if scanned is None else round(float(scanned[1]) * int(scanned[2]))
