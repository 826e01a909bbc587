"""The automatic advisor: joins a demo chat in which a user is alone, answers, and leaves when a real advisor comes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog

from talktime.core.errors import NotRunning, TalktimeError
from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.demo.answers import answer, greeting
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.talktime import Talktime

JOIN_SECONDS: Final = 1.5
"""How long the advisor must be absent. A page that reloads is absent for less."""

THINK_SECONDS: Final = 1.2
GREETING_ID: Final = "automatic-greeting"

_log = structlog.get_logger(__name__)


class AutomaticAdvisors:
    """Follows the open screens, and lets an automatic advisor join every chat in which a user is alone."""

    def __init__(self, talktime: Talktime, names: Mapping[str, str]) -> None:
        self._talktime = talktime
        self._names = names
        self._advisors: dict[str, _AutomaticAdvisor] = {}
        self._updates: dict[str, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Leave every chat."""
        for task in self._updates.values():
            task.cancel()
        await asyncio.gather(*self._updates.values(), return_exceptions=True)
        for advisor in self._advisors.values():
            await advisor.leave()

    def update(self, chat_id: str) -> None:
        """A screen of this chat was opened or closed: join or leave the chat, if needed."""
        if chat_id not in self._updates:
            task = self._updates[chat_id] = asyncio.create_task(self._join_or_leave(chat_id))
            task.add_done_callback(lambda _task: self._updates.pop(chat_id, None))

    async def _join_or_leave(self, chat_id: str) -> None:
        """Join or leave, and look again, because screens may open and close meanwhile."""
        try:
            while self._is_needed(chat_id) != (chat_id in self._advisors):
                if not self._is_needed(chat_id):
                    await self._advisors.pop(chat_id).leave()
                    continue
                await asyncio.sleep(JOIN_SECONDS)
                if not self._is_needed(chat_id):
                    continue
                _user_id, advisor_id = await self._talktime.chat_parties(chat_id)
                if advisor_id not in self._names:
                    return
                advisor = _AutomaticAdvisor(self._talktime, chat_id, self._names[advisor_id])
                self._advisors[chat_id] = advisor
                await advisor.join()
        except (TalktimeError, OSError):
            self._advisors.pop(chat_id, None)
            _log.warning("demo.seat_not_taken", chat=chat_id, exc_info=True)

    def _is_needed(self, chat_id: str) -> bool:
        is_present = self._talktime.node.presence.is_present
        return is_present(chat_id, Party.USER) and not is_present(
            chat_id, Party.ADVISOR, other_than=self._advisors.get(chat_id)
        )


class _AutomaticAdvisor:
    """One automatic advisor in one chat. `SocketLeases` and `Feed` call it as they call a screen."""

    def __init__(self, talktime: Talktime, chat_id: str, name: str) -> None:
        self._talktime = talktime
        self._chat_id = chat_id
        self._name = name
        self._questions: asyncio.Queue[Message] = asyncio.Queue()
        self._answering: asyncio.Task[None] | None = None
        self._accepting: asyncio.Task[None] | None = None

    async def join(self) -> None:
        await self._talktime.node.feed.subscribe(self._chat_id, self)
        await self._talktime.node.presence.attach(self, self._chat_id, Party.ADVISOR)
        self._answering = asyncio.create_task(self._answer_questions())
        self.on_snapshot(await self._talktime.snapshot(self._chat_id))

    async def leave(self) -> None:
        self._talktime.node.feed.unsubscribe(self._chat_id, self)
        tasks = [task for task in (self._answering, self._accepting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._talktime.node.presence.detach(self)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        is_ringing = snapshot.timer.ring_until is not None
        if is_ringing and (self._accepting is None or self._accepting.done()):
            self._accepting = asyncio.create_task(self._accept())

    def on_typing(self, chat_id: str, party: Party) -> None:
        pass

    def on_message(self, message: Message) -> None:
        if message.sender == Party.USER:
            self._questions.put_nowait(message)

    def send_heartbeat(self, leases: dict[str, int], now_ms: float, epoch: str) -> None:  # noqa: ARG002  the names of SocketLeases
        self._talktime.node.presence.prove(self)

    def send_leases(self, leases: dict[str, int]) -> None:
        pass  # there is no screen

    def lost(self) -> None:
        pass  # every heartbeat is answered, so this does not happen

    async def _accept(self) -> None:
        try:
            await asyncio.sleep(THINK_SECONDS)
            await self._talktime.accept(self._chat_id)
        except (TalktimeError, OSError):
            _log.info("demo.not_accepted", chat=self._chat_id, exc_info=True)

    async def _answer_questions(self) -> None:
        try:
            # The greeting is a notice of the demo, so it comes before the time runs, too. Answers need running time.
            await self._send(greeting(self._name), GREETING_ID, Role.SERVICE)
            messages = await self._talktime.messages(self._chat_id, limit=1000)
            earlier = [message for message in messages if message.client_id != GREETING_ID]
            if earlier and earlier[-1].sender == Party.USER and self._questions.empty():
                self._questions.put_nowait(earlier[-1])  # asked before the automatic advisor joined
            while True:
                question = await self._questions.get()
                await self._send(
                    answer(question.text, question.position), f"automatic-{question.position}", Role.ADVISOR
                )
        except (TalktimeError, OSError):
            _log.warning("demo.no_answer", chat=self._chat_id, exc_info=True)

    async def _send(self, text: str, client_id: str, by: Role) -> None:
        parties = await self._talktime.chat_parties(self._chat_id)
        self._talktime.node.feed.publish_typing(parties.user_id, self._chat_id, Party.ADVISOR)
        await asyncio.sleep(THINK_SECONDS)
        # While no time runs, an advisor has nothing to say.
        with suppress(NotRunning):
            await self._talktime.send_message(self._chat_id, Party.ADVISOR, text, client_id, by=by)
