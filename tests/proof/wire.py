"""A wire to PostgreSQL that breaks on command: before a COMMIT has arrived, or before its answer has come back.

The wire is a socket between the pool and the server, and passes bytes on. No part of the program is replaced: the
program sees what it sees when a machine dies or a cable is pulled.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

Fault = Literal["before", "after"]
_COMMIT = b"COMMIT;\x00"


class Wire:
    """A wire that asks `fault` at each commit whether to break, and counts how often it broke."""

    def __init__(self, server: str) -> None:
        self._server = server
        self.fault: Callable[[], Fault | None] = lambda: None
        self.broken = {"before": 0, "after": 0}

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side or a fault ends it."""
        to_reader, to_writer = await asyncio.open_unix_connection(self._server)
        cut = asyncio.Event()
        back = asyncio.create_task(self._pass_back(to_reader, writer, cut))
        try:
            while data := await reader.read(1 << 16):
                fault = self.fault() if _COMMIT in data else None
                if fault == "before":
                    self.broken["before"] += 1
                    break
                if fault == "after":
                    self.broken["after"] += 1
                    cut.set()
                to_writer.write(data)
                await to_writer.drain()
                if fault == "after":
                    await back  # the answer comes, and is dropped
                    break
        except ConnectionError:
            pass
        finally:
            back.cancel()
            for end in (to_writer, writer):
                end.close()
                with suppress(ConnectionError):
                    await end.wait_closed()

    async def _pass_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if cut.is_set():
                    return
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def breakable(database_url: str) -> AsyncIterator[tuple[str, Wire]]:
    """The address of the database behind a wire, and the wire."""
    folder = re.search(r"host=([^&]+)", database_url)
    assert folder is not None
    server = folder[1].replace("%2F", "/")
    wire = Wire(f"{server}/.s.PGSQL.5432")
    with tempfile.TemporaryDirectory(prefix="talktime-wire-") as here:
        listening = await asyncio.start_unix_server(wire.connect, Path(here) / ".s.PGSQL.5432")
        async with listening:
            yield database_url.replace(folder[1], here.replace("/", "%2F")), wire
