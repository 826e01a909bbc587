"""The schema of a database: which revision it has, and how it gets the newest one.

    migrations/0001_initial.sql …    what changes the schema: each file once, in the order of the numbers
    sql/invariants.sql               the rules that must always hold: after every migration, and when their text changes

The schema only moves forward, and each migration leaves it usable by the program before it. A database that is *ahead*
of the program is therefore fine, and running the older program is the way back.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import structlog

from talktime.core.errors import DatabaseProblem

VERSION_MIN: Final = 15
INVARIANTS: Final = "invariants"
_MIGRATIONS = Path(__file__).parent / "migrations"
_INVARIANTS = Path(__file__).parent / "sql" / "invariants.sql"
# Any number will do, but every version must use the same one: the lock keeps two nodes from migrating at once.
_ADVISORY_LOCK: Final = 8_255_383_846_473

# The first versions were migrated by Alembic, and older programs read its table after a roll-back. So the table keeps
# its name, and has one row with the number of the newest migration.
_VERSION_TABLE: Final = """
create schema if not exists talktime;
create table if not exists talktime.alembic_version (
    version_num varchar(32) not null constraint alembic_version_pkc primary key
);
"""

log = structlog.get_logger()


class SchemaBehind(DatabaseProblem):
    """The database needs a migration, and only its owner may start one."""

    def __init__(self, current: str | None, head: str) -> None:
        at = f"at revision {current}" if current else "empty"
        super().__init__(
            f"The database is {at}, and this version of talktime needs {head}. To change it, run: talktime migrate"
        )


class MigrationFailed(DatabaseProblem):
    """PostgreSQL refused an SQL file. The file has changed nothing."""

    def __init__(self, file: Path, error: asyncpg.PostgresError) -> None:
        super().__init__(f"{file.name} failed and was rolled back: {error}")


@dataclass(frozen=True, slots=True)
class _State:
    """What a database says about itself: its revision, and the digest of the invariants that it has."""

    revision: str | None
    invariants: str | None


def revisions() -> list[str]:
    """All revisions that this program knows, oldest first."""
    return [_revision(file) for file in _migrations()]


def head_revision() -> str:
    """The newest revision that this program knows."""
    return revisions()[-1]


async def current_revision(connection: asyncpg.Connection[Any]) -> str | None:
    """The database's revision, None before the first. It may be one that this program does not know yet."""
    return (await _state(connection)).revision


async def migrate(url: str) -> list[str]:
    """Bring the database to the newest revision, and its invariants to this program's.

    Returns the revisions that were applied. They bring the invariants along; if only the invariants were renewed, the
    list is `["invariants"]`. If there was nothing to do, or the database is ahead of this program, the list is empty.

    Raises `DatabaseProblem` if the database can't be reached or is too old, `MigrationFailed` if it refuses a file.
    """
    async with _connection(url) as connection:
        await connection.execute("select pg_advisory_lock($1)", _ADVISORY_LOCK)
        before = await _state(connection)
        missing = [file for file in _migrations() if before.revision is None or _revision(file) > before.revision]
        for file in missing:
            async with _transaction(connection):
                if before.revision is None:
                    await connection.execute(_VERSION_TABLE)
                await _execute_file(connection, file)
                await _set_revision(connection, _revision(file))
                if file is missing[-1]:
                    await _renew_invariants(connection)
        applied = [_revision(file) for file in missing]
        if before.revision == head_revision() and before.invariants != _digest():
            async with _transaction(connection):
                await _renew_invariants(connection)
            applied = [INVARIANTS]
        if applied:
            log.info("schema_migrated", before=before.revision, applied=applied)
        return applied


async def ensure_current(url: str, *, embedded: bool) -> None:
    """Return when the program can use the schema. Only the embedded database is migrated without being asked.

    A node also serves on the invariants of another version. The log then says how to renew them.

    Raises `SchemaBehind` when somebody else's database needs a migration, `DatabaseProblem` as `migrate` does.
    """
    async with _connection(url) as connection:
        state = await _state(connection)
    head = head_revision()
    is_ahead = state.revision is not None and state.revision > head
    if is_ahead or (state.revision == head and state.invariants == _digest()):
        return
    if embedded:
        await migrate(url)
    elif state.revision != head:
        raise SchemaBehind(state.revision, head)
    else:
        log.warning("invariants_differ", why="another version of talktime made them", to_renew="talktime migrate")


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    try:
        connection = await asyncpg.connect(url)
    except ValueError:
        # Its message may quote the part with the password.
        raise DatabaseProblem("TALKTIME_DATABASE_URL can't be read as an address.") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseProblem(f"The database can't be reached: {error}") from error
    try:
        version = connection.get_server_version()
        if version.major < VERSION_MIN:
            raise DatabaseProblem(f"This is PostgreSQL {version.major}; talktime needs {VERSION_MIN} or newer.")
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _transaction(connection: asyncpg.Connection[Any]) -> AsyncIterator[None]:
    async with connection.transaction():
        # A migration that waits for a table holds up every query behind it: it gives up early, and can be run again.
        await connection.execute("set local lock_timeout = '10s'")
        # Names without a schema are those of our schema, whatever the role or the server has set.
        await connection.execute("set local search_path = talktime")
        yield


async def _state(connection: asyncpg.Connection[Any]) -> _State:
    if await connection.fetchval("select to_regclass('talktime.alembic_version')") is None:
        return _State(None, None)
    # The comment of the table is the digest of the invariants: a dump keeps it, and it needs no table of its own.
    (row,) = await connection.fetch(
        "select max(version_num) as revision, obj_description('talktime.alembic_version'::regclass) as invariants"
        " from talktime.alembic_version"
    )
    return _State(row["revision"], row["invariants"])


def _migrations() -> list[Path]:
    return sorted(_MIGRATIONS.glob("[0-9]*.sql"))


def _revision(file: Path) -> str:
    return file.name.split("_")[0]


def _digest() -> str:
    return f"{_INVARIANTS.name} {hashlib.sha256(_INVARIANTS.read_bytes()).hexdigest()}"


async def _execute_file(connection: asyncpg.Connection[Any], file: Path) -> None:
    sql = file.read_text(encoding="utf-8")  # noqa: ASYNC240  a small file, and nothing else to do meanwhile
    try:
        await connection.execute(sql)
    except asyncpg.PostgresError as error:
        raise MigrationFailed(file, error) from error


async def _set_revision(connection: asyncpg.Connection[Any], revision: str) -> None:
    await connection.execute("delete from alembic_version")
    await connection.execute("insert into alembic_version (version_num) values ($1)", revision)


async def _renew_invariants(connection: asyncpg.Connection[Any]) -> None:
    await _execute_file(connection, _INVARIANTS)
    # COMMENT takes no parameters; a digest has nothing in it that would have to be quoted.
    await connection.execute(f"comment on table alembic_version is '{_digest()}'")
