"""Conversations that were imported from another system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.errors import InvalidRequest
from talktime.engine.imports import past_session

if TYPE_CHECKING:
    from talktime.database.pool import Database
    from talktime.documents.old_rows import OldSession


async def past_sessions(
    database: Database, user_id: str | None, advisor_id: str | None, *, after: str | None, limit: int
) -> list[OldSession]:
    """The imported sessions of a user, an advisor or all, the newest first. `after` is the last of the page before.

    Raises:
        InvalidRequest: `after` is no session.
    """
    started_at: int | None = None
    if after is not None:
        row = await database.fetch_row("imported_sessions", [after])
        if row is None:
            raise InvalidRequest(("after", "must be the id of a session"))
        started_at = row["started_at"]
    rows = await database.search("past_sessions_of", user_id, advisor_id, started_at, after, limit)
    return [past_session(row) for row in rows]
