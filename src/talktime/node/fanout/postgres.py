"""The default fan-out: PostgreSQL's notifications, heard on a connection of its own.

Such a connection is silent most of the time, and a router that forgets a silent connection tells nobody. So the process
asks the database something on the connection every few seconds. An answer proves that the connection is alive.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from talktime.database.addresses import DatabaseUnfit
from talktime.database.connecting import open_connection
from talktime.database.failures import translated
from talktime.database.queries import SQL
from talktime.node.fanout.interface import PING_SECONDS
from talktime.node.hints import payloads, read_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import asyncpg

    from talktime.database.pool import Database
    from talktime.node.hints import Hint

CHANNEL: Final = "talktime"
"""The channel of the notifications. Each database has its own."""


class PostgresFanout:
    """Sends notifications, and hears those of all nodes.

    Args:
        url: the address of the database.
        database: the database, on whose connections notifications are sent.
        connect_seconds: how long a server may take to accept the connection.
    """

    carries_typing = True

    def __init__(self, url: str, database: Database, *, connect_seconds: float) -> None:
        self.hear: Callable[[Sequence[Hint], str | None], None] = lambda _hints, _wrong: None
        self._url = url
        self._database = database
        self._connect_seconds = connect_seconds
        self._answer_seconds = database.seconds
        self._connection: asyncpg.Connection[Any] | None = None
        self._lost = asyncio.Event()
        self._lost.set()

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, as far as this process knows."""
        return self._connection is not None and not self._connection.is_closed()

    async def wait(self) -> None:
        """Wait until the connection is lost, or should be asked whether it is alive."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._lost.wait()
        except TimeoutError:
            return

    async def open(self) -> None:
        """Connect and listen.

        Raises:
            DatabaseUnavailable: the database can't be used.
            DatabaseUnfit: no notification would arrive.
        """
        self.close()
        if self._database.is_pooled:
            raise DatabaseUnfit(
                "Between talktime and the database is a transaction pooler, through which a node hears no notification."
                " Set TALKTIME_FANOUT=polling, or to the address of a Redis."
            )
        with translated():
            connection = await open_connection(self._url, self._connect_seconds, name=f"{self._database.name} listens")
            lost = self._lost = asyncio.Event()
            connection.add_termination_listener(lambda _connection: lost.set())
            self._connection = connection
            try:
                async with asyncio.timeout(self._answer_seconds):
                    await connection.add_listener(CHANNEL, lambda *parts: self.hear(*read_hints(str(parts[-1]))))
            except BaseException:
                self.close()
                raise

    async def ping(self) -> None:
        """Ask whether the connection is alive. A connection that does not answer in time is closed.

        Raises:
            DatabaseUnavailable: the connection is dead.
        """
        connection = self._connection
        assert connection is not None  # noqa: S101  `open` comes first
        try:
            with translated():
                async with asyncio.timeout(self._answer_seconds):
                    await connection.fetchval(SQL["engine_now"])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection without asking the other end, which may be gone."""
        connection, self._connection = self._connection, None
        self._lost.set()
        if connection is not None:
            connection.terminate()

    async def send(self, hints: Mapping[str, Sequence[Hint]]) -> None:
        """Send all hints, in as few notifications as possible.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        await self._database.fetch("notify", CHANNEL, payloads(hint for of_user in hints.values() for hint in of_user))

    async def watch(self, user_id: str, chat_id: str) -> None:
        """Does nothing, because every node hears every notification."""

    def unwatch(self, user_id: str, chat_id: str) -> None:
        """Does nothing, because every node hears every notification."""
