"""The rows of another system: people, credit, conversations that are over, and what happened in them.

`import_rows` reads the rows. Units: money in micro-credits, instants and durations in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from talktime.documents.document import Document
from talktime.documents.fields import Count, Credits, Instant, Milliseconds

if TYPE_CHECKING:
    from talktime.core.entries import CreditKind
    from talktime.core.starts import Starts
    from talktime.core.tariff import Tariff
    from talktime.core.terms import Terms


class RowKind(StrEnum):
    """The kinds of rows."""

    USERS = "users"
    ADVISORS = "advisors"
    BALANCES = "balances"
    SESSIONS = "sessions"
    CHATS = "chats"
    EVENTS = "events"


class OldEventType(StrEnum):
    """The types of events in a session of another system."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    AWAY = "away"
    BACK = "back"
    STOP = "stop"


class RowPlace(NamedTuple):
    """Where a row stands: the file or the table, and the line, counted from 1."""

    source: str
    line: int


@dataclass(frozen=True, slots=True)
class OldUser:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class OldAdvisor:
    """An advisor, with the tariff and the terms of records that will start. `terms` and `starts` may be None."""

    id: str
    name: str
    tariff: Tariff
    terms: Terms | None
    starts: Starts | None


@dataclass(frozen=True, slots=True)
class OldBalance:
    """Credit that a user has, in micro-credits. Only a gift may expire."""

    id: str
    user_id: str
    kind: CreditKind
    amount: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class OldSession(Document):
    """A conversation of another system, which is over. `free_ms` of its duration were free."""

    id: str
    user_id: str
    advisor_id: str
    chat_id: str | None
    started_at: Instant
    ended_at: Instant
    duration_ms: Milliseconds
    free_ms: Milliseconds
    cost: Credits


@dataclass(frozen=True, slots=True)
class OldChat:
    """The duration that the other system shows for a chat."""

    id: str
    user_id: str
    advisor_id: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class OldEvent:
    """An event in the session `id`. Fields that the other system states for the whole session may be None."""

    id: str
    type: OldEventType
    at: int
    user_id: str | None
    advisor_id: str | None
    duration_ms: int | None
    cost: int | None


OldRow = OldUser | OldAdvisor | OldBalance | OldSession | OldChat


class SourceRow(NamedTuple):
    """A row that could be read, and where it stands."""

    place: RowPlace
    kind: RowKind
    row: OldRow


class SourceEvent(NamedTuple):
    """An event that could be read, and where it stands."""

    place: RowPlace
    event: OldEvent


@dataclass(frozen=True, slots=True)
class BadRow(Document):
    """A row that can't be imported: its place, the reason, and what to do."""

    source: str
    line: Count
    kind: RowKind
    id: str
    reason: str
