"""One connection to PostgreSQL: how it is opened, to which of several servers, and how it is noticed that it is dead.

An address may name several servers: `postgresql://talktime@a,b/talktime`. The first server that takes writes is used.
A server that does not answer at once is not waited for: the next one is asked meanwhile.

A pooler may stand in between. Poolers refuse most settings at the beginning of a connection, so a connection gets its
settings right afterwards. A transaction pooler gives each transaction any of its connections to the server. There a
connection has no session of its own: nothing is set or prepared for longer than a transaction.

Nobody tells a program that the other end of a TCP connection has lost power, or that a router has forgotten the
connection. So both ends ask from time to time whether the other one is there, and give a connection up when what was
sent is not acknowledged, where the system can do this.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from talktime.database.addresses import addresses_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[Any] | PoolConnectionProxy[Any]

CONNECT_SECONDS: Final = 30.0
"""How long a server may take to accept a connection, where no setting says so."""

HEAD_START_SECONDS: Final = 0.5
"""How long a server may think before the next one of the address is asked, too."""

KEEPALIVE_IDLE_SECONDS: Final = 10
KEEPALIVE_INTERVAL_SECONDS: Final = 3
KEEPALIVE_COUNT: Final = 3
UNACKNOWLEDGED_SECONDS: Final = 15
"""How long TCP waits for an acknowledgement of what was sent before it gives the connection up."""

_STATEMENTS_KEPT: Final = 100
"""How many prepared statements a connection with a session keeps."""

_POSTGRES_EPOCH_MS: Final = 946_684_800_000  # 2000-01-01, from which PostgreSQL counts microseconds

NAME: Final = "talktime"
"""The name in `pg_stat_activity` of a connection without another name."""

SESSION: Final = {
    "search_path": "talktime, public",
    "timezone": "UTC",
    # A database or a role may have another default. What is read after a lock must be as new as the lock.
    "default_transaction_isolation": "read committed",
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

_OF_A_TRANSACTION: Final = tuple(name for name in SESSION if not name.startswith(("default_", "tcp_")))

_SOCKET_OPTIONS: Final = (
    ("TCP_KEEPIDLE", KEEPALIVE_IDLE_SECONDS),
    ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_SECONDS),
    ("TCP_KEEPCNT", KEEPALIVE_COUNT),
    ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_SECONDS * 1000),
)


async def open_connection(
    url: str,
    seconds: float,
    *,
    name: str = NAME,
    settings: Mapping[str, str] = SESSION,
    connection_class: type[asyncpg.Connection[Any]] = asyncpg.Connection,
    has_session: bool = True,
) -> asyncpg.Connection[Any]:
    """A connection to the first server of the address that can be used.

    Args:
        url: the address of the database.
        seconds: how long one server may take.
        name: what `pg_stat_activity` shows for the connection.
        settings: the settings of the session.
        connection_class: the class of the connection.
        has_session: False if a transaction pooler may stand in between: then nothing is set, and no statement is kept.

    Raises:
        DatabaseUnfit: the address has a parameter that is refused.
        ValueError: the address can't be read.
        Other errors: what `asyncpg.connect` raises for the first server that refused.
    """
    addresses = addresses_of(url)
    is_asked_for = "target_session_attrs" in parse_qs(urlsplit(addresses[0]).query)
    # Of several servers at most one takes writes, unless the address itself says which one is meant.
    attributes = None if is_asked_for or len(addresses) == 1 else SessionAttribute.read_write

    async def open_one(address: str) -> asyncpg.Connection[Any]:
        try:
            connection = await asyncpg.connect(
                address,
                timeout=seconds,
                connection_class=connection_class,
                server_settings={"application_name": name},
                target_session_attrs=attributes,
                statement_cache_size=_STATEMENTS_KEPT if has_session else 0,
            )
        except ssl.SSLCertVerificationError as error:
            # It is a `ValueError`, too. But the address can be right, and a certificate can expire at any time.
            raise ConnectionError(str(error)) from error
        try:
            _watch(connection)
            async with asyncio.timeout(seconds):
                if has_session:
                    await _set(connection, settings)
                await _teach_types(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    return await _first(deque(partial(open_one, address) for address in addresses))


async def set_in_transaction(connection: Connection) -> None:
    """Set the settings of a session for this transaction only."""
    await connection.execute(_setting({name: SESSION[name] for name in _OF_A_TRANSACTION}, is_local=True))


async def _first(
    attempts: deque[Callable[[], Coroutine[Any, Any, asyncpg.Connection[Any]]]],
) -> asyncpg.Connection[Any]:
    """The result of the first attempt that succeeds. Each attempt has a head start before the next one."""
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
    # asyncpg keeps its transport to itself, and its types leave the attribute out.
    transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined]  # noqa: SLF001
    tcp = transport.get_extra_info("socket")
    if tcp is None or tcp.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _SOCKET_OPTIONS:
        if hasattr(socket, option):
            tcp.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def notice_lost_clients(connection: asyncpg.Connection[Any]) -> None:
    """Let the server look, while a statement runs, whether the client is still there, if the server's system can."""
    with suppress(asyncpg.InvalidParameterValueError, asyncpg.UndefinedObjectError):
        await connection.execute(_NOTICE_LOST_CLIENTS)


async def _set(connection: asyncpg.Connection[Any], settings: Mapping[str, str]) -> None:
    if settings:
        await connection.execute(_setting(settings, is_local=False))
    await notice_lost_clients(connection)


def _setting(settings: Mapping[str, str], *, is_local: bool) -> str:
    """The statement that sets these settings, for the session or for the transaction. No value has a quote in it."""
    parts = (f"set_config('{name}', '{value}', {is_local})" for name, value in settings.items())
    return f"select {', '.join(parts)}"


async def _teach_types(connection: asyncpg.Connection[Any]) -> None:
    """Teach a connection our types."""
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
