"""The entries of all users, a page at a time or all of a period one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.errors import InvalidRequest
from talktime.core.instants import INSTANT_MAX
from talktime.core.roles import Role
from talktime.database.pool import LONG_SECONDS
from talktime.documents.ledger import LedgerEntry
from talktime.documents.page import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from talktime.core.periods import Period
    from talktime.database.pool import Database, Row
    from talktime.engine.engine import Engine
    from talktime.node.deadlines import DeadlineWorker

_ROWS: Final = 1000
"""How many entries are read at once when all of a period are asked for."""


@dataclass(frozen=True, slots=True)
class EntrySearch:
    """Which entries are looked for. A field that is None does not filter. `query` is the beginning of a reference."""

    user_id: str | None = None
    advisor_id: str | None = None
    record_id: str | None = None
    kind: str | None = None
    reference: str | None = None
    query: str | None = None

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in set(EntryKind):
            raise InvalidRequest(("kind", f"must be one of: {', '.join(EntryKind)}"))


async def entry_page(
    database: Database, deadlines: DeadlineWorker, search: EntrySearch, period: Period, *, after: str | None, limit: int
) -> Page[LedgerEntry]:
    """Entries that were posted in a period, the newest first. `after` is the id of the last entry of the page before.

    Raises:
        InvalidRequest: `after` is not the id of an entry.
    """
    await deadlines.settle_due()
    cursor = (None, None) if after is None else await _place_of(database, after)
    rows = await database.search("find_entries", *_arguments(search, period), *cursor, limit + 1)
    entries = tuple(_read_entry(row) for row in rows[:limit])
    return Page(entries, entries[-1].id if len(rows) > limit else None)


async def all_entries(
    engine: Engine, deadlines: DeadlineWorker, search: EntrySearch, period: Period
) -> AsyncIterator[LedgerEntry]:
    """All entries that were posted in a period, the oldest first. Few are in memory at a time.

    As for a report, what is due is applied first and the charges of running records are posted up to the end of the
    period. After that nothing is posted in a period that is over, so the entries add up to its report.
    No connection is kept while somebody reads slowly.
    """
    await deadlines.settle_due()
    await engine.post_charges(period.end)
    cursor: tuple[int | None, int | None] = (None, None)
    while True:
        rows = await engine.database.search(
            "find_entries_in_order", *_arguments(search, period), *cursor, _ROWS, seconds=LONG_SECONDS
        )
        for row in rows:
            yield _read_entry(row)
        if len(rows) < _ROWS:
            return
        cursor = rows[-1]["at"], rows[-1]["entry_id"]


async def _place_of(database: Database, entry_id: str) -> tuple[int, int]:
    number = int(entry_id) if entry_id.isascii() and entry_id.isdigit() and len(entry_id) < 19 else -1
    at = await database.fetch_value("entry_posted", number)
    if at is None:
        raise InvalidRequest(("after", "must be the id of an entry: the `next` of the page before"))
    return at, number


def _arguments(search: EntrySearch, period: Period) -> list[object]:
    return [
        search.user_id,
        search.advisor_id,
        search.record_id,
        None if search.kind is None else [search.kind],
        search.reference,
        search.query,
        0 if period.begin is None else period.begin,
        INSTANT_MAX if period.end is None else period.end,
    ]


def _read_entry(row: Row) -> LedgerEntry:
    return LedgerEntry(
        id=str(row["entry_id"]),
        at=row["at"],
        kind=EntryKind(row["kind"]),
        user_id=row["user_id"],
        user_name=row["user_name"],
        advisor_id=row["advisor_id"],
        advisor_name=row["advisor_name"],
        user_amount=row["amount"],
        advisor_amount=row["advisor_amount"],
        platform_amount=row["platform_amount"],
        fees=row["fees"],
        gift=row["gift_amount"],
        record_id=row["record_id"],
        chat_id=row["chat_id"],
        reference=row["reference"],
        reason=row["reason"],
        borne_by=None if row["borne_by"] is None else BorneBy(row["borne_by"]),
        refunded_ms=row["refunded_ms"],
        expires_at=row["expires_at"],
        by_role=None if row["by_role"] is None else Role(row["by_role"]),
        by_subject=row["by_subject"],
        metadata=row["metadata"] or {},
    )
