"""What one connection may use up of talktime's own server: sizes, deadlines, pipelining, frames, their number."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import resource
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import websockets
from structlog.testing import capture_logs
from uvicorn.protocols.utils import ClientDisconnected
from websockets.extensions.permessage_deflate import PerMessageDeflate

from talktime.asgi import create_app
from talktime.service import serving
from talktime.service.connections import http, live
from talktime.service.connections.doors import Doors, address_group
from talktime.service.http import limits
from tests.services import Service

KIB = 1024
MIB = 1024 * KIB
AT_ONCE = 0.1
"""How long the event loop may be busy with one connection before others have their turn, in seconds of CPU."""

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


class Raw:
    """One TCP connection to the service, without any library for HTTP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        """Send all parts, or as much as the service takes."""
        with contextlib.suppress(OSError, AttributeError):  # asyncio loses its socket while it writes
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()

    async def answer(self, seconds: float = 10) -> tuple[int, dict[str, Any]]:
        """The status of the next answer, and its document. (0, {}) if the service has closed the connection."""
        try:
            async with asyncio.timeout(seconds):
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                return int(head.split()[1]), json.loads(await self.reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError):
            return 0, {}

    async def is_silent(self, seconds: float = 0.5) -> bool:
        """Whether nothing comes within this time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
                return False
        return True

    async def is_closed(self, seconds: float = 10) -> bool:
        """Whether the service closes the connection within this time."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(seconds):
                while await self.reader.read(64 * KIB):
                    pass
                return True
        return self.reader.exception() is not None


@asynccontextmanager
async def connected(service: Service, source: str = "127.0.0.1") -> AsyncIterator[Raw]:
    """A connection from one of the addresses of this machine, which are all that begin with 127."""
    port = urlsplit(service.address).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


@pytest.fixture
def memory() -> Callable[[], int]:
    """How much the process has grown beyond its size at the beginning of the test, in bytes."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    before = resident()
    return lambda: resident() - before


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], float]]:
    """The longest time that the event loop has spent with one piece of work of a connection, in seconds of CPU."""
    spent = [0.0]
    # The garbage collector would look at all that the tests before have left, which takes longer than what is measured.
    gc.collect()
    gc.freeze()

    def measured(work: Callable[..., None]) -> Callable[..., None]:
        def measure(*arguments: Any) -> None:
            began = time.thread_time()
            try:
                work(*arguments)
            finally:
                spent.append(time.thread_time() - began)

        return measure

    for owner, name in (
        (http.HttpConnection, "data_received"),
        (http.HttpConnection, "parse_waiting"),
        (live.LiveConnection, "data_received"),
        (live.LiveConnection, "_parse_waiting"),
    ):
        monkeypatch.setattr(owner, name, measured(getattr(owner, name)))
    yield lambda: max(spent)
    gc.unfreeze()


MANY_HEADERS = (b"GET / HTTP/1.1\r\nHost: x\r\n", b"x-filler: " + b"y" * 4_000 + b"\r\n")
ONE_HEADER = (b"GET / HTTP/1.1\r\nHost: x\r\nx-filler: ", b"y" * 4_000)
LONG_ADDRESS = (b"GET /", b"y" * 4_000)
TRAILERS = (
    b"POST /v1/price HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: ",
    b"y" * 4_000,
)
CHUNKED = b"POST /v1/price HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS_CHUNK = (b"POST /v1/price HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;", b"y" * 4_000)
EMPTY_LINES = (b"", b"\r\n" * 2_000)


@pytest.mark.parametrize("flood", [MANY_HEADERS, ONE_HEADER, LONG_ADDRESS, TRAILERS, ENDLESS_CHUNK, EMPTY_LINES])
async def test_a_head_that_does_not_end_is_refused(
    service: Service, memory: Any, longest: Any, flood: tuple[bytes, bytes]
) -> None:
    begin, part = flood
    async with connected(service) as raw:
        sending = asyncio.create_task(raw.send(begin, *([part] * (60 * MIB // len(part)))))
        status, problem = await raw.answer()
        assert (status, problem["code"]) == (431, "head_too_large")
        assert memory() < 20 * MIB
        sending.cancel()
    assert longest() < AT_ONCE


@pytest.mark.parametrize(("count", "status"), [(2_000, 422), (2_001, 413)])
async def test_a_body_may_have_two_thousand_chunks(service: Service, count: int, status: int) -> None:
    async with connected(service) as raw:
        await raw.send(CHUNKED, b"1\r\n \r\n" * count + b"0\r\n\r\n")
        assert (await raw.answer())[0] == status


async def test_tiny_chunks_without_end_do_not_hold_the_loop(service: Service, memory: Any, longest: Any) -> None:
    async with connected(service) as raw:
        sending = asyncio.create_task(raw.send(CHUNKED, *([b"1\r\n \r\n" * 10_000] * 1_000)))
        assert (await raw.answer())[0] == 413
        assert memory() < 20 * MIB
        sending.cancel()
    assert longest() < AT_ONCE


@pytest.mark.parametrize(("size", "status"), [(63 * KIB, 200), (66 * KIB, 431)])
async def test_a_head_may_have_64_kib(service: Service, size: int, status: int) -> None:
    async with connected(service) as raw:
        await raw.send(HEAD + b"x: " + b"y" * (size - len(HEAD) - 7) + b"\r\n\r\n")
        assert (await raw.answer())[0] == status


@pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 431)])
async def test_a_head_may_have_a_hundred_headers(service: Service, count: int, status: int) -> None:
    async with connected(service) as raw:
        await raw.send(HEAD + b"x: y\r\n" * (count - 1) + b"\r\n")
        assert (await raw.answer())[0] == status


async def test_a_trailer_is_no_header(service: Service) -> None:
    token = service.token("service").encode()
    async with connected(service) as raw:
        await raw.send(
            b"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
        )
        assert (await raw.answer())[0] == 401


async def test_what_is_no_http_is_refused(service: Service) -> None:
    for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"GET  \r\n\r\n"):
        async with connected(service) as raw:
            await raw.send(nonsense)
            status, problem = await raw.answer()
            assert (status, problem["code"]) == (400, "unreadable")


@pytest.mark.parametrize(
    ("begin", "drop", "status"),
    [
        (b"", b"", 0),
        (b"GET / HTTP/1.1\r\n", b"x: y\r\n", 408),
        (b"POST /v1/price HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b" ", 408),
        (HEAD + b"\r\n" + HEAD, b"x: y\r\n", 408),
    ],
    ids=["nothing", "half a head", "half a body", "half of a second request"],
)
async def test_a_request_must_arrive_in_time(settings: Any, start: Any, begin: bytes, drop: bytes, status: int) -> None:
    """The time counts from the beginning of the request, so that single bytes do not extend it."""
    async with (
        start(create_app, settings.model_copy(update={"request_seconds": 1})) as service,
        connected(service) as raw,
    ):

        async def drip() -> None:
            while True:
                await raw.send(drop)
                await asyncio.sleep(0.1)

        began = time.monotonic()
        await raw.send(begin)
        if begin.startswith(HEAD):
            assert (await raw.answer())[0] == 200
        dripping = asyncio.create_task(drip())
        assert (await raw.answer())[0] == status
        assert 0.5 < time.monotonic() - began < 5
        dripping.cancel()
        assert (await service.call("GET", "/healthz")).status_code == 200


async def test_one_address_has_a_limited_number_of_connections(settings: Any, start: Any, capsys: Any) -> None:
    few = settings.model_copy(update={"connections_per_address": 5, "proxies": ()})
    async with start(create_app, few) as service, contextlib.AsyncExitStack() as stack:
        held = [await stack.enter_async_context(connected(service, "127.0.0.2")) for _ in range(20)]
        closed = [await raw.is_closed(0.3) for raw in held]
        assert sum(closed) == 15
        # Everybody else gets in.
        async with connected(service, "127.0.0.3") as raw:
            await raw.send(HEAD + b"\r\n")
            assert (await raw.answer())[0] == 200
        metrics = (await service.call("GET", "/metrics")).text
        assert 'talktime_refused_connections_total{bound="address"} 15.0' in metrics
        # A connection that is closed makes room.
        next(raw for raw, is_closed in zip(held, closed, strict=True) if not is_closed).writer.close()
        await asyncio.sleep(0.2)
        async with connected(service, "127.0.0.2") as raw:
            await raw.send(HEAD + b"\r\n")
            assert (await raw.answer())[0] == 200


async def test_a_full_node_closes_the_connection_that_it_has_waited_for_longest(settings: Any, start: Any) -> None:
    few = settings.model_copy(update={"connections": 10, "proxies": ()})
    async with start(create_app, few) as service, contextlib.AsyncExitStack() as stack:
        sources = [f"127.0.0.{number}" for number in range(2, 17)]
        held = []
        for source in sources:
            held.append(await stack.enter_async_context(connected(service, source)))
            await asyncio.sleep(0.01)
        assert [await raw.is_closed(0.2) for raw in held] == [True] * 5 + [False] * 10
        for raw in held[5:]:
            await raw.send(HEAD)  # half a head: still late
        async with connected(service, "127.0.0.20") as raw:
            await raw.send(HEAD + b"\r\n")
            assert (await raw.answer())[0] == 200
        assert await held[5].is_closed(0.2)


async def test_a_full_node_of_busy_connections_refuses_others(settings: Any, start: Any) -> None:
    few = settings.model_copy(update={"connections": 10, "proxies": ()})
    async with start(create_app, few) as service, contextlib.AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(service.live("operator"))
        async with connected(service, "127.0.0.2") as raw:
            assert await raw.is_closed(1)


async def test_behind_a_proxy_sockets_are_counted_for_the_client_that_the_proxy_names(
    settings: Any, start: Any
) -> None:
    async with start(create_app, settings.model_copy(update={"connections_per_address": 2})) as service:
        await service.people()

        def socket(client: str) -> Any:
            return service.live(additional_headers={"X-Forwarded-For": client})

        async with socket("192.0.2.1"), socket("192.0.2.1") as second:
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with socket("192.0.2.1"):
                    pass
            assert refused.value.response.status_code == 429
            async with socket("192.0.2.2") as other:
                # Who has signed in counts as a person, and makes room for the next from the same address.
                for live_socket, who in ((second, "user:alice"), (other, "user:bob")):
                    await live_socket.say("hello", token=service.token(who))
                    await live_socket.say("ping", c0=1)
                    await live_socket.hear("pong")
                async with socket("192.0.2.1"):
                    pass


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    assert address_group("2001:db8::1") == address_group("2001:db8::ffff:1") != address_group("2001:db8:0:1::1")
    assert address_group("::ffff:192.0.2.1") == address_group("192.0.2.1") != address_group("192.0.2.2")
    assert address_group("fe80::1%eth0") == address_group("fe80::2%eth1")


async def test_pipelined_requests_are_read_no_faster_than_they_are_answered(
    service: Service, memory: Any, longest: Any, monkeypatch: Any
) -> None:
    kept: list[http.HttpConnection] = []
    made = http.HttpConnection.connection_made

    def keep(connection: http.HttpConnection, transport: Any) -> None:
        kept.append(connection)
        made(connection, transport)

    monkeypatch.setattr(http.HttpConnection, "connection_made", keep)
    request = HEAD + b"\r\n"
    async with connected(service) as raw:
        (connection,) = [one for one in kept if one.client == raw.writer.get_extra_info("sockname")]
        sending = asyncio.create_task(raw.send(*([request * 300] * (28 * MIB // len(request) // 300))))
        depths = []
        for _ in range(20):
            await asyncio.sleep(0.05)
            depths.append(len(connection.pipeline))
        assert memory() < 20 * MIB
        assert max(depths) <= http.PIECE_BYTES // len(request) + 1
        assert not sending.done()
        sending.cancel()
    assert longest() < AT_ONCE
    # Requests that are read are answered, each and in order.
    async with connected(service) as raw:
        paths = ["/healthz", "/nowhere", "/v1/time"] * 50
        await raw.send(b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths))
        assert [(await raw.answer())[0] for _ in paths] == [200, 404, 200] * 50


async def test_a_connection_without_a_request_is_closed(settings: Any, start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(serving, "IDLE_SECONDS", 1)
    async with start(create_app, settings) as service, connected(service) as raw:
        for _ in range(2):
            await asyncio.sleep(0.6)
            await raw.send(HEAD + b"\r\n")
            assert (await raw.answer())[0] == 200
        answered = time.monotonic()
        assert await raw.is_closed()
        assert 0.5 < time.monotonic() - answered < 5


async def test_a_body_is_thrown_away_up_to_a_bound(service: Service, monkeypatch: Any) -> None:
    """Below the bound all of the body is read, so that the refusal arrives. Beyond it the rest is not waited for."""
    monkeypatch.setattr(limits, "DISCARD_BYTES_MAX", MIB)
    monkeypatch.setattr(limits, "DISCARD_SECONDS", 60.0)
    begin = b"POST /v1/price HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    async with connected(service) as raw:
        await raw.send(begin % (8 * MIB), b" " * (MIB - 64 * KIB))
        assert await raw.is_silent()
        await raw.send(b" " * 128 * KIB)
        assert (await raw.answer())[0] == 413


async def test_a_client_that_takes_no_answer_is_cut_off(service: Service, monkeypatch: Any) -> None:
    monkeypatch.setattr(http, "STALL_SECONDS", 1.0)
    page = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    doors: Doors = service.app.state.doors
    async with connected(service) as raw:
        transport: Any = raw.writer.transport
        transport.pause_reading()
        await raw.send(page * 100)
        async with asyncio.timeout(30):
            while doors.connections:
                await asyncio.sleep(0.1)


async def test_a_body_that_the_application_does_not_want_does_not_hold_the_connection(service: Service) -> None:
    """The refusal comes before the body, and the next request is answered."""
    async with connected(service) as raw:
        body = b" " * 50_000
        await raw.send(b"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + body + HEAD + b"\r\n")
        assert [(await raw.answer())[0], (await raw.answer())[0]] == [401, 200]


# Frames of the live channel.


def frame(opcode: int, payload: bytes = b"", *, is_last: bool = True) -> bytes:
    """A frame as a client sends it."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0xFE, len(payload))
    return bytes([opcode | (0x80 if is_last else 0)]) + length + mask + masked


TEXT, BINARY, MORE, PING, PONG = 1, 2, 0, 9, 10


@asynccontextmanager
async def raw_socket(service: Service, who: str | None = "operator") -> AsyncIterator[Raw]:
    async with connected(service) as raw:
        await raw.send(
            b"GET /v1/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert b" 101 " in await raw.reader.readuntil(b"\r\n\r\n")
        if who is not None:
            await raw.send(frame(TEXT, json.dumps({"type": "hello", "token": service.token(who)}).encode()))
        yield raw


async def heard(raw: Raw, opcode: int, seconds: float = 10) -> bytes:
    """The payload of the next frame of this kind that the service sends."""
    async with asyncio.timeout(seconds):
        while True:
            first, length = await raw.reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await raw.reader.readexactly(2))
            payload = await raw.reader.readexactly(length)
            if first & 0x0F == opcode:
                return payload


async def close_code(raw: Raw) -> int:
    (code,) = struct.unpack("!H", (await heard(raw, 8))[:2])
    return int(code)


FLOODS = {
    "pings": frame(PING, b"x" * 4),
    "pongs": frame(PONG),
    "empty fragments": frame(MORE, is_last=False),
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_of_frames_closes_the_socket(service: Service, memory: Any, longest: Any, kind: str) -> None:
    with capture_logs() as logged:
        async with raw_socket(service) as raw:
            # Answers to these messages wait to be sent when the socket is broken off.
            begin = frame(TEXT, b'{"type":"ping","c0":1}') * 100
            begin += frame(TEXT, b'{"type":', is_last=False) if kind == "empty fragments" else b""
            many = FLOODS[kind] * 1_000
            sending = asyncio.create_task(raw.send(begin, *([many] * (12 * MIB // len(many)))))
            assert await close_code(raw) == 1008
            assert memory() < 20 * MIB
            sending.cancel()
    assert [line["event"] for line in logged if line["log_level"] in {"warning", "error"}] == [
        "service.socket_broken_off"
    ]
    assert longest() < AT_ONCE


async def test_a_socket_that_is_broken_off_is_gone_for_the_application(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the application still wants to send is no error: a flood would fill the log with it."""
    kept: list[live.LiveConnection] = []
    broken_off = live.LiveConnection._break_off

    def keep(connection: live.LiveConnection, reason: str) -> None:
        kept.append(connection)
        broken_off(connection, reason)

    monkeypatch.setattr(live.LiveConnection, "_break_off", keep)
    async with raw_socket(service) as raw:
        await raw.send(frame(PING) * 200)
        assert await close_code(raw) == 1008
        with pytest.raises(ClientDisconnected):
            await kept[0].send({"type": "websocket.send", "text": "{}"})


async def test_a_few_pings_are_answered_and_a_message_may_have_fragments(service: Service) -> None:
    async with raw_socket(service) as raw:
        for number in range(40):
            await raw.send(frame(PING, bytes([number])))
            assert await heard(raw, PONG) == bytes([number])
        message = b'{"type":"ping","c0":7}'
        parts = [message[index : index + 2] for index in range(0, len(message), 2)]
        parts += [b" "] * (live.FRAGMENTS_MAX - len(parts))
        for index, part in enumerate(parts):
            await raw.send(frame(MORE if index else TEXT, part, is_last=index == len(parts) - 1))
        pong = json.loads(await heard(raw, TEXT))
        assert (pong["type"], pong["c0"]) == ("pong", 7)
        for index in range(live.FRAGMENTS_MAX + 1):
            await raw.send(frame(MORE if index else TEXT, b" ", is_last=False))
        assert await close_code(raw) == 1008


async def test_messages_are_read_no_faster_than_they_are_answered(service: Service, memory: Any, longest: Any) -> None:
    ping = frame(TEXT, b'{"type":"ping","c0":7}')
    async with raw_socket(service) as raw:
        sending = asyncio.create_task(raw.send(*([ping * 1_000] * (12 * MIB // len(ping) // 1_000))))
        assert await close_code(raw) == 4429
        assert memory() < 20 * MIB
        sending.cancel()
    assert longest() < AT_ONCE


async def test_a_handshake_that_can_not_be_read_is_refused(service: Service) -> None:
    async with connected(service) as raw:
        await raw.send(
            b"GET /v1/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nx: "
            + b"y" * 20_000
            + b"\r\n\r\n"
        )
        assert (await raw.answer())[0] == 400


async def test_messages_are_compressed_with_small_buffers(service: Service) -> None:
    async with service.live("operator", compression="deflate") as live_socket:
        [compression] = live_socket.socket.protocol.extensions
        assert isinstance(compression, PerMessageDeflate)
        assert compression.remote_max_window_bits == 9
        assert compression.local_no_context_takeover
        assert not compression.remote_no_context_takeover


async def test_a_screen_that_knows_no_compression_gets_plain_messages(service: Service) -> None:
    async with service.live("operator", compression=None) as live_socket:
        assert live_socket.socket.protocol.extensions == []
        await live_socket.say("ping", c0=1)
        assert (await live_socket.hear("pong"))["c0"] == 1
