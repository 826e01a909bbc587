"""Starts, switches and stops per second through the engine, beside pgbench's TPC-B on the same server.

    talktime bench commands [--rounds N] [--seconds S] [--pooler] [--json]

Every round measures each kind of work in turn, for one client and for 32, so that another load on the machine slows all
kinds alike. The table shows the median, the slowest and the fastest of the rounds.

What events cost is measured in the same rounds: the same commands, in a process that stores no events.

A start makes a chat, its record and the running timer. A switch makes another chat and moves the record there. A stop
ends the record. A client waits for each command before it sends the next one. The clients of the engine are tasks of
this process. The scale of TPC-B is the number of its clients, the smallest scale at which the clients do not mostly
wait for each other's branch.

With `--pooler` the engine works behind PgBouncer in transaction mode, and TPC-B without it.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final
from unittest.mock import patch

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from _server import temporary_server
from talktime import Talktime
from talktime.core.money import parse_credits
from talktime.core.tariff import Tariff
from talktime.database import saving
from talktime.database.migrate import migrate
from talktime.postgres.guardian import Guardian
from talktime.postgres.programs import Programs, bundled_programs
from talktime.settings import load_settings
from tests.poolers import pooler

CLIENTS: Final = (1, 32)
ADVISORS: Final = 20
TPC_B: Final = "TPC-B"
_TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


@dataclass(slots=True)
class Rates:
    """The operations per second of each round, by number of clients and kind of work."""

    measured: dict[tuple[int, str], list[float]] = field(default_factory=dict)

    def add(self, clients: int, what: str, per_second: float) -> None:
        """Add the figure of a round."""
        self.measured.setdefault((clients, what), []).append(per_second)

    def documents(self) -> Iterator[dict[str, Any]]:
        """A line for each kind of work: the median, the slowest, the fastest, and the median as a part of TPC-B's."""
        for (clients, what), rates in self.measured.items():
            median = statistics.median(rates)
            yield {
                "clients": clients,
                "what": what,
                "per_second": round(median),
                "slowest": round(min(rates)),
                "quickest": round(max(rates)),
                "of_tpc_b": round(median / statistics.median(self.measured[clients, TPC_B]), 2),
            }


@dataclass(frozen=True, slots=True)
class Bench:
    """The engine, and the server that it works on."""

    talktime: Talktime
    programs: Programs
    url: str
    tpc_b_url: str
    users: Sequence[str]

    async def analyze(self) -> None:
        """Tell the planner the sizes of the tables, as the server itself does within a minute."""
        await asyncio.to_thread(self.programs.run, "psql", "--no-psqlrc", "--quiet", self.url, "-c", "vacuum analyze")

    async def tpc_b(self, clients: int, seconds: int) -> float:
        """The transactions per second of TPC-B."""
        output = await asyncio.to_thread(
            self.programs.run,
            "pgbench", "--no-vacuum", f"--client={clients}", f"--jobs={min(2, clients)}", f"--time={seconds}",
            self.tpc_b_url,
        )  # fmt: skip
        rate = _TPS.search(output)
        if rate is None:
            raise RuntimeError(f"pgbench printed no rate:\n{output}")
        return float(rate[1])

    async def commands(self, clients: int, seconds: float, label: str) -> AsyncIterator[tuple[str, float]]:
        """The rate of starts during about `seconds`; then the rates of switches and stops of the started records."""
        started: list[str] = []

        async def track(user: str, chat: str) -> None:
            await self.talktime.initialize_time_tracking_for_chat(user, _advisor(user), chat)

        async def start(user: str) -> None:
            await track(user, f"{user} {label}")
            started.append(user)

        yield "start", await _rate(clients, self.users, start, seconds)
        yield "switch", await _rate(clients, started, lambda user: track(user, f"{user} {label} moved"))
        yield "stop", await _rate(clients, started, lambda user: self.talktime.stop(f"{user} {label} moved"))


async def _rate(
    clients: int, users: Sequence[str], command: Callable[[str], Awaitable[object]], seconds: float = float("inf")
) -> float:
    """Commands per second. `clients` send one command for each user, until the users or the seconds are used up."""
    waiting = iter(tuple(users))
    began = time.perf_counter()
    done = 0

    async def client() -> None:
        nonlocal done
        for user in waiting:
            await command(user)
            done += 1
            if time.perf_counter() - began > seconds:
                return

    await asyncio.gather(*(client() for _ in range(clients)))
    return done / (time.perf_counter() - began)


def _advisor(user: str) -> str:
    return f"advisor {int(user.split()[1]) % ADVISORS}"


async def _people(talktime: Talktime, count: int) -> list[str]:
    """Make users with credit, and advisors."""
    tariff = Tariff.parse({"tiers": [{"rate": "1.20"}]})
    for number in range(ADVISORS):
        await talktime.put_advisor(f"advisor {number}", f"Advisor {number}", tariff, starts="at_once")
    users = [f"user {number}" for number in range(count)]

    async def join(user: str) -> None:
        await talktime.put_user(user, user)
        await talktime.add_credit(user, parse_credits("100"))

    await _rate(max(CLIENTS), users, join)
    return users


@asynccontextmanager
async def _bench(folder: Path, url: str, engine_url: str, users: int) -> AsyncIterator[Bench]:
    programs = bundled_programs(folder / "database")
    tpc_b_url = url.replace("/talktime?", "/tpc_b?")
    programs.run("psql", "--no-psqlrc", "--quiet", url, "-c", "create database tpc_b")
    programs.run("pgbench", "--initialize", "--quiet", f"--scale={max(CLIENTS)}", tpc_b_url)
    await migrate(url)
    async with Talktime.connect(engine_url, settings=load_settings(data_dir=folder, fanout="polling")) as talktime:
        yield Bench(talktime, programs, url, tpc_b_url, await _people(talktime, users))


async def _measure(folder: Path, url: str, engine_url: str, rounds: int, seconds: int, users: int) -> Rates:
    rates = Rates()
    async with _bench(folder, url, engine_url, users) as bench:
        for turn in range(-1, rounds):  # the first round fills caches and prepares statements, and does not count
            for clients in CLIENTS:
                figures = [figure async for figure in bench.commands(clients, seconds, f"{turn} {clients}")]
                with _no_events():
                    without = bench.commands(clients, seconds, f"{turn} {clients} silent")
                    figures += [(f"{what} without events", rate) async for what, rate in without]
                figures.append((TPC_B, await bench.tpc_b(clients, seconds)))
                for what, per_second in figures:
                    if turn >= 0:
                        rates.add(clients, what, per_second)
            if turn < 0:
                await bench.analyze()
    return rates


@contextmanager
def _no_events() -> Iterator[None]:
    """Let this process store no events, as a version without them would."""
    with patch.object(saving, "event_rows", lambda _payers, _entry_ids: []):
        yield


def _show(documents: list[dict[str, Any]], rounds: int) -> None:
    table = Table(box=None, title=f"per second, the median of {rounds} rounds", title_justify="left")
    table.add_column("at once", justify="right")
    table.add_column("what")
    for name in ("median", "slowest", "quickest", "of TPC-B"):
        table.add_column(name, justify="right")
    for line in documents:
        rates = (f"{line[name]:,}" for name in ("per_second", "slowest", "quickest"))
        table.add_row(str(line["clients"]), line["what"], *rates, f"{line['of_tpc_b']:.0%}")
    Console(highlight=False).print(table)


def commands(
    rounds: Annotated[int, typer.Option(min=1, help="How often each kind of work is measured.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="How long starts and TPC-B are measured, in seconds.")] = 2,
    users: Annotated[int, typer.Option(min=32, help="How many users there are, which limits the starts.")] = 4000,
    with_pooler: Annotated[bool, typer.Option("--pooler", help="Behind PgBouncer in transaction mode.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Starts, switches and stops per second, beside TPC-B."""
    with (
        temporary_server() as (folder, url),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,  # the service uses the same loop
        ExitStack() as stack,
    ):
        engine_url = url
        if with_pooler:
            guardian = stack.enter_context(Guardian())
            engine_url = stack.enter_context(pooler(url, folder, guardian, pool_mode="transaction"))
        rates = runner.run(_measure(folder, url, engine_url, rounds, seconds, users))
    documents = list(rates.documents())
    if as_json:
        print(json.dumps({"rounds": rounds, "seconds": seconds, "rates": documents}, indent=2))
    else:
        _show(documents, rounds)


if __name__ == "__main__":
    typer.run(commands)
