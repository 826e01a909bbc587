"""A receiver of webhooks: a real HTTP server that checks signatures, and that fails, stalls or dies when told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook as Verifier


@dataclass
class Receiver:
    """What came in, in order. `answers` are the next statuses; after them every message is taken.

    `stalls` is how long each answer takes, in seconds.
    """

    port: int = 0
    secret: str | None = None
    answers: list[int] = field(default_factory=list)
    stalls: float = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    at_once: int = 0
    at_once_max: int = 0
    _server: asyncio.Server | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[int]:
        return [int(event["id"]) for event in self.taken]

    async def open(self) -> None:
        """Listen, on the port of before if there was one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Stop listening, and break off what is under way."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
                body = await reader.readexactly(int(headers["content-length"]))
                self.at_once += 1
                self.at_once_max = max(self.at_once, self.at_once_max)
                await asyncio.sleep(self.stalls)
                self.at_once -= 1
                status = self._take(headers, body)
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _take(self, headers: dict[str, str], body: bytes) -> int:
        event = Verifier(self.secret).verify(body, headers) if self.secret else json.loads(body)
        assert headers["webhook-id"] == event["id"]
        status = self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.taken.append(event)
        else:
            self.refused += 1
        return status


@asynccontextmanager
async def receiver(**options: Any) -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    made = Receiver(**options)
    await made.open()
    try:
        yield made
    finally:
        await made.die()
