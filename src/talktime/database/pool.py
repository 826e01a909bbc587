"""The connections to PostgreSQL, with instants as integers, and a deadline for every wait.

Tables hold `timestamptz`, because people read them. The program counts milliseconds since 1970, because it computes
with them. A connection translates between the two (see `connecting`), so no other place has to.

A database can refuse, end a connection, or say nothing at all. So every piece of work has a deadline. At the deadline
its connection is cut off, whatever the connection waits for, and the work fails with `DatabaseUnavailable`. Nothing but
the deadline counts: a database that is slow, but answers in time, is not taken for a dead one.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

from talktime.database.connecting import NAME, open_connection, set_in_transaction
from talktime.database.failures import Contention, DatabaseUnavailable, LockWait, translated
from talktime.database.queries import SQL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from asyncpg.pool import PoolConnectionProxy

    Row = asyncpg.Record
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Row, Pool, Connection = asyncpg.Record, asyncpg.Pool, asyncpg.Connection

WORK_SECONDS: Final = 20.0
"""The deadline of a worker's transaction, which may hold hundreds of accounts."""

LONG_SECONDS: Final = 60.0
"""The deadline of a question about many rows, such as a report."""

POOL_SIZE_MIN: Final = 2

_CLOSE_SECONDS: Final = 2.0
_LOG_SECONDS: Final = 5.0
"""How often it is logged that the database can't be used."""

log = structlog.get_logger()


class Database:
    """The pool of one process. The methods run one statement of `queries.sql` by its name.

    `seconds` is how long a piece of work may wait for the database, unless it says otherwise. Each method raises
    `DatabaseUnavailable` when the database can't be used, at the latest at this deadline.
    """

    def __init__(self, pool: Pool, name: str, seconds: float, *, is_pooled: bool) -> None:
        self.is_pooled = is_pooled
        """Whether a transaction pooler stands in between. Then each statement is in a transaction with our settings."""
        self.pool = pool
        """For figures and for tests. The program uses the methods, because they have deadlines."""
        self.name = name
        """The name of the connections in `pg_stat_activity`."""
        self.seconds = seconds
        self.on_return: Callable[[], None] = lambda: None
        """Called when the database can be used again."""
        self._is_away = False
        self._logged_at = -_LOG_SECONDS

    async def fetch(self, name: str, *arguments: object, seconds: float | None = None) -> list[Row]:
        """All rows."""
        async with self.connection(seconds) as connection:
            return await connection.fetch(SQL[name], *arguments)

    async def fetch_row(self, name: str, *arguments: object, seconds: float | None = None) -> Row | None:
        """The first row, None if there is no row."""
        rows = await self.fetch(name, *arguments, seconds=seconds)
        return rows[0] if rows else None

    async def fetch_value(self, name: str, *arguments: object, seconds: float | None = None) -> Any:
        """The first column of the first row, None if there is no row."""
        row = await self.fetch_row(name, *arguments, seconds=seconds)
        return None if row is None else row[0]

    async def search(self, name: str, *arguments: object, seconds: float | None = None) -> list[Row]:
        """All rows of a statement whose conditions may be left out.

        The statement is planned for its arguments. A plan for any arguments would have to read every row. And it is not
        compiled, because it runs once: to compile a report takes longer than to read a million entries.
        """
        async with self.reading(seconds) as connection:
            await connection.execute("set local plan_cache_mode = force_custom_plan; set local jit = off")
            return await connection.fetch(SQL[name], *arguments)

    @asynccontextmanager
    async def reading(self, seconds: float | None = None) -> AsyncIterator[Connection]:
        """A connection whose statements all see the same state of the database."""
        async with self._transaction(seconds, isolation="repeatable_read", readonly=True) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self, seconds: float | None = None) -> AsyncIterator[Connection]:
        """A connection in a transaction, which commits at the end of the context, but not after its deadline."""
        async with self._transaction(seconds) as connection:
            yield connection

    @asynccontextmanager
    async def connection(self, seconds: float | None = None) -> AsyncIterator[Connection]:
        """A connection of the pool. At the deadline it is cut off, so that nothing waits for it any longer."""
        async with self._transaction(seconds) if self.is_pooled else self._link(seconds) as connection:
            yield connection

    @asynccontextmanager
    async def _link(self, seconds: float | None) -> AsyncIterator[Connection]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (self.seconds if seconds is None else seconds)
        with self._noted(), translated():
            async with asyncio.timeout_at(deadline):
                connection = await self.pool.acquire()
            cut = loop.call_at(deadline, _cut_off, connection)
            try:
                yield connection
            except BaseException as error:
                # A connection that may be dead is not asked to stop, nor is a server asked again that takes no writes.
                if not isinstance(error, Exception) or isinstance(error, OSError | asyncpg.ReadOnlySQLTransactionError):
                    _cut_off(connection)
                if isinstance(error, AttributeError) and _is_closed(connection):
                    # asyncpg goes on with a connection that was cut off between two steps of one call.
                    msg = "the connection was cut off"
                    raise asyncpg.InterfaceError(msg) from error
                raise
            finally:
                cut.cancel()
                await self.pool.release(connection)

    @asynccontextmanager
    async def _transaction(self, seconds: float | None, **options: Any) -> AsyncIterator[Connection]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (self.seconds if seconds is None else seconds)
        async with self._link(seconds) as connection:
            transaction = connection.transaction(**({"isolation": "read_committed"} | options))
            try:
                await transaction.start()
                if self.is_pooled:
                    await set_in_transaction(connection)
                yield connection
            except Exception:
                try:
                    await transaction.rollback()
                except Exception:  # noqa: BLE001  the end of the connection ends the transaction, too
                    _cut_off(connection)
                raise
            # A process that was frozen must not commit what it decided long ago.
            if loop.time() >= deadline:
                raise TimeoutError
            await transaction.commit()

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note whether the database can be used."""
        try:
            yield
        except (Contention, LockWait):
            raise
        except DatabaseUnavailable as error:
            self._is_away = True
            if time.monotonic() - self._logged_at >= _LOG_SECONDS:
                self._logged_at = time.monotonic()
                log.warning("database.unavailable", cause=repr(error.__cause__ or error))
            raise
        if self._is_away:
            self._is_away = False
            self.on_return()


@asynccontextmanager
async def open_database(
    url: str,
    *,
    size: int,
    name: str = NAME,
    seconds: float = WORK_SECONDS,
    connect_seconds: float = WORK_SECONDS,
    is_pooled: bool = False,
) -> AsyncIterator[Database]:
    """A `Database` with at most `size` connections, open for the context.

    Args:
        url: the address of the database.
        size: how many connections it has at most.
        name: what `pg_stat_activity` shows for the connections.
        seconds: how long a piece of work may wait for the database.
        connect_seconds: how long a server may take to accept a connection.
        is_pooled: whether a transaction pooler stands in between.
    """

    async def open_pooled(address: str, **options: Any) -> asyncpg.Connection[Any]:
        return await open_connection(
            address,
            connect_seconds,
            name=name,
            connection_class=options["connection_class"],
            has_session=not is_pooled,
        )

    # Every connection is made when it is needed: asyncpg would try in the background to keep a number of them open.
    pool: Pool = asyncpg.create_pool(  # type: ignore[call-overload]  # its stubs want more than `connect` needs
        url,
        min_size=0,
        max_size=size,
        connection_class=_Connection,
        connect=open_pooled,
    )
    await pool
    try:
        yield Database(pool, name, seconds, is_pooled=is_pooled)
    finally:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await pool.close()
        except Exception:  # noqa: BLE001  a database that does not say goodbye is left without one
            pool.terminate()


def pool_size(wanted: int, allowed: int | None) -> int:
    """How many connections a pool has: as many as wanted, and so few that the role has two left.

    One of the two is to listen, and the other one for a person at the terminal. Other nodes of the role are not known.
    """
    if allowed is None or wanted + 2 <= allowed:
        return wanted
    size = max(POOL_SIZE_MIN, allowed - 2)
    if size < wanted:
        log.warning(
            "database.pool_reduced", to=size, wanted=wanted, role_may_have=allowed, setting="TALKTIME_POOL_SIZE"
        )
    return size


def _cut_off(connection: Connection) -> None:
    with suppress(asyncpg.InterfaceError):  # it is closed already
        connection.terminate()


def _is_closed(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken back what was cut off
        return True


class _Connection(asyncpg.Connection):
    """A pooled connection. Our statements never change the state of a session, so there is nothing to reset."""

    def get_reset_query(self) -> str:
        return ""
