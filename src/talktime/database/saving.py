"""Changes on their way into the tables: a handful of statements, however many accounts a transaction holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from talktime.core.deadlines import next_deadline
from talktime.core.steps import (
    DurationAdded,
    EntryPosted,
    RecordEnded,
    RecordRequested,
    TimerStarted,
    TimerStopped,
    WaitBegan,
)
from talktime.database.event_rows import event_rows
from talktime.database.failures import unavailable
from talktime.database.queries import SQL, arrays
from talktime.database.record_rows import record_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from talktime.database.payer_transaction import Chat, PayerTransaction
    from talktime.database.pool import Connection

_Row = dict[str, object]


class TimerStartError(Exception):
    """The database refused a new segment, so a timer could not start."""


class ChatTakenError(Exception):
    """The command of another payer has made a chat with this id in the meantime."""


class AccountChange(NamedTuple):
    """A numbered change of an account, to be sent to the screens of the account's chats."""

    user_id: str
    sequence: int


async def save(connection: Connection, payers: Iterable[PayerTransaction]) -> list[AccountChange]:
    """Store what changed, in the order that the constraints require.

    Returns:
        The numbered changes that screens must learn.

    Raises:
        TimerStartError: the new segments can't be stored.
        ChatTakenError: the id of a new chat is taken.
    """
    changed = [payer for payer in payers if payer.is_changed]
    if not changed:
        return []
    chats = _ChatWriter(changed)
    await chats.insert(connection)
    segments = _SegmentRows(changed)
    await _store(connection, "close_segments", segments.closed)
    due = {payer.current.user_id: next_deadline(payer.current, payer.durations, payer.cuts()) for payer in changed}
    await _store(connection, "save_records", [row for payer in changed for row in _record_rows(payer)])
    try:
        await _store(connection, "insert_segments", segments.inserted)
    except asyncpg.PostgresError as error:
        if unavailable(error) is not None:
            raise  # the database refuses everything, not this segment alone
        raise TimerStartError(str(error)) from error
    entries = [row for payer in changed for row in _entry_rows(payer)]
    entry_ids = await connection.fetch(SQL["insert_entries"], *arrays("insert_entries", entries)) if entries else []
    await _store(connection, "insert_acts", [row for payer in changed for row in _act_rows(payer)])
    await _store(connection, "insert_events", event_rows(changed, [row["entry_id"] for row in entry_ids]))
    await chats.update(connection)
    await _save_watches(connection, changed)
    accounts = [_account_row(payer, due[payer.current.user_id]) for payer in changed if _is_account_changed(payer, due)]
    await _store(connection, "save_accounts", accounts)
    changes = [AccountChange(p.current.user_id, p.next_sequence) for p in changed if p.is_visible_change]
    for payer in changed:
        payer.mark_saved(due[payer.current.user_id])
    return changes


async def _store(connection: Connection, name: str, rows: Sequence[_Row]) -> None:
    if rows:
        await connection.execute(SQL[name], *arrays(name, rows))


class _SegmentRows:
    """The stored segments that end, and the new segments. A new segment may have ended already."""

    def __init__(self, payers: list[PayerTransaction]) -> None:
        self.closed: list[_Row] = []
        self.inserted: list[_Row] = []
        for payer in payers:
            opened: dict[str, _Row] = {}
            for step in payer.current.steps:
                if isinstance(step, TimerStarted):
                    opened[step.record.record_id] = row = _segment_row(step)
                    self.inserted.append(row)
                elif isinstance(step, TimerStopped):
                    new = opened.pop(step.record.record_id, None)
                    if new is None:
                        self.closed.append(
                            {
                                "segment_id": payer.open_segments[step.record.record_id],
                                "at": step.at,
                                "reason": step.reason.value,
                                "ended_by": step.by,
                            }
                        )
                    else:
                        new.update(ended_at=step.at, reason=step.reason.value, ended_by=step.by)


class _ChatWriter:
    """The changes of chats: time that has passed, and the latest record."""

    def __init__(self, payers: list[PayerTransaction]) -> None:
        self._chats = payers[0].chats
        self._new = [chat for chat in self._chats.values() if chat.is_new]
        self._accrued_ms: Counter[str] = Counter()
        self._latest: dict[str, str] = {}
        for payer in payers:
            for step in payer.current.steps:
                if isinstance(step, DurationAdded):
                    self._accrued_ms[step.chat_id] += step.duration_ms
                elif isinstance(step, RecordRequested | TimerStarted | WaitBegan):
                    self._latest[step.record.chat_id] = step.record.record_id

    async def insert(self, connection: Connection) -> None:
        """Store the new chats completely: `update` adds nothing to them.

        Raises:
            ChatTakenError: the id of a new chat is taken.
        """
        if not self._new:
            return
        rows = arrays("insert_chats", (self._insert_row(chat) for chat in self._new))
        made = await connection.fetch(SQL["insert_chats"], *rows)
        if len(made) < len(self._new):
            raise ChatTakenError
        for chat in self._new:
            self._note(chat.chat_id, self._latest[chat.chat_id], self._accrued_ms[chat.chat_id])

    async def update(self, connection: Connection) -> None:
        """Store what happened to the other chats."""
        touched = {*self._accrued_ms, *self._latest}.difference(chat.chat_id for chat in self._new)
        if not touched:
            return
        rows = arrays(
            "save_chats",
            (
                {"chat_id": chat_id, "accrued_ms": self._accrued_ms[chat_id], "record_id": self._latest.get(chat_id)}
                for chat_id in touched
            ),
        )
        for row in await connection.fetch(SQL["save_chats"], *rows):
            if row["chat_id"] in self._chats:
                self._note(row["chat_id"], row["record_id"], row["duration_ms"])

    def _insert_row(self, chat: Chat) -> _Row:
        return {
            "chat_id": chat.chat_id,
            "user_id": chat.user_id,
            "advisor_id": chat.advisor_id,
            "created_at": chat.created_at,
            "record_id": self._latest[chat.chat_id],
            "duration_ms": self._accrued_ms[chat.chat_id],
            "metadata": chat.metadata,
        }

    def _note(self, chat_id: str, record_id: str, duration_ms: int) -> None:
        self._chats[chat_id] = replace(self._chats[chat_id], duration_ms=duration_ms, record_id=record_id, is_new=False)


def _segment_row(step: TimerStarted) -> _Row:
    return {
        "record_id": step.record.record_id,
        "user_id": step.record.user_id,
        "chat_id": step.record.chat_id,
        "started_at": step.at,
        "ended_at": None,
        "reason": None,
        "ended_by": None,
    }


def _record_rows(payer: PayerTransaction) -> list[_Row]:
    """The records that are new or changed."""
    cuts = payer.cuts()
    ended = {step.record.record_id: step.record for step in payer.current.steps if isinstance(step, RecordEnded)}
    rows: list[_Row] = []
    # Ended records first: the database refuses a pair's next record while the last one is stored as active.
    for record_id, record in {**ended, **payer.current.records}.items():
        cut_at = cuts[record_id].at if record_id in cuts else None
        if record is not payer.loaded.records.get(record_id) or cut_at != payer.stored_cuts.get(record_id):
            rows.append(record_row(record, cut_at))
    return rows


def _entry_rows(payer: PayerTransaction) -> list[_Row]:
    return [
        {
            "user_id": payer.current.user_id,
            "amount": entry.amount,
            "kind": entry.kind,
            "at": entry.at,
            "record_id": entry.record_id,
            "reference": entry.reference,
            "advisor_id": entry.advisor_id,
            "advisor_amount": entry.advisor_amount,
            "fees": entry.fees,
            "gift_amount": entry.gift,
            "expires_at": entry.expires_at,
            "reason": entry.reason,
            "borne_by": entry.borne_by,
            "refunded_ms": entry.refunded_ms,
            "by_role": None if entry.actor is None else entry.actor.role,
            "by_subject": None if entry.actor is None else entry.actor.subject,
            "metadata": entry.metadata,
        }
        for entry in payer.current.steps
        if isinstance(entry, EntryPosted)
    ]


def _act_rows(payer: PayerTransaction) -> list[_Row]:
    return [
        {
            "at": act.at,
            "act": act.kind,
            "by_role": act.actor.role,
            "by_subject": act.actor.subject,
            "user_id": payer.current.user_id,
            "record_id": act.record_id,
            "amount": act.amount,
        }
        for act in payer.acts
    ]


def _is_account_changed(payer: PayerTransaction, due: dict[str, int | None]) -> bool:
    state = payer.current
    if state.steps or state.balance != payer.loaded.balance:
        return True
    return due[state.user_id] != payer.due_at or payer.is_visible_change


def _account_row(payer: PayerTransaction, due_at: int | None) -> _Row:
    return {
        "user_id": payer.current.user_id,
        "balance": payer.current.balance,
        "settled_at": payer.current.settled_at,
        "due_at": due_at,
        "gifts": payer.current.gifts,
        "sequence": payer.next_sequence,
    }


async def _save_watches(connection: Connection, payers: list[PayerTransaction]) -> None:
    changes = {
        (watch.node_id, watch.chat_id, watch.party): (watch, payer.current.user_id)
        for payer in payers
        for watch in payer.watches
    }
    rows: list[_Row] = [
        {
            "node_id": watch.node_id,
            "chat_id": watch.chat_id,
            "party": watch.party.value,
            "user_id": user_id,
            "proved_at": watch.proved_at,
            "dropped": watch.dropped,
        }
        for watch, user_id in changes.values()
    ]
    await _store(connection, "put_watches", [row for row in rows if not row["dropped"]])
    await _store(connection, "drop_watches", [row for row in rows if row["dropped"]])
