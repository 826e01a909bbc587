"""One payer inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from talktime.core.cuts import Cut, cuts
from talktime.core.errors import NotFound
from talktime.core.payer import (
    Accrued,
    Closed,
    Ended,
    Event,
    Opened,
    Party,
    Payer,
    Posted,
    Record,
    Rules,
    Waiting,
    replace,
)
from talktime.core.refunds import Tally
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.documents.snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from talktime.documents.snapshot import Snapshot


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
    """An advisor, and the tariff and terms that a record started now gets."""

    advisor_id: str
    display_name: str
    tariff: Tariff
    tariff_version: int
    terms: Terms


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
    tallies: dict[str, Tally] = field(default_factory=dict)
    watches: list[WatchChange] = field(default_factory=list)
    happened: tuple[Event, ...] = ()
    _ends: tuple[Payer, dict[str, Cut]] | None = None

    def ends(self) -> dict[str, Cut]:
        """The payer's `cuts`. Saving needs them, and then every screen's snapshot: they are computed once."""
        if self._ends is None or self._ends[0] is not self.payer:
            self._ends = (self.payer, cuts(self.payer))
        return self._ends[1]

    def snapshot(self, chat_id: str, record: Record | None = None) -> Snapshot:
        """What a screen shows of this chat now, with its latest record unless another is asked for."""
        chat = self.chats[chat_id]
        record = record or self.record_of(chat)
        if record is None:
            raise NotFound("record")
        accrued_ms = sum(e.duration_ms for e in self.payer.events if isinstance(e, Accrued) and e.chat_id == chat_id)
        duration_ms = chat.duration_ms + accrued_ms
        return snapshot(self.payer, record, self.rules, self.now, chat_id, duration_ms, chat.sequence, self.ends())

    def saved(self, due_at: int | None) -> None:
        """What happened is stored now, with the next deadline; it is kept apart for the log."""
        self.due_at = due_at
        self.happened = self.payer.events
        self.ended |= {event.record.record_id: event.record for event in self.payer.events if isinstance(event, Ended)}
        ends = self.ends()  # they don't depend on what happened
        self.payer = replace(self.payer, events=())
        self._ends = (self.payer, ends)

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
            isinstance(event, Opened | Closed | Waiting | Ended) or (isinstance(event, Posted) and not event.is_accrual)
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
