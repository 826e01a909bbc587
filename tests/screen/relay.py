"""A TCP relay that imitates a bad network: delay, jitter and stalls for each direction, resets, silence.

What a browser's own emulation can't do: it delays the frames of sockets too, and it can leave a connection half open.
Bytes arrive in order, as TCP has it: what is held up holds up everything behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

READ_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)  # linger for no time at all: closing sends a reset


@dataclass(frozen=True, slots=True)
class Way:
    """One direction. The delay is `delay_ms` and an exponential `jitter_ms` (its mean).

    A share of the packets, `stalls`, takes `stall_ms` (least, most) more.
    """

    delay_ms: float = 0
    jitter_ms: float = 0
    stalls: float = 0
    stall_ms: tuple[float, float] = (100, 1500)

    def pick_seconds(self, chance: random.Random) -> float:
        """How long the next packet is under way."""
        ms = self.delay_ms
        if self.jitter_ms:
            ms += chance.expovariate(1 / self.jitter_ms)
        if chance.random() < self.stalls:
            ms += chance.uniform(*self.stall_ms)
        return ms / 1000


@dataclass(frozen=True, slots=True)
class Network:
    """Both directions, as seen from the browser."""

    name: str
    up: Way
    down: Way

    def slower(self, *, up_ms: float = 0, down_ms: float = 0) -> Network:
        """This network with longer delays."""
        return Network(
            f"{self.name}, {up_ms:+g} ms up, {down_ms:+g} ms down",
            replace(self.up, delay_ms=self.up.delay_ms + up_ms),
            replace(self.down, delay_ms=self.down.delay_ms + down_ms),
        )


def even(name: str, ms: float, jitter_ms: float = 0, stalls: float = 0) -> Network:
    """A network with the same delay in both directions."""
    way = Way(ms, jitter_ms, stalls)
    return Network(name, way, way)


DIRECT = even("direct", 0)
NEAR = even("near", 15, 0.5)
LTE = Network("LTE", Way(35, 20, 0.05), Way(25, 20, 0.05))
CONGESTED = Network("congested", Way(60, 60, 0.1), Way(60, 60, 0.1))
SATELLITE = even("satellite", 300, 40)


class Relay:
    """Listens on a free port and passes everything on. Its attributes may change while connections are open."""

    def __init__(self, port: int, network: Network = DIRECT, seed: int = 1) -> None:
        self.target_port = port
        self.network = network
        self.up_bytes = 0
        self.down_bytes = 0
        self.connections = 0
        self.refused = 0
        self.refusing = False
        self.port = 0
        self._chance = random.Random(seed)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """The address of the service for browsers."""
        return f"http://127.0.0.1:{self.port}"

    def reset(self) -> None:
        """Break every connection, at both ends."""
        for writer in tuple(self._open):
            sock = writer.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    def swallow(self, swallowing: bool) -> None:
        """Deliver nothing while connections stay open, also new ones. What is sent meanwhile arrives afterwards."""
        if swallowing:
            self._flowing.clear()
        else:
            self._flowing.set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.refusing:
                self.refused += 1
                self.reset_one(writer)
                return
            self.connections += 1
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            self._open.add(far_writer)
            try:
                await asyncio.gather(self._pass(reader, far_writer, up=True), self._pass(far_reader, writer, up=False))
            finally:
                self._open.discard(far_writer)
                far_writer.transport.abort()
        except OSError:
            pass  # either end is gone: so is the other
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    @staticmethod
    def reset_one(writer: asyncio.StreamWriter) -> None:
        """Refuse a connection."""
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                at, packet = await under_way.get()
                await asyncio.sleep(at - loop.time())
                await self._flowing.wait()
                if not packet:
                    with contextlib.suppress(OSError):
                        writer.write_eof()
                    return
                writer.write(packet)
                await writer.drain()

        delivery = asyncio.create_task(deliver())
        try:
            last = 0.0
            packet = b"-"
            while packet:
                packet = await reader.read(READ_BYTES)
                if up:
                    self.up_bytes += len(packet)
                else:
                    self.down_bytes += len(packet)
                way = self.network.up if up else self.network.down
                last = max(last, loop.time() + way.pick_seconds(self._chance))
                under_way.put_nowait((last, packet))
            await delivery
        finally:
            delivery.cancel()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Relay]:
        """Listen until the context ends."""

        def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._take(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
