"""What a node and its database do while many meters run and nothing happens.

    talktime bench idle [--records N] [--seconds S] [--json]

The running records are written into the tables at once, each of a user of its own, with credit and leases that outlast
the benchmark. Then `talktime serve` starts on the database, with its defaults but the length of a lease, and nobody
calls it. The shares of a core are the processor time of all processes, divided by the time that passed. The rows are
those of PostgreSQL's own statistics, in all tables but the two in which a node renews its own row and engine time.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from _server import temporary_server
from talktime.cli.output import progress_bar
from talktime.database.migrate import migrate

SLICE: Final = 50_000
LEASE_SECONDS: Final = 900_000
SETTLING_SECONDS: Final = 20
"""How long the node runs before the measurement: PostgreSQL reports counts of idle connections ten seconds late."""

_ADVISORS: Final = """
insert into tariffs select 'advisor ' || n, 1, '{"tiers": [{"rate": "0.60"}]}' from generate_series(0, 999) n;
insert into advisors select 'advisor ' || n, 'Advisor', 1 from generate_series(0, 999) n;
"""
_RECORDS: Final = """
insert into accounts (user_id, display_name, balance, due_at)
    select 'user ' || n, 'User', 500000000, engine_now() + '10 days' from generate_series({begin}, {end}) n;
insert into entries (user_id, amount, kind, at)
    select 'user ' || n, 500000000, 'purchase', engine_now() from generate_series({begin}, {end}) n;
insert into chats (chat_id, user_id, advisor_id, record_id, created_at)
    select 'chat ' || n, 'user ' || n, 'advisor ' || n % 1000, 'record ' || n, engine_now()
    from generate_series({begin}, {end}) n;
insert into records (record_id, user_id, advisor_id, chat_id, tariff_version, free_ms_before, state, started_at,
                     settled_at, user_lease_until, advisor_lease_until, cut_at)
    select 'record ' || n, 'user ' || n, 'advisor ' || n % 1000, 'chat ' || n, 1, 0, 'running', now.at, now.at,
           now.at + '10 days', now.at + '10 days', now.at + '50000 seconds'
    from generate_series({begin}, {end}) n, (select engine_now() as at) now;
insert into segments (record_id, user_id, chat_id, started_at)
    select record_id, user_id, chat_id, started_at from records
    where record_id = any(array(select 'record ' || n from generate_series({begin}, {end}) n));
update accounts a set due_at = r.cut_at from records r
    where r.user_id = a.user_id and a.user_id = any(array(select 'user ' || n from generate_series({begin}, {end}) n));
"""
_COUNTS: Final = """
select (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables
        where schemaname = 'talktime' and relname not in ('nodes', 'engine_clock'))::bigint as rows,
       (select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables
        where schemaname = 'talktime')::bigint as rows_read,
       (select xact_commit + xact_rollback from pg_stat_database where datname = current_database()) as transactions
"""


@dataclass(frozen=True, slots=True)
class Idling:
    """The figures of the measurement. Shares are percent of one core."""

    records: int
    seconds: float
    node_share: float
    database_share: float
    transactions: int
    rows_read: int
    rows_written: int


async def _fill(url: str, records: int) -> None:
    show = progress_bar("records")
    connection = await asyncpg.connect(url, server_settings={"search_path": "talktime"})
    await connection.execute(_ADVISORS)
    for begin in range(0, records, SLICE):
        show(begin, records)
        end = min(begin + SLICE, records) - 1
        await connection.execute(_RECORDS.format(begin=begin, end=end))
    show(records, records)
    # What the server does after many new rows, sooner or later, and what is no part of idling.
    await connection.execute("vacuum (freeze, analyze)")
    await connection.execute("checkpoint")
    await connection.close()


@asynccontextmanager
async def _node(url: str, folder: Path) -> AsyncIterator[int]:
    """A node on the database; its process."""
    environment = os.environ | {
        "TALKTIME_DATABASE_URL": url,
        "TALKTIME_DATA_DIR": str(folder),
        "TALKTIME_PORT": "0",
        "TALKTIME_PRESENCE_LEASE_SECONDS": str(LEASE_SECONDS),
    }
    program = Path(sys.executable).with_name("talktime")
    with (folder / "node.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, "serve", env=environment, stdout=asyncio.subprocess.PIPE, stderr=log, cwd=folder
        )
    try:
        if process.stdout is None or not await process.stdout.readline():
            raise SystemExit(f"The node did not start: {(folder / 'node.log').read_text()}")
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


def _processor_seconds(process: int, *, with_children: bool) -> float:
    """The processor time of a process so far, with that of its children, living or not."""
    ticks = sum(_ticks(process)[:4] if with_children else _ticks(process)[:2])
    if with_children:
        ticks += sum(sum(_ticks(child)[:4]) for child in _children(process))
    return ticks / os.sysconf("SC_CLK_TCK")


def _children(process: int) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if _stat(int(path.name))[1] == str(process):
                yield int(path.name)
        except OSError:
            continue  # it has ended


def _stat(process: int) -> list[str]:
    # The name of the program stands in brackets and may have spaces. After it come the state and the parent.
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _ticks(process: int) -> list[int]:
    return [int(text) for text in _stat(process)[11:15]]


async def _measure(url: str, folder: Path, records: int, seconds: float) -> Idling:
    await migrate(url)
    await _fill(url, records)
    connection = await asyncpg.connect(url)
    server = int(_stat(await connection.fetchval("select pg_backend_pid()"))[1])
    async with _node(url, folder) as node:
        await asyncio.sleep(SETTLING_SECONDS)
        (before,) = await connection.fetch(_COUNTS)
        began = time.perf_counter()
        node_before = _processor_seconds(node, with_children=False)
        server_before = _processor_seconds(server, with_children=True)
        await asyncio.sleep(seconds)
        node_after = _processor_seconds(node, with_children=False)
        server_after = _processor_seconds(server, with_children=True)
        passed = time.perf_counter() - began
        (after,) = await connection.fetch(_COUNTS)
    await connection.close()
    return Idling(
        records=records,
        seconds=round(passed, 1),
        node_share=round(100 * (node_after - node_before) / passed, 2),
        database_share=round(100 * (server_after - server_before) / passed, 2),
        transactions=after["transactions"] - before["transactions"],
        rows_read=after["rows_read"] - before["rows_read"],
        rows_written=after["rows"] - before["rows"],
    )


def _show(idling: Idling) -> None:
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, figure in (
        ("node", f"{idling.node_share:.2f} % of a core"),
        ("database", f"{idling.database_share:.2f} % of a core"),
        ("transactions", f"{idling.transactions:,}"),
        ("rows read", f"{idling.rows_read:,}"),
        ("rows written", f"{idling.rows_written:,}"),
    ):
        table.add_row(name, figure)
    print(f"{idling.records:,} running records, {idling.seconds:g} seconds")
    Console(highlight=False).print(table)


def idle(
    records: Annotated[int, typer.Option(min=1, help="How many records run.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(min=1, help="How long is measured.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """What a node and its database do while many meters run."""
    with temporary_server() as (folder, url):
        idling = asyncio.run(_measure(url, folder, records, seconds))
    if as_json:
        figures: dict[str, Any] = asdict(idling)
        print(json.dumps(figures, indent=2))
    else:
        _show(idling)


if __name__ == "__main__":
    typer.run(idle)
