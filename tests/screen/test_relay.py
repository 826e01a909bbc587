"""The relay imitates the network that it is given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.screen.relay import DIRECT, Relay, Way, even


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that sends everything back."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while text := await reader.read(1000):
            writer.write(text)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def trip_ms(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    began = time.monotonic()
    writer.write(b"x" * 10)
    assert await reader.readexactly(10) == b"x" * 10
    return (time.monotonic() - began) * 1000


async def test_the_relay_delays_each_direction_and_counts_bytes(echo: int) -> None:
    async with Relay(echo, even("slow", 50)).run() as relay:
        streams = await asyncio.open_connection("127.0.0.1", relay.port)
        assert await trip_ms(*streams) >= 100
        relay.network = DIRECT.slower(up_ms=30)
        assert await trip_ms(*streams) >= 30
        relay.network = DIRECT.slower(down_ms=40)
        assert await trip_ms(*streams) >= 40
        assert (relay.up_bytes, relay.down_bytes, relay.connections) == (30, 30, 1)


async def test_packets_keep_their_order_whatever_their_delays(echo: int) -> None:
    async with Relay(echo, even("wild", 0, 30)).run() as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        for number in range(50):
            writer.write(b"%03d" % number)
            await asyncio.sleep(0.001)
        assert await reader.readexactly(150) == b"".join(b"%03d" % number for number in range(50))


async def test_a_reset_ends_connections_at_once(echo: int) -> None:
    async with Relay(echo).run() as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        await trip_ms(reader, writer)
        relay.reset()
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        relay.refusing = True
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)


async def test_what_was_swallowed_arrives_when_the_network_is_back(echo: int) -> None:
    async with Relay(echo).run() as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        relay.swallow(swallowing=True)
        writer.write(b"later")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.readexactly(5)
        relay.swallow(swallowing=False)
        assert await reader.readexactly(5) == b"later"


async def test_stalls_delay_packets(echo: int) -> None:
    stalling = Way(0, 0, stalls=1, stall_ms=(80, 90))
    async with Relay(echo, even("direct", 0)).run() as relay:
        relay.network = type(DIRECT)("stalling", stalling, Way())
        streams = await asyncio.open_connection("127.0.0.1", relay.port)
        assert await trip_ms(*streams) >= 80
