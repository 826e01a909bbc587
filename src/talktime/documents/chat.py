"""Chats in a list, the people of a record, and the messages of a chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from talktime.core.record import Party, Reason, State
from talktime.documents.document import CONFIDENTIAL, Choice, Document, encoded
from talktime.documents.fields import Credits, Instant, Milliseconds, Number


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
    created_at: Instant
    last_message: str | None
    number: Annotated[Number, "which chat of this user and this advisor it is"]
    earned: Annotated[
        Credits,
        CONFIDENTIAL,
        "the advisor's share of the record's cost so far, without refunds; only in the list of the advisor",
    ]

    def document(self, *, with_earned: bool = False) -> dict[str, Any]:
        """The JSON of this document. Users are not shown what the advisor has earned."""
        return encoded(self, with_confidential=with_earned)


@dataclass(frozen=True, slots=True)
class Pair(Document):
    """The people of a record."""

    user_name: str
    advisor_name: str
    connected: Annotated[tuple[Annotated[str, Choice(Party)], ...], "who of the two has a live socket on the record"]


@dataclass(frozen=True, slots=True)
class Message(Document):
    """A message of a chat."""

    id: str
    chat_id: str
    position: Annotated[Number, "the place in the chat, without gaps"]
    client_id: Annotated[str, "the sender's own id of the message; a repeat with the same id is not a second message"]
    sender: Annotated[str, Choice(Party)]
    text: str
    at: Instant
