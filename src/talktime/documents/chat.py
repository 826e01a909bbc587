"""Chats in a list, the people of a record, and the messages of a chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from talktime.core.instants import instant
from talktime.core.money import format_credits

if TYPE_CHECKING:
    from talktime.core.payer import Reason, State


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """A chat in a list: who, how long, and what its latest record is doing.

    `number` counts the pair's from 1. `earned` is what is the advisor's of that record's cost by now, over all its
    chats; refunds apart.
    """

    id: str
    user_id: str
    user_name: str
    advisor_id: str
    advisor_name: str
    duration_ms: int
    state: State | None
    reason: Reason | None
    record_id: str | None
    current: bool
    created_at: int
    last_message: str | None
    earned: int
    number: int

    def document(self, *, with_earned: bool = False) -> dict[str, Any]:
        """Its JSON; what the advisor earned is no business of the user's."""
        shown = {
            "id": self.id,
            "user_id": self.user_id,
            "user_name": self.user_name,
            "advisor_id": self.advisor_id,
            "advisor_name": self.advisor_name,
            "duration_ms": self.duration_ms,
            "state": None if self.state is None else self.state.value,
            "reason": None if self.reason is None else self.reason.value,
            "record_id": self.record_id,
            "current": self.current,
            "created_at": instant(self.created_at),
            "last_message": self.last_message,
            "number": self.number,
        }
        return shown | {"earned": format_credits(self.earned)} if with_earned else shown


@dataclass(frozen=True, slots=True)
class Pair:
    """Who talks in a record: their names, and which of them (`user`, `advisor`) have a live socket on it now."""

    user_name: str
    advisor_name: str
    connected: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {"user_name": self.user_name, "advisor_name": self.advisor_name, "connected": list(self.connected)}


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a chat. `position` counts from 1, without gaps; `client_id` makes a repeat harmless."""

    id: str
    chat_id: str
    position: int
    client_id: str
    sender: str
    text: str
    at: int

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "id": self.id,
            "chat_id": self.chat_id,
            "position": self.position,
            "client_id": self.client_id,
            "sender": self.sender,
            "text": self.text,
            "at": instant(self.at),
        }
