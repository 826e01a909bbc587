"""The messages that a screen sends: reading one, and the shape of each kind."""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, StrictStr

from talktime.core.errors import InvalidRequest
from talktime.core.record import Party
from talktime.service.http.bodies import Id, NewMessage


class HelloMessage(BaseModel):
    """`hello`: signs in."""

    model_config = ConfigDict(extra="forbid")
    type: str
    token: StrictStr


class WatchMessage(BaseModel):
    """`watch` and `unwatch`: which chat the screen shows."""

    model_config = ConfigDict(extra="forbid")
    type: str
    chat_id: Id


class TypingMessage(WatchMessage):
    """`typing`: a person is typing. A backend names the party."""

    party: Party | None = None


class TextMessage(NewMessage):
    """`message`: a text for the other side of a chat."""

    type: str
    chat_id: Id


def parse_message(text: str | None) -> dict[str, object]:
    """The JSON object in a frame. `text` is None for a frame of bytes.

    Raises:
        InvalidRequest: the frame is not a JSON object in text.
    """
    if text is None:
        raise InvalidRequest(("message", "must be sent as text, not as bytes"))
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest(("message", "is not JSON")) from None
    if not isinstance(message, dict):
        raise InvalidRequest(("message", "must be a JSON object with a `type`"))
    return message
