"""An older version runs on the newest schema, alone and beside the newest version: the way back, tried for real.

`talktime-0001.tar.xz` is the program as it was when revision 0001 was the newest, made with

    git archive 85d288a src/talktime | xz -9e
"""

from __future__ import annotations

import asyncio
import json
import tarfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import websockets

from talktime.core.roles import Role
from talktime.database.migrate import head_revision
from talktime.postgres.guardian import Guardian
from talktime.service.tokens import Tokens
from tests.services import PROGRAM, SECRET, environment, port_in

ARCHIVE = Path(__file__).with_name("talktime-0001.tar.xz")
TARIFF = {"tiers": [{"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]}


@dataclass(frozen=True)
class Program:
    """A version of talktime and the database it works on."""

    source: Path
    database_url: str
    data_dir: Path
    guardian: Guardian

    async def spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        """Its command line, with what it prints in a pipe."""
        given = environment(
            database_url=self.database_url,
            data_dir=self.data_dir,
            presence_lease_seconds=100_000,
            checkpoint_seconds=1,  # of the older program; the newer one says that it sets nothing
            test_clock=1,
            outage_seconds=15,  # a busy machine is no outage
        )
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            *arguments,
            env={**given, "PYTHONPATH": str(self.source)},
            cwd=self.data_dir,
            stdout=asyncio.subprocess.PIPE,
        )
        self.guardian.guard_process(process.pid)
        return process

    async def run(self, *arguments: str) -> str:
        """Run one of its commands to its end, which must be a success."""
        process = await self.spawn(*arguments)
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Host]:
        """Its service, as a host's backend sees it."""
        process = await self.spawn("serve", "--port", "0")
        try:
            assert process.stdout is not None
            port = port_in(await process.stdout.readline())
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                yield Host(client)
        finally:
            process.terminate()
            await process.wait()


@dataclass
class Host:
    """The host's backend at a service."""

    client: httpx.AsyncClient
    keys: int = 0

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the service, which must be a success."""
        self.keys += 1
        headers = {"Authorization": f"Bearer {Tokens(SECRET).make(Role.SERVICE, 'host')}"}
        if method == "POST":
            headers["Idempotency-Key"] = f"{self.client.base_url} {self.keys}"
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def people(self, **rule: str) -> None:
        """Uma with a credit of 5.00, and Ada, who asks 0.01 a second. The older program knows no start rule."""
        await self.call("PUT", "/users/uma", {"display_name": "Uma"})
        await self.call("PUT", "/advisors/ada", {"display_name": "Ada", "tariff": TARIFF, **rule})
        await self.call("POST", "/users/uma/credits", {"amount": "5.00", "kind": "purchase"})

    async def start(self, chat_id: str) -> Any:
        """Start, or switch to, a chat of the two."""
        return await self.call("POST", "/chats", {"user_id": "uma", "advisor_id": "ada", "chat_id": chat_id})

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        await self.call("POST", "/test-clock/advance", {"seconds": seconds})

    @asynccontextmanager
    async def watching(self, chat_id: str) -> AsyncIterator[None]:
        """A user's page of the chat is open meanwhile."""
        async with websockets.connect(str(self.client.base_url).replace("http", "ws") + "/v1/live") as socket:
            token = Tokens(SECRET).make(Role.USER, "uma")
            for message in ({"type": "hello", "token": token}, {"type": "watch", "chat_id": chat_id}):
                await socket.send(json.dumps(message))
            while json.loads(await socket.recv())["type"] != "snapshot":
                pass
            yield


@pytest.fixture
def older(database_url: str, tmp_path: Path, guardian: Guardian) -> Program:
    """The program of revision 0001, on a database of the newest."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "older", filter="data")
    return Program(tmp_path / "older" / "src", database_url, tmp_path, guardian)


@pytest.fixture
def newer(database_url: str, tmp_path: Path, guardian: Guardian) -> Program:
    """This program, on the same database."""
    return Program(Path(__file__).parents[2] / "src", database_url, tmp_path, guardian)


@dataclass
class Traffic:
    """The work at one node: a pair of its own talks, and the clock is read."""

    host: Host
    name: str
    times: list[tuple[float, float]] = field(default_factory=list)
    """Seconds of real time, and of engine time."""
    talks: int = 0

    async def join(self) -> None:
        await self.host.call("PUT", f"/users/{self.name}", {"display_name": self.name})
        await self.host.call("PUT", f"/advisors/{self.name}", {"display_name": self.name, "tariff": TARIFF})

    async def run(self, is_over: asyncio.Event) -> None:
        pair = {"user_id": self.name, "advisor_id": self.name}
        while not is_over.is_set():
            await self.host.call("POST", f"/users/{self.name}/credits", {"amount": "1.00", "kind": "purchase"})
            for chat_id in (f"{self.name} 1", f"{self.name} 2"):
                await self.host.call("POST", "/chats", pair | {"chat_id": chat_id})
                told = (await self.host.call("GET", "/time"))["server_time"]
                self.times.append((time.monotonic(), datetime.fromisoformat(told).timestamp()))
            await self.host.call("POST", f"/chats/{chat_id}/pause")
            await self.host.call("POST", f"/chats/{chat_id}/resume")
            await self.host.call("POST", f"/chats/{chat_id}/stop")
            self.talks += 1


async def ask(url: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(url, server_settings={"search_path": "talktime"})
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def test_the_older_program_is_older_and_leaves_the_schema_alone(older: Program) -> None:
    versions = older.source / "talktime" / "database" / "migrations" / "versions"
    assert [path.stem for path in versions.glob("*.sql")] == ["0001_initial"]
    assert head_revision() > "0001"
    await older.run("migrate")
    connection = await asyncpg.connect(older.database_url)
    revision = await connection.fetchval("select max(version_num) from talktime.alembic_version")
    assert revision == head_revision()
    await connection.close()


async def test_all_that_the_older_program_does_is_taken_by_the_newest_schema(older: Program, newer: Program) -> None:
    async with older.serving() as host:
        await host.people()
        record_id = (await host.start("first"))["record"]["id"]
        async with host.watching("first"):
            await host.advance(61)
            await host.call("POST", "/chats/first/messages", {"party": "user", "text": "Hello", "client_id": "1"})
            await host.call("POST", "/chats/first/heartbeat", {"party": "advisor"})
        await host.call("POST", "/chats/first/pause")
        await host.advance(10)
        await host.call("POST", "/chats/first/resume")
        await host.start("second")
        await host.advance(30)
        async with asyncio.timeout(20):  # until the checkpoint has written the running chat's time
            while not (await ask(older.database_url, "select from chats where chat_id = 'second' and duration_ms > 0")):
                await asyncio.sleep(0.1)
        left = (await host.call("GET", "/chats/second/tracking"))["balance"]
        await host.advance(round(float(left) * 100 + 5, 3))
        cut = await host.call("GET", "/chats/second/tracking")
        assert (cut["record"]["reason"], cut["balance"]) == ("out_of_credit", "0.00")
        await host.call("POST", "/users/uma/credits", {"amount": "1.00", "kind": "gift"})
        await host.call("POST", "/users/uma/debits", {"amount": "0.10"})
        await host.call("POST", "/chats/second/stop")
        receipt = await host.call("GET", f"/records/{record_id}/receipt")
        reasons = [segment["reason"] for segment in receipt["segments"]]
        assert reasons == ["paused", "switched", "out_of_credit", "stopped"]
    await older.run("doctor")
    await newer.run("doctor")
    async with newer.serving() as host:
        again = await host.call("GET", f"/records/{record_id}/receipt")
        for name in ("tariff", "elapsed_ms", "cost"):
            assert again[name] == receipt[name]
        assert {name: again["record"][name] for name in receipt["record"]} == receipt["record"]
        assert [(one["id"], one["amount"]) for one in again["entries"]] == [
            (one["id"], one["amount"]) for one in receipt["entries"]
        ]


async def test_both_versions_serve_one_database_at_once(older: Program, newer: Program) -> None:
    async with older.serving() as old, newer.serving() as new:
        await new.people(starts="at_once")
        for one, other in ((old, new), (new, old)):
            record_id = (await one.start("first"))["record"]["id"]
            await other.advance(7)
            switched = await other.start("second")
            assert (switched["record"]["id"], switched["timer"]["running"]) == (record_id, True)
            await one.call("POST", "/chats/second/pause")
            await other.call("POST", "/chats/second/resume")
            await one.advance(5)
            await other.call("POST", "/chats/second/stop")
            receipts = [await host.call("GET", f"/records/{record_id}/receipt") for host in (one, other)]
            for name in ("elapsed_ms", "cost", "billed_ms", "free_ms_before"):
                assert receipts[0][name] == receipts[1][name]
            assert [segment["reason"] for segment in receipts[0]["segments"]] == ["switched", "paused", "stopped"]


async def test_a_rolling_upgrade_under_traffic_and_back(older: Program, newer: Program) -> None:
    """The older program, both, the newer one, both, the older one: engine time goes on, and nobody is in the way."""
    everybody: list[Traffic] = []

    async def play(seconds: float, *hosts: Host) -> None:
        is_over = asyncio.Event()
        traffic = [Traffic(host, f"pair {len(everybody) + number}") for number, host in enumerate(hosts)]
        everybody.extend(traffic)
        await asyncio.gather(*(one.join() for one in traffic))
        running = [asyncio.create_task(one.run(is_over)) for one in traffic]
        await asyncio.sleep(seconds)
        is_over.set()
        await asyncio.gather(*running)
        for one in traffic:
            assert one.talks > 0
            engine = [seconds for _, seconds in one.times]
            assert engine == sorted(engine)

    async with AsyncExitStack() as back:
        async with AsyncExitStack() as upgrade:
            async with older.serving() as old:
                await play(1, old)
                new = await upgrade.enter_async_context(newer.serving())
                await play(2, old, new)
            await play(1, new)
            old = await back.enter_async_context(older.serving())
            await play(2, old, new)
        await play(5, old)
    # Engine time has followed real time, whichever program was there: none is missing, and none is an outage.
    ahead = [engine - real for one in everybody for real, engine in one.times]
    assert max(ahead) - min(ahead) < 2.5, ahead
    assert await ask(older.database_url, "select * from outages") == []
    for program in (older, newer):
        await program.run("doctor")
