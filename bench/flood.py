"""What somebody else waits while one client floods the service, and how much memory the service keeps.

    talktime bench flood [--seconds S] [--only NAME] [--json]

The service runs as `talktime serve`, with its defaults, but it takes 127.0.0.1 for no proxy. The flood comes from a
process of its own, from 127.0.0.2, and starts again whenever the service ends it. Meanwhile another client, from
127.0.0.1, asks for engine time, proves presence in a running chat, and opens a new connection, 20 times a second. The
table shows what that client waits, and the memory of the service before, at most, and three seconds after.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import httpx
import psutil
import typer
from rich.console import Console
from rich.table import Table

from _server import KEPT_SECONDS, SECRET, service, temporary_server
from talktime import Talktime
from talktime.core.money import parse_credits
from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.core.tariff import Tariff
from talktime.database.migrate import migrate
from talktime.service.tokens import Tokens

STRANGER: Final = "127.0.0.2"
P99_MAX_MS: Final = 250.0
"""What another client may wait at most, except once in a hundred times."""

TEXT, MORE, PING = 1, 0, 9


@dataclass(frozen=True, slots=True)
class Target:
    """The service that is flooded: its port, and tokens of two people who talk in the chat `flooded`."""

    port: int
    user: str
    advisor: str

    def connect(self) -> socket.socket:
        """A connection of the stranger."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=5, source_address=(STRANGER, 0))

    def live(self, token: str | None) -> socket.socket:
        """A socket of the live channel, signed in if there is a token."""
        connection = self.connect()
        connection.sendall(
            b"GET /v1/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        connection.recv(4096)
        if token is not None:
            say(connection, type="hello", token=token)
        return connection


def frame(opcode: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """A WebSocket frame of a client. The mask is zero, so the payload stays as it is."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0xFE, len(payload))
    return bytes([opcode | (0x80 if is_last else 0)]) + length + bytes(4) + payload


def say(connection: socket.socket, **message: object) -> None:
    """Send a message of the live channel."""
    connection.sendall(frame(TEXT, json.dumps(message).encode()))


def pour(connection: socket.socket, begin: bytes, part: bytes, size: int) -> None:
    """Send `begin`, and then `part` again and again, `size` bytes in all."""
    connection.sendall(begin)
    many = part * (65_536 // len(part) + 1)
    for _ in range(size // len(many)):
        connection.sendall(many)


# The floods. Each is called again and again until the time is over.


def many_headers(target: Target) -> None:
    """200 MB of headers."""
    pour(target.connect(), b"GET / HTTP/1.1\r\nHost: x\r\n", b"x-filler: " + b"y" * 4_000 + b"\r\n", 200_000_000)


def one_header(target: Target) -> None:
    """One header of 100 MB."""
    pour(target.connect(), b"GET / HTTP/1.1\r\nHost: x\r\nx-filler: ", b"y", 100_000_000)


def long_address(target: Target) -> None:
    """An address of 60 MB."""
    pour(target.connect(), b"GET /", b"y", 60_000_000)


def prices(target: Target) -> None:
    """Ten bodies at once with thousands of fields, one of them twice."""
    fields = ",".join(f'"{number:x}":1' for number in range(7_000))
    body = f'{{{fields},"0":1}}'.encode()
    head = (
        f"POST /v1/price HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connections = [target.connect() for _ in range(10)]
    for _ in range(20):
        for connection in connections:
            connection.sendall(head.encode() + body)
        for connection in connections:
            connection.recv(4_096)


def silence(target: Target) -> None:
    """1,100 connections that say nothing."""
    hold([target.connect] * 1_100)


def half_requests(target: Target) -> None:
    """1,100 connections that send half a request."""

    def begin() -> socket.socket:
        connection = target.connect()
        connection.sendall(b"POST /v1/price HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        return connection

    hold([begin] * 1_100)


def pipelined(target: Target) -> None:
    """28 MB of requests in one connection, and no answer is read."""
    pour(target.connect(), b"", b"GET /v1/time HTTP/1.1\r\nHost: x\r\n\r\n", 28_000_000)


def pings(target: Target) -> None:
    """12 MB of pings of the protocol."""
    pour(target.live(target.user), b"", frame(PING, b"1234"), 12_000_000)


def fragments(target: Target) -> None:
    """12 MB of empty fragments of one message."""
    pour(target.live(target.user), frame(TEXT, b"{", is_last=False), frame(MORE, b"", is_last=False), 12_000_000)


def messages(target: Target) -> None:
    """12 MB of messages of the live channel, and no answer is read."""
    pour(target.live(target.user), b"", frame(TEXT, b'{"type":"ping","c0":1}'), 12_000_000)


def sockets(target: Target) -> None:
    """300 sockets of one token, each of which watches the chat."""

    def open_socket() -> socket.socket:
        connection = target.live(target.user)
        say(connection, type="watch", chat_id="flooded")
        return connection

    hold([open_socket] * 300)


def unsigned(target: Target) -> None:
    """1,000 sockets that never sign in."""
    hold([lambda: target.live(None)] * 1_000)


def typing(target: Target) -> None:
    """Signs of typing without end, for a reader who reads nothing."""
    reader, writer = target.live(target.advisor), target.live(target.user)
    say(reader, type="watch", chat_id="flooded")
    for _ in range(400):
        say(writer, type="typing", chat_id="flooded")
        time.sleep(0.001)


def long_pages(target: Target) -> None:
    """Page after page of 1,000 messages of 16 KB."""
    headers = {"Authorization": f"Bearer {target.user}"}
    transport = httpx.HTTPTransport(local_address=STRANGER)
    with httpx.Client(base_url=f"http://127.0.0.1:{target.port}", headers=headers, transport=transport) as client:
        for _ in range(20):
            client.get("/v1/chats/flooded/messages?limit=1000")


def repeated(path: str, token: str | None) -> Callable[[Target], None]:
    """A flood of one question, from eight connections, each of which asks again as soon as there is an answer."""

    def ask(target: Target) -> None:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\n"
        if token is not None:
            head += f"Authorization: Bearer {getattr(target, token)}\r\n"
        connections = [target.connect() for _ in range(8)]
        for _ in range(200):
            for connection in connections:
                connection.sendall(f"{head}\r\n".encode())
            for connection in connections:
                read_answer(connection)

    ask.__name__ = path
    return ask


def read_answer(connection: socket.socket) -> None:
    """Read one answer, and forget it."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]) - len(body)
    while left > 0:
        left -= len(connection.recv(min(left, 65_536)))


def tiny_chunks(target: Target) -> None:
    """A body of 12 MB in chunks of one byte."""
    begin = (
        b"POST /v1/price HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    pour(target.connect(), begin, b"1\r\n \r\n", 72_000_000)


def handshakes(target: Target) -> None:
    """Sockets that are opened and closed at once."""
    for _ in range(100):
        target.live(None).close()


FLOODS: Final = (
    repeated("/docs", None),
    repeated("/openapi.json", None),
    repeated("/readyz", None),
    repeated("/metrics", None),
    repeated("/static/talktime.js", None),
    repeated("/", None),
    repeated("/chat/flooded", None),
    repeated("/v1/users/flora/entries?limit=1000", "user"),
    tiny_chunks,
    handshakes,
    many_headers,
    one_header,
    long_address,
    prices,
    silence,
    half_requests,
    pipelined,
    pings,
    fragments,
    messages,
    sockets,
    unsigned,
    typing,
    long_pages,
)


def hold(openings: list[Callable[[], socket.socket]]) -> None:
    """Open connections as fast as the service takes them, and keep those that it keeps."""
    kept: list[socket.socket] = []
    for opening in openings:
        with contextlib.suppress(OSError):
            kept.append(opening())
    time.sleep(1)


def flood_on(flood: Callable[[Target], None], target: Target) -> None:
    """What the process of the flood does."""
    while True:
        with contextlib.suppress(OSError, httpx.HTTPError):
            flood(target)


@dataclass(frozen=True, slots=True)
class Result:
    """What another client waited, in ms, and the memory of the service, in MiB."""

    flood: str
    calls: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    failed: int
    before_mib: float
    most_mib: float
    after_mib: float


async def bystand(port: int, token: str, seconds: float, memory: Callable[[], float]) -> tuple[list[float], int, float]:
    """Call the service 20 times a second. Returns the waits in ms, the calls that failed, and the largest memory."""
    waits: list[float] = []
    failed = 0
    most = memory()
    calls = ("GET", "/v1/time", False), ("POST", "/v1/chats/peaceful/heartbeat", False), ("GET", "/healthz", True)
    headers = {"Authorization": f"Bearer {token}"}
    end = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10) as client:
        while time.monotonic() < end:
            for method, path, is_new in calls:
                began = time.perf_counter()
                try:
                    if is_new:
                        async with httpx.AsyncClient(base_url=client.base_url, timeout=10) as another:
                            response = await another.request(method, path)
                    else:
                        response = await client.request(method, path)
                    failed += not response.is_success
                except httpx.HTTPError:
                    failed += 1
                waits.append((time.perf_counter() - began) * 1000)
                most = max(most, memory())
                await asyncio.sleep(0.05)
    return waits, failed, most


async def prepare(url: str) -> None:
    """Two pairs of people who talk: one in peace, one in the chat that is flooded, with 16 MB of messages."""
    await migrate(url)
    tariff = Tariff.parse({"tiers": [{"rate": "0.10", "per_seconds": 60, "increment_seconds": 1}]})
    async with Talktime.connect(url, work=False) as talktime:
        for chat, user, advisor in (("peaceful", "peter", "paula"), ("flooded", "flora", "floyd")):
            await talktime.put_user(user, user)
            await talktime.put_advisor(advisor, advisor, tariff, starts="at_once")
            await talktime.add_credit(user, parse_credits("1000.00"))
            await talktime.create_chat(user, advisor, chat)
        for number in range(1_000):
            await talktime.send_message("flooded", Party.USER, "\N{GRINNING FACE}" * 4_000, str(number))


def measure(
    flood: Callable[[Target], None] | None, target: Target, peter: str, process: psutil.Process, seconds: float
) -> Result:
    """Flood for some seconds, or do nothing, and measure what Peter waits."""

    def memory() -> float:
        return float(process.memory_info().rss) / 2**20

    before = memory()
    flooder = multiprocessing.get_context("fork").Process(target=flood_on, args=(flood, target), daemon=True)
    if flood is not None:
        flooder.start()
    waits, failed, most = asyncio.run(bystand(target.port, peter, seconds, memory))
    if flood is not None:
        flooder.kill()
        flooder.join()
    time.sleep(KEPT_SECONDS)
    waits.sort()
    return Result(
        flood=flood.__name__ if flood is not None else "nothing",
        calls=len(waits),
        p50_ms=round(waits[len(waits) // 2], 1),
        p99_ms=round(waits[int(len(waits) * 0.99)], 1),
        max_ms=round(waits[-1], 1),
        failed=failed,
        before_mib=round(before, 1),
        most_mib=round(most, 1),
        after_mib=round(memory(), 1),
    )


def main(
    seconds: Annotated[float, typer.Option(min=1, help="How long each flood lasts.")] = 8,
    only: Annotated[str | None, typer.Option(help="One flood alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each flood.")] = False,
) -> None:
    """Measure what another client waits during each flood."""
    floods = [flood for flood in FLOODS if only in {None, flood.__name__}]
    tokens = Tokens(SECRET)
    user, advisor, peter = (
        tokens.make(role, name) for role, name in ((Role.USER, "flora"), (Role.ADVISOR, "floyd"), (Role.USER, "peter"))
    )
    with temporary_server() as (folder, url):
        asyncio.run(prepare(url))
        with service(folder, url) as (port, process):
            target = Target(port, user, advisor)
            results = [measure(flood, target, peter, process, seconds) for flood in (None, *floods)]
        if as_json:
            for result in results:
                print(json.dumps(asdict(result)))
        else:
            show(results)
    if any(result.p99_ms > P99_MAX_MS or result.failed for result in results):
        raise typer.Exit(1)


def show(results: list[Result]) -> None:
    """Print the table."""
    table = Table(title=f"Another client's waits in ms (p99 at most {P99_MAX_MS:.0f}), and the service's memory in MiB")
    table.add_column("flood")
    for column in ("calls", "p50", "p99", "max", "failed", "before", "most", "after"):
        table.add_column(column, justify="right")
    for result in results:
        _name, *figures = asdict(result).values()
        table.add_row(result.flood.replace("_", " "), *map(str, figures))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
