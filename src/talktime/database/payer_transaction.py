"""One payer inside a transaction: as loaded, as changed so far, and what the change needs besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from talktime.core.cuts import Cut, find_cuts
from talktime.core.events import DurationAdded, EntryPosted, Event, KeptPaused, RecordEnded, TimerStarted, TimerStopped
from talktime.core.payer import Payer, Rules
from talktime.core.record import Party, Record, replace
from talktime.core.refunds import EntryTotals

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    sequence: int = 0
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class StoredAdvisor:
    """An advisor, with the tariff and the terms that a record gets if it starts now."""

    advisor_id: str
    display_name: str
    tariff: Tariff
    tariff_version: int
    terms: Terms


class WatchChange(NamedTuple):
    """A watch of this process's sockets to be stored or dropped.

    `proved_at` is the last proof of a party that fell silent, None while the node's own row vouches for the party.
    """

    node_id: str
    chat_id: str
    party: Party
    proved_at: int | None
    dropped: bool


@dataclass(slots=True)
class PayerTransaction:
    """One payer inside a transaction.

    `loaded` is the payer as stored, `current` the payer as changed so far. `now` is the engine time of the transaction.
    `chats` holds the chats that the commands of the transaction name: one dict for all payers of the transaction.
    `free_used_ms` and `tallies` are there only for the pairs and records that a command asks for.
    """

    loaded: Payer
    due_at: int | None
    stored_cuts: dict[str, int | None]
    open_segments: dict[str, int]
    display_name: str
    current: Payer
    now: int
    rules: Rules
    chats: dict[str, Chat]
    ended: dict[str, Record] = field(default_factory=dict)
    free_used_ms: dict[str, int] = field(default_factory=dict)
    tallies: dict[str, EntryTotals] = field(default_factory=dict)
    watches: list[WatchChange] = field(default_factory=list)
    stored_events: tuple[Event, ...] = ()
    _cuts: tuple[Payer, dict[str, Cut]] | None = None

    def cuts(self) -> dict[str, Cut]:
        """The payer's `cuts`. Saving and every snapshot need them, so they are computed once for each state."""
        if self._cuts is None or self._cuts[0] is not self.current:
            self._cuts = (self.current, find_cuts(self.current))
        return self._cuts[1]

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
        just_ended = [record for record in self._just_ended() if record.advisor_id == advisor_id]
        if not just_ended:
            return self.free_used_ms.get(advisor_id, 0)
        last = just_ended[-1]
        return last.free_ms_before + min(last.elapsed_ms, last.allowance_ms)

    def chat_duration_ms(self, chat_id: str) -> int:
        """The chat's time as of the instant at which its record was last settled."""
        accrued = (e.duration_ms for e in self.current.events if isinstance(e, DurationAdded) and e.chat_id == chat_id)
        return self.chats[chat_id].duration_ms + sum(accrued)

    @property
    def is_visible_change(self) -> bool:
        """Whether screens have something new to show. A screen computes posted charges itself."""
        return any(
            isinstance(event, TimerStarted | TimerStopped | KeptPaused | RecordEnded)
            or (isinstance(event, EntryPosted) and not event.follows_from_time)
            for event in self.current.events
        )

    def changed_records(self) -> Iterator[str]:
        """The ids of the records whose chats learn of a change: those active before, and those active now."""
        yield from {*self.loaded.records, *self.current.records, *(record.record_id for record in self._just_ended())}

    def mark_saved(self, due_at: int | None) -> None:
        """Note that everything is stored, with `due_at` as the next deadline. The events stay readable for the log."""
        self.due_at = due_at
        self.stored_events = self.current.events
        self.ended |= {record.record_id: record for record in self._just_ended()}
        known_cuts = self.cuts()  # events do not change cuts
        self.current = replace(self.current, events=())
        self._cuts = (self.current, known_cuts)

    def _just_ended(self) -> Iterator[Record]:
        return (event.record for event in self.current.events if isinstance(event, RecordEnded))
