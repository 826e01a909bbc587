"""The fan-out by Redis or Valkey, for many nodes: a node hears only the accounts that its screens show.

Each user has a channel, and one more channel is for what concerns everybody. The names of channels begin with the
identity of the database, because all databases of one Redis share its channels.

Messages are published on one connection and heard on another. The address may contain a password, and errors of the
library may name the address: so they are replaced by `FanoutUnavailable`, which names only their class.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from talktime.node.fanout.interface import PING_SECONDS, FanoutUnavailable
from talktime.node.hints import payloads, read_hints

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from redis.asyncio.connection import AbstractConnection

    from talktime.database.pool import Database
    from talktime.node.hints import Hint

_Thing = TypeVar("_Thing")

_EVERYBODY: Final = ""
_COMMANDS_MAX: Final = 1_000
"""How many channels are named in one command, and how many commands are sent before their answers are read."""


class RedisFanout:
    """Publishes on the channels of users, and hears the channels of those users whose chats are watched.

    Args:
        address: such as `redis://host:6379`, `rediss://…` or `unix:///path`.
        database: the database.
        connect_seconds: how long the server may take to accept a connection.
    """

    carries_typing = True

    def __init__(self, address: str, database: Database, *, connect_seconds: float) -> None:
        self.hear: Callable[[Sequence[Hint], str | None], None] = lambda _hints, _wrong: None
        self._database = database
        self._answer_seconds = database.seconds
        self._pool = ConnectionPool.from_url(address)
        # `_guarded` has the deadlines, and the workers try again. `_take` knows the messages of version 2.
        self._pool.connection_kwargs |= {
            "client_name": database.name.replace(" ", "-"),
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": None,
            "socket_connect_timeout": connect_seconds,
        }
        self._identity = ""
        self._chats: dict[str, set[str]] = {_EVERYBODY: set()}
        self._subscribed: dict[str, asyncio.Event] = {}
        self._pong = asyncio.Event()
        self._listening: AbstractConnection | None = None
        self._publishing: AbstractConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._subscribing: set[asyncio.Task[None]] = set()
        self._lost = asyncio.Event()
        self._lost.set()

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, as far as this process knows."""
        return self._listening is not None

    async def wait(self) -> None:
        """Wait until the connection is lost, or should be asked whether it is alive."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PING_SECONDS):
                await self._lost.wait()

    async def open(self) -> None:
        """Connect, and subscribe to the channels of all watched users.

        Raises:
            FanoutUnavailable: the server can't be used.
            DatabaseUnavailable: the database can't be used.
        """
        self._close_listening()
        self._identity = await self._database.fetch_value("database_identity")
        async with self._guarded(self._close_listening):
            connection = await _connected(self._pool)
            self._listening, self._subscribed, self._lost = connection, {}, asyncio.Event()
            self._reader = asyncio.create_task(self._read(connection), name="talktime redis")
            await self._subscribe(list(self._chats))

    async def ping(self) -> None:
        """Ask whether the connection is alive, and leave the channels of users who are no longer watched.

        Raises:
            FanoutUnavailable: the connection is dead.
            DatabaseUnavailable: the database can't be used.
        """
        identity = await self._database.fetch_value("database_identity")
        async with self._guarded(self._close_listening):
            if identity != self._identity:
                raise FanoutUnavailable("Another database stands behind the address. Channels must be chosen again.")
            assert self._listening is not None  # noqa: S101  `open` comes first
            left = [user_id for user_id in self._subscribed if user_id not in self._chats]
            for part in _parts(left):
                for user_id in part:
                    del self._subscribed[user_id]
                await self._listening.send_command("UNSUBSCRIBE", *map(self._channel, part))
            self._pong.clear()
            await self._listening.send_command("PING")
            await self._until(self._pong)

    def close(self) -> None:
        """Close both connections without asking the server."""
        self._close_listening()
        self._close_publishing()

    async def send(self, hints: Mapping[str, Sequence[Hint]]) -> None:
        """Publish all hints on the channels of their users.

        Raises:
            FanoutUnavailable: the server can't be used.
            DatabaseUnavailable: the database can't be used.
        """
        if not self._identity:
            self._identity = await self._database.fetch_value("database_identity")
        commands = [
            ("PUBLISH", self._channel(user_id), payload)
            for user_id, of_user in hints.items()
            for payload in payloads(of_user)
        ]
        async with self._guarded(self._close_publishing):
            if self._publishing is None:
                self._publishing = await _connected(self._pool)
            for part in _parts(commands):
                await self._publishing.send_packed_command(self._publishing.pack_commands(part))
                for _ in part:
                    await self._publishing.read_response()

    async def watch(self, user_id: str, chat_id: str) -> None:
        """Hear the channel of this user from now on. If the server can't be used, `open` subscribes later."""
        self._chats.setdefault(user_id, set()).add(chat_id)
        if self._listening is None:
            return
        # A screen that goes away meanwhile must not cancel what is written for all.
        task = asyncio.create_task(self._subscribe_one(user_id))
        self._subscribing.add(task)
        task.add_done_callback(self._subscribing.discard)
        await asyncio.shield(task)

    def unwatch(self, user_id: str, chat_id: str) -> None:
        """Hear no more of this chat, because no screen of this node shows it. The next `ping` leaves the channel."""
        chats = self._chats.get(user_id, set())
        chats.discard(chat_id)
        if not chats:
            self._chats.pop(user_id, None)

    async def _subscribe_one(self, user_id: str) -> None:
        with suppress(FanoutUnavailable):
            async with self._guarded(self._close_listening):
                await self._subscribe([user_id])

    async def _subscribe(self, user_ids: list[str]) -> None:
        """Subscribe to channels, and wait until the server has confirmed them."""
        connection = self._listening
        assert connection is not None  # noqa: S101  the callers have looked
        confirmed = self._subscribed
        for part in _parts([user_id for user_id in user_ids if user_id not in confirmed]):
            confirmed |= {user_id: asyncio.Event() for user_id in part}
            await connection.send_command("SUBSCRIBE", *map(self._channel, part))
        for user_id in user_ids:
            await self._until(confirmed[user_id])

    async def _until(self, event: asyncio.Event) -> None:
        """Wait for an answer. At the end of the connection every event is set."""
        lost = self._lost
        await event.wait()
        if lost.is_set():
            raise ConnectionResetError

    async def _read(self, connection: AbstractConnection) -> None:
        """Read what comes until the connection is lost."""
        try:
            while True:
                self._take(await connection.read_response(disable_decoding=True, timeout=math.inf))
        except (RedisError, OSError):
            pass  # `listen` connects again
        finally:
            if self._listening is connection:
                self._close_listening()

    def _take(self, message: Any) -> None:
        match message:
            case [b"message", bytes() | str(), bytes(payload)]:
                self.hear(*read_hints(payload.decode(errors="replace")))
            case [b"subscribe", bytes(channel), _]:
                event = self._subscribed.get(channel.decode().removeprefix(self._channel("")))
                if event is not None:
                    event.set()
            case [b"pong", *_]:
                self._pong.set()

    def _channel(self, user_id: str) -> str:
        return f"talktime:{self._identity}:{user_id}"

    def _close_listening(self) -> None:
        connection, self._listening = self._listening, None
        reader, self._reader = self._reader, None
        for event in (self._lost, self._pong, *self._subscribed.values()):
            event.set()
        if reader is not None:
            reader.cancel()
        _cut_off(connection)

    def _close_publishing(self) -> None:
        connection, self._publishing = self._publishing, None
        _cut_off(connection)

    @asynccontextmanager
    async def _guarded(self, close: Callable[[], None]) -> AsyncIterator[None]:
        """Give what is done a deadline, and close the connection after any error."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                yield
        except (RedisError, OSError) as error:
            close()
            raise FanoutUnavailable(f"The Redis of the fan-out can't be used: {type(error).__name__}.") from None
        except BaseException:
            close()
            raise


async def _connected(pool: ConnectionPool) -> AbstractConnection:
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
    except BaseException:
        _cut_off(connection)
        raise
    return connection


def _cut_off(connection: AbstractConnection | None) -> None:
    """Close a connection without waiting for the other end. The library's own call waits."""
    if connection is not None:
        connection._close()  # type: ignore[no-untyped-call]  # noqa: SLF001


def _parts(things: list[_Thing]) -> list[list[_Thing]]:
    return [things[at : at + _COMMANDS_MAX] for at in range(0, len(things), _COMMANDS_MAX)]
