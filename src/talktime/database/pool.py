"""The connections to PostgreSQL, with instants as integers.

Tables hold `timestamptz`, because people read them. The program counts milliseconds since 1970, because it computes
with them. A connection translates between the two, so no other place has to.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from talktime.core.errors import Unavailable
from talktime.database.queries import SQL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg.pool import PoolConnectionProxy

    Row = asyncpg.Record
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Row, Pool, Connection = asyncpg.Record, asyncpg.Pool, asyncpg.Connection

_POSTGRES_EPOCH_MS: Final = 946_684_800_000  # 2000-01-01, from which PostgreSQL counts microseconds

UNREACHABLE: Final = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    # PostgreSQL refuses a connection in these ways while a database is moved, restored, or closed to this role.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
"""The errors of a database that went away. The same request may succeed later."""

SESSION: Final = {
    "application_name": "talktime",
    "search_path": "talktime, public",
    "timezone": "UTC",
    # A node that stops in the middle of a transaction must not hold a payer's lock for ever.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
}


class Database:
    """The pool of one process. The methods run one statement of `queries.sql` by its name.

    Each method raises `Unavailable` when the database can't be reached.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        """For transactions that handle an unreachable database themselves."""

    async def fetch(self, name: str, *arguments: object) -> list[Row]:
        """All rows."""
        try:
            return await self.pool.fetch(SQL[name], *arguments)
        except UNREACHABLE as error:
            raise unavailable() from error

    async def fetch_row(self, name: str, *arguments: object) -> Row | None:
        """The first row, None if there is no row."""
        rows = await self.fetch(name, *arguments)
        return rows[0] if rows else None

    async def fetch_value(self, name: str, *arguments: object) -> Any:
        """The first column of the first row, None if there is no row."""
        row = await self.fetch_row(name, *arguments)
        return None if row is None else row[0]

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection whose statements all see the same state of the database."""
        try:
            async with (
                self.pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection
        except UNREACHABLE as error:
            raise unavailable() from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A connection in a transaction that commits at the end of the context."""
        try:
            async with self.pool.acquire() as connection, connection.transaction():
                yield connection
        except UNREACHABLE as error:
            raise unavailable() from error


def unavailable() -> Unavailable:
    """The error for a database that can't be reached."""
    return Unavailable("The database can't be reached. Try again.")


@asynccontextmanager
async def open_database(url: str, *, size: int) -> AsyncIterator[Database]:
    """A `Database` with at most `size` connections, open for the context."""
    async with asyncpg.create_pool(
        url, min_size=1, max_size=size, connection_class=_Connection, init=_prepare, server_settings=SESSION
    ) as pool:
        yield Database(pool)


async def connect(url: str, name: str) -> asyncpg.Connection[Row]:
    """One connection outside the pool, for LISTEN. `name` is what `pg_stat_activity` shows for it."""
    connection = await asyncpg.connect(url, server_settings=SESSION | {"application_name": name})
    await _prepare(connection)
    return connection


class _Connection(asyncpg.Connection):
    """A pooled connection. Our statements never change the state of a session, so there is nothing to reset."""

    def get_reset_query(self) -> str:
        return ""


async def _prepare(connection: Connection) -> None:
    """Teach a connection our types."""
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda milliseconds: ((milliseconds - _POSTGRES_EPOCH_MS) * 1000,),
        decoder=lambda microseconds: microseconds[0] // 1000 + _POSTGRES_EPOCH_MS,
    )
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
