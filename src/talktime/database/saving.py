"""What changed, on its way into the tables: a handful of statements, however many accounts a transaction holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from talktime.core.deadlines import next_deadline
from talktime.core.payer import Accrued, Closed, Ended, Opened, Posted, Record, Waiting
from talktime.database.queries import SQL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from talktime.database.payer_transaction import Unit


class TimerStartError(Exception):
    """The database would not take a new segment: the timer could not be started."""


class ChatTakenError(Exception):
    """Another payer's command made a chat of this id meanwhile."""


class Told(NamedTuple):
    """A numbered change of a chat, to be sent to its screens."""

    chat_id: str
    sequence: int


async def save(connection: Any, units: Iterable[Unit]) -> list[Told]:
    """Store what changed, in the order the constraints want; the chats that screens must be told about, numbered.

    Raises:
        TimerStartError: when the new segments can't be stored.
        ChatTakenError: when a new chat's id was taken meanwhile.
    """
    units = [unit for unit in units if unit.payer is not unit.loaded or unit.watches]
    if not units:
        return []
    chats = _Chats(units)
    await chats.insert(connection)
    segments = _Segments(units)
    if segments.closed:
        await connection.execute(SQL["close_segments"], *columns(segments.closed, 4))
    rows, due = _changed_records(units)
    if rows:
        await connection.execute(SQL["save_records"], *columns(rows, 22))
    if segments.inserted:
        try:
            await connection.execute(SQL["insert_segments"], *columns(segments.inserted, 7))
        except asyncpg.PostgresError as error:
            raise TimerStartError(str(error)) from error
    entries = [
        _entry_row(unit.payer.user_id, event)
        for unit in units
        for event in unit.payer.events
        if isinstance(event, Posted)
    ]
    if entries:
        await connection.execute(SQL["insert_entries"], *columns(entries, 14))
    told = await chats.update(connection)
    await _save_watches(connection, units)
    accounts = [
        (unit.payer.user_id, unit.payer.balance, unit.payer.settled_at, due[unit.payer.user_id], unit.payer.gifts)
        for unit in units
        if unit.payer.events or unit.payer.balance != unit.loaded.balance or due[unit.payer.user_id] != unit.due_at
    ]
    if accounts:
        await connection.execute(SQL["save_accounts"], *columns(accounts, 5))
    for unit in units:
        unit.saved(due[unit.payer.user_id])
    return told


class _Segments:
    """What the events mean for the table: which stored segments end, and which rows are new, ended already or not."""

    def __init__(self, units: list[Unit]) -> None:
        self.closed: list[tuple[Any, ...]] = []
        self.inserted: list[tuple[Any, ...]] = []
        for unit in units:
            opened: dict[str, int] = {}
            for event in unit.payer.events:
                if isinstance(event, Opened):
                    record = event.record
                    opened[record.record_id] = len(self.inserted)
                    self.inserted.append((record.record_id, record.user_id, record.chat_id, event.at, None, None, None))
                elif isinstance(event, Closed):
                    index = opened.pop(event.record.record_id, None)
                    ended = (event.at, event.reason.value, event.by)
                    if index is None:
                        self.closed.append((unit.open_segments[event.record.record_id], *ended))
                    else:
                        self.inserted[index] = (*self.inserted[index][:4], *ended)


class _Chats:
    """What the events mean for chats: time that has passed, the latest record, and whose screens are told."""

    def __init__(self, units: list[Unit]) -> None:
        self._known = units[0].chats
        self._new = [chat for chat in self._known.values() if chat.is_new]
        self._accrued: Counter[str] = Counter()
        self._latest: dict[str, str] = {}
        self._told_records: list[str] = []
        for unit in units:
            for event in unit.payer.events:
                if isinstance(event, Accrued):
                    self._accrued[event.chat_id] += event.duration_ms
                elif isinstance(event, Opened | Waiting):
                    self._latest[event.record.chat_id] = event.record.record_id
            if unit.is_changed:
                self._told_records += unit.told_records()

    async def insert(self, connection: Any) -> None:
        """Store the new ones, whole: nothing is left to be added to them.

        Raises:
            ChatTakenError: when one's id was taken meanwhile.
        """
        if not self._new:
            return
        rows = [
            (c.chat_id, c.user_id, c.advisor_id, c.created_at, self._latest[c.chat_id], self._accrued[c.chat_id])
            for c in self._new
        ]
        if len(await connection.fetch(SQL["insert_chats"], *columns(rows, 6))) < len(rows):
            raise ChatTakenError
        for chat_id, _, _, _, record_id, duration_ms in rows:
            self._note(chat_id, record_id, duration_ms, 1)

    async def update(self, connection: Any) -> list[Told]:
        """Store what happened to the others; all that screens must be told about, numbered."""
        new = [chat.chat_id for chat in self._new]
        changed = [
            (chat_id, self._accrued[chat_id], self._latest.get(chat_id))
            for chat_id in {*self._accrued, *self._latest}.difference(new)
        ]
        told = [Told(chat_id, 1) for chat_id in new]
        if not changed and not self._told_records:
            return told
        moved_to = [chat_id for chat_id in self._latest if chat_id not in new]
        rows = await connection.fetch(SQL["save_chats"], *columns(changed, 3), self._told_records, moved_to, new)
        for row in rows:
            if row["chat_id"] in self._known:
                self._note(row["chat_id"], row["record_id"], row["duration_ms"], row["sequence"])
        return told + [Told(row["chat_id"], row["sequence"]) for row in rows if row["told"]]

    def _note(self, chat_id: str, record_id: str, duration_ms: int, sequence: int) -> None:
        stored = replace(
            self._known[chat_id], duration_ms=duration_ms, record_id=record_id, sequence=sequence, is_new=False
        )
        self._known[chat_id] = stored


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


def _changed_records(units: list[Unit]) -> tuple[list[tuple[Any, ...]], dict[str, int | None]]:
    """Rows of the records that are new or changed, and each account's next deadline."""
    rows: list[tuple[Any, ...]] = []
    due: dict[str, int | None] = {}
    for unit in units:
        ends = unit.ends()
        due[unit.payer.user_id] = next_deadline(unit.payer, unit.rules, ends)
        now_over = {event.record.record_id: event.record for event in unit.payer.events if isinstance(event, Ended)}
        # Those that are over first: a pair's next record is refused while its last one is stored as active.
        for record_id, record in (now_over | unit.payer.records).items():  # type: ignore[operator]
            cut_at = ends[record_id].at if record_id in ends else None
            if record is not unit.loaded.records.get(record_id) or cut_at != unit.stored_cuts.get(record_id):
                rows.append(_record_row(record, cut_at))
    return rows, due


def _entry_row(user_id: str, entry: Posted) -> tuple[Any, ...]:
    return (
        user_id,
        entry.amount,
        entry.kind,
        entry.at,
        entry.record_id,
        entry.reference,
        entry.advisor_id,
        entry.advisor_amount,
        entry.fees,
        entry.gift,
        entry.expires_at,
        entry.reason,
        entry.borne_by,
        entry.refunded_ms,
    )


def _record_row(record: Record, cut_at: int | None) -> tuple[Any, ...]:
    return (
        record.record_id,
        record.user_id,
        record.advisor_id,
        record.chat_id,
        record.tariff_version,
        record.free_ms_before,
        record.state.value,
        None if record.reason is None else record.reason.value,
        record.started_at,
        record.settled_at,
        record.paused_at,
        record.waiting_since,
        record.ended_at,
        record.elapsed_ms,
        record.charged,
        record.user_lease_until,
        record.advisor_lease_until,
        cut_at,
        record.terms.share_ppm,
        record.terms.fee_per_minute,
        record.terms.fee_per_session,
        record.earned,
        record.paused_by,
    )


async def _save_watches(connection: Any, units: list[Unit]) -> None:
    changes = {(watch.node_id, watch.chat_id, watch.party): (watch, unit) for unit in units for watch in unit.watches}
    put = [
        (watch.node_id, watch.chat_id, watch.party.value, unit.payer.user_id, watch.proved_at)
        for watch, unit in changes.values()
        if not watch.dropped
    ]
    if put:
        await connection.execute(SQL["put_watches"], *columns(put, 5))
    dropped = [(watch.node_id, watch.chat_id, watch.party.value) for watch, _ in changes.values() if watch.dropped]
    if dropped:
        await connection.execute(SQL["drop_watches"], *columns(dropped, 3))
