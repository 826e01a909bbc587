"""The schema of a database: which revision it has, and how it gets the newest one.

    migrations/0001_initial.sql …    what changes the schema: each file once, in the order of the numbers
    sql/grants.sql                   what the role of a service may do
    sql/live.sql                     the views of now: after every migration, and when their text changes
    sql/invariants.sql               the rules that must always hold: in the same way

The schema only moves forward, and each migration leaves it usable by the program before it. A database that is *ahead*
of the program is therefore fine, and running the older program is the way back.
"""

from __future__ import annotations

import asyncio
import hashlib
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
import structlog

from talktime.core.errors import DatabaseProblem
from talktime.database.addresses import VARIABLE, database_of, maintenance, quoted, shown, talktime_command
from talktime.database.connecting import CONNECT_SECONDS, notice_lost_clients, open_connection
from talktime.database.poolers import is_pooled
from talktime.database.rights import (
    connections_allowed,
    may_not_read,
    require_encoding,
    require_rights,
    require_role,
    to_create_database,
)

VERSION_MIN: Final = 15
INVARIANTS: Final = "invariants"
_MIGRATIONS = Path(__file__).parent / "migrations"
_GRANTS = Path(__file__).parent / "sql" / "grants.sql"
_LIVE = Path(__file__).parent / "sql" / "live.sql"
_INVARIANTS = Path(__file__).parent / "sql" / "invariants.sql"
# Any number will do, but every version must use the same one: the lock keeps two nodes from migrating at once.
_ADVISORY_LOCK: Final = 8_255_383_846_473
_LOCK_SECONDS: Final = 0.1
"""How often a process looks whether another one has finished its migration."""

_ALONE: Final = "-- without a transaction"
"""The first line of a file whose statements run one by one, such as the building of an index beside writers."""

# The first versions were migrated by Alembic, and older programs read its table after a roll-back. So the table keeps
# its name, and has one row with the number of the newest migration.
_SCHEMA: Final = "create schema talktime"
_VERSION_TABLE: Final = """
create table if not exists talktime.alembic_version (
    version_num varchar(32) not null constraint alembic_version_pkc primary key
);
"""

log = structlog.get_logger()


class SchemaBehind(DatabaseProblem):
    """The database needs a migration, and only its owner may start one.

    Attributes:
        reason: why, in a sentence for clients, which need not know where the database is.
    """

    def __init__(self, url: str, current: str | None, head: str) -> None:
        at = f"at revision {current}" if current else "empty"
        needs = f"The database is {at}, and this version of talktime needs {head}. To change it, run:"
        self.reason = f"{needs} talktime migrate"
        super().__init__(f"{needs} {talktime_command(url, 'migrate')}")


class MigrationFailed(DatabaseProblem):
    """PostgreSQL refused an SQL file. The file has changed nothing, or can be run again."""

    def __init__(self, file: Path, error: asyncpg.PostgresError) -> None:
        done = "failed, and can be run again" if _runs_alone(file) else "failed and was rolled back"
        super().__init__(f"{file.name} {done}: {error}")


class Access(NamedTuple):
    """How the program gets to a database.

    Attributes:
        connections_max: how many connections the role may have, None for any number.
        is_pooled: whether a transaction pooler stands in between.
    """

    connections_max: int | None
    is_pooled: bool


@dataclass(frozen=True, slots=True)
class _State:
    """The state of a database: its revision, and the digest of the invariants that it has.

    `revision` is None before the first migration. It may be one that this program does not know yet.
    """

    revision: str | None
    invariants: str | None


def revisions() -> list[str]:
    """All revisions that this program knows, oldest first."""
    return [_revision(file) for file in _migrations()]


def head_revision() -> str:
    """The newest revision that this program knows."""
    return revisions()[-1]


async def migrate(url: str, *, grant_to: str | None = None) -> list[str]:
    """Bring the database to the newest revision, and its invariants to this program's.

    `grant_to` is a role of PostgreSQL that gets what a service needs: to read, and to write rows. Roles that got this
    before keep it for what a migration makes.

    Returns the revisions that were applied. They bring the invariants along; if only the invariants were renewed, the
    list is `["invariants"]`. If there was nothing to do, or the database is ahead of this program, the list is empty.

    Raises `DatabaseProblem` if the database can't be reached or is too old, if the role may not migrate, or if there is
    no role `grant_to`; `DatabaseUnfit` if the database is not one that talktime can use;
    `MigrationFailed` if the database refuses a file.
    """
    async with _connection(url) as connection:
        if await is_pooled(connection, url):
            raise DatabaseProblem(
                "Between talktime and the database is a transaction pooler, through which the schema can't be changed."
                f" Run talktime migrate with the address of PostgreSQL itself, not with {shown(url)}"
            )
        await notice_lost_clients(connection)
        # A statement that waits for the lock would hold up an index that is built beside writers.
        while not await connection.fetchval("select pg_try_advisory_lock($1)", _ADVISORY_LOCK):  # noqa: ASYNC110
            await asyncio.sleep(_LOCK_SECONDS)
        before = await _state(connection)
        if grant_to is not None:
            await require_role(connection, url, grant_to)
        if _needs_work(before):
            await require_rights(connection, url)
        applied = await _apply(connection, before)
        grantees = await _grantees(connection) if applied else []
        for role in grantees if grant_to is None else [*grantees, grant_to]:
            await _grant(connection, url, role)
        if applied:
            log.info("schema_migrated", before=before.revision, applied=applied)
        return applied


async def _apply(connection: asyncpg.Connection[Any], before: _State) -> list[str]:
    """Run the files that this database does not have yet. Returns what was applied, as `migrate` does."""
    missing = [file for file in _migrations() if before.revision is None or _revision(file) > before.revision]
    for file in missing:
        if _runs_alone(file):
            await _execute_alone(connection, file)
        async with _transaction(connection):
            if before.revision is None:
                # A role that may not make schemas may not ask for one that is there already either.
                if await connection.fetchval("select to_regnamespace('talktime')") is None:
                    await connection.execute(_SCHEMA)
                await connection.execute(_VERSION_TABLE)
            if not _runs_alone(file):
                await _execute_file(connection, file)
            await _set_revision(connection, _revision(file))
            if file is missing[-1]:
                await _renew_invariants(connection)
    if before.revision == head_revision() and before.invariants != _digest():
        async with _transaction(connection):
            await _renew_invariants(connection)
        return [INVARIANTS]
    return [_revision(file) for file in missing]


async def ensure_current(url: str, *, embedded: bool, connect_seconds: float = CONNECT_SECONDS) -> Access:
    """Return when the program can use the schema. Only the embedded database is migrated without being asked.

    A node also serves on the invariants of another version. The log then says how to renew them.

    Raises `SchemaBehind` when somebody else's database needs a migration, `DatabaseProblem` as `migrate` does.
    """
    async with _connection(url, connect_seconds) as connection:
        async with asyncio.timeout(connect_seconds):
            try:
                state = await _state(connection)
            except asyncpg.InsufficientPrivilegeError as error:
                raise await may_not_read(connection, url) from error
            access = Access(await connections_allowed(connection, url), await is_pooled(connection, url))
    head = head_revision()
    is_ahead = state.revision is not None and state.revision > head
    if is_ahead or (state.revision == head and state.invariants == _digest()):
        return access
    if embedded:
        await migrate(url)
    elif state.revision != head:
        raise SchemaBehind(url, state.revision, head)
    else:
        log.warning(
            "invariants_differ",
            why="another version of talktime made them",
            to_renew=talktime_command(url, "migrate"),
        )
    return access


@asynccontextmanager
async def _connection(url: str, connect_seconds: float = CONNECT_SECONDS) -> AsyncIterator[asyncpg.Connection[Any]]:
    try:
        # A transaction pooler may stand in between, so no statement is kept.
        connection = await open_connection(url, connect_seconds, has_session=False)
    except ValueError:
        # Its message may quote the part with the password.
        raise DatabaseProblem(f"{VARIABLE} can't be read as an address.") from None
    except asyncpg.InvalidCatalogNameError as error:
        raise DatabaseProblem(await _no_database(url, error, connect_seconds)) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise DatabaseProblem(f"The database can't be reached: {str(error) or 'no answer'} ({shown(url)})") from error
    try:
        version = connection.get_server_version()
        if version.major < VERSION_MIN:
            raise DatabaseProblem(f"This is PostgreSQL {version.major}; talktime needs {VERSION_MIN} or newer.")
        await require_encoding(connection, url)
        yield connection
        await connection.close(timeout=connect_seconds)
    except TimeoutError as error:
        raise DatabaseProblem(f"The database can't be reached: no answer ({shown(url)})") from error
    finally:
        connection.terminate()


@asynccontextmanager
async def _transaction(connection: asyncpg.Connection[Any]) -> AsyncIterator[None]:
    async with connection.transaction():
        # A migration that waits for a table holds up every query behind it: it gives up early, and can be run again.
        await connection.execute("set local lock_timeout = '10s'")
        # Names without a schema are those of our schema, whatever the role or the server has set.
        await connection.execute("set local search_path = talktime")
        yield


async def _state(connection: asyncpg.Connection[Any]) -> _State:
    # `to_regclass` is an error for a role that may not use the schema.
    if not await connection.fetchval(
        "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'talktime' and c.relname = 'alembic_version')"
    ):
        return _State(None, None)
    # The comment of the table is the digest of the invariants: a dump keeps it, and it needs no table of its own.
    (row,) = await connection.fetch(
        "select max(version_num) as revision, obj_description('talktime.alembic_version'::regclass) as invariants"
        " from talktime.alembic_version"
    )
    return _State(row["revision"], row["invariants"])


def _needs_work(state: _State) -> bool:
    """Whether this program would change the schema of a database in this state."""
    head = head_revision()
    return state.revision is None or state.revision < head or (state.revision == head and state.invariants != _digest())


async def _grantees(connection: asyncpg.Connection[Any]) -> list[str]:
    """The roles that may write rows because `talktime migrate` has granted it."""
    rows = await connection.fetch(
        "select distinct pg_get_userbyid(acl.grantee) as role from pg_class c, aclexplode(c.relacl) acl"
        " where c.oid = 'talktime.accounts'::regclass and acl.privilege_type = 'INSERT'"
        " and acl.grantee not in (0, c.relowner)"
    )
    return [row["role"] for row in rows]


async def _grant(connection: asyncpg.Connection[Any], url: str, role: str) -> None:
    try:
        async with connection.transaction():
            await connection.execute("select set_config('talktime.grantee', $1, true)", role)
            await connection.execute(_GRANTS.read_text(encoding="utf-8"))
    except asyncpg.InsufficientPrivilegeError as error:
        owner = await connection.fetchval(
            "select pg_get_userbyid(relowner) from pg_class where oid = 'talktime.accounts'::regclass"
        )
        again = talktime_command(shown(url, user=owner), f"migrate --grant-to {shlex.quote(role)}")
        raise DatabaseProblem(
            f"Only the owner of the tables can grant them to {role}: {error}. As the owner, run: {again}"
        ) from None


async def _no_database(url: str, error: asyncpg.PostgresError, connect_seconds: float) -> str:
    name = database_of(url)
    if not name:
        return (
            f"The database can't be reached: {error} ({shown(url)}). The address names no database, so PostgreSQL takes"
            " the name of the role: end the address in the name, such as /talktime"
        )
    place, connection = maintenance(url), None
    # Without a database to ask, nobody knows who may create one.
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection = await open_connection(place, connect_seconds, has_session=False)
    try:
        advice = await to_create_database(connection, place, quoted(name))
    finally:
        if connection is not None:
            connection.terminate()
    return f"The database can't be reached: {error}. To make it, {advice}"


def _migrations() -> list[Path]:
    return sorted(_MIGRATIONS.glob("[0-9]*.sql"))


def _revision(file: Path) -> str:
    return file.name.split("_")[0]


def _digest() -> str:
    return f"{_INVARIANTS.name} {hashlib.sha256(_LIVE.read_bytes() + _INVARIANTS.read_bytes()).hexdigest()}"


async def _execute_file(connection: asyncpg.Connection[Any], file: Path) -> None:
    sql = file.read_text(encoding="utf-8")  # noqa: ASYNC240  a small file, and nothing else to do meanwhile
    try:
        await connection.execute(sql)
    except asyncpg.PostgresError as error:
        raise MigrationFailed(file, error) from error


async def _execute_alone(connection: asyncpg.Connection[Any], file: Path) -> None:
    """Run the statements of a file one by one. They wait for others without a limit, because nobody waits for them."""
    await connection.execute("set search_path = talktime; set lock_timeout = 0; set statement_timeout = 0")
    try:
        for statement in file.read_text(encoding="utf-8").strip().split(";\n"):  # noqa: ASYNC240  as above
            await connection.execute(statement)
    except asyncpg.PostgresError as error:
        raise MigrationFailed(file, error) from error
    await connection.execute("reset search_path; reset lock_timeout; reset statement_timeout")


def _runs_alone(file: Path) -> bool:
    return file.read_text(encoding="utf-8").startswith(_ALONE)


async def _set_revision(connection: asyncpg.Connection[Any], revision: str) -> None:
    await connection.execute("delete from alembic_version")
    await connection.execute("insert into alembic_version (version_num) values ($1)", revision)


async def _renew_invariants(connection: asyncpg.Connection[Any]) -> None:
    await _execute_file(connection, _LIVE)
    await _execute_file(connection, _INVARIANTS)
    # COMMENT takes no parameters; a digest has nothing in it that would have to be quoted.
    await connection.execute(f"comment on table alembic_version is '{_digest()}'")
