"""Engine time in this process: the database's clock, followed by a monotonic one.

Commands read the database's clock itself. This one is for stamping pings, thousands a second, without asking it: the
offset between the two is sampled every few seconds, the sample with the shortest round trip wins. It never runs back.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any, Final

from talktime.database.queries import SQL

RESAMPLE_SECONDS: Final = 5
SAMPLES: Final = 3
_JUMP_MS: Final = 250


class EngineClock:
    """`now_ms()` is engine time in milliseconds, with decimals; `epoch` changes whenever it had to jump."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._offset_ms: float | None = None
        self._last_ms = 0.0
        self.epoch = secrets.token_hex(4)

    def now_ms(self) -> float:
        """Engine time now, as well as this process knows it."""
        assert self._offset_ms is not None  # noqa: S101  `resample` comes first
        self._last_ms = max(self._last_ms, time.monotonic() * 1000 + self._offset_ms)
        return self._last_ms

    async def resample(self) -> None:
        """Ask the database's clock again."""
        best_ms, offset_ms = float("inf"), 0.0
        async with self._pool.acquire() as connection:
            for _ in range(SAMPLES):
                before_ms = time.monotonic() * 1000
                server_ms = await connection.fetchval(SQL["clock_sample"])
                after_ms = time.monotonic() * 1000
                if after_ms - before_ms < best_ms:
                    best_ms, offset_ms = after_ms - before_ms, server_ms - (before_ms + after_ms) / 2
        if self._offset_ms is not None and abs(offset_ms - self._offset_ms) > _JUMP_MS:
            self.epoch = secrets.token_hex(4)
        self._offset_ms = offset_ms

    async def follow(self) -> None:
        """Resample for ever."""
        while True:
            await asyncio.sleep(RESAMPLE_SECONDS)
            await self.resample()
