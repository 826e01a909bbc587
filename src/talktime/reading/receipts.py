"""A record's receipt, from the facts in the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.instants import format_instant
from talktime.core.record import Reason
from talktime.database.queries import SQL
from talktime.documents.receipt import CAUSES, SegmentView, SharedEntry
from talktime.documents.receipt import receipt as make_receipt
from talktime.engine.tracking import post_running
from talktime.reading.people import read_entry

if TYPE_CHECKING:
    from talktime.database.pool import Row
    from talktime.documents.receipt import Receipt
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory


async def receipt(engine: Engine, parties: PartyDirectory, record_id: str, *, at: int | None) -> Receipt:
    """A record's receipt as of now, or as of an earlier instant.

    The charge of a running record is posted up to now first, so that the record's entries add up to its cost.

    Raises:
        NotFound: there is no such record.
        InvalidRequest: `at` is before the record began.
    """
    user_id, _ = await parties.of_record(record_id)
    await engine.settle_accounts([user_id], post_running)
    async with engine.database.reading() as connection:
        record = await engine.loader.load_record(connection, record_id)
        if record is None:
            raise NotFound("record")
        names = await connection.fetchrow(SQL["names"], record.user_id, record.advisor_id)
        assert names is not None  # noqa: S101  a record has a user and an advisor
        segments = await connection.fetch(SQL["segments"], record_id)
        entries = await connection.fetch(SQL["record_entries"], record_id)
        shared = await connection.fetch(SQL["shared_entries"], record_id)
        now = record.settled_at if record.is_running else await connection.fetchval(SQL["engine_now"])
    if at is not None and at < record.started_at:
        raise InvalidRequest(("at", f"must not be before the record began, at {format_instant(record.started_at)}"))
    return make_receipt(
        record,
        now if at is None else min(at, now),
        (names["user_name"], names["advisor_name"]),
        [_read_segment(row, record.settled_at) for row in segments],
        [read_entry(row) for row in entries],
        [_read_shared_entry(row) for row in shared],
    )


def _read_segment(row: Row, settled_at: int) -> SegmentView:
    ended_at = row["ended_at"]
    reason = None if row["reason"] is None else Reason(row["reason"])
    return SegmentView(
        chat_id=row["chat_id"],
        started_at=row["started_at"],
        ended_at=ended_at,
        duration_ms=(settled_at if ended_at is None else ended_at) - row["started_at"],
        reason=reason,
        caused_by=None if reason is None else CAUSES.get(reason, row["ended_by"]),
    )


def _read_shared_entry(row: Row) -> SharedEntry:
    return SharedEntry(
        id=str(row["entry_id"]),
        at=row["at"],
        kind=row["kind"],
        amount=row["amount"],
        advisor_amount=row["advisor_amount"],
        platform_amount=row["platform_amount"],
        fees=row["fees"],
        borne_by=row["borne_by"],
    )
