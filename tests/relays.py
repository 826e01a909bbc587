"""A TCP relay between a node and its database: it can fall silent, refuse, and do so for one kind of connection alone.

No part of the program is replaced. The program sees what it sees when a router forgets a connection, when a server
hangs, or when a machine is gone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import unquote

LISTENING = b" listens\x00"
"""A text in the first bytes of a connection on which a node hears notifications."""


@dataclass(eq=False)
class _RelayedConnection:
    """One connection through the relay."""

    greeting: bytes
    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    passes: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Relay:
    """Passes everything on between TCP connections and the socket of a server.

    Attributes:
        address: the address of the database behind the relay.
        refuses: which new connections are closed at once, by their first bytes.
        swallows: which new connections are left without an answer, by their first bytes.
    """

    address: str
    refuses: Callable[[bytes], bool] = lambda _greeting: False
    swallows: Callable[[bytes], bool] = lambda _greeting: False
    connections: list[_RelayedConnection] = field(default_factory=list)

    def fall_silent(self, kind: bytes = b"") -> int:
        """Deliver nothing on the connections of this kind, and close none of them. Returns how many there are."""
        silent = [connection for connection in self.connections if kind in connection.greeting]
        for connection in silent:
            connection.passes.clear()
        return len(silent)

    def hang(self) -> None:
        """Deliver nothing, and answer no new connection, as a server that hangs."""
        self.swallows = lambda _greeting: True
        self.fall_silent()

    def speak(self) -> None:
        """Deliver again, and what was sent meanwhile, too."""
        self.swallows = self.refuses = lambda _greeting: False
        for connection in self.connections:
            connection.passes.set()

    def cut(self) -> None:
        """Close all connections, and refuse new ones, as a server that is down."""
        self.refuses = lambda _greeting: True
        for connection in self.connections:
            for writer in connection.writers:
                writer.close()

    async def serve(self, socket: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        with suppress(OSError):
            greeting = await reader.read(1 << 16)
            if self.refuses(greeting):
                writer.close()
                return
            to_server = await asyncio.open_unix_connection(socket)
            connection = _RelayedConnection(greeting, (writer, to_server[1]))
            if not self.swallows(greeting):
                connection.passes.set()
            self.connections.append(connection)
            await connection.passes.wait()
            to_server[1].write(greeting)
            await asyncio.gather(
                self._pour(connection, reader, to_server[1]), self._pour(connection, to_server[0], writer)
            )
            self.connections.remove(connection)

    async def _pour(
        self, connection: _RelayedConnection, source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                await connection.passes.wait()
                target.write(data)
                await target.drain()
        target.close()


@asynccontextmanager
async def relayed(database_url: str) -> AsyncIterator[Relay]:
    """A relay in front of a database."""
    found = re.search(r"/(\w+)\?host=([^&]+)", database_url)
    assert found is not None
    relay = Relay("")
    folder = unquote(found[2])
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(relay.serve(f"{folder}/.s.PGSQL.5432", reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user = database_url.partition("://")[2].partition("@")[0]
    relay.address = f"postgresql://{user}@127.0.0.1:{port}/{found[1]}?sslmode=disable"
    try:
        yield relay
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
