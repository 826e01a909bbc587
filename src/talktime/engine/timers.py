"""The timers of chats, under the names of the system that talktime replaces. Hosts reach them as `Talktime.timers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.arguments import checks_arguments
from talktime.core.record import Party, State
from talktime.documents.snapshot import Snapshot
from talktime.engine.tracking import PauseChat, ResumeChat, UpdateChatTime

if TYPE_CHECKING:
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory


@checks_arguments
class ChatTimerManager:
    """The timers of chats, under the names of the system that talktime replaces."""

    def __init__(self, engine: Engine, parties: PartyDirectory) -> None:
        self._engine = engine
        self._parties = parties

    async def start_timer(self, chat_id: str) -> Snapshot:
        """Start the timer of the record whose current chat this is, as an act of the user. A running timer goes on.

        Raises:
            NotFound: there is no such chat.
            Conflict: the chat's record has ended or moved to another chat.
            InsufficientCredit: the account can't pay the next increment.
        """
        return await self._engine.run(ResumeChat(await self._parties.payer_of(chat_id), chat_id, Party.USER))

    async def stop_timer(self, chat_id: str) -> Snapshot:
        """Stop the timer of the record whose current chat this is: the record is paused, and its charge is posted.

        Raises:
            NotFound: there is no such chat.
            Conflict: the chat's record has ended or moved to another chat.
        """
        return await self._engine.run(PauseChat(await self._parties.payer_of(chat_id), chat_id))

    async def has_timer(self, chat_id: str) -> bool:
        """Whether a timer runs in this chat now.

        Raises:
            NotFound: there is no such chat.
        """
        user_id = await self._parties.payer_of(chat_id)
        payer = (await self._engine.read([user_id], [chat_id]))[user_id]
        record = payer.latest_record(payer.chats[chat_id])
        return record is not None and record.state is State.RUNNING and record.chat_id == chat_id

    async def update_chat_time(self, chat_id: str, record_id: str) -> bool:
        """Write the totals of this running record to the tables (`chats.duration_ms`, the ledger), as of now.

        Nothing in talktime depends on this.

        Returns:
            False when the record's timer does not run in this chat, so that there is nothing to write.

        Raises:
            NotFound: there is no such chat.
        """
        return await self._engine.run(UpdateChatTime(await self._parties.payer_of(chat_id), chat_id, record_id))
