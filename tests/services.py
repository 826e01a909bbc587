"""Services for tests, in the event loop of a test or in a process of their own, and the tariffs of their advisors."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import websockets
from fastapi import FastAPI

from talktime.core.roles import Role
from talktime.service.serving import make_server
from talktime.service.tokens import Tokens
from talktime.settings import Settings

SECRET: Final = "a secret for tests, long enough to sign"
START_SECONDS_MAX: Final = 60
BUSY_SECONDS: Final = 10
"""How long the processes of a test may stand still on a busy machine, unless outages are the subject of the test."""

BY_THE_MINUTE: Final = {"tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60}]}
BY_THE_SECOND: Final = {"tiers": [{"from_seconds": 0, "rate": "0.10", "per_seconds": 1, "increment_seconds": 1}]}

_NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP: to load the certificates of the machine would take a tenth of a short test."""

PROGRAM: Final = (sys.executable, "-c", "from talktime.cli import main; main()")
"""The arguments that start `talktime`, as its command does."""

_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")


def environment(**settings: object) -> dict[str, str]:
    """The environment of a program: settings by their names, the tests' secret, and no setting of this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALKTIME_")}
    given = {"secret": SECRET, "outage_seconds": BUSY_SECONDS, **settings}
    return kept | {f"TALKTIME_{name.upper()}": str(value) for name, value in given.items() if value is not None}


def port_in(line: str | bytes) -> int | None:
    """The port in a line that a service has printed; None if the line has no port."""
    found = _ADDRESS.search(line if isinstance(line, str) else line.decode())
    return int(found[1]) if found else None


@dataclass
class Live:
    """A client of the live channel. It waits for messages by their type and keeps none."""

    socket: websockets.ClientConnection

    async def say(self, kind: str, **members: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **members}))

    async def hear(self, *kinds: str, seconds: float = 30) -> dict[str, Any]:
        """The next message of one of these types; other messages are skipped."""
        async with asyncio.timeout(seconds):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.recv())
                if message["type"] in kinds:
                    return message

    async def close_code(self, seconds: float = 30) -> int | None:
        """The code with which the service closes the socket, after whatever messages."""
        async with asyncio.timeout(seconds):
            # A client that does not read gets no close code either.
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code


@dataclass
class Service:
    """A running service, and calls to it."""

    address: str
    app: FastAPI
    tokens: Tokens
    client: httpx.AsyncClient
    keys: int = field(default=0)

    def token(self, who: str) -> str:
        """A token for `role:subject`."""
        role, _, subject = who.partition(":")
        return self.tokens.make(Role(role), subject or role)

    async def call(
        self, method: str, path: str, body: Any = None, *, by: str | None = None, key: str | None = None, **options: Any
    ) -> httpx.Response:
        """Make a call with a token for `by`, such as `user:alice`."""
        headers = dict(options.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {self.token(by)}"
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None:
            options["json"] = body
        return await self.client.request(method, path, headers=headers, **options)

    async def done(self, method: str, path: str, body: Any = None, *, by: str = "service") -> dict[str, Any]:
        """Make a call that must succeed; returns the document of the answer."""
        self.keys += 1
        response = await self.call(method, path, body, by=by, key=f"key {self.keys}" if method == "POST" else None)
        assert response.is_success, response.text
        document: dict[str, Any] = response.json()
        return document

    async def people(self, credit: str = "100.00", tariff: dict[str, Any] | None = None) -> None:
        """Add alice with credit, bob without credit, and the advisors maya and ben."""
        await self.done("PUT", "/v1/users/alice", {"display_name": "Alice"})
        await self.done("PUT", "/v1/users/bob", {"display_name": "Bob"})
        for advisor in ("maya", "ben"):
            body = {"display_name": advisor.title(), "tariff": tariff or BY_THE_MINUTE, "starts": "at_once"}
            await self.done("PUT", f"/v1/advisors/{advisor}", body)
        await self.done("POST", "/v1/users/alice/credits", {"amount": credit, "kind": "purchase"})

    async def chat(self, chat_id: str = "chat 1", advisor: str = "maya") -> dict[str, Any]:
        """Start a chat of alice; returns its snapshot."""
        return await self.done("POST", "/v1/chats", {"user_id": "alice", "advisor_id": advisor, "chat_id": chat_id})

    @asynccontextmanager
    async def live(self, by: str | None = None, **options: Any) -> AsyncIterator[Live]:
        """Open a live channel and sign in as `by`."""
        address = self.address.replace("http", "ws") + "/v1/live"
        async with websockets.connect(address, **options) as socket:
            live = Live(socket)
            if by is not None:
                await live.say("hello", token=self.token(by))
            yield live


@asynccontextmanager
async def running(make: Callable[[Settings], FastAPI], settings: Settings) -> AsyncIterator[Service]:
    """Run the application that `make` returns under a real server until the context ends."""
    app = make(settings)
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = make_server(app, settings, listening.set_result)
    task = asyncio.create_task(server.serve())
    try:
        task.add_done_callback(lambda _task: listening.cancel())  # it ends now only if it couldn't start
        address = await listening
        async with httpx.AsyncClient(base_url=address, timeout=30, verify=_NO_CERTIFICATES) as client:
            yield Service(address, app, app.state.tokens, client)
    finally:
        server.should_exit = True
        await task


def settings_for(database_url: str, data_dir: Path, **given: Any) -> Settings:
    """The settings of a service in the event loop of a test."""
    return Settings(database_url=database_url, data_dir=data_dir, secret=SECRET, port=0, **given)
