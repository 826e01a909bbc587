"""How many messages one socket may send."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from talktime.service.token_bucket import TokenBucket

MESSAGES_PER_SECOND: Final = 50.0
MESSAGES_BURST: Final = 200.0

REFUSALS_MAX: Final = 200
"""How many messages are refused before the socket is closed."""

ANSWER_EVERY: Final = 50
"""Only every 50th refusal is answered, so that the answers are not a flood themselves."""


class Admission(Enum):
    """How a message is handled before it is read."""

    ADMITTED = auto()
    REFUSED = auto()
    DROPPED = auto()
    """Refused without an answer."""
    FLOOD = auto()
    """The socket must be closed."""


class MessageLimit:
    """Counts the messages of one socket. The limit is above what any honest screen sends.

    `take` counts a message among everything that the caller does, and returns 0.0 if it is allowed.
    """

    def __init__(self, take: Callable[[], float]) -> None:
        self._bucket = TokenBucket(MESSAGES_PER_SECOND, MESSAGES_BURST)
        self._take = take
        self._refusals = 0

    def admit(self) -> Admission:
        """Count the next message and decide what happens to it."""
        if not self._bucket.take() and not self._take():
            self._refusals = max(0, self._refusals - 1)
            return Admission.ADMITTED
        self._refusals += 1
        if self._refusals > REFUSALS_MAX:
            return Admission.FLOOD
        return Admission.REFUSED if self._refusals % ANSWER_EVERY == 1 else Admission.DROPPED
