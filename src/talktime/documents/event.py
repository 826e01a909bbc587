"""Events: what happened to records, credit and books, as hosts are told of it.

An event is a row that the transaction of the fact stores. `event_stories` makes the events of a transaction. The fields
of `data` depend on the type:

    record.*                          `RecordData`
    timer.failed                      `RecordData`
    credit.low, credit.exhausted      `CreditEndData`
    other credit.*, charge.posted,    `PostingData`
    refund.posted
    party.*                           `PartyData`
    rule.broken                       `BrokenRuleData`
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, cast

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.record import Party, Reason, State
from talktime.core.roles import Role
from talktime.documents.document import Document, Kind, Named
from talktime.documents.fields import Credits, Instant, Metadata, Milliseconds, MillisecondsAsSeconds, Number

DATA_VERSION: Final = 1
"""The version of the fields of `data`. It changes if a field goes or gets another meaning, not if a field is added."""


class EventType(StrEnum):
    """The types of events."""

    RECORD_REQUESTED = "record.requested"
    RECORD_STARTED = "record.started"
    RECORD_PAUSED = "record.paused"
    RECORD_RESUMED = "record.resumed"
    RECORD_SWITCHED = "record.switched"
    RECORD_ENDED = "record.ended"
    RECORD_MISSED = "record.missed"
    RECORD_DECLINED = "record.declined"
    CREDIT_ADDED = "credit.added"
    CREDIT_SPENT = "credit.spent"
    CREDIT_LOW = "credit.low"
    CREDIT_EXHAUSTED = "credit.exhausted"
    CREDIT_EXPIRED = "credit.expired"
    CHARGE_POSTED = "charge.posted"
    REFUND_POSTED = "refund.posted"
    PARTY_LEFT = "party.left"
    PARTY_RETURNED = "party.returned"
    TIMER_FAILED = "timer.failed"
    RULE_BROKEN = "rule.broken"


def read_event_type(stored: str) -> EventType:
    """The type of a stored event.

    While two versions run on one database, the newer one stores types that this one may not know. Such an event is
    passed on like every other, so that no reader misses the event.
    """
    return EventType(stored) if stored in _TYPES else cast("EventType", stored)


_TYPES: Final = frozenset(EventType)


@dataclass(frozen=True, slots=True)
class RecordData(Document):
    """A record as of the instant of an event."""

    state: State
    reason: Annotated[Reason | None, "why the record is paused or has ended"]
    by: Annotated[Role | None, "the role of the caller who paused or ended the record; null if that happened by itself"]
    started_at: Instant
    ended_at: Instant | None
    ring_until: Annotated[Instant | None, "when the request is missed, while the record rings"]
    previous_chat_id: Annotated[str | None, "the chat that a switched record has left"]
    decline_reason: Annotated[str | None, "what the advisor said when the advisor declined"]
    tariff_version: Number
    elapsed_ms: Annotated[Milliseconds, "the running time over all chats of the record"]
    billed_ms: Annotated[Milliseconds, "the billed time, without free time"]
    cost: Annotated[Credits, "the price of the running time"]
    earned: Annotated[Credits, "the advisor's share of the cost"]
    metadata: Annotated[Metadata, "the host's own texts about the record"]


@dataclass(frozen=True, slots=True)
class CreditEndData(Document):
    """The credit of a record ends, or has ended."""

    cut_at: Annotated[Instant, "when the timer stops because the credit ends"]
    left_ms: Annotated[Milliseconds, "the time that is left until then"]
    elapsed_ms: Annotated[Milliseconds, "the running time of the record"]
    cost: Annotated[Credits, "the price of the running time"]


@dataclass(frozen=True, slots=True)
class PostingData(Document):
    """An entry of the ledger: credit moved between the user, the advisor and the platform."""

    entry_id: str
    kind: EntryKind
    amount: Annotated[Credits, "what the user's balance gained; negative for credit that the user paid or lost"]
    gift: Annotated[Credits, "the part of the amount that was given, not bought"]
    advisor_amount: Annotated[Credits, "what the advisor gained"]
    platform_amount: Annotated[Credits, "what the platform gained; the three amounts add up to zero"]
    fees: Annotated[Credits, "the fees within the platform's part"]
    balance: Annotated[Credits, "the user's posted balance after the entry"]
    reference: Annotated[str | None, "the host's own text, such as the number of an order"]
    expires_at: Annotated[Instant | None, "when the gift expires, or has expired"]
    reason: Annotated[str | None, "why a refund was made"]
    borne_by: BorneBy | None
    refunded_ms: Annotated[
        MillisecondsAsSeconds | None,
        Named("refunded_seconds"),
        "the billed time that was given back, of a refund by time",
    ]
    by_role: Annotated[Role | None, "the role of the caller who asked for the entry"]
    by_subject: Annotated[str | None, "the name of this caller"]
    metadata: Annotated[Metadata, "the host's own texts about the credit or debit"]


@dataclass(frozen=True, slots=True)
class PartyData(Document):
    """The time of a record stopped because a party was away, or runs again because the party is back."""

    party: Party


@dataclass(frozen=True, slots=True)
class BrokenRuleData(Document):
    """The auditor has found that something stored does not follow from the facts."""

    rule: Number
    what: str
    id: Annotated[str, "what the finding is about: the id of a record, an entry or a user"]
    stored: str
    follows: Annotated[str, "what follows from the facts"]


EventData = RecordData | CreditEndData | PostingData | PartyData | BrokenRuleData

_DATA: Final[dict[str, Any]] = {"type": "object", "description": "as of `occurred_at`; the fields depend on the type"}


@dataclass(frozen=True, slots=True)
class Event(Document):
    """Something that happened to a record, to credit or to the books."""

    id: Annotated[str, "a number as text; later events of one user have larger numbers"]
    type: EventType
    occurred_at: Annotated[Instant, "the instant of the fact itself, also if the fact was noticed late"]
    recorded_at: Annotated[Instant, "when the fact was stored"]
    user_id: str | None
    advisor_id: str | None
    chat_id: str | None
    record_id: str | None
    data: Annotated[dict[str, Any], Kind(_DATA)]
    data_version: Number
    request_id: Annotated[str | None, "the id of the request that caused it; null if it happened by itself"]


@dataclass(frozen=True, slots=True)
class Events(Document):
    """A page of events, in their order. `next` is the cursor to go on from, also if the page is empty."""

    data: tuple[Event, ...]
    next: str
