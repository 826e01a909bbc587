"""The chat timers, and the work that nobody asks for: deadlines, the checkpoint, the health check.

A timer is an open segment and its deadlines; nothing runs while the timer runs. A worker sleeps until the earliest
stored deadline and applies what is due, each deadline as of its own instant, so a late worker changes no bill. Any
number of nodes do this on one database: an account that one node works on is left alone by the others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog

from talktime.core.errors import TalktimeError
from talktime.core.record import Party, State
from talktime.database.pool import UNREACHABLE
from talktime.database.queries import SQL
from talktime.engine.tracking import PauseChat, ResumeChat, UpdateChatTime, post_running, start_due_timers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from talktime.documents.snapshot import Snapshot
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory

log = structlog.get_logger()

BATCH: Final = 500
LOOK_SECONDS: Final = 1.0
"""The longest sleep of the worker: another node may have stored a nearer deadline."""

BUSY_SECONDS: Final = 0.05
"""How long the worker leaves accounts alone that it could not settle."""

OVERDUE_MS: Final = 5_000


class ChatTimerManager:
    """The timers of chats, under the names of the system that talktime replaces."""

    def __init__(self, engine: Engine, parties: PartyDirectory) -> None:
        self._engine = engine
        self._database = engine.database
        self._parties = parties
        self._nearer = asyncio.Event()
        self._sleeps_until: float = 0
        engine.on_deadline(self._learn_deadline)

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

    async def settle_due(self) -> int:
        """Apply every deadline that is due; to how many accounts."""
        settled = 0
        while True:
            now = await self._database.pool.fetchval(SQL["engine_now"])
            count = await self._engine.settle_due_accounts(now, BATCH)
            settled += count
            if count < BATCH:
                return settled

    async def bury_nodes(self) -> None:
        """End the leases that the sockets of dead processes held, and remove the rows of these processes."""
        lease_ms = self._engine.rules.lease_ms
        for node in await self._database.pool.fetch(SQL["lapsed_nodes"], lease_ms):
            rows = await self._database.pool.fetch(SQL["payers_of_node"], node["node_id"])
            payers = [row["user_id"] for row in rows]
            log.warning("timer_manager.node_lapsed", node_id=node["node_id"], payers=len(payers))
            batches = [payers[start : start + BATCH] for start in range(0, len(payers), BATCH)]
            if all([await self._engine.settle_accounts(batch) for batch in batches]):
                await self._database.pool.execute(SQL["forget_node"], node["node_id"])

    async def checkpoint(self) -> None:
        """Post the charges of every running record up to now, in batches."""
        after = ""
        while True:
            rows = await self._database.pool.fetch(SQL["running_payers"], after, BATCH)
            if not rows:
                return
            payers = [row["user_id"] for row in rows]
            await self._engine.settle_accounts(payers, post_running)
            after = payers[-1]

    async def check_health(self) -> None:
        """Find and repair what should be true and is not: timers due to run, deadlines missing or overdue."""
        now = await self._database.pool.fetchval(SQL["engine_now"])
        rows = await self._database.pool.fetch(SQL["unhealthy_payers"], now - OVERDUE_MS)
        payers = [row["user_id"] for row in rows]
        for start in range(0, len(payers), BATCH):
            await self._engine.settle_accounts(payers[start : start + BATCH], start_due_timers)

    async def run_deadlines(self) -> None:
        """Apply what falls due as soon as it does, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            self._nearer.clear()
            self._sleeps_until = loop.time() + LOOK_SECONDS
            await self._guard(self._settle_and_plan)
            try:
                async with asyncio.timeout_at(self._sleeps_until):
                    await self._nearer.wait()
            except TimeoutError:
                continue

    async def run_every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do this work every `seconds`, for ever."""
        while True:
            await asyncio.sleep(seconds)
            await self._guard(work)

    async def _settle_and_plan(self) -> None:
        await self.settle_due()
        await self.bury_nodes()
        due = await self._database.pool.fetchval(SQL["next_due"])
        if due is not None:
            now = await self._database.pool.fetchval(SQL["engine_now"])
            # Another node works on what is still due, or it failed: looking again at once would be a busy loop.
            self._wake_in((due - now) / 1000 if due > now else BUSY_SECONDS)

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work. The worker outlives a database that is away for a while."""
        try:
            await work()
        except (*UNREACHABLE, asyncpg.PostgresError, TalktimeError) as error:
            log.warning("timer_manager.delayed", work=getattr(work, "__name__", "work"), cause=repr(error))

    def _learn_deadline(self, in_seconds: float) -> None:
        if self._wake_in(in_seconds):
            self._nearer.set()

    def _wake_in(self, seconds: float) -> bool:
        """Sleep no longer than this; whether that is sooner than planned."""
        at = asyncio.get_running_loop().time() + seconds
        if at >= self._sleeps_until:
            return False
        self._sleeps_until = at
        return True
