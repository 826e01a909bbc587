"""What one live socket says: counted, read, and its shape checked before anybody acts on it."""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, StrictStr

from talktime.core.errors import InvalidRequest
from talktime.core.payer import Party
from talktime.service.http.bodies import Id, NewMessage
from talktime.service.http.limits import Bucket

MESSAGES_PER_SECOND: Final = 50.0
MESSAGES_BURST: Final = 200.0
REFUSALS_MAX: Final = 200
"""Messages beyond the limit that are only refused; a socket that goes on is closed."""

TELL_EVERY: Final = 50
"""Of the messages that are refused, each so-manieth is answered: more answers would be a flood of our own."""


class Verdict(Enum):
    """What becomes of a message before anybody has looked at it."""

    TAKEN = auto()
    REFUSED = auto()
    REFUSED_SILENTLY = auto()
    FLOOD = auto()


class About(BaseModel):
    """A message about one chat."""

    model_config = ConfigDict(extra="forbid")
    type: str
    chat_id: Id


class Saying(NewMessage):
    """Something said in a chat."""

    type: str
    chat_id: Id


class Typing(About):
    """Somebody is writing; a backend says who."""

    party: Party | None = None


class Hello(BaseModel):
    """Who is there."""

    model_config = ConfigDict(extra="forbid")
    type: str
    token: StrictStr


class Turnstile:
    """Lets through as many messages of one socket as any honest screen sends."""

    def __init__(self) -> None:
        self._bucket = Bucket(MESSAGES_PER_SECOND, MESSAGES_BURST)
        self._refusals = 0

    def admit(self) -> Verdict:
        """What becomes of the next message."""
        if not self._bucket.take():
            self._refusals = max(0, self._refusals - 1)
            return Verdict.TAKEN
        self._refusals += 1
        if self._refusals > REFUSALS_MAX:
            return Verdict.FLOOD
        return Verdict.REFUSED if self._refusals % TELL_EVERY == 1 else Verdict.REFUSED_SILENTLY


def parse(text: str | None) -> dict[str, Any]:
    """The message in a frame; None is a frame of bytes.

    Raises:
        InvalidRequest: it is no JSON object in text.
    """
    if text is None:
        raise InvalidRequest(("message", "must be sent as text, not as bytes"))
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest(("message", "is not JSON")) from None
    if not isinstance(message, dict):
        raise InvalidRequest(("message", "must be an object with a type"))
    return message
