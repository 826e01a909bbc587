"""The fan-out for databases behind a transaction pooler, where no connection can listen: the tables are asked.

About twice a second the process reads two numbers that rise with every change: `accounts.sequence` of the payers and
`chats.message_count` of the chats that its screens show. A number that has changed is a hint. So no change is lost
while the database is away, and a process without screens asks nothing.

Typing is in no table, so only the screens of the same process are told of typing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from talktime.database.queries import arrays
from talktime.node.hints import Hint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from talktime.database.pool import Database

POLL_SECONDS: Final = 0.5

_MESSAGES_MAX: Final = 50
"""How many new messages of one chat are heard at once. A screen that is further behind sees a gap and asks again."""


class PollingFanout:
    """Asks the tables. What this process sends, its own screens hear at once."""

    carries_typing = False

    def __init__(self, database: Database) -> None:
        self.hear: Callable[[Sequence[Hint], str | None], None] = lambda _hints, _wrong: None
        self._database = database
        self._sequences: dict[str, int] = {}
        self._positions: dict[str, int] = {}
        self._chats: dict[str, set[str]] = {}
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """Whether `open` was called. There is no connection that could be lost."""
        return self._is_open

    async def wait(self) -> None:
        """Wait until the tables are asked again."""
        await asyncio.sleep(POLL_SECONDS)

    async def open(self) -> None:
        """Begin."""
        self._is_open = True

    async def ping(self) -> None:
        """Ask the tables what has changed.

        Raises:
            DatabaseUnavailable: the database can't be used. What was missed is heard the next time.
        """
        if self._sequences:
            seen = [{"user_id": user_id, "sequence": number} for user_id, number in self._sequences.items()]
            for row in await self._database.fetch("changed_accounts", *arrays("changed_accounts", seen)):
                self._hear_account(row["user_id"], row["sequence"])
        if self._positions:
            counted = [{"chat_id": chat_id, "message_count": number} for chat_id, number in self._positions.items()]
            for row in await self._database.fetch("changed_chats", *arrays("changed_chats", counted)):
                self._hear_messages(row["chat_id"], row["message_count"])

    def close(self) -> None:
        """End."""
        self._is_open = False

    async def send(self, hints: Mapping[str, Sequence[Hint]]) -> None:
        """Tell the screens of this process. Other processes find what has changed in the tables."""
        for of_user in hints.values():
            self.hear([hint for hint in of_user if self._is_next(hint)], None)

    async def watch(self, user_id: str, chat_id: str) -> None:
        """Ask for this chat from now on.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        if chat_id in self._positions:
            return
        row = await self._database.fetch_row("chat_numbers", chat_id)
        if row is not None:
            self._chats.setdefault(user_id, set()).add(chat_id)
            self._sequences.setdefault(user_id, row["sequence"])
            self._positions.setdefault(chat_id, row["message_count"])

    def unwatch(self, user_id: str, chat_id: str) -> None:
        """Ask for this chat no longer."""
        self._positions.pop(chat_id, None)
        chats = self._chats.get(user_id, set())
        chats.discard(chat_id)
        if not chats:
            self._chats.pop(user_id, None)
            self._sequences.pop(user_id, None)

    def _is_next(self, hint: Hint) -> bool:
        """Whether this node handles a hint of its own at once, without asking the tables."""
        match hint:
            case ("account", user_id, int(sequence)) if user_id in self._sequences:
                self._sequences[user_id] = max(sequence, self._sequences[user_id])
            case ("message", chat_id, int(position)):
                if position != self._positions.get(chat_id, position) + 1:
                    return False  # a message of another process comes before
                self._positions[chat_id] = position
        return True

    def _hear_account(self, user_id: str, sequence: int) -> None:
        if user_id in self._sequences:
            self._sequences[user_id] = sequence
            self.hear([Hint("account", user_id, sequence)], None)

    def _hear_messages(self, chat_id: str, count: int) -> None:
        if chat_id in self._positions:
            first = max(self._positions[chat_id] + 1, count - _MESSAGES_MAX + 1)
            self._positions[chat_id] = count
            self.hear([Hint("message", chat_id, position) for position in range(first, count + 1)], None)
