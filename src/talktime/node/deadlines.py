"""The chat timers, and the work that nobody asks for: deadlines, the checkpoint, the health check.

A timer is an open segment and its deadlines; nothing runs while it runs. A worker sleeps until the earliest stored
deadline and settles what is due, each as of its own instant, so that it may be late without changing a bill. Any
number of nodes do this on one database: they leave to each other what is being worked on.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

from talktime.core.errors import TalktimeError
from talktime.core.payer import Party, State
from talktime.database.queries import SQL
from talktime.engine import tracking
from talktime.engine.batching import UNREACHABLE, Engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from talktime.documents.snapshot import Snapshot

log = structlog.get_logger()

BATCH: Final = 500
LOOK_SECONDS: Final = 1.0
"""How long the worker sleeps at most: other nodes may have stored a nearer deadline."""

BUSY_SECONDS: Final = 0.05
"""How long it leaves alone what it could not settle."""

OVERDUE_MS: Final = 5_000


class ChatTimerManager:
    """The timers of chats, by the names of the system this replaces."""

    def __init__(self, engine: Engine, payer_of: Callable[[str], Awaitable[str]]) -> None:
        self._engine = engine
        self._payer_of = payer_of
        self._nearer = asyncio.Event()
        self._sleeps_until: float = 0
        engine.on_deadline_change = self._on_deadline_change

    async def start_timer(self, chat_id: str) -> Snapshot:
        """Start the timer of the record whose current chat this is, as the user's act. One that runs goes on.

        Raises:
            NotFound: when there is no such chat.
            Conflict: when its record has ended or moved to another chat.
            InsufficientCredit: when the next increment can't be paid.
        """
        snapshot: Snapshot = await self._engine.run(tracking.resume(await self._payer_of(chat_id), chat_id, Party.USER))
        return snapshot

    async def stop_timer(self, chat_id: str) -> Snapshot:
        """Stop the timer of the record whose current chat this is: the record is paused, its time posted.

        Raises:
            NotFound: when there is no such chat.
            Conflict: when its record has ended or moved to another chat.
        """
        snapshot: Snapshot = await self._engine.run(tracking.pause(await self._payer_of(chat_id), chat_id))
        return snapshot

    async def has_timer(self, chat_id: str) -> bool:
        """Whether time is running in this chat now."""
        user_id = await self._payer_of(chat_id)
        units = await self._engine.read([user_id], [chat_id])
        record = units[user_id].record_of(units[user_id].chats[chat_id])
        return record is not None and record.state is State.RUNNING and record.chat_id == chat_id

    async def update_chat_time(self, chat_id: str, record_id: str) -> bool:
        """Write the running totals of this record to the tables (`chats.duration_ms`, the ledger), as of now.

        Nothing depends on it. False when the record's timer is not running in this chat, and there is nothing to write.
        """
        written: bool = await self._engine.run(
            tracking.update_chat_time(await self._payer_of(chat_id), chat_id, record_id)
        )
        return written

    async def settle_due(self) -> int:
        """Apply every deadline that is due; to how many accounts."""
        settled = 0
        while True:
            now = await self._engine.pool.fetchval(SQL["engine_now"])
            count = await self._engine.settle_due(now, BATCH)
            settled += count
            if count < BATCH:
                return settled

    async def bury_nodes(self) -> None:
        """End what the sockets of processes that died have held, and forget those processes."""
        lease_ms = self._engine.rules.lease_ms
        for row in await self._engine.pool.fetch(SQL["lapsed_nodes"], lease_ms):
            payers = [
                payer["user_id"] for payer in await self._engine.pool.fetch(SQL["payers_of_node"], row["node_id"])
            ]
            log.warning("timer_manager.node_lapsed", node_id=row["node_id"], payers=len(payers))
            batches = [payers[start : start + BATCH] for start in range(0, len(payers), BATCH)]
            if all([await self._engine.settle(batch) for batch in batches]):
                await self._engine.pool.execute(SQL["forget_node"], row["node_id"])

    async def checkpoint(self) -> None:
        """Write every running record's totals to the tables, in batches."""
        after = ""
        while True:
            payers = [row["user_id"] for row in await self._engine.pool.fetch(SQL["running_payers"], after, BATCH)]
            if not payers:
                return
            await self._engine.settle(payers, tracking.checkpoint)
            after = payers[-1]

    async def check_health(self) -> None:
        """Look for what should be true and isn't, and repair it: timers due to run, deadlines missing or overdue."""
        now = await self._engine.pool.fetchval(SQL["engine_now"])
        payers = [row["user_id"] for row in await self._engine.pool.fetch(SQL["unhealthy_payers"], now - OVERDUE_MS)]
        for start in range(0, len(payers), BATCH):
            await self._engine.settle(payers[start : start + BATCH], tracking.repair)

    async def run_deadlines(self) -> None:
        """Settle what falls due, for ever, as soon as it does."""
        loop = asyncio.get_running_loop()
        while True:
            self._nearer.clear()
            self._sleeps_until = loop.time() + LOOK_SECONDS
            await self._guarded(self._settle_and_plan)
            try:
                async with asyncio.timeout_at(self._sleeps_until):
                    await self._nearer.wait()
            except TimeoutError:
                continue

    async def run_every(self, seconds: float, work: Callable[[], Awaitable[Any]]) -> None:
        """Do this work every so many seconds, for ever."""
        while True:
            await asyncio.sleep(seconds)
            await self._guarded(work)

    async def _settle_and_plan(self) -> None:
        await self.settle_due()
        await self.bury_nodes()
        due = await self._engine.pool.fetchval(SQL["next_due"])
        if due is not None:
            now = await self._engine.pool.fetchval(SQL["engine_now"])
            # What is still due is being worked on elsewhere, or failed: looking again at once would be a busy loop.
            self._wake_in((due - now) / 1000 if due > now else BUSY_SECONDS)

    async def _guarded(self, work: Callable[[], Awaitable[Any]]) -> None:
        """A worker outlives a database that is away for a while."""
        try:
            await work()
        except (*UNREACHABLE, asyncpg.PostgresError, TalktimeError) as error:
            log.warning("timer_manager.delayed", work=getattr(work, "__name__", "work"), cause=repr(error))

    def _on_deadline_change(self, in_seconds: float) -> None:
        if self._wake_in(in_seconds):
            self._nearer.set()

    def _wake_in(self, seconds: float) -> bool:
        """Sleep no longer than this; whether that is sooner than planned."""
        at = asyncio.get_running_loop().time() + seconds
        if at >= self._sleeps_until:
            return False
        self._sleeps_until = at
        return True
