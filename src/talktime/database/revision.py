"""What a revision does: it runs the SQL file beside it."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from alembic import op

# A migration that waits for a table holds up everybody behind it, so it gives up early and is tried again later.
_LOCK_TIMEOUT = "set local lock_timeout = '10s'"
# The names in our SQL are those of our schema, whoever runs it.
_SEARCH_PATH = "set local search_path = talktime"


def apply_sql(revision_file: str) -> None:
    """Runs the `.sql` of the same name as the revision's `.py`, all its statements in the revision's transaction."""
    sql = Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8")
    # Through SQLAlchemy first, which opens the transaction by it; its own execute takes one statement at a time.
    op.execute(_LOCK_TIMEOUT)
    op.execute(_SEARCH_PATH)
    adapted = op.get_bind().connection.dbapi_connection

    async def run(connection: asyncpg.Connection[asyncpg.Record]) -> None:
        await connection.execute(sql)

    adapted.run_async(run)  # type: ignore[union-attr]  # the asyncpg dialect's own way out


def refuse_downgrade() -> None:
    """Raises: the schema only moves forward."""
    raise RuntimeError(
        "The schema only moves forward. To roll back, run the older program:"
        " every version works on the schema of the next one."
    )
