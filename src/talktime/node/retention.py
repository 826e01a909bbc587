"""Deletes rows that are old and that no receipt needs: answers kept for idempotency keys, messages, and events.

Facts are never deleted: records, segments, entries, outages, versions of tariffs. The rows of dead processes are no
concern of this module: they go when another node has ended their leases (`deadlines`).

Each delete is a small transaction of its own and takes the oldest rows that nobody has locked, so a command waits a
moment at most, and any number of nodes can do this at once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

from talktime.core.durations import DAY_MS
from talktime.database.pool import WORK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from talktime.database.pool import Database

BATCH: Final = 500
"""The largest number of rows in one transaction."""

ROUND_SECONDS: Final = 20.0
"""How long one round may take. What is left then goes in the next round."""

PAUSE_SECONDS: Final = 0.05


class Retention:
    """Deletes what is older than it has to be kept.

    Attributes:
        keeps_days: for how many days the rows of a table are kept; tables whose rows are kept for ever are left out.
        deleted: how many rows this process has deleted, by table.
    """

    def __init__(self, database: Database, keep_days: Mapping[str, int]) -> None:
        self._database = database
        self.keeps_days = {table: days for table, days in keep_days.items() if days}
        self.deleted: Counter[str] = Counter(dict.fromkeys(self.keeps_days, 0))

    async def delete_old(self) -> None:
        """Delete what is too old, in batches, but not for longer than a round.

        Raises:
            DatabaseUnavailable: the database can't be used. The next round tries again.
        """
        until = asyncio.get_running_loop().time() + ROUND_SECONDS
        now: int = await self._database.fetch_value("engine_now")
        for table, days in self.keeps_days.items():
            while await self._delete_batch(table, now - days * DAY_MS) == BATCH:
                if asyncio.get_running_loop().time() > until:
                    return
                await asyncio.sleep(PAUSE_SECONDS)

    async def _delete_batch(self, table: str, before: int) -> int:
        count: int
        if table == "repeats":
            count = await self._database.fetch_value("delete_old_repeats", before, BATCH, seconds=WORK_SECONDS)
        elif table == "events":
            count = await self._database.fetch_value("delete_old_events", before, BATCH, seconds=WORK_SECONDS)
        else:
            count = await self._database.fetch_value("delete_old_messages", before, BATCH, seconds=WORK_SECONDS)
        self.deleted[table] += count
        return count
