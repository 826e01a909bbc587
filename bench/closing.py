"""What a node does when all its sockets end at once, and when it is asked to stop while all of them are open.

    talktime bench closing [--sockets N] [--json]

The service runs as `talktime serve`. Each socket is that of a user whose chat runs. The sockets are in a process of
their own, and no heartbeat falls into the time that is measured.

    killed    the process with the sockets is killed: until each last proof is stored, what others wait for /healthz,
              and the memory of the service before, at most, and three seconds after
    stopped   the service gets SIGTERM: until it has ended, how many sockets were closed with 1012, and how many last
              proofs are not stored
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections import Counter
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
import httpx
import psutil
import typer
import websockets
from rich.console import Console

from _server import KEPT_SECONDS, SECRET, service, temporary_server
from talktime import Talktime
from talktime.core.money import parse_credits
from talktime.core.roles import Role
from talktime.core.tariff import Tariff
from talktime.database.migrate import migrate
from talktime.service.tokens import Tokens

SETTINGS: Final = {"PRESENCE_LEASE_SECONDS": 3_000, "CONNECTIONS_PER_ADDRESS": 100_000, "CONNECTIONS": 100_000}
"""A lease so long that no heartbeat comes, and room for the sockets of one address."""

AT_ONCE: Final = 50
"""How many sockets are opened at the same time."""

STOP_SECONDS_MAX: Final = 5.0
"""How long a service may take to stop."""

_WATCHES: Final = "select count(*) from talktime.watches"


async def prepare(url: str, sockets: int) -> None:
    """A user for each socket, whose chat with one of a hundred advisors runs."""
    await migrate(url)
    tariff = Tariff.parse({"tiers": [{"rate": "0.10", "per_seconds": 60, "increment_seconds": 1}]})
    async with Talktime.connect(url, work=False) as talktime:
        for number in range(100):
            await talktime.put_advisor(f"advisor {number}", "Advisor", tariff, starts="at_once")

        async def start(number: int) -> None:
            user = f"user {number}"
            await talktime.put_user(user, "User")
            await talktime.add_credit(user, parse_credits("1000.00"))
            await talktime.create_chat(user, f"advisor {number % 100}", f"chat {number}")

        for begin in range(0, sockets, AT_ONCE):
            await asyncio.gather(*(start(number) for number in range(begin, min(begin + AT_ONCE, sockets))))


def hold_sockets(port: int, sockets: int, pipe: Connection) -> None:
    """What the process with the sockets does: it opens them, says so, and tells in the end how they were closed."""

    async def hold() -> None:
        tokens, turns = Tokens(SECRET), asyncio.Semaphore(AT_ONCE)

        async def open_one(number: int) -> websockets.ClientConnection:
            async with turns:
                socket = await websockets.connect(f"ws://127.0.0.1:{port}/v1/live", open_timeout=60)
                token = tokens.make(Role.USER, f"user {number}")
                await socket.send(json.dumps({"type": "hello", "token": token}))
                await socket.send(json.dumps({"type": "watch", "chat_id": f"chat {number}"}))
                while json.loads(await socket.recv())["type"] != "snapshot":
                    pass
                return socket

        opened = await asyncio.gather(*(open_one(number) for number in range(sockets)))
        pipe.send(len(opened))
        await asyncio.gather(*(socket.wait_closed() for socket in opened))
        pipe.send(Counter(socket.close_code for socket in opened))

    asyncio.run(hold())


def begin_holding(port: int, sockets: int) -> tuple[SpawnProcess, Connection]:
    """Open the sockets, and return when all of them are open."""
    ours, theirs = multiprocessing.Pipe()
    holder = multiprocessing.get_context("spawn").Process(target=hold_sockets, args=(port, sockets, theirs))
    holder.start()
    theirs.close()  # so that `recv` fails, and does not wait, if the process fails
    ours.recv()
    return holder, ours


async def killed(url: str, port: int, process: psutil.Process, sockets: int) -> dict[str, Any]:
    """Kill the process with the sockets, and watch the service."""

    def memory() -> float:
        return round(process.memory_info().rss / 2**20, 1)

    before = memory()
    holder, _ = await asyncio.to_thread(begin_holding, port, sockets)
    database = await asyncpg.connect(url)
    opened = most = memory()
    waits: list[float] = []
    began = time.monotonic()
    holder.kill()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        are_left = True
        while are_left:
            asked = time.monotonic()
            (await client.get("/healthz")).raise_for_status()
            waits.append(time.monotonic() - asked)
            most = max(most, memory())
            are_left = await database.fetchval(_WATCHES)
    took = time.monotonic() - began
    await database.close()
    await asyncio.sleep(KEPT_SECONDS)
    return {
        "stored_after_s": round(took, 2),
        "healthz_max_ms": round(max(waits) * 1000),
        "before_mib": before,
        "open_mib": opened,
        "most_mib": most,
        "after_mib": memory(),
    }


async def stopped(url: str, port: int, process: psutil.Process, sockets: int) -> dict[str, Any]:
    """Ask the service to stop while the sockets are open."""
    holder, pipe = await asyncio.to_thread(begin_holding, port, sockets)
    began = time.monotonic()
    process.terminate()
    await asyncio.to_thread(process.wait, 300)
    took = time.monotonic() - began
    closed = await asyncio.to_thread(pipe.recv)
    holder.join()
    database = await asyncpg.connect(url)
    left = await database.fetchval(_WATCHES)
    await database.close()
    return {"ended_after_s": round(took, 2), "closed_with_1012": closed[1012], "not_stored": left}


async def measure(folder: Path, url: str, sockets: int) -> dict[str, dict[str, Any]]:
    """Both cases, one after the other, on one service."""
    await prepare(url, sockets)
    with service(folder, url, SETTINGS) as (port, process):
        return {
            "killed": await killed(url, port, process, sockets),
            "stopped": await stopped(url, port, process, sockets),
        }


def main(
    sockets: Annotated[int, typer.Option(min=1, help="How many sockets are open.")] = 2000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Measure how a node ends many sockets at once."""
    with temporary_server() as (folder, url):
        results = asyncio.run(measure(folder, url, sockets))
    if as_json:
        print(json.dumps({"sockets": sockets, **results}))
    else:
        console = Console(highlight=False, width=120)
        console.print(f"{sockets:,} sockets")
        for case, figures in results.items():
            console.print(f"{case}:", ", ".join(f"{name} {value}" for name, value in figures.items()))
    end = results["stopped"]
    if end["ended_after_s"] > STOP_SECONDS_MAX or end["closed_with_1012"] < sockets or end["not_stored"]:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
