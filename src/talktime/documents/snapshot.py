"""The snapshot of a chat for one screen, computed from a payer's facts at an instant."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from talktime.core.payer import Durations, Payer
from talktime.core.price import price
from talktime.core.record import Party, Reason, Record, State
from talktime.core.roles import Role
from talktime.core.starts import Starts
from talktime.documents.document import INSIDE, NULLABLE, Document, shown
from talktime.documents.fields import Credits, Instant, Metadata, Milliseconds
from talktime.documents.tariff import TariffDocument, TermsDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from talktime.core.cuts import Cut


@dataclass(frozen=True, slots=True)
class RecordView(Document):
    """A conversation time record as it stands."""

    schema_name: ClassVar[str] = "Record"

    id: str
    state: State
    reason: Annotated[Reason | None, "why the record does not run; null while it is requested or runs"]
    user_id: str
    advisor_id: str
    current_chat_id: Annotated[str, "the chat that the record is in, and the only one whose timer can run"]
    started_at: Instant
    paused_at: Annotated[Instant | None, "since when the record is paused; null while it runs and after its end"]
    paused_by: Annotated[Role | None, "who paused the record, if a person or the host did"]
    ended_at: Instant | None
    starts: Annotated[Starts, "how the record started"]
    decline_reason: Annotated[str | None, "what the advisor said when the advisor declined"]
    metadata: Annotated[Metadata, INSIDE] = field(default_factory=dict)
    ended_by: Annotated[Role | None, "who ended the record, if a person or the host did, and that was stored"] = None

    @property
    def is_active(self) -> bool:
        """Whether the record has not ended."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class ChatTime(Document):
    """The chat that a snapshot shows; `duration_ms` is the chat's own time, over all its records."""

    schema_name: ClassVar[str] = "Chat"

    id: str
    user_id: str
    advisor_id: str
    duration_ms: Milliseconds


@dataclass(frozen=True, slots=True)
class TimerView(Document):
    """The timer of the record, as this chat sees it."""

    schema_name: ClassVar[str] = "Timer"

    running: Annotated[bool, "true only in the record's current chat"]
    since: Instant | None = None
    lease_until: Annotated[Instant | None, "when the time stops unless both parties prove their presence again"] = None
    cut_at: Annotated[Instant | None, "when the credit or `max_cost` ends the time; null if never"] = None
    recharge_until: Annotated[Instant | None, "until when a record that is out of credit waits for more"] = None
    ring_until: Annotated[Instant | None, "until when a requested record waits for the advisor to accept"] = None
    abandon_until: Annotated[
        Instant | None, "when a paused record ends if nobody lets it go on; null while it waits for credit"
    ] = None


@dataclass(frozen=True, slots=True)
class PresenceView(Document):
    """The presence of the two parties in the chat."""

    schema_name: ClassVar[str] = "Presence"

    user: bool
    advisor: bool
    until: Annotated[
        Instant | None,
        "when to ask again, because one of the two may have gone by then; null while live channels prove presence",
    ]


@dataclass(frozen=True, slots=True)
class AlsoRunning(Document):
    """Another record of the user that runs, and spends the same credit. Instants and times are as of `server_time`."""

    elapsed_ms: Annotated[Milliseconds, "how long that record has run"]
    allowance_ms: Annotated[Milliseconds, "free time that was left to user and advisor when that record started"]
    cut_at: Annotated[Instant | None, "when the credit or `max_cost` ends that record; null if never"]
    tariff: Annotated[TariffDocument, "the tariff that charges that record, without grace where the grace is used up"]


@dataclass(frozen=True, slots=True)
class Snapshot(Document):
    """Everything that one screen needs to show a chat, as of `server_time`.

    Time, cost and free time are those of the record, over all its chats.
    """

    server_time: Instant
    sequence: Annotated[int, "rises by one with each change of the account; after a gap a screen asks again"]
    record: Annotated[RecordView, NULLABLE, "the latest record of the chat; null for a chat that never had a record"]
    chat_id: Annotated[str, INSIDE]
    user_id: Annotated[str, INSIDE]
    advisor_id: Annotated[str, INSIDE]
    chat_duration_ms: Annotated[int, INSIDE]
    timer: TimerView
    presence: Annotated[
        PresenceView | None,
        "who is present while the record waits in this chat; null elsewhere, after its end, and while its timer runs,"
        " unless one of the two has not come yet",
    ]
    elapsed_ms: Annotated[Milliseconds, "how long the record has run"]
    free_remaining_ms: Annotated[Milliseconds, "free time that is left now"]
    allowance_ms: Annotated[Milliseconds, "free time that was left to user and advisor when the record started"]
    grace_used_at: Annotated[
        Instant | None,
        "the start of the record that used the grace of these 24 hours, so that this record has none; null with grace",
    ]
    billed_ms: Annotated[Milliseconds, "the time that is paid for, in whole increments"]
    cost: Annotated[Credits, "the price of `elapsed_ms`"]
    balance: Annotated[Credits | None, "what the user has available now; null for the advisor"]
    earned: Annotated[Credits | None, "the advisor's share of `cost`; null for the user"]
    tariff: TariffDocument
    tariff_version: int
    terms: Annotated[TermsDocument | None, "the advisor's terms when the record started; null for the user"]
    also_running: Annotated[
        tuple[AlsoRunning, ...], "the records that spend from `balance` besides this timer; empty for the advisor"
    ] = ()

    def seen_by(self, role: Role | None) -> Snapshot:
        """The snapshot as a caller of this role may see it; whole for None.

        A user does not see what the advisor earns. An advisor sees until when the time can go on (`timer.cut_at`) and
        what the record has brought, but not what the user has.
        """
        if role is Role.USER:
            return replace(self, earned=None, terms=None)
        return replace(self, balance=None, also_running=()) if role is Role.ADVISOR else self

    @property
    @shown(after="record")
    def chat(self) -> ChatTime:
        """The chat, with its own time."""
        return ChatTime(self.chat_id, self.user_id, self.advisor_id, self.chat_duration_ms)


def record_view(record: Record) -> RecordView:
    """A record as it stands."""
    return RecordView(
        id=record.record_id,
        state=record.state,
        reason=record.reason,
        user_id=record.user_id,
        advisor_id=record.advisor_id,
        current_chat_id=record.chat_id,
        started_at=record.started_at,
        paused_at=record.paused_at if record.state is State.PAUSED else None,
        paused_by=record.paused_by,
        ended_at=record.ended_at,
        ended_by=record.ended_by,
        starts=record.starts,
        decline_reason=record.decline_reason,
        metadata=record.metadata or {},
    )


def timer_view(payer: Payer, record: Record, chat_id: str, durations: Durations, ends: Mapping[str, Cut]) -> TimerView:
    """The record's timer as this chat sees it: it runs only in the current one. `ends` are the payer's `cuts`."""
    if record.chat_id != chat_id:
        return TimerView(running=False)
    if record.is_running:
        end = ends.get(record.record_id)
        return TimerView(
            running=True,
            since=record.running_since,
            lease_until=payer.lease_until(record),
            cut_at=None if end is None else end.at,
        )
    if record.is_requested:
        return TimerView(running=False, ring_until=record.ring_until)
    return TimerView(
        running=False,
        recharge_until=record.recharge_until(durations.recharge_ms),
        abandon_until=record.abandon_until(durations.abandon_ms),
    )


def presence_view(payer: Payer, record: Record, chat_id: str, durations: Durations, now: int) -> PresenceView | None:
    """The presence of the parties in this chat, while its record waits there or one of the two is still to come."""
    if record.chat_id != chat_id or record.ended_at is not None:
        return None
    if record.is_running:
        awaited = payer.awaited(record, durations.lease_ms)
        if not awaited:
            return None
        return PresenceView(Party.USER not in awaited, Party.ADVISOR not in awaited, payer.lease_until(record))
    return PresenceView(*payer.presence(record, now))


def snapshot(
    payer: Payer,
    record: Record,
    durations: Durations,
    now: int,
    chat_id: str,
    chat_duration_ms: int,
    sequence: int,
    ends: Mapping[str, Cut],
) -> Snapshot:
    """The snapshot of a chat whose payer is settled to `now`.

    `record` is the chat's latest; `chat_duration_ms` is the chat's time up to when that record was last settled; `ends`
    are the payer's `cuts`.
    """
    elapsed_ms = record.elapsed_at(now)
    cost = price(record.charging_tariff, elapsed_ms, record.allowance_ms)
    runs_here = record.is_running and record.chat_id == chat_id
    return Snapshot(
        server_time=now,
        sequence=sequence,
        record=record_view(record),
        chat_id=chat_id,
        user_id=record.user_id,
        advisor_id=record.advisor_id,
        chat_duration_ms=chat_duration_ms + (now - record.settled_at if runs_here else 0),
        timer=timer_view(payer, record, chat_id, durations, ends),
        presence=presence_view(payer, record, chat_id, durations, now),
        elapsed_ms=elapsed_ms,
        free_remaining_ms=max(0, record.allowance_ms - elapsed_ms),
        allowance_ms=record.allowance_ms,
        grace_used_at=record.grace_used_at,
        billed_ms=cost.billed_ms,
        cost=cost.cost,
        balance=payer.available_at(now),
        earned=record.share_at(now).advisor,
        terms=record.terms,
        tariff=record.tariff,
        tariff_version=record.tariff_version,
        also_running=tuple(
            _also_running(other, now, ends)
            for other in payer.running()
            if not (runs_here and other.record_id == record.record_id)
        ),
    )


def _also_running(record: Record, now: int, ends: Mapping[str, Cut]) -> AlsoRunning:
    end = ends.get(record.record_id)
    return AlsoRunning(
        record.elapsed_at(now), record.allowance_ms, None if end is None else end.at, record.charging_tariff
    )
