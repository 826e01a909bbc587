"""The events that follow from what a transaction did to a payer.

The transitions of the core are steps (`core.steps`). A host wants facts: a record that moves to another chat is one
fact, although its timer stops and starts. So the steps are read in order, beside the payer as loaded:

    first appearance of a record    `record.started` if it runs at once, otherwise `record.requested`: it rings or waits
    first start of its timer        `record.started`
    later start                     `record.resumed`, `record.switched` in another chat, or both
    stop                            `record.paused`, unless the record ends or is switched at the same instant
    end                             `record.ended`, `record.missed` or `record.declined`: one of the three
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core import steps
from talktime.core.entries import EntryKind
from talktime.core.price import price
from talktime.core.record import AWAY, Party, Reason, State, replace
from talktime.documents.event import CreditEndData, EventData, EventType, PartyData, PostingData, RecordData

if TYPE_CHECKING:
    from collections.abc import Iterator

    from talktime.core.payer import Payer
    from talktime.core.record import Record
    from talktime.core.roles import Role

_ENDS: Final = {Reason.MISSED: EventType.RECORD_MISSED, Reason.DECLINED: EventType.RECORD_DECLINED}

_POSTINGS: Final = {
    EntryKind.CHARGE: EventType.CHARGE_POSTED,
    EntryKind.SHARE: EventType.CHARGE_POSTED,
    EntryKind.DEBIT: EventType.CREDIT_SPENT,
    EntryKind.EXPIRY: EventType.CREDIT_EXPIRED,
}

_ABSENT: Final = {reason: party for party, reason in AWAY.items()}


class Story(NamedTuple):
    """An event without what the database adds. `chat_id` is None for what belongs to no chat.

    `place` is the place of the step from which the event follows.
    """

    type: EventType
    occurred_at: int
    data: EventData
    advisor_id: str | None = None
    chat_id: str | None = None
    record_id: str | None = None
    place: int = 0


def stories(loaded: Payer, happened: tuple[steps.Step, ...], entry_ids: Iterator[int]) -> Iterator[Story]:
    """The events of what happened to a payer, in order.

    Args:
        loaded: the payer before.
        happened: what the transitions did, in order.
        entry_ids: the ids of the entries among `happened`, in order.
    """
    return _StepReader(loaded, entry_ids).read(happened)


class _StepReader:
    """Reads the steps. `known` has the records as the steps before left them, `started` those that have run."""

    def __init__(self, loaded: Payer, entry_ids: Iterator[int]) -> None:
        self.loaded = loaded
        self.known = dict(loaded.records)
        self.started = {record.record_id for record in loaded.running()}
        self.balance = loaded.balance
        self.entry_ids = entry_ids

    def read(self, happened: tuple[steps.Step, ...]) -> Iterator[Story]:
        for place, step in enumerate(happened):
            for story in self._stories(step):
                yield story._replace(place=place)
            if not isinstance(step, steps.EntryPosted | steps.DurationAdded):
                self.known[step.record.record_id] = step.record

    def _stories(self, step: steps.Step) -> Iterator[Story]:
        if isinstance(step, steps.EntryPosted):
            yield self._posting(step)
        elif isinstance(step, steps.TimerStarted):
            yield from self._start(step)
        elif isinstance(step, steps.TimerStopped):
            yield from self._stop(step)
        elif isinstance(step, steps.RecordRequested):
            yield from self._request(step.record, step.at)
        elif isinstance(step, steps.WaitBegan):
            yield from self._keep_paused(step.record, step.at)
        elif isinstance(step, steps.CreditLow):
            yield _credit_end(EventType.CREDIT_LOW, step.record, step.at, step.cut_at)
        elif isinstance(step, steps.RecordEnded):
            yield from self._end(step.record, step.by)

    def _request(self, record: Record, at: int) -> Iterator[Story]:
        previous = self.known.get(record.record_id)
        if previous is None:
            yield _of_record(EventType.RECORD_REQUESTED, record, at)
        elif previous.chat_id != record.chat_id:
            yield _of_record(EventType.RECORD_SWITCHED, record, at, previous_chat_id=previous.chat_id)

    def _start(self, step: steps.TimerStarted) -> Iterator[Story]:
        record, previous = step.record, self.known.get(step.record.record_id)
        has_moved = previous is not None and previous.chat_id != record.chat_id
        if has_moved and previous is not None:
            yield _of_record(EventType.RECORD_SWITCHED, record, step.at, previous_chat_id=previous.chat_id)
        if record.elapsed_ms == 0 and record.record_id not in self.started:
            yield _of_record(EventType.RECORD_STARTED, record, step.at)
        elif not has_moved or step.reason is not None:
            if step.reason in _ABSENT:
                returned = self._returned(previous or record, _ABSENT[step.reason], step.at)
                yield _about(EventType.PARTY_RETURNED, record, step.at, PartyData(returned))
            yield _of_record(EventType.RECORD_RESUMED, record, step.at)
        self.started.add(record.record_id)

    def _returned(self, record: Record, left: Party, at: int) -> Party:
        """The party whose return let the timer start: `left`, unless `left` was back already, and waited."""
        absent = [party for party in Party if not self.loaded.is_ready(record, party, at)]
        return absent[0] if len(absent) == 1 else left

    def _stop(self, step: steps.TimerStopped) -> Iterator[Story]:
        if step.reason in _ABSENT:
            yield _of_party(EventType.PARTY_LEFT, step.record, step.reason, step.at)
        if step.reason is Reason.OUT_OF_CREDIT:
            yield _credit_end(EventType.CREDIT_EXHAUSTED, step.record, step.at, step.at)
        # A record that was stopped ends at this instant, and a switched record runs on or waits.
        if step.reason not in {Reason.SWITCHED, Reason.STOPPED, Reason.MAX_COST}:
            record = replace(step.record, state=State.PAUSED, reason=step.reason)
            yield _of_record(EventType.RECORD_PAUSED, record, step.at, step.by)

    def _keep_paused(self, record: Record, at: int) -> Iterator[Story]:
        previous = self.known.get(record.record_id)
        if previous is None:
            yield _of_record(EventType.RECORD_REQUESTED, record, at)
        elif previous.chat_id != record.chat_id:
            yield _of_record(EventType.RECORD_SWITCHED, record, at, previous_chat_id=previous.chat_id)
        if record.reason is Reason.TIMER_FAILED:
            yield _of_record(EventType.TIMER_FAILED, record, at)
        elif previous is not None and (previous.reason, previous.paused_by) != (record.reason, record.paused_by):
            yield _of_record(EventType.RECORD_PAUSED, record, at, record.paused_by)

    def _end(self, record: Record, by: Role | None) -> Iterator[Story]:
        at = record.started_at if record.ended_at is None else record.ended_at
        previous = self.known.get(record.record_id)
        if record.reason in _ABSENT and previous is not None and previous.is_requested:
            yield _of_party(EventType.PARTY_LEFT, record, record.reason, at)
        kind = EventType.RECORD_ENDED if record.reason is None else _ENDS.get(record.reason, EventType.RECORD_ENDED)
        yield _of_record(kind, record, at, by)

    def _posting(self, entry: steps.EntryPosted) -> Story:
        self.balance += entry.amount
        record = None if entry.record_id is None else self.known.get(entry.record_id)
        kind = _POSTINGS.get(entry.kind, EventType.CREDIT_ADDED)
        if entry.kind is EntryKind.REFUND and entry.record_id is not None:
            kind = EventType.REFUND_POSTED
        data = PostingData(
            entry_id=str(next(self.entry_ids)),
            kind=entry.kind,
            amount=entry.amount,
            gift=entry.gift,
            advisor_amount=entry.advisor_amount,
            platform_amount=-entry.amount - entry.advisor_amount,
            fees=entry.fees,
            balance=self.balance,
            reference=entry.reference,
            expires_at=entry.expires_at,
            reason=entry.reason,
            borne_by=entry.borne_by,
            refunded_ms=entry.refunded_ms,
            by_role=None if entry.actor is None else entry.actor.role,
            by_subject=None if entry.actor is None else entry.actor.subject,
            metadata=entry.metadata or {},
        )
        chat_id = None if record is None else record.chat_id
        return Story(kind, entry.at, data, entry.advisor_id, chat_id, entry.record_id)


def _of_record(
    kind: EventType, record: Record, at: int, by: Role | None = None, *, previous_chat_id: str | None = None
) -> Story:
    cost = price(record.charging_tariff, record.elapsed_ms, record.allowance_ms)
    data = RecordData(
        state=record.state,
        reason=record.reason,
        by=by,
        started_at=record.started_at,
        ended_at=record.ended_at,
        ring_until=record.ring_until,
        previous_chat_id=previous_chat_id,
        decline_reason=record.decline_reason,
        tariff_version=record.tariff_version,
        elapsed_ms=record.elapsed_ms,
        billed_ms=cost.billed_ms,
        cost=cost.cost,
        earned=record.earned,
        metadata=record.metadata or {},
    )
    return _about(kind, record, at, data)


def _credit_end(kind: EventType, record: Record, at: int, cut_at: int) -> Story:
    data = CreditEndData(cut_at, max(0, cut_at - at), record.elapsed_at(at), record.cost_at(at))
    return _about(kind, record, at, data)


def _of_party(kind: EventType, record: Record, reason: Reason, at: int) -> Story:
    return _about(kind, record, at, PartyData(_ABSENT[reason]))


def _about(kind: EventType, record: Record, at: int, data: EventData) -> Story:
    return Story(kind, at, data, record.advisor_id, record.chat_id, record.record_id)
