"""A process that is connected to the database: its workers, its clock, and how it reads.

The methods that people call are in `books` and `talktime`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final, Self

import asyncpg
import structlog

from talktime import logs
from talktime.core.errors import InvalidRequest, NotFound, TalktimeError, Unavailable
from talktime.core.payer import Rules
from talktime.database.migrate import ensure_current
from talktime.database.pool import open_pool
from talktime.database.queries import SQL
from talktime.database.saving import Told
from talktime.engine.batching import UNREACHABLE, Engine
from talktime.engine.idempotency import Repeat
from talktime.engine.new_ids import new_id
from talktime.node.auditor import Auditor
from talktime.node.clock import EngineClock
from talktime.node.deadlines import ChatTimerManager
from talktime.node.feed import Feed
from talktime.node.presence import Presence
from talktime.postgres.embedded import embedded_database
from talktime.settings import Settings, load_settings

log = structlog.get_logger()

POOL_SIZE: Final = 12
_PARTIES_KEPT: Final = 100_000
_ADVANCE_MAX_MS: Final = 10 * 366 * 86_400_000


class Node:
    """What every part of `Talktime` stands on."""

    def __init__(self, settings: Settings, url: str, pool: Any) -> None:
        self.settings = settings
        self._pool = pool
        rules = Rules(
            lease_ms=int(settings.presence_lease_seconds * 1000),
            recharge_ms=int(settings.recharge_seconds * 1000),
            abandon_ms=int(settings.abandon_seconds * 1000),
        )
        self.engine = Engine(pool, rules, self._publish)
        self.clock = EngineClock(pool)
        process_id = new_id()
        self.feed = Feed(url, process_id, self.engine, self._payer_of)
        self.feed.on_clock_moved = self._follow_clock
        self.feed.is_ahead = self.clock.is_behind
        self.presence = Presence(process_id, self.engine, self.clock, self._payer_of)
        self.timers = ChatTimerManager(self.engine, self._payer_of)
        self.auditor = Auditor(self.engine)
        self._parties: dict[str, tuple[str, str]] = {}

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, database_url: str | None = None, *, settings: Settings | None = None, work: bool = True
    ) -> AsyncIterator[Self]:
        """Open the database, and be a node: deadlines, presence and changes are looked after while the context lasts.

        Args:
            database_url: a PostgreSQL database whose schema is current; the embedded one, migrated, when not given.
            settings: all other settings; from the environment and `talktime.toml` when not given.
            work: False for a short visit that only asks and commands, and leaves the work to other nodes.

        Raises:
            DatabaseProblem: when the database can't be used as it is.
        """
        logs.configure_by_default()
        settings = load_settings(database_url=database_url) if settings is None else settings
        url = database_url or settings.database_url
        async with AsyncExitStack() as stack:
            embedded = url is None
            if url is None:
                url = await stack.enter_async_context(embedded_database(settings.data_dir))
            await ensure_current(url, embedded=embedded)
            pool = await stack.enter_async_context(open_pool(url, size=POOL_SIZE))
            node = cls(settings, url, pool)
            await node.clock.resample()
            async with node._working() if work else node._visiting():
                yield node

    async def chat_parties(self, chat_id: str) -> tuple[str, str]:
        """The user and the advisor of a chat; they never change."""
        parties = self._parties.get(chat_id)
        if parties is None:
            row = await self._fetchrow("chat_parties", chat_id)
            if row is None:
                raise NotFound("chat")
            parties = row["user_id"], row["advisor_id"]
            self._remember(chat_id, parties)
        return parties

    async def record_parties(self, record_id: str) -> tuple[str, str]:
        """The user and the advisor of a record."""
        row = await self._record_row(record_id)
        return row["user_id"], row["advisor_id"]

    async def keep_refusal(self, repeat: Repeat | None, error: TalktimeError) -> None:
        """Keep a refusal as the answer of its idempotency key, if it has one, or raise the answer that came first."""
        if repeat is not None:
            await self.engine.keep_refusal(repeat, error)

    # Time and health.

    async def now(self) -> int:
        """Engine time, from the database itself."""
        now: int = await self._fetchval("engine_now")
        return now

    async def advance_clock(self, duration_ms: int) -> int:
        """Move engine time ahead, applying every deadline on the way as of its own instant; what time it is then.

        A party with an open socket is present throughout. Time can't be moved back: for tests alone.
        """
        if not 0 <= duration_ms <= _ADVANCE_MAX_MS:
            raise InvalidRequest(("seconds", f"must be from 0 to {_ADVANCE_MAX_MS // 1000}"))
        async with self._pool.acquire() as connection, connection.transaction():
            offset_ms = await connection.fetchval(SQL["lock_clock"])
            target = await connection.fetchval(SQL["engine_now"]) + duration_ms
            await connection.execute(SQL["present_through"], target, self.engine.rules.lease_ms)
            await connection.execute(SQL["set_clock"], offset_ms + duration_ms)
        await self.timers.settle_due()
        await self.timers.check_health()
        await self.clock.resample()
        self.feed.publish_clock()
        return await self.now()

    async def check(self) -> None:
        """Raises Unavailable when the database can't be used."""
        await self._fetchval("engine_now")

    async def counts(self) -> dict[str, float]:
        """Running and paused records, nodes, and by how many seconds the oldest deadline is overdue."""
        row = await self._fetchrow("counts", self.engine.rules.lease_ms)
        return {name: float(value or 0) for name, value in row.items()}

    def connections(self) -> tuple[dict[str, int], int]:
        """This process's pooled connections, `busy` and `idle`, and how many there may be."""
        idle: int = self._pool.get_idle_size()
        return {"busy": self._pool.get_size() - idle, "idle": idle}, self._pool.get_max_size()

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        await self.presence.register()
        heard = asyncio.Event()
        works = [
            self.feed.send(),
            self.feed.hear(heard),
            self.feed.deliver(),
            self.presence.run(),
            self.clock.follow(),
            self.timers.run_deadlines(),
            self.timers.run_every(float(self.settings.health_seconds), self.timers.check_health),
        ]
        if self.settings.checkpoint_seconds:
            works.append(self.timers.run_every(float(self.settings.checkpoint_seconds), self.timers.checkpoint))
        if self.settings.audit_seconds:
            works.append(self.timers.run_every(float(self.settings.audit_seconds), self.auditor.look))
        tasks = [asyncio.create_task(_reported(work)) for work in works]
        try:
            await heard.wait()
            yield
        finally:
            with suppress(*UNREACHABLE, asyncpg.PostgresError):
                await self.presence.close()
            await self.engine.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def _visiting(self) -> AsyncIterator[None]:
        """Without work of its own, a visitor still tells others what it has changed."""
        sender = asyncio.create_task(self.feed.send())
        try:
            yield
        finally:
            await self.engine.close()
            await self.feed.sent()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    def _publish(self, told: list[Told]) -> None:
        self.feed.publish(told)  # made after the engine, since it reads through it

    def _remember(self, chat_id: str, parties: tuple[str, str]) -> None:
        if len(self._parties) >= _PARTIES_KEPT:
            self._parties.clear()
        self._parties[chat_id] = parties

    async def _require(self, who: str, person_id: str) -> None:
        """Nobody's list is not an empty one. Raises NotFound; `who` is user or advisor."""
        if not await self._fetchval(f"{who}_exists", person_id):
            raise NotFound(who)

    async def _follow_clock(self) -> None:
        await self.clock.resample()
        await self.presence.learn_leases()

    async def _payer_of(self, chat_id: str) -> str:
        return (await self.chat_parties(chat_id))[0]

    async def _record_row(self, record_id: str) -> Any:
        row = await self._fetchrow("record_parties", record_id)
        if row is None:
            raise NotFound("record")
        return row

    async def _fetch(self, name: str, *arguments: Any) -> list[Any]:
        try:
            rows: list[Any] = await self._pool.fetch(SQL[name], *arguments)
        except UNREACHABLE as error:
            raise Unavailable("The database can't be reached. Try again.") from error
        return rows

    async def _fetchrow(self, name: str, *arguments: Any) -> Any:
        rows = await self._fetch(name, *arguments)
        return rows[0] if rows else None

    async def _fetchval(self, name: str, *arguments: Any) -> Any:
        row = await self._fetchrow(name, *arguments)
        return None if row is None else row[0]


async def _reported(work: Any) -> None:
    """A worker that ends by an error nobody foresaw is a fault that must be seen."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("worker_died", work=getattr(work, "__qualname__", "work"))
        raise
