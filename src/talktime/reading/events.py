"""Events, page by page: what happened to records, credit and books."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from talktime.core.errors import Gone, InvalidRequest
from talktime.database.event_rows import read_event
from talktime.database.queries import SQL
from talktime.documents.event import Events, EventType

if TYPE_CHECKING:
    from collections.abc import Collection

    from talktime.database.pool import Database, Row
    from talktime.node.event_horizon import EventHorizon

LATEST: Final = "latest"
"""The cursor of a reader who wants only what happens from now on."""

WINDOW: Final = 20_000
"""How many events of everybody one step looks at. Events of a rare type may be far apart."""

_DIGITS: Final = 19
"""A cursor has fewer digits than the largest number that the database can hold."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a reader wants; None for all.

    Raises:
        InvalidRequest: there is no such type.
    """

    types: Collection[str] | None = None
    user_id: str | None = None
    advisor_id: str | None = None
    chat_id: str | None = None
    record_id: str | None = None

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.types or ()) - set(EventType)):
            raise InvalidRequest(("types", f"has {', '.join(unknown)}; the types are {', '.join(EventType)}"))


async def read_events(
    database: Database, horizon: EventHorizon, wanted: EventFilter, *, after: str | None, limit: int, wait: float
) -> Events:
    """The next events after a cursor, in order. The cursor of the answer never skips an event that commits late.

    Args:
        database: where the events are.
        horizon: up to which event everything is there.
        wanted: which events.
        after: the `next` of the page before; None for the oldest event, `latest` for what happens from now on.
        limit: the largest number of events.
        wait: for how many seconds to wait if there is no such event yet.

    Raises:
        InvalidRequest: `after` is not a cursor.
        Gone: events after the cursor have been deleted because of their age.
        DatabaseUnavailable: the database can't be used.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    known = await horizon.settled()
    cursor = known if after == LATEST else None if after is None else read_cursor(after, otherwise=f", or {LATEST}")
    while True:
        rows, cursor = await _read_page(database, wanted, cursor, known, limit)
        if rows:
            return Events(tuple(read_event(row) for row in rows), str(cursor))
        if cursor < known:
            continue  # a long stretch without such an event
        left = until - loop.time()
        if left <= 0:
            return Events((), str(cursor))
        known = await horizon.beyond(cursor, left)


def read_cursor(text: str, *, otherwise: str = "") -> int:
    """The id of an event that a caller names. `otherwise` is what the caller may name instead.

    Raises:
        InvalidRequest: this is not the id of an event.
    """
    if not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise InvalidRequest(("after", f"must be the id of an event, such as the `next` of a page{otherwise}"))
    return int(text)


async def require_kept(database: Database, cursor: int) -> None:
    """Refuse a cursor after which events have been deleted.

    Raises:
        Gone: some of them have been deleted because of their age.
        DatabaseUnavailable: the database can't be used.
    """
    _require_kept(cursor, await database.fetch_value("events_deleted"))


def _require_kept(cursor: int, deleted: int) -> None:
    if cursor < deleted:
        msg = "Events after this cursor were deleted because of their age. Leave `after` out for all that are kept."
        raise Gone(msg)


async def _read_page(
    database: Database, wanted: EventFilter, after: int | None, horizon: int, limit: int
) -> tuple[list[Row], int]:
    """The rows of a page, and the cursor behind it."""
    types = None if wanted.types is None else list(wanted.types)
    others = (wanted.user_id, wanted.advisor_id, wanted.chat_id)
    async with database.reading() as connection:
        deleted: int = await connection.fetchval(SQL["events_deleted"])
        cursor = deleted if after is None else after
        _require_kept(cursor, deleted)
        if wanted.record_id is not None:
            query, key = SQL["events_of_record"], [wanted.record_id]
        elif wanted.user_id is not None:
            query, key = SQL["events_of_user"], []
        elif wanted.advisor_id is not None:
            query, key = SQL["events_of_advisor"], []
        else:
            query, key, horizon = SQL["events_of_all"], [], min(horizon, cursor + WINDOW)
        rows = await connection.fetch(query, cursor, horizon, types, limit, *others, *key)
    return rows, rows[-1]["event_id"] if len(rows) == limit else max(cursor, horizon)
