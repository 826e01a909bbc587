"""Who is looking at which chat through this process: the open screens, by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from talktime.meter import Party

Listener = Callable[[str], None]


class Audience:
    """Counts screens per chat and side. A `listener` is called with a chat's id whenever that changes."""

    def __init__(self) -> None:
        self._screens: Final[Counter[tuple[str, Party]]] = Counter()
        self.listener: Listener | None = None

    def screens(self, chat_id: str, party: Party) -> int:
        """How many screens of that side are open on the chat."""
        return self._screens[chat_id, party]

    def enter(self, chat_id: str, party: Party) -> None:
        """A screen watches the chat."""
        self._screens[chat_id, party] += 1
        self._tell(chat_id)

    def leave(self, chat_id: str, party: Party) -> None:
        """A screen no longer does."""
        self._screens[chat_id, party] -= 1
        if self._screens[chat_id, party] == 0:
            del self._screens[chat_id, party]
        self._tell(chat_id)

    def _tell(self, chat_id: str) -> None:
        if self.listener is not None:
            self.listener(chat_id)
