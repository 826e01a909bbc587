"""The event horizon: a reader who goes no further than this event never skips an event.

Ids of events are given out while transactions run, and transactions commit in another order. A reader who has seen
event 8 may find event 7 only afterwards. So readers stop at the *horizon*: the largest id such that every transaction
that took an id up to this one has ended.

A transaction that stores events holds a lock on the table from before it takes ids until its commit is visible. So the
last id that was given out is a horizon as soon as every transaction that held such a lock just after this id was read
has ended. Other transactions, however long, do not hold up the horizon. Nothing is written, and no session state is
needed.

Events of one user are in order, because the transaction that stores them holds the lock of the user's account.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from talktime.database.pool import Database

FRESH_SECONDS: Final = 0.02
"""How old the horizon may be for a reader who asks now: long enough that many readers share one question."""

LOOK_SECONDS: Final = 0.2
"""How often the horizon is looked at while somebody waits for events."""

SETTLE_SECONDS: Final = 0.5
"""How long a reader waits for the transactions that are under way, if the reader waits for no further events."""


class EventHorizon:
    """The horizon as this process sees it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._horizon = 0
        self._last = 0
        self._pending: list[tuple[int, frozenset[str]]] = []
        self._looked_at = -FRESH_SECONDS
        self._turn = asyncio.Lock()

    async def settled(self) -> int:
        """The horizon, once the transactions that are under way have ended, but after half a second in any case.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + SETTLE_SECONDS
        await self._look(fresh_from=loop.time())
        target = self._last
        while self._horizon < target and loop.time() < until:
            await asyncio.sleep(FRESH_SECONDS)
            await self._look(fresh_from=loop.time() - FRESH_SECONDS)
        return self._horizon

    async def beyond(self, event_id: int, seconds: float) -> int:
        """The horizon, once it is beyond `event_id`, or after `seconds`.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            await self._look(fresh_from=loop.time() - LOOK_SECONDS / 2)
            left = until - loop.time()
            if self._horizon > event_id or left <= 0:
                return self._horizon
            await asyncio.sleep(min(LOOK_SECONDS, left))

    async def _look(self, fresh_from: float) -> None:
        """Look at the horizon, unless somebody has looked at `fresh_from` or later."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            if self._looked_at >= fresh_from:
                return
            looked_at = loop.time()
            # In this order: a transaction that takes an id after the first question is not needed in the second answer.
            last: int = await self._database.fetch_value("last_event")
            writers = frozenset(row["writer"] for row in await self._database.fetch("event_writers"))
            self._last = max(last, self._last)
            self._pending = [(upto, held & writers) for upto, held in (*self._pending, (last, writers))]
            ended = [upto for upto, held in self._pending if not held]
            self._horizon = max([self._horizon, *ended])
            self._pending = [(upto, held) for upto, held in self._pending if upto > self._horizon]
            self._looked_at = looked_at
