"""The schema's revision: which one is there, and the way to the newest.

Revisions are the SQL files of `migrations/versions`, in the order of their numbers; Alembic keeps the list of what was
applied in `talktime.alembic_version`. The schema only moves forward, and each revision leaves it usable by the program
before it. So a database that is *ahead* of the program is fine, and that is how one rolls back.

Alembic and SQLAlchemy are loaded only when there is something to migrate: they would double the time a start takes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from talktime.core.errors import DatabaseProblem

if TYPE_CHECKING:
    import sqlalchemy

VERSION_MIN = 15
_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, if it stays the same: two nodes never migrate at once.
_ADVISORY_LOCK = 8_255_383_846_473

log = structlog.get_logger()


class SchemaBehind(DatabaseProblem):
    """The database waits for a migration, and nobody has asked for it yet."""

    def __init__(self, current: str | None, head: str) -> None:
        at = f"at revision {current}" if current else "empty"
        super().__init__(
            f"The database is {at}, and this version of talktime needs {head}. To change it, run: talktime migrate"
        )


def revisions() -> list[str]:
    """All revisions that this program knows, oldest first."""
    return sorted(path.stem.split("_")[0] for path in (_MIGRATIONS / "versions").glob("*.sql"))


def head_revision() -> str:
    """The newest revision that this program knows."""
    return revisions()[-1]


async def current_revision(connection: asyncpg.Connection[Any]) -> str | None:
    """The database's revision, None before the first. It may be one that this program does not know yet."""
    if await connection.fetchval("select to_regclass('talktime.alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("select version_num from talktime.alembic_version")
    return revision


async def migrate(url: str) -> list[str]:
    """Brings the database to the newest revision, and tells which ones that took; none if it was there or ahead.

    Raises `DatabaseProblem` if the database can't be reached or is too old.
    """
    async with _connection(url) as connection:
        await connection.execute("select pg_advisory_lock($1)", _ADVISORY_LOCK)
        await connection.execute("create schema if not exists talktime")
        current = await current_revision(connection)
        missing = [revision for revision in revisions() if current is None or revision > current]
        if missing:
            await _upgrade(url)
            log.info("schema_migrated", before=current, applied=missing)
        return missing


async def ensure_current(url: str, *, embedded: bool) -> None:
    """Returns when the schema is one this program can use. Only the embedded database is migrated unasked.

    Raises `SchemaBehind` when somebody else's database needs a migration, `DatabaseProblem` as `migrate` does.
    """
    async with _connection(url) as connection:
        current = await current_revision(connection)
    head = head_revision()
    if current is not None and current >= head:
        return
    if not embedded:
        raise SchemaBehind(current, head)
    await migrate(url)


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


async def _upgrade(url: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415  see above
    from sqlalchemy.pool import NullPool  # noqa: PLC0415  see above

    # asyncpg reads the address itself, so that it means the same here as everywhere else.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(_run_alembic)
    await engine.dispose()


def _run_alembic(connection: sqlalchemy.Connection) -> None:
    from alembic import command  # noqa: PLC0415  see above
    from alembic.config import Config  # noqa: PLC0415  see above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")
