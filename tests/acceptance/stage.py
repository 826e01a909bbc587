"""Services in processes of their own on a real database, called as by the backend of a host, and a browser.

Everything runs on one machine and so by one clock. A screen's and the server's timers are compared by the instant at
which each would have shown zero, which no delay of a request or of the browser can blur.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from playwright.async_api import Browser, async_playwright

from talktime.core.roles import Role
from talktime.postgres.guardian import Guardian
from talktime.service.tokens import Tokens
from tests.headless import HEADLESS
from tests.services import BY_THE_SECOND, SECRET, START_SECONDS_MAX, environment, port_in

from .screen import RECORDER, Screen

AGREE_MS = 100
CENT = 10_000


def milliseconds(instant: str) -> float:
    """An instant of the API in milliseconds since 1970."""
    return datetime.fromisoformat(instant).timestamp() * 1000


def micros(amount: str) -> int:
    """An amount of the API as micro-credits."""
    whole, _, decimals = amount.removeprefix("-").partition(".")
    value = int(whole) * 1_000_000 + int(decimals.ljust(6, "0"))
    return -value if amount.startswith("-") else value


class Node:
    """A service in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self.address = f"http://127.0.0.1:{port}"

    async def kill(self) -> None:
        """Kill the process, as a power cut does."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Stop the process, as an operator does."""
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()


@dataclass
class Stage:
    """Nodes, and the people who use them: the user uma and the advisor ada, unless others are named.

    `database_url` None: the service's own database, below `folder`.
    """

    database_url: str | None
    folder: Path
    browser: Browser
    guardian: Guardian
    nodes: list[Node] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)
    tokens: Tokens = field(default_factory=lambda: Tokens(SECRET))
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=30))

    async def start(self, command: str = "serve", port: int = 0, **settings: object) -> Node:
        """Start a service with settings by their names, such as `presence_lease_seconds=3`."""
        own = {"database_url": self.database_url, "data_dir": self.folder, "port": port}
        given = environment(**{**own, **settings})
        program = Path(sys.executable).with_name("talktime")
        log = self.folder / f"service-{len(self.logs) + 1}.log"
        self.logs.append(log)
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                program, command, env=given, stdout=asyncio.subprocess.PIPE, stderr=errors, cwd=self.folder
            )
        self.guardian.guard_process(process.pid)
        assert process.stdout
        async with asyncio.timeout(START_SECONDS_MAX):
            while (listening := port_in(line := await process.stdout.readline())) is None:
                assert line, f"the service did not start: {log.read_text()}"
        node = Node(process, listening)
        self.nodes.append(node)
        return node

    async def call(
        self, method: str, path: str, body: object = None, *, as_user: str | None = None, node: Node | None = None
    ) -> Any:
        """The answer of a node (by default the newest) to the backend of the host, or to a user."""
        who = (Role.USER, as_user) if as_user else (Role.SERVICE, "host")
        answer = await self.ask(method, path, body, *who, node=node)
        assert answer.is_success, answer.text
        return None if answer.status_code == httpx.codes.NO_CONTENT else answer.json()

    async def ask(
        self, method: str, path: str, body: object, role: Role, who: str, *, node: Node | None = None
    ) -> httpx.Response:
        """The answer of a node (by default the newest) to a person's request, also if the request is refused."""
        headers = {"Authorization": f"Bearer {self.tokens.make(role, who)}"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        address = (node or self.nodes[-1]).address
        return await self.http.request(method, f"{address}/v1{path}", json=body, headers=headers)

    async def people(self, credit: str = "50.00", tariff: object = BY_THE_SECOND, user: str = "uma") -> None:
        """Add a user with credit, and the advisor ada."""
        await self.call("PUT", f"/users/{user}", {"display_name": user.title()})
        await self.call("PUT", "/advisors/ada", {"display_name": "Ada", "tariff": tariff, "starts": "at_once"})
        await self.top_up(credit, user)

    async def top_up(self, amount: str, user: str = "uma") -> Any:
        """Add credit, as the backend of the host does."""
        return await self.call("POST", f"/users/{user}/credits", {"amount": amount, "kind": "purchase"})

    async def new_chat(self, user: str = "uma") -> Any:
        """Start a new chat with ada; returns its snapshot."""
        return await self.call("POST", "/chats", {"user_id": user, "advisor_id": "ada"}, as_user=user)

    async def tracking(self, chat_id: str) -> Any:
        """The snapshot of a chat."""
        return await self.call("GET", f"/chats/{chat_id}/tracking")

    async def receipt(self, record_id: str) -> Any:
        """The receipt of a record."""
        return await self.call("GET", f"/records/{record_id}/receipt")

    async def entries(self, user: str = "uma") -> list[Any]:
        """All entries of a user, newest first."""
        entries: list[Any] = []
        while page := (await self.call("GET", f"/users/{user}/entries{_before(entries)}"))["entries"]:
            entries += page
        return entries

    async def sql(self, statement: str, *arguments: object) -> list[Any]:
        """The rows of a statement in the database of the service."""
        assert self.database_url is not None
        connection = await asyncpg.connect(self.database_url, server_settings={"search_path": "talktime"})
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def screen(self, role: Role, person: str) -> Screen:
        """A page in a browser profile of its own, where the person is signed in."""
        context = await self.browser.new_context()
        session = {"token": self.tokens.make(role, person), "role": role.value, "subject": person}
        kept = "".join(f"sessionStorage.setItem('talktime.{key}', '{value}');" for key, value in session.items())
        await context.add_init_script(kept + RECORDER)
        return Screen(await context.new_page())

    async def both_screens(self, chat_id: str, state: str = "running") -> tuple[Screen, Screen]:
        """The page of the chat for the user and for the advisor."""
        user, advisor = await self.screen(Role.USER, "uma"), await self.screen(Role.ADVISOR, "ada")
        await asyncio.gather(*(screen.open(self.nodes[-1].address, chat_id, state) for screen in (user, advisor)))
        return user, advisor

    async def apart_ms(self, chat_id: str, *screens: Screen) -> float:
        """How far the running timers of the screens and of the server are apart, at most."""
        snapshot = await self.tracking(chat_id)
        assert snapshot["timer"]["running"]
        server = milliseconds(snapshot["server_time"]) - snapshot["elapsed_ms"]
        zeros = [await screen.zero_ms() for screen in screens]
        return float(max(*zeros, server) - min(*zeros, server))

    async def assert_agreement(self, chat_id: str, *screens: Screen) -> float:
        """The running timers of the screens and of the server agree; returns how far they are apart."""
        apart = await self.apart_ms(chat_id, *screens)
        assert apart <= AGREE_MS, f"{apart} ms apart"
        return apart

    async def assert_adds_up(self, record_id: str, user: str = "uma") -> Any:
        """The receipt of a record that does not run agrees with its segments and entries; returns the receipt."""
        receipt = await self.receipt(record_id)
        for segment in receipt["segments"]:
            lasted = milliseconds(segment["ended_at"]) - milliseconds(segment["started_at"])
            assert round(lasted) == segment["duration_ms"]
        assert sum(segment["duration_ms"] for segment in receipt["segments"]) == receipt["elapsed_ms"]
        quote = {"tariff": receipt["tariff"], "seconds": f"{receipt['elapsed_ms'] / 1000:.3f}"}
        assert (await self.call("POST", "/price", quote))["cost"] == receipt["cost"]
        charges = [entry["amount"] for entry in receipt["entries"] if entry["kind"] == "charge"]
        assert sum(map(micros, charges)) == -micros(receipt["cost"])
        account = await self.call("GET", f"/users/{user}/account")
        entries = await self.entries(user)
        assert sum(micros(entry["amount"]) for entry in entries) == micros(account["balance"]) >= 0
        return receipt


def _before(entries: list[Any]) -> str:
    return f"?before={entries[-1]['id']}" if entries else ""


@asynccontextmanager
async def on_stage(database_url: str | None, folder: Path, guardian: Guardian) -> AsyncIterator[Stage]:
    """A stage without services and people."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**HEADLESS)
        stage = Stage(database_url, folder, browser, guardian)
        try:
            yield stage
        finally:
            await browser.close()
            await stage.http.aclose()
            for node in stage.nodes:
                await (node.kill() if database_url else node.stop())
