"""The parties of a chat or a record: the user and the advisor, who never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core.errors import NotFound
from talktime.core.ids import is_id

if TYPE_CHECKING:
    from talktime.database.pool import Database

_CHATS_KEPT_MAX: Final = 100_000


class Parties(NamedTuple):
    """The two people of a chat or a record."""

    user_id: str
    advisor_id: str


class PartyDirectory:
    """Finds the parties of chats and records, and remembers those of chats."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_chat: dict[str, Parties] = {}

    async def of_chat(self, chat_id: str) -> Parties:
        """The parties of a chat.

        Raises:
            NotFound: there is no such chat.
        """
        parties = self._by_chat.get(chat_id)
        if parties is None:
            row = await self._database.fetch_row("chat_parties", chat_id) if is_id(chat_id) else None
            if row is None:
                raise NotFound("chat")
            parties = Parties(row["user_id"], row["advisor_id"])
            self.remember(chat_id, parties)
        return parties

    async def payer_of(self, chat_id: str) -> str:
        """The user of a chat.

        Raises:
            NotFound: there is no such chat.
        """
        return (await self.of_chat(chat_id)).user_id

    async def of_record(self, record_id: str) -> Parties:
        """The parties of a record.

        Raises:
            NotFound: there is no such record.
        """
        row = await self._database.fetch_row("record_parties", record_id) if is_id(record_id) else None
        if row is None:
            raise NotFound("record")
        return Parties(row["user_id"], row["advisor_id"])

    def remember(self, chat_id: str, parties: Parties) -> None:
        """Note the parties of a new chat."""
        if len(self._by_chat) >= _CHATS_KEPT_MAX:
            self._by_chat.clear()
        self._by_chat[chat_id] = parties
