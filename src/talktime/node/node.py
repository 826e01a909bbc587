"""A process that is connected to the database: its engine, its workers and its clock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog

from talktime.core.errors import InvalidRequest
from talktime.core.payer import Rules
from talktime.database.pool import UNREACHABLE
from talktime.database.queries import SQL
from talktime.engine.engine import Engine
from talktime.engine.new_ids import new_id
from talktime.engine.parties import PartyDirectory
from talktime.node.auditor import Auditor
from talktime.node.clock import EngineClock
from talktime.node.deadlines import ChatTimerManager
from talktime.node.feed import Feed
from talktime.node.presence import Presence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from talktime.database.pool import Database
    from talktime.database.saving import ChatChange
    from talktime.settings import Settings

log = structlog.get_logger()

_ADVANCE_MAX_MS: Final = 10 * 366 * 86_400_000


class Node:
    """The parts of one process, and what the process does by itself."""

    def __init__(self, settings: Settings, url: str, database: Database) -> None:
        self.settings = settings
        self.database = database
        rules = Rules(
            lease_ms=int(settings.presence_lease_seconds * 1000),
            recharge_ms=int(settings.recharge_seconds * 1000),
            abandon_ms=int(settings.abandon_seconds * 1000),
        )
        process_id = new_id()
        self.engine = Engine(database, rules, self._publish)
        self.parties = PartyDirectory(database)
        self.clock = EngineClock(database)
        self.feed = Feed(url, process_id, self.engine, self.parties)
        self.feed.on_clock_moved = self._follow_clock
        self.feed.is_ahead = self.clock.is_behind
        self.presence = Presence(process_id, self.engine, self.clock, self.parties)
        self.timers = ChatTimerManager(self.engine, self.parties)
        self.auditor = Auditor(self.engine)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Look after deadlines, presence and changes while the context lasts."""
        await self.presence.register()
        is_listening = asyncio.Event()
        tasks = [asyncio.create_task(_report_death(worker)) for worker in self._workers(is_listening)]
        try:
            await is_listening.wait()
            yield
        finally:
            with suppress(*UNREACHABLE, asyncpg.PostgresError):
                await self.presence.close()
            await self.engine.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def visiting(self) -> AsyncIterator[None]:
        """Do no work of a node while the context lasts, but tell other nodes of changes."""
        sender = asyncio.create_task(self.feed.send())
        try:
            yield
        finally:
            await self.engine.close()
            await self.feed.flush()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def now(self) -> int:
        """Engine time, from the database itself."""
        now: int = await self.database.fetch_value("engine_now")
        return now

    async def advance_clock(self, duration_ms: int) -> int:
        """Move engine time ahead, and apply every deadline on the way as of its own instant; engine time after that.

        A party with an open socket is present all the time. Time never moves back. For tests alone.

        Raises:
            InvalidRequest: the duration is negative, or longer than ten years.
        """
        if not 0 <= duration_ms <= _ADVANCE_MAX_MS:
            raise InvalidRequest(("seconds", f"must be from 0 to {_ADVANCE_MAX_MS // 1000}"))
        async with self.database.writing() as connection:
            offset_ms = await connection.fetchval(SQL["lock_clock"])
            target = await connection.fetchval(SQL["engine_now"]) + duration_ms
            await connection.execute(SQL["present_through"], target, self.engine.rules.lease_ms)
            await connection.execute(SQL["set_clock"], offset_ms + duration_ms)
        await self.timers.settle_due()
        await self.timers.check_health()
        await self.clock.resample()
        self.feed.publish_clock()
        return await self.now()

    def _workers(self, is_listening: asyncio.Event) -> list[Coroutine[object, object, None]]:
        settings, timers = self.settings, self.timers
        workers = [
            self.feed.send(),
            self.feed.hear(is_listening),
            self.feed.deliver(),
            self.presence.run(),
            self.clock.follow(),
            timers.run_deadlines(),
            timers.run_every(float(settings.health_seconds), timers.check_health),
        ]
        if settings.checkpoint_seconds:
            workers.append(timers.run_every(float(settings.checkpoint_seconds), timers.checkpoint))
        if settings.audit_seconds:
            workers.append(timers.run_every(float(settings.audit_seconds), self.auditor.look))
        return workers

    def _publish(self, changes: list[ChatChange]) -> None:
        self.feed.publish(changes)  # the feed is made after the engine, because the feed reads through the engine

    async def _follow_clock(self) -> None:
        await self.clock.resample()
        await self.presence.learn_leases()


async def _report_death(worker: Coroutine[object, object, None]) -> None:
    """Run a worker. A worker that ends by an unexpected error is a fault that must be seen."""
    try:
        await worker
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("worker_died", work=getattr(worker, "__qualname__", "work"))
        raise
