"""Chats in a list, records in a list, the people of a record, and the messages of a chat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from talktime.core.record import Party, Reason, State
from talktime.documents.document import CONFIDENTIAL, NULLABLE, Document, encoded
from talktime.documents.fields import Credits, Instant, Metadata, Milliseconds, Number
from talktime.documents.snapshot import PresenceView


@dataclass(frozen=True, slots=True)
class ChatSummary(Document):
    """A chat in a list: its people, its own time, and the state of its latest record."""

    id: str
    user_id: str
    user_name: str
    advisor_id: str
    advisor_name: str
    duration_ms: Annotated[Milliseconds, "the chat's own time, over all its records"]
    state: State | None
    reason: Reason | None
    record_id: str | None
    current: Annotated[bool, "whether the record has not ended and is in this chat"]
    presence: Annotated[PresenceView | None, NULLABLE, "who is present while the record waits in this chat; else null"]
    created_at: Instant
    last_message: Annotated[str | None, "the beginning of the last message, at most 200 characters"]
    number: Annotated[Number, "which chat of this user and this advisor it is"]
    unread: Annotated[int, "how many messages of the other party the owner of the list has not read"]
    earned: Annotated[
        Credits,
        CONFIDENTIAL,
        "the advisor's share of the record's cost so far, without refunds; only in the list of the advisor",
    ]
    metadata: Annotated[Metadata, CONFIDENTIAL, "the host's own texts, by key; absent for users and advisors"] = field(
        default_factory=dict
    )

    def document(self, *, with_earned: bool = False, with_metadata: bool = False) -> dict[str, Any]:
        """The JSON of this document. Users are not shown what the advisor has earned, and no person the metadata."""
        document = encoded(self, with_confidential=True)
        hidden = {name for name, is_shown in (("earned", with_earned), ("metadata", with_metadata)) if not is_shown}
        return {name: value for name, value in document.items() if name not in hidden}


@dataclass(frozen=True, slots=True)
class Pair(Document):
    """The people of a record."""

    user_name: str
    advisor_name: str
    connected: Annotated[tuple[Party, ...], "who of the two has a live socket on the record"]


@dataclass(frozen=True, slots=True)
class RecordSummary(Document):
    """A record in a list of receipts: who talked, when, for how long, and what it cost."""

    id: str
    state: State
    reason: Reason | None
    user_id: str
    user_name: str
    advisor_id: str
    advisor_name: str
    current_chat_id: str
    started_at: Instant
    ended_at: Instant | None
    elapsed_ms: Milliseconds
    cost: Annotated[Credits, "the price of `elapsed_ms`"]
    refunded: Annotated[Credits, "what was given back of the cost"]


@dataclass(frozen=True, slots=True)
class Message(Document):
    """A message of a chat."""

    id: str
    chat_id: str
    position: Annotated[Number, "the place in the chat, without gaps"]
    client_id: Annotated[str, "the sender's own id of the message; a repeat with the same id is not a second message"]
    sender: Party
    text: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Messages(Document):
    """Messages of a chat, in order. A page with long texts has fewer messages than were asked for."""

    messages: tuple[Message, ...]
    next: Annotated[str | None, "what to send as `after`, or as `before`, for the next page; null when there is none"]
