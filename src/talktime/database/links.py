"""One link to PostgreSQL: how it is opened, to which of several servers, and how it is noticed that it is dead.

An address may name several servers: `postgresql://talktime@a,b/talktime`. The first server that takes writes is used.
A server that does not answer at once is not waited for: the next one is asked meanwhile.

Nobody tells a program that the other end of a TCP connection has lost power, or that a router has forgotten the
connection. So both ends ask from time to time whether the other one is there, and give a connection up when what was
sent is not acknowledged, where the system can do this.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from talktime.database.addresses import addresses_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

CONNECT_SECONDS: Final = 30.0
"""How long a server may take to accept a connection, where no setting says so."""

HEAD_START_SECONDS: Final = 0.5
"""How long a server may think before the next one of the address is asked, too."""

KEEPALIVE_IDLE_SECONDS: Final = 10
KEEPALIVE_INTERVAL_SECONDS: Final = 3
KEEPALIVE_COUNT: Final = 3
UNACKNOWLEDGED_SECONDS: Final = 15
"""How long TCP waits for an acknowledgement of what was sent before it gives the connection up."""

_POSTGRES_EPOCH_MS: Final = 946_684_800_000  # 2000-01-01, from which PostgreSQL counts microseconds

SESSION: Final = {
    "application_name": "talktime",
    "search_path": "talktime, public",
    "timezone": "UTC",
    # A node that freezes in the middle of a transaction must not hold the locks of its payers for long.
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "5s",
    "statement_timeout": "60s",
    # A server ignores these on a Unix socket, and where its system has no such option.
    "tcp_keepalives_idle": str(KEEPALIVE_IDLE_SECONDS),
    "tcp_keepalives_interval": str(KEEPALIVE_INTERVAL_SECONDS),
    "tcp_keepalives_count": str(KEEPALIVE_COUNT),
    "tcp_user_timeout": f"{UNACKNOWLEDGED_SECONDS}s",
}

# A server of some systems can't notice that a client is gone while a statement runs, and refuses the setting.
_NOTICE_LOST_CLIENTS: Final = "set client_connection_check_interval = '2s'"

_SOCKET_OPTIONS: Final = (
    ("TCP_KEEPIDLE", KEEPALIVE_IDLE_SECONDS),
    ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_SECONDS),
    ("TCP_KEEPCNT", KEEPALIVE_COUNT),
    ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_SECONDS * 1000),
)


async def open_link(
    url: str,
    seconds: float,
    *,
    settings: dict[str, str] = SESSION,
    connection_class: type[asyncpg.Connection[Any]] = asyncpg.Connection,
) -> asyncpg.Connection[Any]:
    """A connection to the first server of the address that can be used.

    Args:
        url: the address of the database.
        seconds: how long one server may take.
        settings: the settings of the session.
        connection_class: the class of the connection.

    Raises:
        DatabaseUnfit: the address has a parameter that is refused.
        ValueError: the address can't be read.
        Other errors: what `asyncpg.connect` raises for the first server that refused.
    """
    addresses = addresses_of(url)
    is_asked_for = "target_session_attrs" in parse_qs(urlsplit(url).query)
    # Of several servers at most one takes writes, unless the address itself says which one is meant.
    attributes = None if is_asked_for or len(addresses) == 1 else SessionAttribute.read_write

    async def open_one(address: str) -> asyncpg.Connection[Any]:
        connection = await asyncpg.connect(
            address,
            timeout=seconds,
            connection_class=connection_class,
            server_settings=settings,
            target_session_attrs=attributes,
        )
        try:
            _watch(connection)
            async with asyncio.timeout(seconds):
                await _prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    return await _first(deque(partial(open_one, address) for address in addresses))


async def _first(
    attempts: deque[Callable[[], Coroutine[Any, Any, asyncpg.Connection[Any]]]],
) -> asyncpg.Connection[Any]:
    """What the first attempt to succeed gives. Each attempt has a head start before the next one."""
    tasks: list[asyncio.Task[asyncpg.Connection[Any]]] = []
    running: set[asyncio.Task[asyncpg.Connection[Any]]] = set()
    chosen = None
    try:
        while attempts or running:
            if attempts:
                tasks.append(asyncio.create_task(attempts.popleft()()))
                running.add(tasks[-1])
            _, running = await asyncio.wait(
                running, timeout=HEAD_START_SECONDS if attempts else None, return_when=asyncio.FIRST_COMPLETED
            )
            chosen = next((task for task in tasks if _has_succeeded(task)), None)
            if chosen is not None:
                return chosen.result()
        return tasks[0].result()  # which raises the error of the first server
    finally:
        for task in tasks:
            if task is not chosen:
                task.cancel()
                task.add_done_callback(_close)


def _has_succeeded(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _close(task: asyncio.Task[asyncpg.Connection[Any]]) -> None:
    if _has_succeeded(task):
        task.result().terminate()


def _watch(connection: asyncpg.Connection[Any]) -> None:
    """Have the system notice that the other end of a TCP connection is gone. asyncpg has no call for this."""
    transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined]  # noqa: SLF001
    link = transport.get_extra_info("socket")
    if link is None or link.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _SOCKET_OPTIONS:
        if hasattr(socket, option):
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def _prepare(connection: asyncpg.Connection[Any]) -> None:
    """Teach a connection our types."""
    with suppress(asyncpg.InvalidParameterValueError, asyncpg.UndefinedObjectError):
        await connection.execute(_NOTICE_LOST_CLIENTS)
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda milliseconds: ((milliseconds - _POSTGRES_EPOCH_MS) * 1000,),
        decoder=lambda microseconds: microseconds[0] // 1000 + _POSTGRES_EPOCH_MS,
    )
    # Only sums of amounts are numeric, and amounts are whole.
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=int)
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
