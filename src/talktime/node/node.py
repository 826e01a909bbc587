"""A process that is connected to the database: its engine, its workers and its clock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from talktime import extras
from talktime.core.durations import DAY_MS
from talktime.core.errors import InvalidRequest, Unavailable
from talktime.core.instants import format_instant
from talktime.core.payer import Durations
from talktime.database.queries import SQL
from talktime.engine.engine import Engine
from talktime.engine.parties import PartyDirectory
from talktime.node.auditor import Auditor
from talktime.node.clock import EngineClock
from talktime.node.deadlines import DeadlineWorker
from talktime.node.event_horizon import EventHorizon
from talktime.node.fanout.choice import fanout_of
from talktime.node.fanout.interface import FanoutUnavailable
from talktime.node.feed import Feed
from talktime.node.key_ring import KeyRing
from talktime.node.presence import SocketLeases
from talktime.node.retention import ROUND_SECONDS, Retention
from talktime.node.supervisor import Supervisor, Worker, every
from talktime.node.webhooks import DeliveryWorker
from talktime.settings import CONFIDENTIAL, PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from talktime.database.pool import Database
    from talktime.database.saving import AccountChange
    from talktime.node.webhook_sender import WebhookSender

log = structlog.get_logger()

_PATIENCE: Final = 100
_PATIENCE_SECONDS: Final = 0.02
_ADVANCE_MAX_MS: Final = 10 * 366 * DAY_MS


class Node:
    """The parts of one process, and what the process does by itself."""

    def __init__(self, settings: Settings, url: str, database: Database, process_id: str) -> None:
        self.settings = settings
        self.database = database
        durations = Durations(
            lease_ms=int(settings.presence_lease_seconds * 1000),
            recharge_ms=int(settings.recharge_seconds * 1000),
            abandon_ms=int(settings.abandon_seconds * 1000),
            leave_ms=int(settings.leave_seconds * 1000),
            low_ms=int(settings.low_credit_seconds * 1000),
        )
        self.engine = Engine(database, durations, self._publish)
        self.parties = PartyDirectory(database)
        self.clock = EngineClock(database, int(settings.outage_seconds * 1000), self._show_outage)
        fanout = fanout_of(settings, url, database)
        self.feed = Feed(fanout, self.engine, self.parties, self.clock.now_ms)
        self.feed.on_clock_moved = self._follow_clock
        self.feed.is_ahead = self.clock.is_behind
        self.key_ring = KeyRing(database, self.clock.now_ms)
        self.feed.on_key_revoked = self.key_ring.hear
        self.presence = SocketLeases(process_id, self.engine, self.clock, self.parties, settings.shared())
        self.deadlines = DeadlineWorker(self.engine)
        self.auditor = Auditor(self.engine)
        self.event_horizon = EventHorizon(database)
        keep_days = {
            "repeats": settings.keep_keys_days,
            "messages": settings.keep_messages_days,
            "events": settings.keep_events_days,
        }
        self.retention = Retention(database, keep_days)
        self.webhooks: DeliveryWorker | None = None
        self.supervisor = Supervisor()
        self.presence.late_workers = self.supervisor.late
        database.on_return = self.supervisor.hurry

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Look after deadlines, presence and changes while the context lasts."""
        await self.clock.start()
        await self.presence.register()
        for difference in await self.different_settings():
            log.warning("node.different_settings", difference=difference)
        durations = self.engine.durations
        await self.database.fetch("store_durations", durations.lease_ms, durations.recharge_ms, durations.abandon_ms)
        with suppress(FanoutUnavailable):  # the worker `listen` tries again
            await self.feed.listen()
        self.supervisor.start(self._workers())
        try:
            yield
        finally:
            await self.presence.close()
            await self.engine.close()
            await self.supervisor.stop()
            if self.webhooks is not None:
                await self.webhooks.close()
            with suppress(Unavailable):  # nobody relies on the last use of a key
                await self.key_ring.store_uses()
            self.feed.fanout.close()

    @asynccontextmanager
    async def visiting(self) -> AsyncIterator[None]:
        """Do no work of a node while the context lasts, but tell other nodes of changes."""
        self.clock.on_outage = _tell_nobody
        # Where nodes run, they apply the deadlines, so the durations are theirs.
        for stored in await self.database.fetch("stored_durations"):
            self.engine.durations = replace(self.engine.durations, **stored)
        await self.clock.start()
        self.supervisor.start([self._sender(), self._clock_keeper()])
        try:
            yield
        finally:
            await self.engine.close()
            await self.feed.flush()
            await self.supervisor.stop()

    def webhook_sender(self) -> WebhookSender:
        """The sender of messages to webhooks.

        Raises:
            MissingExtra: a package that the sender needs is not installed.
        """
        extras.require("webhooks")
        from talktime.node.webhook_sender import WebhookSender  # noqa: PLC0415  it needs the packages of the extra

        return WebhookSender(may_be_private=self.settings.webhook_private)

    async def now(self) -> int:
        """Engine time, from the database itself."""
        now: int = await self.database.fetch_value("engine_now")
        return now

    async def troubles(self) -> list[str]:
        """The faults and different settings of nodes, the nodes that say nothing any more, and what loses commits."""
        rows = await self.database.fetch("node_troubles", self.engine.durations.lease_ms)
        troubles = [
            f"nodes whose worker {row['worker']} has failed for long: {row['nodes']}"
            if row["worker"]
            else f"nodes that say nothing any more, and whose leases no other node has ended: {row['nodes']}"
            for row in rows
        ]
        troubles += [f"nodes have different settings: {each}" for each in await self.different_settings()]
        if await self.database.fetch_value("commits_before_the_disk"):
            troubles.append(
                "a crash of the database can lose commits that were acknowledged: synchronous_commit is off"
            )
        return troubles

    async def different_settings(self) -> list[str]:
        """The settings that are not the same at all nodes that run now, each in words."""
        rows = await self.database.fetch("different_settings", self.engine.durations.lease_ms)
        values: dict[str, list[str]] = {}
        for row in rows:
            values.setdefault(row["setting"], []).append(f"{row['value']} (nodes: {row['nodes']})")
        return [
            f"{PREFIX}{name.upper()} has {len(each)} values" + ("" if name in CONFIDENTIAL else f": {', '.join(each)}")
            for name, each in values.items()
        ]

    async def advance_clock(self, duration_ms: int) -> int:
        """Move engine time ahead, and apply every deadline on the way as of its own instant. Returns engine time.

        A party with an open socket is present all the time. Time never moves back. For tests alone.

        Raises:
            InvalidRequest: the duration is negative, or longer than ten years.
        """
        if not 0 <= duration_ms <= _ADVANCE_MAX_MS:
            raise InvalidRequest(("duration_ms", f"must not be negative, and at most {_ADVANCE_MAX_MS // DAY_MS} days"))
        async with self.database.writing() as connection:
            offset_ms = await connection.fetchval(SQL["lock_clock"])
            target = await connection.fetchval(SQL["engine_now"]) + duration_ms
            lease_ms, is_pooled = self.engine.durations.lease_ms, self.database.is_pooled
            await connection.execute(SQL["present_through"], target, lease_ms, is_pooled)
            await connection.execute(SQL["set_clock"], offset_ms + duration_ms)
        await self.deadlines.settle_due()
        for _ in range(_PATIENCE):
            # Another worker may hold an account, and then settles the account itself.
            if not await self.database.fetch("due_accounts", target, 1):
                break
            await asyncio.sleep(_PATIENCE_SECONDS)
        await self.deadlines.check_health()
        await self.clock.resample()
        self.feed.publish_clock()
        return await self.now()

    def _workers(self) -> list[Worker]:
        settings, feed, presence, deadlines = self.settings, self.feed, self.presence, self.deadlines
        lease_seconds = float(settings.presence_lease_seconds)
        health_seconds = float(settings.health_seconds)
        # After a long outage much is due at once, so a worker that catches up counts as late only after two minutes.
        catching_up = {"limit_seconds": 300.0, "late_seconds": 120.0}
        workers = [
            self._sender(),
            Worker("listen", feed.listen, feed.fanout.wait, limit_seconds=60, late_seconds=20),
            Worker("deliver", feed.deliver, feed.wait_to_deliver),
            Worker("heartbeat", presence.ask, presence.wait_to_ask),
            Worker("presence", presence.renew, presence.wait_to_renew, late_seconds=min(30, lease_seconds)),
            Worker("seats", presence.store_changes, presence.wait_to_store, limit_seconds=120),
            self._clock_keeper(),
            Worker("deadlines", self._apply_deadlines, deadlines.wait_for_deadline, **catching_up),
            Worker("health", deadlines.check_health, every(health_seconds), **catching_up),
            Worker("keys", self.key_ring.look, self.key_ring.wait),
        ]
        if extras.is_installed("webhooks"):
            self.webhooks = DeliveryWorker(self.database, self.event_horizon, self.webhook_sender())
            workers.append(Worker("webhooks", self.webhooks.send_due, self.webhooks.wait, late_seconds=60))
        if self.retention.keeps_days:
            workers.append(
                Worker("retention", self.retention.delete_old, every(60), ROUND_SECONDS * 4, late_seconds=600)
            )
        if settings.audit_seconds:
            seconds = float(settings.audit_seconds)
            workers.append(Worker("audit", self.auditor.look, every(seconds), limit_seconds=120, late_seconds=600))
        return workers

    def _sender(self) -> Worker:
        return Worker("send", self.feed.send, self.feed.wait_to_send)

    def _clock_keeper(self) -> Worker:
        return Worker("clock", self.clock.renew, every(self.clock.renew_seconds))

    async def _apply_deadlines(self) -> None:
        """Apply what is due. After a while without the database, this process first says that its sockets are there."""
        if self.presence.is_overdue:
            await self.presence.renew()
        await self.deadlines.run_deadlines()

    def _publish(self, changes: list[AccountChange]) -> None:
        self.feed.publish(changes)  # the feed is made after the engine, because the feed reads through the engine

    async def _show_outage(self, began: int, ended: int) -> None:
        """After an outage the screens of running records show less time than they had counted themselves."""
        period = {"from": format_instant(began), "to": format_instant(ended)}
        log.warning("clock.outage", **period, duration_ms=ended - began)
        self.feed.read_again()

    async def _follow_clock(self) -> None:
        await self.clock.resample()
        await self.presence.learn_leases()


async def _tell_nobody(_began: int, _ended: int) -> None:
    """A visitor has no screens, and that no node ran before the visit is no news to a person at a terminal."""
