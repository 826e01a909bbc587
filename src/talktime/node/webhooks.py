"""Sends events to webhooks: each event at least once, the events of one record in order.

Every node does this work, and the rows of the table decide who does what:

    plan       makes the deliveries of new events up to the horizon (`event_horizon`)
    claim      takes the deliveries that are due, a few for each webhook, so that a slow receiver holds up nobody
    end        notes the outcome, and lets the next event of the same record go

A process that dies gives back what it has claimed when the claim ends. A receiver may get an event twice, if the
process died before the outcome was noted, so receivers compare ids.

Attempts that fail are repeated for three days, as stored deadlines. When a receiver answers again, whatever waits goes
at once. A receiver that answers 410 gets nothing more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from talktime.core.durations import HOUR_MS, MINUTE_MS
from talktime.core.errors import NotFound, Unavailable
from talktime.core.instants import format_instant
from talktime.database.event_rows import read_event
from talktime.database.pool import WORK_SECONDS
from talktime.database.queries import SQL
from talktime.documents.webhook import DeliveryState, Ping
from talktime.engine.new_ids import new_id

if TYPE_CHECKING:
    from talktime.database.pool import Database, Row
    from talktime.node.event_horizon import EventHorizon
    from talktime.node.webhook_sender import Outcome, WebhookSender

log = structlog.get_logger()

PLAN_EVENTS: Final = 5_000
"""How many events one step looks at for each webhook."""

AT_ONCE: Final = 8
"""How many deliveries of one webhook this process tries at once."""

CLAIM_MS: Final = 60_000
"""How long a claim lasts: longer than any attempt."""

LOOK_SECONDS: Final = 0.5
"""How often a node looks for new events and due deliveries."""


RETRY_MS: Final = (
    5_000,
    30_000,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    24 * HOUR_MS,
    25 * HOUR_MS,
)
"""How long after each attempt the next one is due: about three days in all."""


async def ping_webhook(database: Database, sender: WebhookSender, webhook_id: str) -> Ping:
    """Send a message without an event, at once and only once. Returns the receiver's answer.

    If the receiver takes the message, everything that waits for another attempt goes at once.

    Raises:
        NotFound: there is no such webhook.
    """
    row = await database.fetch_row("webhook_to_ping", webhook_id)
    if row is None:
        raise NotFound("webhook")
    message_id = new_id()
    body = {"id": message_id, "type": "ping", "occurred_at": format_instant(row["now"]), "data": {}, "data_version": 1}
    try:
        outcome = await sender.send(row["url"], _signing_secrets(row), message_id, body)
    finally:
        await sender.close()
    if outcome.error is None:
        await database.fetch("webhook_works", webhook_id)
    return Ping(outcome.error is None, outcome.status, outcome.error, outcome.took_ms)


def _signing_secrets(row: Row) -> list[str]:
    """The secret of a webhook, and for a day after a rotation the secret before."""
    return [secret for secret in (row["secret"], row["old_secret"]) if secret is not None]


class DeliveryWorker:
    """The deliveries of this process. `outcomes` counts attempts by how they ended."""

    def __init__(self, database: Database, horizon: EventHorizon, sender: WebhookSender) -> None:
        self._database = database
        self._horizon = horizon
        self._sender = sender
        self._busy: Counter[str] = Counter()
        self._attempts: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self.outcomes: Counter[str] = Counter({"delivered": 0, "failed": 0})

    async def wait(self) -> None:
        """Return when there may be something to send."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._freed.wait()

    async def send_due(self) -> None:
        """Make the deliveries of new events, and begin the attempts that are due. The attempts go on by themselves.

        Raises:
            DatabaseUnavailable: the database can't be used. The next round tries again.
        """
        self._freed.clear()
        if not await self._database.fetch_value("webhooks_enabled"):
            return
        horizon = await self._horizon.beyond(0, 0)
        while await self._database.fetch_value("plan_deliveries", horizon, PLAN_EVENTS, seconds=WORK_SECONDS):
            pass
        now: int = await self._database.fetch_value("engine_now")
        for row in await self._database.fetch("due_webhooks", now):
            webhook_id = row["webhook_id"]
            if free := AT_ONCE - self._busy[webhook_id]:
                for claimed in await self._database.fetch("claim_deliveries", webhook_id, free, now, now + CLAIM_MS):
                    self._begin(webhook_id, claimed)

    async def close(self) -> None:
        """Break off the attempts that are under way. Another node repeats them when their claims end."""
        for attempt in self._attempts:
            attempt.cancel()
        if self._attempts:
            await asyncio.wait(self._attempts)
        await self._sender.close()

    def _begin(self, webhook_id: str, claimed: Row) -> None:
        self._busy[webhook_id] += 1
        attempt = asyncio.create_task(self._attempt(webhook_id, claimed))
        self._attempts.add(attempt)

        def free(ended: asyncio.Task[None]) -> None:
            self._attempts.discard(ended)
            self._busy[webhook_id] -= 1
            self._freed.set()

        attempt.add_done_callback(free)

    async def _attempt(self, webhook_id: str, claimed: Row) -> None:
        event = read_event(claimed)
        outcome = await self._sender.send(claimed["url"], _signing_secrets(claimed), event.id, event.document())
        self.outcomes["delivered" if outcome.error is None else "failed"] += 1
        if outcome.error is not None:
            fields: dict[str, Any] = {"webhook_id": webhook_id, "event_id": event.id, "attempt": claimed["attempts"]}
            log.warning("webhook.failed", **fields, cause=outcome.error)
        # What can't be noted is repeated when the claim ends.
        with suppress(Unavailable):
            await self._end(webhook_id, claimed["event_id"], claimed["attempts"], outcome)

    async def _end(self, webhook_id: str, event_id: int, attempts: int, outcome: Outcome) -> None:
        async with self._database.writing() as connection:
            failing = await connection.fetchrow(SQL["lock_webhook"], webhook_id)
            if failing is None:
                return  # the webhook is deleted
            state, next_at = DeliveryState.DELIVERED, None
            if outcome.error is not None:
                state = DeliveryState.PENDING if attempts <= len(RETRY_MS) else DeliveryState.FAILED
                if state is DeliveryState.PENDING:
                    next_at = await connection.fetchval(SQL["engine_now"]) + RETRY_MS[attempts - 1]
            stream = await connection.fetchval(
                SQL["end_attempt"], webhook_id, event_id, state, next_at, outcome.status, outcome.error
            )
            if state is not DeliveryState.PENDING and stream is not None:
                await connection.execute(SQL["let_next_delivery_go"], webhook_id, stream)
            if outcome.is_gone:
                await connection.execute(SQL["webhook_gone"], webhook_id)
            elif outcome.error is not None:
                await connection.execute(SQL["webhook_failing"], webhook_id)
            elif failing["failing_since"] is not None:
                await connection.execute(SQL["webhook_works"], webhook_id)
