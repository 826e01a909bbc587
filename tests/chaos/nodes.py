"""Nodes in processes of their own, each behind a relay to the database that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from talktime.postgres.guardian import Guardian
from talktime.postgres.names import DATABASE, SUPERUSER
from tests.services import PROGRAM, START_SECONDS_MAX, environment, port_in

_BLOCK_BYTES: Final = 65_536


class Relay:
    """Passes everything on between a node and the database. `target` says which socket, at each new connection.

    A relay that swallows keeps every connection open and delivers nothing, as a NAT does that has forgotten them. What
    was swallowed is lost, so the connections are cut when the relay speaks again.
    """

    def __init__(self, target: Callable[[], str]) -> None:
        self._target = target
        self._swallows: set[str] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> int:
        """Begin to listen; the port."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def swallow(self, *directions: str) -> None:
        """Deliver nothing more, `in` to the node or `out` to the database."""
        self._swallows = set(directions)

    def heal(self) -> None:
        """Deliver again, on new connections."""
        self._swallows = set()
        for writer in self._writers:
            writer.transport.abort()

    def close(self) -> None:
        """End everything."""
        self._server.close()
        self.heal()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            from_database, to_database = await asyncio.open_unix_connection(self._target())
            self._writers |= {writer, to_database}
            await asyncio.gather(self._pour("out", reader, to_database), self._pour("in", from_database, writer))
        self._writers.discard(writer)
        writer.close()

    async def _pour(self, direction: str, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_BLOCK_BYTES):
                if direction not in self._swallows:
                    target.write(data)
                    await target.drain()
        self._writers.discard(target)
        target.close()


class ChaosNode:
    """`talktime serve` behind a relay. A node that is killed starts again on the same port."""

    def __init__(
        self, number: int, target: Callable[[], str], folder: Path, guardian: Guardian, fanout: str = "postgres"
    ) -> None:
        self._fanout = fanout
        self.name = f"node {number}"
        self.log = folder / f"node-{number}.log"
        self.relay = Relay(target)
        self.port = 0
        self._guardian = guardian
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Open the relay, and start."""
        port = await self.relay.open()
        self._url = f"postgresql://{SUPERUSER}@127.0.0.1:{port}/{DATABASE}"
        await self.start()

    async def start(self) -> None:
        """Start the process, as often as needed, until it serves: a database that is away stops a start."""
        async with asyncio.timeout(START_SECONDS_MAX):
            while not await self._try_to_start():
                await asyncio.sleep(0.5)

    async def _try_to_start(self) -> bool:
        settings = environment(
            database_url=self._url,
            fanout=self._fanout,
            port=self.port,
            presence_lease_seconds=10,
            health_seconds=1,
            recharge_seconds=20,
            abandon_seconds=60,
            outage_seconds=3,
        )
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *PROGRAM, "serve", env=settings, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        self._guardian.guard_process(self._process.pid)
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if (port := port_in(line)) is not None:
                self.port = port
                return True
        await self._process.wait()
        return False

    async def kill(self) -> None:
        """Kill the process, as a power cut does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Ask the process to end."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def freeze(self, seconds: float) -> None:
        """Let the process stand still."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._process.send_signal(signal.SIGCONT)
