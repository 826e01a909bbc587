"""How long the doctor takes for a million entries.

    talktime bench doctor [--users N] [--json]

Each user has a purchase and four ended records, with two segments and five charges each; every tenth user has a running
record too. That is 21 entries for each user, and a million entries for 50,000 users. A few SQL statements make them,
and all of them are right. So the doctor has to check everything and finds nothing; if it finds something, this program
fails.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import asyncpg
import typer

from _server import temporary_server
from talktime import Talktime
from talktime.cli.output import progress_bar
from talktime.core.tariff import Tariff
from talktime.database.migrate import migrate
from talktime.documents.audit import Audit
from talktime.settings import load_settings

MAKE: Final = """
set session_replication_role = replica; -- the rows come in an order that foreign keys would refuse
insert into accounts (user_id, display_name, balance, settled_at)
select 'user ' || n, 'User', 100000000 - 4 * 750000, engine_now() from generate_series(1, %(users)s) n;
insert into entries (user_id, amount, kind, at)
select user_id, 100000000, 'purchase', settled_at - interval '1 day' from accounts;
insert into chats (chat_id, user_id, advisor_id, record_id, duration_ms, created_at)
select 'chat of ' || user_id, user_id, 'maya', 'record 4 of ' || user_id, 300000, settled_at - interval '5 hours'
from accounts;
insert into records (record_id, user_id, advisor_id, chat_id, tariff_version, free_ms_before, state, reason, started_at,
                     settled_at, paused_at, ended_at, elapsed_ms, charged, user_lease_until, advisor_lease_until)
select 'record ' || n || ' of ' || user_id, user_id, 'maya', chat_id, 1, 0, 'ended', 'stopped', began,
       over, over, over, 75000, 750000, began, began
from chats, generate_series(1, 4) n, lateral (
    select created_at + n * interval '1 hour' as began,
           created_at + n * interval '1 hour' + interval '105 seconds' as over
) b;
insert into segments (record_id, user_id, chat_id, started_at, ended_at, reason)
select record_id, user_id, chat_id, started_at + from_s * interval '1 second', started_at + to_s * interval '1 second',
       'paused'
from records, (values (0, 45), (75, 105)) s (from_s, to_s);
insert into entries (user_id, amount, kind, at, record_id)
select user_id, -150000, 'charge', started_at + at_s * interval '1 second', record_id
from records, (values (15), (30), (45), (90), (105)) p (at_s);
insert into records (record_id, user_id, advisor_id, chat_id, tariff_version, free_ms_before, state, started_at,
                     settled_at, user_lease_until, advisor_lease_until, cut_at)
select 'running of ' || user_id, user_id, 'maya', 'chat of ' || user_id, 1, 0, 'running', settled_at, settled_at,
       cut_at, cut_at, cut_at
from accounts, lateral (select settled_at + balance / 10000 * interval '1 second' as cut_at) c
where user_id like '%%0';
insert into segments (record_id, user_id, chat_id, started_at)
select record_id, user_id, chat_id, started_at from records where state = 'running';
update accounts a set due_at = cut_at from records r where r.user_id = a.user_id and state = 'running';
"""

_Result = TypeVar("_Result")


async def _timed(work: Callable[[], Awaitable[_Result]]) -> tuple[_Result, float]:
    began = time.perf_counter()
    result = await work()
    return result, time.perf_counter() - began


async def _measure(folder: Path, url: str, users: int) -> tuple[Audit, float]:
    await migrate(url)
    async with Talktime.connect(url, settings=load_settings(data_dir=folder), work=False) as talktime:
        await talktime.put_advisor("maya", "Maya", Tariff.parse({"tiers": [{"rate": "0.60"}]}), starts="at_once")
        connection = await asyncpg.connect(url, server_settings={"search_path": "talktime, public"})
        await connection.execute(MAKE % {"users": users})
        await connection.execute("analyze")
        await connection.close()
        return await _timed(lambda: talktime.audit(progress_bar("accounts")))


def doctor(
    users: Annotated[int, typer.Option(min=1, help="How many users with 21 entries each.")] = 50_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How long the doctor takes."""
    with temporary_server() as (folder, url):
        audit, seconds = asyncio.run(_measure(folder, url, users))
    document = audit.document() | {"seconds": round(seconds, 1)}
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        print(f"{audit.accounts:,} accounts, {audit.records:,} records, {audit.entries:,} entries: {seconds:.1f} s")
    if audit.counts:
        raise SystemExit(f"The doctor has found something: {document['broken']}")


if __name__ == "__main__":
    typer.run(doctor)
