"""The messages that a screen sends: reading one, and the shape of each kind."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, StrictBool, StrictStr

from talktime.core.errors import InvalidRequest
from talktime.core.record import Party
from talktime.service.http.bodies import Id, NewMessage
from talktime.service.http.json_bodies import read_json


class HelloMessage(BaseModel):
    """`hello`: signs in."""

    model_config = ConfigDict(extra="forbid")
    type: str
    token: StrictStr


class ChatMessage(BaseModel):
    """`unwatch`: the screen no longer shows this chat. `leave`: the page of this chat closes."""

    model_config = ConfigDict(extra="forbid")
    type: str
    chat_id: Id


class WatchMessage(ChatMessage):
    """`watch`: the screen shows this chat. Without `presence` the screen proves nothing."""

    presence: StrictBool = True


class TypingMessage(ChatMessage):
    """`typing`: a person is typing. A backend names the party."""

    party: Party | None = None


class TextMessage(NewMessage):
    """`message`: a text for the other side of a chat."""

    type: str
    chat_id: Id


def parse_message(text: str | None) -> dict[str, object]:
    """The JSON object in a frame. `text` is None for a frame of bytes.

    Raises:
        InvalidRequest: the frame is not a JSON object in text, or its JSON is refused by `read_json`.
    """
    if text is None:
        raise InvalidRequest(("message", "must be sent as text, not as bytes"))
    try:
        message = read_json(text)
    except (ValueError, RecursionError):
        raise InvalidRequest(("message", "is not JSON")) from None
    if not isinstance(message, dict):
        raise InvalidRequest(("message", "must be a JSON object with a `type`"))
    return message
