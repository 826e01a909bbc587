"""How long the books of a month take, and its export, in a ledger of a million entries.

    talktime bench books [--entries N] [--json]

The entries are of two years: one of ten is a purchase, the others are charges of records, of 20,000 users and 200
advisors. SQL makes them. The month is the last whole one, so that nearly all entries lie before its end.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
import typer

from _server import temporary_server
from talktime import Talktime
from talktime.database.migrate import migrate
from talktime.settings import load_settings

USERS: Final = 20_000
ADVISORS: Final = 200
DAYS: Final = 730
MONTH_MS: Final = 30 * 86_400_000

MAKE: Final = """
set session_replication_role = replica; -- the entries belong to no records
insert into advisors select 'advisor ' || n, 'Advisor ' || n, 1 from generate_series(0, %(advisors)s - 1) n;
insert into tariffs select advisor_id, 1, '{"tiers": [{"rate": "1"}]}' from advisors;
insert into accounts (user_id, display_name, balance, settled_at)
select 'user ' || n, 'User ' || n, 0, engine_now() from generate_series(0, %(users)s - 1) n;
insert into entries (user_id, amount, kind, at, record_id, advisor_id, advisor_amount)
select 'user ' || n * 7919 %% %(users)s, case when is_bought then 20000000 else -2000000 end,
       case when is_bought then 'purchase' else 'charge' end,
       now.at - (%(entries)s - n) * interval '%(days)s days' / %(entries)s,
       case when is_bought then null else 'record ' || n end,
       case when is_bought then null else 'advisor ' || n %% %(advisors)s end,
       case when is_bought then 0 else 800000 end
from generate_series(1, %(entries)s::bigint) n, lateral (select n %% 10 = 0 as is_bought) b,
     (select engine_now() as at) now;
"""


async def _measure(folder: Path, url: str, entries: int) -> dict[str, float]:
    await migrate(url)
    connection = await asyncpg.connect(url, server_settings={"search_path": "talktime, public"})
    await connection.execute(MAKE % {"entries": entries, "users": USERS, "advisors": ADVISORS, "days": DAYS})
    await connection.execute("vacuum analyze")
    await connection.close()
    async with Talktime.connect(url, settings=load_settings(data_dir=folder), work=False) as talktime:
        end = await talktime.now() - MONTH_MS
        begin = end - MONTH_MS

        async def export() -> int:
            return len([entry async for entry in talktime.all_entries(begin=begin, end=end)])

        work: dict[str, Callable[[], Awaitable[Any]]] = {
            "the books of all persons": lambda: talktime.report(begin, end),
            "the books by their kind": lambda: talktime.report(begin, end, by_person=False),
            "an advisor's statement": lambda: talktime.statement("advisor 7", begin, end),
            "an export": export,
        }
        return {what: round(await _seconds(ask), 2) for what, ask in work.items()}


async def _seconds(work: Callable[[], Awaitable[Any]]) -> float:
    await work()  # the first one also reads from the disk
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def books(
    entries: Annotated[int, typer.Option(min=1000, help="How many entries the ledger has.")] = 1_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How long the books of a month take."""
    with temporary_server() as (folder, url):
        seconds = asyncio.run(_measure(folder, url, entries))
    if as_json:
        print(json.dumps({"entries": entries, "seconds": seconds}, indent=2))
        return
    print(f"A month of {entries:,} entries in {DAYS} days:")
    for what, took in seconds.items():
        print(f" {what:<26} {took:6.2f} s")


if __name__ == "__main__":
    typer.run(books)
