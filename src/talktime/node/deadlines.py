"""The work that no caller asks for: deadlines and the health check.

A timer is an open segment and its deadlines; nothing runs while the timer runs. A worker sleeps until the earliest
stored deadline and applies what is due, each deadline as of its own instant, so a late worker changes no charge. Any
number of nodes do this on one database: an account that one node works on is left alone by the others.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from talktime.engine.presence import tell_presence
from talktime.engine.tracking import start_due_timers

if TYPE_CHECKING:
    from talktime.database.payer_transaction import PayerTransaction
    from talktime.engine.engine import Engine

log = structlog.get_logger()

BATCH: Final = 500
LOOK_SECONDS: Final = 1.0
"""The longest sleep of the worker: another node may have stored a nearer deadline."""

BUSY_SECONDS: Final = 0.05
"""How long the worker leaves accounts alone that it could not settle."""

OVERDUE_MS: Final = 5_000

LOOK_RECORDS: Final = 500
"""How many active records the health check looks at in one turn: its work does not grow with the running records."""


class DeadlineWorker:
    """Applies deadlines when they fall due, and repairs what should be true.

    Attributes:
        repairs: in how many accounts the health check of this process found something to repair.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.database
        self._nearer = asyncio.Event()
        self._sleeps_until: float = 0
        self._place = ""
        self.repairs = 0
        engine.on_deadline(self._learn_deadline)

    async def settle_due(self) -> int:
        """Apply every deadline that is due. Returns the number of accounts."""
        settled = 0
        while True:
            now = await self._database.fetch_value("engine_now")
            count = await self._engine.settle_due_accounts(now, BATCH)
            settled += count
            if count < BATCH:
                return settled

    async def bury_nodes(self) -> None:
        """End the leases that the sockets of dead processes held, and remove the rows of these processes."""
        lease_ms = self._engine.durations.lease_ms
        for node in await self._database.fetch("lapsed_nodes", lease_ms):
            rows = await self._database.fetch("payers_of_node", node["node_id"])
            payers = [row["user_id"] for row in rows]
            log.warning("timer_manager.node_lapsed", node_id=node["node_id"], payers=len(payers))
            batches = [payers[start : start + BATCH] for start in range(0, len(payers), BATCH)]
            settle = partial(self._engine.settle_accounts, change=tell_presence, skip_locked=True)
            if all([await settle(batch) for batch in batches]):
                await self._database.fetch("forget_node", node["node_id"])

    async def check_health(self) -> None:
        """Find and repair what should be true and is not: timers due to run, deadlines missing or overdue.

        A missing deadline is looked for in the next few payers; after the last payer the first one follows.
        """
        now = await self._database.fetch_value("engine_now")
        records = await self._database.fetch("next_active_payers", self._place, LOOK_RECORDS)
        looked_at = sorted({row["user_id"] for row in records})
        self._place = looked_at[-1] if len(records) == LOOK_RECORDS else ""
        rows = await self._database.fetch("unhealthy_payers", now - OVERDUE_MS, looked_at)
        payers = [row["user_id"] for row in rows]
        for start in range(0, len(payers), BATCH):
            await self._engine.settle_accounts(payers[start : start + BATCH], self._repair, skip_locked=True)

    def _repair(self, payer: PayerTransaction) -> None:
        start_due_timers(payer)
        # The health check also looks at payers who still wait for somebody: nothing happens to them.
        self.repairs += bool(payer.current.steps) or payer.due_at is None

    async def wait_for_deadline(self) -> None:
        """Wait until the next stored deadline, but only a moment: another node may have stored a nearer one."""
        try:
            async with asyncio.timeout_at(self._sleeps_until):
                await self._nearer.wait()
        except TimeoutError:
            return

    async def run_deadlines(self) -> None:
        """Apply what is due, and plan when to wake up next.

        Raises:
            DatabaseUnavailable: the database can't be used. The next round tries again.
        """
        self._nearer.clear()
        self._sleeps_until = asyncio.get_running_loop().time() + LOOK_SECONDS
        await self.settle_due()
        await self.bury_nodes()
        due = await self._database.fetch_value("next_due")
        if due is not None:
            now = await self._database.fetch_value("engine_now")
            # Another node works on what is still due, or it failed: looking again at once would be a busy loop.
            self._wake_in((due - now) / 1000 if due > now else BUSY_SECONDS)

    def _learn_deadline(self, in_seconds: float) -> None:
        if self._wake_in(in_seconds):
            self._nearer.set()

    def _wake_in(self, seconds: float) -> bool:
        """Sleep no longer than this. Returns whether that is sooner than planned."""
        at = asyncio.get_running_loop().time() + seconds
        if at >= self._sleeps_until:
            return False
        self._sleeps_until = at
        return True
