"""The automatic advisor: takes a demo chat's empty seat, answers, and makes room for a real person."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from talktime.core.errors import TalktimeError
from talktime.core.payer import Party
from talktime.demo.answers import answer, greeting
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.talktime import Talktime

TAKE_SECONDS: Final = 1.5
"""How long a seat must be empty: a page that reloads leaves it for less."""

THINK_SECONDS: Final = 1.2
GREETING_ID: Final = "automatic-greeting"

_log = structlog.get_logger(__name__)


class AutomaticAdvisors:
    """Watches the open screens and seats an automatic advisor wherever a user sits alone."""

    def __init__(self, talktime: Talktime, names: Mapping[str, str]) -> None:
        self._talktime = talktime
        self._names = names
        self._seated: dict[str, _Seat] = {}
        self._changing: dict[str, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Leave every seat."""
        for task in self._changing.values():
            task.cancel()
        await asyncio.gather(*self._changing.values(), return_exceptions=True)
        for seat in self._seated.values():
            await seat.leave()

    def look(self, chat_id: str) -> None:
        """The screens of this chat have changed."""
        if chat_id not in self._changing:
            task = self._changing[chat_id] = asyncio.create_task(self._change(chat_id))
            task.add_done_callback(lambda _done: self._changing.pop(chat_id, None))

    async def _change(self, chat_id: str) -> None:
        """Bring the seat into line with the screens, until it is: more may change while we do."""
        try:
            while self._wanted(chat_id) != (chat_id in self._seated):
                if not self._wanted(chat_id):
                    await self._seated.pop(chat_id).leave()
                    continue
                await asyncio.sleep(TAKE_SECONDS)
                if not self._wanted(chat_id):
                    continue
                _user_id, advisor_id = await self._talktime.chat_parties(chat_id)
                if advisor_id not in self._names:
                    return
                seat = self._seated[chat_id] = _Seat(self._talktime, chat_id, self._names[advisor_id])
                await seat.take()
        except (TalktimeError, OSError):
            self._seated.pop(chat_id, None)
            _log.warning("demo.seat_not_taken", chat=chat_id, exc_info=True)

    def _wanted(self, chat_id: str) -> bool:
        is_present = self._talktime.node.presence.is_present
        return is_present(chat_id, Party.USER) and not is_present(
            chat_id, Party.ADVISOR, other_than=self._seated.get(chat_id)
        )


class _Seat:
    """One automatic advisor in one chat; what `Presence` and `Feed` call back, as a screen would be."""

    def __init__(self, talktime: Talktime, chat_id: str, name: str) -> None:
        self._talktime = talktime
        self._chat_id = chat_id
        self._name = name
        self._questions: asyncio.Queue[Message] = asyncio.Queue()
        self._answering: asyncio.Task[None] | None = None

    async def take(self) -> None:
        self._talktime.node.feed.subscribe(self._chat_id, self)
        await self._talktime.node.presence.attach(self, self._chat_id, Party.ADVISOR)
        self._answering = asyncio.create_task(self._answer())

    async def leave(self) -> None:
        self._talktime.node.feed.unsubscribe(self._chat_id, self)
        if self._answering is not None:
            self._answering.cancel()
            await asyncio.gather(self._answering, return_exceptions=True)
        await self._talktime.node.presence.detach(self)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        pass  # it has nothing to look at

    def on_typing(self, chat_id: str, party: Party) -> None:
        pass

    def on_message(self, message: Message) -> None:
        if message.sender == Party.USER:
            self._questions.put_nowait(message)

    def send_heartbeat(self, leases: dict[str, int], now_ms: float, epoch: str) -> None:  # noqa: ARG002  Presence's names
        self._talktime.node.presence.prove(self)

    def lost(self) -> None:
        pass  # it proves presence at every heartbeat

    async def _answer(self) -> None:
        try:
            await self._say(greeting(self._name), GREETING_ID)
            said = await self._talktime.messages(self._chat_id, limit=1000)
            said = [message for message in said if message.client_id != GREETING_ID]
            if said and said[-1].sender == Party.USER and self._questions.empty():
                self._questions.put_nowait(said[-1])  # asked before anybody was there to answer
            while True:
                question = await self._questions.get()
                await self._say(answer(question.text, question.position), f"automatic-{question.position}")
        except (TalktimeError, OSError):
            _log.warning("demo.no_answer", chat=self._chat_id, exc_info=True)

    async def _say(self, text: str, client_id: str) -> None:
        self._talktime.node.feed.publish_typing(self._chat_id, Party.ADVISOR)
        await asyncio.sleep(THINK_SECONDS)
        await self._talktime.send_message(self._chat_id, Party.ADVISOR, text, client_id)
