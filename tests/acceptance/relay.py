"""A relay between a page and a service, as a load balancer or a broken connection."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self


class Relay:
    """Passes everything on to the service at `port`, which may be changed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open = asyncio.Event()
        self._open.set()
        self._pouring: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._open.set()

    def fall_silent(self) -> None:
        """Deliver nothing, and close no connection."""
        self._open.clear()

    def speak(self) -> None:
        """Deliver again, and what was sent meanwhile, too."""
        self._open.set()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await self._open.wait()
            from_node, to_node = await asyncio.open_connection("127.0.0.1", self.port)
            await asyncio.gather(self._pour(reader, to_node), self._pour(from_node, writer))
        writer.close()

    async def _pour(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await self._open.wait()
                target.write(data)
                await target.drain()
        target.close()
