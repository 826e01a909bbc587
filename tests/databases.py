"""Databases for tests: a server, fresh databases on it, SQL beside the program, and a clock that stands still."""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg

from talktime.database import pool
from talktime.documents.audit import RULES
from talktime.postgres.programs import Programs

if TYPE_CHECKING:
    from talktime.database.pool import Pool

T = TypeVar("T")

STANDING_CLOCK: Final = """
create or replace function talktime.engine_now() returns timestamptz language sql volatile
return (select timestamptz '2030-01-05 10:00:00Z' + offset_ms * interval '1 millisecond' from talktime.engine_clock)
"""
"""Makes engine time stand still, except when the test clock is advanced: every millisecond of a charge is known."""

SERVER_SETTINGS: Final = {
    # No test needs its data to survive a power cut.
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    # A server may lie in memory.
    "min_wal_size": "32MB",
    "max_wal_size": "128MB",
}

SERVICE_ROLE: Final = "talktime_service"
"""The role to which `talktime migrate --grant-to` has given what a service needs, and nothing else."""

_BUILT_IN_OID_MAX: Final = 16_383
"""Larger numbers are those of types that somebody has created."""

_CONNECTIONS_MAX: Final = 4
_MEMORY: Final = Path("/dev/shm")
_MEMORY_BYTES_MIN: Final = 4 << 30
_BROKEN: Final = " union all ".join(
    f"select {rule}, to_jsonb(b)::text from talktime.broken_rule_{rule} b" for rule in RULES
)


def ask_once_for_types() -> None:
    """Ask each version of PostgreSQL only once for the types that it brings along.

    asyncpg asks on every connection, by a statement that takes the server longer than most of our tests' own.
    """
    ask = asyncpg.Connection._introspect_types  # type: ignore[attr-defined]  # private: the stubs leave it out
    answers: dict[tuple[Any, ...], Any] = {}

    async def introspect(connection: asyncpg.Connection[Any], oids: Collection[int], timeout: float | None) -> Any:
        if max(oids) > _BUILT_IN_OID_MAX:
            return await ask(connection, oids, timeout)
        asked = (connection.get_server_version(), *sorted(oids))
        if asked not in answers:
            answers[asked] = await ask(connection, oids, timeout)
        return answers[asked]

    asyncpg.Connection._introspect_types = introspect  # type: ignore[attr-defined]  # as above


def server_folder() -> Path | None:
    """A folder for servers in memory, if there is room: half of a test's time is files of its database, else."""
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _MEMORY_BYTES_MIN:
        return None
    return _MEMORY


@asynccontextmanager
async def open_database(database_url: str) -> AsyncIterator[Pool]:
    """Connections of a test's own to a database; instants are integers, as they are in the program."""
    async with pool.open_database(database_url, size=_CONNECTIONS_MAX) as database:
        yield database.pool


def as_service(database_url: str) -> str:
    """The address of a database, for the role that may only read and write rows."""
    return re.sub(r"//[^@/]*@", f"//{SERVICE_ROLE}@", database_url)


class Server:
    """A PostgreSQL server whose database `talktime` is migrated and never connected to, so that it can be copied.

    The connection that makes and drops databases lives in a thread: the test's event loop belongs to the test.
    """

    def __init__(self, url: str, programs: Programs) -> None:
        self.url = url
        self.programs = programs
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="databases", daemon=True)
        self._thread.start()
        self._connection = self.run(asyncpg.connect(self.database("postgres")))

    def database(self, name: str) -> str:
        """The address of a database on it."""
        return self.url.replace("/talktime?", f"/{name}?")

    def create(self, name: str, *, template: str = "template1") -> str:
        """Make a database; its address."""
        # Copied file by file: the other way writes the whole template to the write-ahead log.
        self.execute(f"create database {name} template {template} strategy file_copy")
        return self.database(name)

    def drop(self, name: str) -> None:
        """Remove a database, also while programs are connected to the database."""
        self.execute(f"drop database {name} with (force)")

    def execute(self, sql: str) -> None:
        """Run one statement on the server's own database."""
        self.run(self._connection.execute(sql))

    def ask(self, url: str, sql: str) -> str:
        """The results of statements on a database, as plain lines."""
        return self.programs.run("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", url, "-c", sql)

    def broken_rules(self, url: str) -> list[str]:
        """The findings of the auditor's views in a database."""

        async def look() -> list[str]:
            connection = await asyncpg.connect(url)
            try:
                return [f"rule {rule}: {row}" for rule, row in await connection.fetch(_BROKEN)]
            finally:
                await connection.close()

        return self.run(look())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End the connection and the thread."""
        self.run(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
