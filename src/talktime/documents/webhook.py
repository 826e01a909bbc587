"""A webhook: an address of the host to which events are sent; and what became of each delivery."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from talktime.documents.document import Document
from talktime.documents.event import EventType
from talktime.documents.fields import Count, Instant, Milliseconds, Number


@dataclass(frozen=True, slots=True)
class Webhook(Document):
    """An address to which events are sent."""

    id: str
    url: str
    types: Annotated[tuple[EventType, ...] | None, "the types of events that are sent; null for all"]
    enabled: Annotated[bool, "whether events are sent; while false, events wait, and are sent after it is true again"]
    disabled_reason: Annotated[str | None, "why no events are sent"]
    failing_since: Annotated[Instant | None, "since when every attempt has failed; null if the last one succeeded"]
    created_at: Instant
    old_secret_until: Annotated[Instant | None, "until when the secret before this one signs as well"] = None
    secret: Annotated[str | None, "signs what is sent; shown only by the call that has made the secret"] = None


class DeliveryState(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery(Document):
    """One event on its way to one webhook."""

    event_id: str
    type: EventType
    state: DeliveryState
    attempts: Count
    next_at: Annotated[
        Instant | None, "when the next attempt is due; null while an earlier event of the record waits, or at the end"
    ]
    tried_at: Annotated[Instant | None, "when the last attempt ended"]
    status: Annotated[Number | None, "the HTTP status of the last answer"]
    error: Annotated[str | None, "why the last attempt failed"]


@dataclass(frozen=True, slots=True)
class Ping(Document):
    """The answer of a receiver to a test message, which tells of no event."""

    delivered: bool
    status: Annotated[Number | None, "the HTTP status of the answer"]
    error: Annotated[str | None, "why it was not delivered"]
    took_ms: Milliseconds
