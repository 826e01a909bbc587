"""A record's receipt, from the facts in the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.instants import format_instant
from talktime.core.record import Reason
from talktime.core.roles import Role
from talktime.database.queries import SQL
from talktime.documents.receipt import SegmentView, SharedEntry, cause_of
from talktime.documents.receipt import receipt as make_receipt
from talktime.reading.people import read_entry

if TYPE_CHECKING:
    from talktime.database.pool import Row
    from talktime.documents.receipt import Receipt
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory


_ATTEMPTS: Final = 3
"""How often at most a receipt has what fell due stored first. An account that can't be settled does not hold it up."""


async def receipt(engine: Engine, parties: PartyDirectory, record_id: str, *, at: int | None) -> Receipt:
    """A record's receipt as of now, or as of an earlier instant.

    Nothing is posted for a receipt: the receipt of a running record says which part of the cost is not charged yet.

    Raises:
        NotFound: there is no such record.
        InvalidRequest: `at` is before the record began.
    """
    user_id, _ = await parties.of_record(record_id)
    now = await _settled_now(engine, user_id)
    async with engine.database.reading() as connection:
        record = await engine.loader.load_record(connection, record_id)
        if record is None:
            raise NotFound("record")
        names = await connection.fetchrow(SQL["names"], record.user_id, record.advisor_id)
        assert names is not None  # noqa: S101  a record has a user and an advisor
        segments = await connection.fetch(SQL["segments"], record_id)
        entries = await connection.fetch(SQL["record_entries"], record_id)
        shared = await connection.fetch(SQL["shared_entries"], record_id)
    if at is not None and at < record.started_at:
        raise InvalidRequest(("at", f"must not be before the record began, at {format_instant(record.started_at)}"))
    at = now if at is None else min(at, now)
    return make_receipt(
        record,
        at,
        (names["user_name"], names["advisor_name"]),
        [_read_segment(row, at) for row in segments],
        [read_entry(row) for row in entries],
        [_read_shared_entry(row) for row in shared],
    )


async def _settled_now(engine: Engine, user_id: str) -> int:
    """The instant of now, up to which everything that was due to the account is stored."""
    for _ in range(_ATTEMPTS):
        payer = (await engine.read([user_id]))[user_id]
        if not payer.current.steps:
            break
        await engine.settle_accounts([user_id])
    return payer.now


def _read_segment(row: Row, at: int) -> SegmentView:
    ended_at = row["ended_at"]
    reason = None if row["reason"] is None else Reason(row["reason"])
    ended_by = None if row["ended_by"] is None else Role(row["ended_by"])
    return SegmentView(
        chat_id=row["chat_id"],
        started_at=row["started_at"],
        ended_at=ended_at,
        duration_ms=(at if ended_at is None else ended_at) - row["started_at"],
        reason=reason,
        caused_by=None if reason is None else cause_of(reason, ended_by),
    )


def _read_shared_entry(row: Row) -> SharedEntry:
    return SharedEntry(
        id=str(row["entry_id"]),
        at=row["at"],
        kind=EntryKind(row["kind"]),
        amount=row["amount"],
        advisor_amount=row["advisor_amount"],
        platform_amount=row["platform_amount"],
        fees=row["fees"],
        borne_by=None if row["borne_by"] is None else BorneBy(row["borne_by"]),
    )
