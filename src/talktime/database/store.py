"""Payers in and out of the database, as sets: a command is a set of one, the deadline worker's a set of hundreds.

A `Payers` is what one transaction works on. It is loaded by a handful of statements, changed by pure functions in
memory, and saved by a handful of statements, however many accounts it holds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from talktime.database.queries import SQL
from talktime.errors import NotFound
from talktime.meter import (
    Accrued,
    Closed,
    Ended,
    Event,
    Opened,
    Party,
    Payer,
    Posted,
    Reason,
    Record,
    Rules,
    SocketLease,
    State,
    Waiting,
    cuts,
    next_deadline,
)
from talktime.snapshots import snapshot
from talktime.tariff import Tariff

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from talktime.views import Snapshot


class TimerStartError(Exception):
    """The database would not take a new segment: the timer could not be started."""


class ChatTakenError(Exception):
    """Another payer's command made a chat of this id meanwhile."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat as stored. `duration_ms` is as of when its running record, if any, was last settled."""

    chat_id: str
    user_id: str
    advisor_id: str
    created_at: int = 0
    record_id: str | None = None
    duration_ms: int = 0
    sequence: int = 0
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class AdvisorRow:
    """An advisor and the tariff that a record started now gets."""

    advisor_id: str
    display_name: str
    tariff: Tariff
    tariff_version: int


class WatchChange(NamedTuple):
    """A socket's watch to be stored (`proved_at` None: as good as its node's), or dropped."""

    node_id: str
    chat_id: str
    party: Party
    proved_at: int | None
    dropped: bool


@dataclass(slots=True)
class Unit:
    """One payer inside a transaction: as loaded, as it is now, and the chats looked at (one dict for all its units)."""

    loaded: Payer
    due_at: int | None
    stored_cuts: dict[str, int | None]
    open_segments: dict[str, int]
    display_name: str
    payer: Payer
    now: int
    rules: Rules
    chats: dict[str, Chat]
    ended: dict[str, Record] = field(default_factory=dict)
    free_used_ms: dict[str, int] = field(default_factory=dict)
    watches: list[WatchChange] = field(default_factory=list)
    happened: tuple[Event, ...] = ()

    def snapshot(self, chat_id: str, record: Record | None = None) -> Snapshot:
        """What a screen shows of this chat now, with its latest record unless another is asked for."""
        chat = self.chats[chat_id]
        record = record or self.record_of(chat)
        if record is None:
            raise NotFound("record")
        accrued_ms = sum(e.duration_ms for e in self.payer.events if isinstance(e, Accrued) and e.chat_id == chat_id)
        return snapshot(self.payer, record, self.rules, self.now, chat_id, chat.duration_ms + accrued_ms, chat.sequence)

    def saved(self, due_at: int | None) -> None:
        """What happened is stored now, with the next deadline; it is kept apart for the log."""
        self.due_at = due_at
        self.happened = self.payer.events
        self.ended |= {event.record.record_id: event.record for event in self.payer.events if isinstance(event, Ended)}
        self.payer = replace(self.payer, events=())

    def record_of(self, chat: Chat) -> Record | None:
        """The chat's latest record, active or ended."""
        if chat.record_id is None:
            return None
        return self.payer.records.get(chat.record_id) or self.ended_record(chat.record_id)

    def ended_record(self, record_id: str) -> Record | None:
        """A record that has ended, just now or before."""
        just_now = (e.record for e in self.payer.events if isinstance(e, Ended) and e.record.record_id == record_id)
        return next(just_now, None) or self.ended.get(record_id)

    def free_ms_before(self, advisor_id: str) -> int:
        """Free time the pair has used in records that have ended."""
        ended = [e.record for e in self.payer.events if isinstance(e, Ended) and e.record.advisor_id == advisor_id]
        return free_used(ended[-1]) if ended else self.free_used_ms.get(advisor_id, 0)

    @property
    def is_changed(self) -> bool:
        """Whether screens have something new to show; a checkpoint's postings are nothing new."""
        return any(
            isinstance(event, Opened | Closed | Waiting | Ended)
            or (isinstance(event, Posted) and event.kind != "charge")
            for event in self.payer.events
        )

    def told_records(self) -> Iterator[str]:
        """The records whose chats are told of a change: all that are, were or have become active here."""
        yield from {
            *self.loaded.records,
            *self.payer.records,
            *(e.record.record_id for e in self.payer.events if isinstance(e, Ended)),
        }


def free_used(record: Record) -> int:
    """Free time that the pair has used up to the end of this record."""
    return record.free_ms_before + min(record.elapsed_ms, record.allowance_ms)


class Told(NamedTuple):
    """A numbered change of a chat, to be sent to its screens."""

    chat_id: str
    sequence: int


class Store:
    """Loads and saves sets of payers. Keeps nothing but tariff versions, which never change."""

    def __init__(self) -> None:
        self._tariffs: dict[tuple[str, int], Tariff] = {}

    async def load(
        self,
        connection: Any,
        rules: Rules,
        user_ids: Iterable[str],
        chat_ids: Iterable[str] = (),
        pairs: Iterable[tuple[str, str]] = (),
    ) -> dict[str, Unit]:
        """The payers of these ids that exist, with these chats, and what these pairs used of their free time."""
        users, chats, pairs = sorted(set(user_ids)), sorted(set(chat_ids)), sorted(set(pairs))
        accounts = await connection.fetch(SQL["load_accounts"], users)
        records = await connection.fetch(SQL["load_active_records"], users)
        sockets = await connection.fetch(SQL["load_sockets"], users) if records else []
        chat_rows = await connection.fetch(SQL["load_chats"], chats) if chats else []
        ended = await connection.fetch(SQL["load_chat_records"], chats) if chats else []
        last = await connection.fetch(SQL["load_last_records"], *_columns(pairs, 2)) if pairs else []
        await self._load_tariffs(
            connection, {(row["advisor_id"], row["tariff_version"]) for row in (*records, *ended, *last)}
        )

        active: dict[str, dict[str, Record]] = {user_id: {} for user_id in users}
        stored_cuts: dict[str, dict[str, int | None]] = {user_id: {} for user_id in users}
        open_segments: dict[str, dict[str, int]] = {user_id: {} for user_id in users}
        for row in records:
            active[row["user_id"]][row["record_id"]] = self._record(row)
            stored_cuts[row["user_id"]][row["record_id"]] = row["cut_at"]
            if row["segment_id"] is not None:
                open_segments[row["user_id"]][row["record_id"]] = row["segment_id"]
        units: dict[str, Unit] = {}
        shared: dict[str, Chat] = {}
        for row in accounts:
            now = max(row["now"], row["settled_at"])
            payer = Payer(
                row["user_id"],
                row["balance"],
                row["settled_at"],
                active[row["user_id"]],
                _sockets(sockets, row, rules, now),
            )
            units[row["user_id"]] = Unit(
                payer,
                row["due_at"],
                stored_cuts[row["user_id"]],
                open_segments[row["user_id"]],
                row["display_name"],
                payer,
                now,
                rules,
                shared,
            )
        for row in chat_rows:
            chat = Chat(
                row["chat_id"],
                row["user_id"],
                row["advisor_id"],
                0,
                row["record_id"],
                row["duration_ms"],
                row["sequence"],
            )
            shared[chat.chat_id] = chat
        for row in ended:
            if row["user_id"] in units:
                units[row["user_id"]].ended[row["record_id"]] = self._record(row)
        for row in last:
            tariff = self._tariffs[row["advisor_id"], row["tariff_version"]]
            left_ms = max(0, tariff.free_ms - row["free_ms_before"])
            units[row["user_id"]].free_used_ms[row["advisor_id"]] = row["free_ms_before"] + min(
                row["elapsed_ms"], left_ms
            )
        return units

    async def advisors(self, connection: Any, advisor_ids: Iterable[str]) -> dict[str, AdvisorRow]:
        """These advisors with their current tariffs."""
        rows = await connection.fetch(SQL["load_advisors"], sorted(set(advisor_ids)))
        await self._load_tariffs(connection, {(row["advisor_id"], row["tariff_version"]) for row in rows})
        return {
            row["advisor_id"]: AdvisorRow(
                row["advisor_id"],
                row["display_name"],
                self._tariffs[row["advisor_id"], row["tariff_version"]],
                row["tariff_version"],
            )
            for row in rows
        }

    async def record(self, connection: Any, record_id: str) -> Record | None:
        """One record, active or ended."""
        row = await connection.fetchrow(SQL["record_by_id"], record_id)
        if row is None:
            return None
        await self._load_tariffs(connection, {(row["advisor_id"], row["tariff_version"])})
        return self._record(row)

    async def save(self, connection: Any, units: Iterable[Unit]) -> list[Told]:
        """Store what changed, in the order the constraints want; the chats that screens must be told about, numbered.

        Raises:
            TimerStartError: when the new segments can't be stored.
            ChatTakenError: when a new chat's id was taken meanwhile.
        """
        units = [unit for unit in units if unit.payer is not unit.loaded or unit.watches]
        if not units:
            return []
        await _save_new_chats(connection, units)
        segments = _Segments(units)
        if segments.closed:
            await connection.execute(SQL["close_segments"], *_columns(segments.closed, 3))
        rows, due = _changed_records(units)
        if rows:
            await connection.execute(SQL["save_records"], *_columns(rows, 18))
        if segments.inserted:
            try:
                await connection.execute(SQL["insert_segments"], *_columns(segments.inserted, 6))
            except asyncpg.PostgresError as error:
                raise TimerStartError(str(error)) from error
        entries = [
            (unit.payer.user_id, event.amount, event.kind, event.at, event.record_id, event.reference)
            for unit in units
            for event in unit.payer.events
            if isinstance(event, Posted)
        ]
        if entries:
            await connection.execute(SQL["insert_entries"], *_columns(entries, 6))
        told = await _save_chats(connection, units)
        await _save_watches(connection, units)
        accounts = [
            (unit.payer.user_id, unit.payer.balance, unit.payer.settled_at, due[unit.payer.user_id])
            for unit in units
            if unit.payer.events or unit.payer.balance != unit.loaded.balance or due[unit.payer.user_id] != unit.due_at
        ]
        if accounts:
            await connection.execute(SQL["save_accounts"], *_columns(accounts, 4))
        for unit in units:
            unit.saved(due[unit.payer.user_id])
        return told

    async def _load_tariffs(self, connection: Any, versions: set[tuple[str, int]]) -> None:
        missing = sorted(versions - self._tariffs.keys())
        if missing:
            if len(self._tariffs) > 10_000:
                self._tariffs = {version: tariff for version, tariff in self._tariffs.items() if version in versions}
            for row in await connection.fetch(SQL["load_tariffs"], *_columns(missing, 2)):
                self._tariffs[row["advisor_id"], row["version"]] = Tariff.parse(row["tariff"])

    def _record(self, row: Any) -> Record:
        return Record(
            record_id=row["record_id"],
            user_id=row["user_id"],
            advisor_id=row["advisor_id"],
            chat_id=row["chat_id"],
            tariff=self._tariffs[row["advisor_id"], row["tariff_version"]],
            tariff_version=row["tariff_version"],
            free_ms_before=row["free_ms_before"],
            started_at=row["started_at"],
            settled_at=row["settled_at"],
            state=State(row["state"]),
            reason=None if row["reason"] is None else Reason(row["reason"]),
            elapsed_ms=row["elapsed_ms"],
            charged=row["charged"],
            running_since=row["running_since"],
            paused_at=row["paused_at"],
            waiting_since=row["waiting_since"],
            ended_at=row["ended_at"],
            user_lease_until=row["user_lease_until"],
            advisor_lease_until=row["advisor_lease_until"],
        )


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
                    self.inserted.append((record.record_id, record.user_id, record.chat_id, event.at, None, None))
                elif isinstance(event, Closed):
                    index = opened.pop(event.record.record_id, None)
                    if index is None:
                        self.closed.append((unit.open_segments[event.record.record_id], event.at, event.reason.value))
                    else:
                        self.inserted[index] = (*self.inserted[index][:4], event.at, event.reason.value)


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


def _sockets(rows: Iterable[Any], account: Any, rules: Rules, now: int) -> dict[tuple[str, Party], SocketLease]:
    """Nodes that have lapsed hold nothing any more, but what they proved counts."""
    sockets: dict[tuple[str, Party], SocketLease] = {}
    for row in rows:
        if row["user_id"] == account["user_id"]:
            key = (row["chat_id"], Party(row["party"]))
            until = row["proved_at"] + rules.lease_ms
            before = sockets.get(key, SocketLease(0, held=False))
            sockets[key] = SocketLease(max(until, before.until), held=before.held or (row["held"] and until > now))
    return sockets


async def _save_new_chats(connection: Any, units: list[Unit]) -> None:
    new = [chat for chat in units[0].chats.values() if chat.is_new]
    chats = [(chat.chat_id, chat.user_id, chat.advisor_id, chat.created_at) for chat in new]
    if chats:
        inserted = await connection.fetch(SQL["insert_chats"], *_columns(chats, 4))
        if len(inserted) < len(chats):
            raise ChatTakenError


def _changed_records(units: list[Unit]) -> tuple[list[tuple[Any, ...]], dict[str, int | None]]:
    """Rows of the records that are new or changed, and each account's next deadline."""
    rows: list[tuple[Any, ...]] = []
    due: dict[str, int | None] = {}
    for unit in units:
        ends = cuts(unit.payer)
        due[unit.payer.user_id] = next_deadline(unit.payer, unit.rules, ends)
        now_over = {event.record.record_id: event.record for event in unit.payer.events if isinstance(event, Ended)}
        # Those that are over first: a pair's next record is refused while its last one is stored as active.
        for record_id, record in (now_over | unit.payer.records).items():  # type: ignore[operator]
            cut_at = ends[record_id].at if record_id in ends else None
            if record is not unit.loaded.records.get(record_id) or cut_at != unit.stored_cuts.get(record_id):
                rows.append(_record_row(record, cut_at))
    return rows, due


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
    )


async def _save_chats(connection: Any, units: list[Unit]) -> list[Told]:
    accrued: Counter[str] = Counter()
    latest: dict[str, str] = {}
    told_records: list[str] = []
    for unit in units:
        for event in unit.payer.events:
            if isinstance(event, Accrued):
                accrued[event.chat_id] += event.duration_ms
            elif isinstance(event, Opened | Waiting):
                latest[event.record.chat_id] = event.record.record_id
        if unit.is_changed:
            told_records += unit.told_records()
    changed = [(chat_id, accrued[chat_id], latest.get(chat_id)) for chat_id in {*accrued, *latest}]
    if not changed and not told_records:
        return []
    rows = await connection.fetch(SQL["save_chats"], *_columns(changed, 3), told_records, list(latest))
    chats = units[0].chats
    for row in rows:
        chat = chats.get(row["chat_id"])
        if chat is not None:
            chats[chat.chat_id] = replace(
                chat, duration_ms=row["duration_ms"], record_id=row["record_id"], sequence=row["sequence"], is_new=False
            )
    return [Told(row["chat_id"], row["sequence"]) for row in rows if row["told"]]


async def _save_watches(connection: Any, units: list[Unit]) -> None:
    changes = {(watch.node_id, watch.chat_id, watch.party): (watch, unit) for unit in units for watch in unit.watches}
    put = [
        (watch.node_id, watch.chat_id, watch.party.value, unit.payer.user_id, watch.proved_at)
        for watch, unit in changes.values()
        if not watch.dropped
    ]
    if put:
        await connection.execute(SQL["put_watches"], *_columns(put, 5))
    dropped = [(watch.node_id, watch.chat_id, watch.party.value) for watch, _ in changes.values() if watch.dropped]
    if dropped:
        await connection.execute(SQL["drop_watches"], *_columns(dropped, 3))
