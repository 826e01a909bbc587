"""One payer inside a transaction: as loaded, as changed so far, and what the change needs besides."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from talktime.core.cuts import Cut, find_cuts
from talktime.core.low_credit import forget_low_credit
from talktime.core.payer import Durations, Payer, SocketLease, merge_leases
from talktime.core.record import GRACE_INTERVAL_MS, Party, Record, replace
from talktime.core.refunds import EntryTotals
from talktime.core.starts import DEFAULT_START_RULE, StartRule
from talktime.core.steps import (
    DurationAdded,
    EntryPosted,
    RecordEnded,
    RecordRequested,
    Step,
    TimerStarted,
    TimerStopped,
    WaitBegan,
    WaitExtended,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from talktime.core.actors import ActKind, Actor
    from talktime.core.metadata import Metadata
    from talktime.core.tariff import Tariff
    from talktime.core.terms import Terms


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat as stored. `duration_ms` is as of the instant at which the chat's record was last settled."""

    chat_id: str
    user_id: str
    advisor_id: str
    created_at: int = 0
    record_id: str | None = None
    duration_ms: int = 0
    is_new: bool = False
    metadata: Metadata | None = None


class TakenPlace(NamedTuple):
    """An active record of an advisor. `ends_at` is the instant at which it ends if nobody acts, if that is known."""

    record_id: str
    user_id: str
    ends_at: int | None


@dataclass(frozen=True, slots=True)
class StoredAdvisor:
    """An advisor, with the tariff, the terms and the start rule that a record gets if it starts now.

    `places` are the active records of an advisor who has a maximum. The transaction adds to them what it starts.
    """

    advisor_id: str
    display_name: str
    tariff: Tariff
    tariff_version: int
    terms: Terms
    start_rule: StartRule = DEFAULT_START_RULE
    metadata: Metadata | None = None
    places: list[TakenPlace] = field(default_factory=list)


NodeLeases = dict[tuple[str, Party], dict[str, SocketLease]]
"""The leases that sockets prove, by chat and party, for each node."""


class WatchChange(NamedTuple):
    """A watch of this process's sockets to be stored or dropped.

    `proved_at` is the last proof of a party that fell silent, None while the node's own row vouches for the party.
    """

    node_id: str
    chat_id: str
    party: Party
    proved_at: int | None
    dropped: bool


class Act(NamedTuple):
    """Somebody moved credit or stopped a record. `amount` is positive, and None for a stop."""

    kind: ActKind
    at: int
    actor: Actor
    record_id: str | None = None
    amount: int | None = None


@dataclass(slots=True)
class PayerTransaction:
    """One payer inside a transaction.

    `loaded` is the payer as stored, `current` the payer as changed so far. `now` is the engine time of the transaction.
    `asked_at` is when engine time was asked for, in seconds of this process's monotonic clock. `chats` holds the chats
    that the commands of the transaction name: one dict for all payers of the transaction.
    `metadata` has the host's own texts about the user.
    `sequence` is the number of the last change that screens were told of. `free_used_ms` and `graces_used_at` (by
    advisor), `entry_totals` and `chat_counts` (the chats of an active record) are there only for the pairs and records
    that a command asks for.
    `node_leases` has the leases in `Payer.sockets`, for each node.
    `tells_presence`: screens must be told who is present, although the tables may have said so before.
    """

    loaded: Payer
    due_at: int | None
    stored_cuts: dict[str, int | None]
    open_segments: dict[str, int]
    display_name: str
    sequence: int
    current: Payer
    now: int
    durations: Durations
    chats: dict[str, Chat]
    metadata: Metadata | None = None
    ended: dict[str, Record] = field(default_factory=dict)
    free_used_ms: dict[str, int] = field(default_factory=dict)
    graces_used_at: dict[str, int | None] = field(default_factory=dict)
    entry_totals: dict[str, EntryTotals] = field(default_factory=dict)
    chat_counts: dict[str, int] = field(default_factory=dict)
    node_leases: NodeLeases = field(default_factory=dict)
    watches: list[WatchChange] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    tells_presence: bool = False
    asked_at: float = field(default_factory=time.monotonic)
    stored_steps: tuple[Step, ...] = ()
    _requests: list[tuple[int, str | None]] = field(default_factory=list)
    _cuts: tuple[Payer, dict[str, Cut]] | None = None

    def begin_request(self, request_id: str | None) -> None:
        """The steps from here on are those of this request; None if the request is not known."""
        self._requests.append((len(self.current.steps), request_id))

    def request_of(self, place: int) -> str | None:
        """The request of a step by its place; None if the step happened by itself."""
        return next((request_id for first, request_id in reversed(self._requests) if first <= place), None)

    def note_act(
        self, kind: ActKind, actor: Actor | None, *, record_id: str | None = None, amount: int | None = None
    ) -> None:
        """Note who changed the payer. Without an actor there is nobody to note."""
        if actor is not None:
            self.acts.append(Act(kind, self.now, actor, record_id, amount))

    def set_socket(self, chat_id: str, party: Party, node_id: str, lease: SocketLease | None) -> None:
        """The sockets of the party at this node prove `lease` from now on; None if there are no sockets."""
        leases = self.node_leases.setdefault((chat_id, party), {})
        if lease is None:
            leases.pop(node_id, None)
        else:
            leases[node_id] = lease
        sockets = {key: merged for key, merged in self.current.sockets.items() if key != (chat_id, party)}
        if leases:
            sockets[chat_id, party] = merge_leases(leases.values())
        self.current = replace(self.current, sockets=sockets)

    def cuts(self) -> dict[str, Cut]:
        """The payer's `cuts`. Saving and every snapshot need them, so they are computed once for each state."""
        if self._cuts is None or self._cuts[0] is not self.current:
            self._cuts = (self.current, find_cuts(self.current))
        return self._cuts[1]

    def forget_low_credit(self) -> None:
        """Store of no record that its low credit is told, if a command has just moved its cut away.

        The next settlement would do this as well. But that may be the one of a refused command, which stores nothing.
        """
        self.current = forget_low_credit(self.current, self.durations.low_ms, self.cuts())

    def latest_record(self, chat: Chat) -> Record | None:
        """The chat's latest record, active or ended."""
        if chat.record_id is None:
            return None
        return self.current.records.get(chat.record_id) or self.ended_record(chat.record_id)

    def ended_record(self, record_id: str) -> Record | None:
        """A record that has ended, in this transaction or before."""
        return next((r for r in self._just_ended() if r.record_id == record_id), None) or self.ended.get(record_id)

    def free_ms_before(self, advisor_id: str) -> int:
        """The free time that the user and this advisor have used in records that have ended."""
        last = self._last_just_ended(advisor_id)
        if last is None:
            return self.free_used_ms.get(advisor_id, 0)
        return last.free_ms_before + min(last.elapsed_ms, last.allowance_ms)

    def grace_used_at(self, advisor_id: str) -> int | None:
        """The start of the pair's last record that the grace made free, if a record that starts now has no grace."""
        last = self._last_just_ended(advisor_id)
        used_at = self.graces_used_at.get(advisor_id) if last is None else last.next_grace_used_at
        return None if used_at is None or self.now - used_at >= GRACE_INTERVAL_MS else used_at

    def chat_duration_ms(self, chat_id: str) -> int:
        """The chat's time as of the instant at which its record was last settled."""
        accrued = (e.duration_ms for e in self.current.steps if isinstance(e, DurationAdded) and e.chat_id == chat_id)
        return self.chats[chat_id].duration_ms + sum(accrued)

    @property
    def is_changed(self) -> bool:
        """Whether there is something to store."""
        return self.current is not self.loaded or bool(self.watches) or self.tells_presence

    @property
    def is_visible_change(self) -> bool:
        """Whether screens have something new to show. A screen computes posted charges itself."""
        if self.tells_presence or self._is_presence_changed:
            return True
        return any(
            isinstance(step, RecordRequested | TimerStarted | TimerStopped | WaitBegan | WaitExtended | RecordEnded)
            or (isinstance(step, EntryPosted) and not step.follows_from_time)
            for step in self.current.steps
        )

    @property
    def _is_presence_changed(self) -> bool:
        """Whether the presence that snapshots tell has changed at a record."""
        if self.current is self.loaded:
            return False
        return any(
            self._is_news(before, record)
            for record in self.current.records.values()
            if (before := self.loaded.records.get(record.record_id)) is not None
        )

    def _is_news(self, before: Record, record: Record) -> bool:
        lease_ms = self.durations.lease_ms
        if not record.is_running:
            return self.current.presence(record, self.now).is_news_after(self.loaded.presence(before, self.now))
        # Steps tell of a segment that has begun or ended.
        is_same_segment = record.running_since == before.running_since
        awaited = self.current.awaited(record, lease_ms)
        return is_same_segment and awaited != self.loaded.awaited(before, lease_ms)

    @property
    def next_sequence(self) -> int:
        """The number under which screens learn of this change; the last number if there is nothing new to show."""
        return self.sequence + 1 if self.is_visible_change else self.sequence

    def mark_saved(self, due_at: int | None) -> None:
        """Note that everything is stored, with `due_at` as the next deadline. The steps stay readable for the log."""
        self.due_at = due_at
        self.sequence = self.next_sequence
        self.stored_steps = self.current.steps
        self.ended |= {record.record_id: record for record in self._just_ended()}
        known_cuts = self.cuts()  # steps do not change cuts
        self.current = replace(self.current, steps=())
        self.acts.clear()
        self._cuts = (self.current, known_cuts)

    def _last_just_ended(self, advisor_id: str) -> Record | None:
        """The last record with this advisor that has ended in this transaction."""
        return next((record for record in reversed([*self._just_ended()]) if record.advisor_id == advisor_id), None)

    def _just_ended(self) -> Iterator[Record]:
        return (step.record for step in self.current.steps if isinstance(step, RecordEnded))
