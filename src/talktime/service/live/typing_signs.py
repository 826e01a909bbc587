"""Which signs of typing are passed on: few, however many are sent."""

from __future__ import annotations

import time
from typing import Final

from talktime.core.record import Party

INTERVAL_SECONDS: Final = 1.0
"""The shortest time between two signs of typing of one party in one chat. The client sends one in two seconds."""

CHATS_MAX: Final = 10_000
"""How many chats are remembered. A forgotten chat may send a sign at once."""


class TypingSigns:
    """The last signs of typing that this process has passed on, over all its sockets."""

    def __init__(self) -> None:
        self._passed_on: dict[tuple[str, Party], float] = {}

    def is_due(self, chat_id: str, party: Party) -> bool:
        """Whether to pass on a sign of typing now. If so, the sign counts as passed on."""
        now = time.monotonic()
        if now - self._passed_on.get((chat_id, party), -INTERVAL_SECONDS) < INTERVAL_SECONDS:
            return False
        # The newest are last, so the oldest is the first to be forgotten.
        self._passed_on.pop((chat_id, party), None)
        self._passed_on[chat_id, party] = now
        if len(self._passed_on) > CHATS_MAX:
            del self._passed_on[next(iter(self._passed_on))]
        return True
