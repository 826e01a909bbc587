"""Engine time in this process: the database's clock, followed on a monotonic clock.

Commands read the database's clock itself. This clock stamps pings, thousands a second, without asking the database. The
database's answer was true at some instant between the question and the answer, so every sample proves an interval that
holds the offset between the two clocks. Each interval is widened by what the clocks may have drifted since; all of them
together give the offset within a fraction of a millisecond, and tell how exact it is. This clock never runs back.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.database.queries import SQL

if TYPE_CHECKING:
    from talktime.database.pool import Database

RESAMPLE_SECONDS: Final = 5
SAMPLES: Final = 3
SAMPLES_KEPT: Final = 12
DRIFT: Final = 1e-4
"""The drift of both clocks together, in milliseconds of error per millisecond of time."""

_JUMP_MS: Final = 250


class Sample(NamedTuple):
    """At `at_ms` of monotonic time, engine time minus monotonic time was between `low_ms` and `high_ms`."""

    at_ms: float
    low_ms: float
    high_ms: float


class Offset:
    """Engine time minus monotonic time: samples go in, and an interval that holds the offset comes out."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_KEPT)

    def take(self, sample: Sample) -> None:
        """Learn from a sample. A sample that contradicts the others proves that a clock was moved, and counts alone."""
        self._samples.append(sample)
        low_ms, high_ms = self.bounds(sample.at_ms)
        if low_ms > high_ms:
            self._samples.clear()
            self._samples.append(sample)

    def bounds(self, at_ms: float) -> tuple[float, float]:
        """The least and the largest offset possible at an instant of monotonic time, in milliseconds."""
        widened = [(DRIFT * (at_ms - sample.at_ms), sample) for sample in self._samples]
        return max(s.low_ms - by for by, s in widened), min(s.high_ms + by for by, s in widened)


class EngineClock:
    """Engine time in milliseconds, with decimals. `epoch` changes whenever engine time had to jump."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._offset = Offset()
        self._offset_ms: float | None = None
        self._last_ms = 0.0
        self.epoch = secrets.token_hex(4)

    def now_ms(self) -> float:
        """Engine time now, as well as this process knows it."""
        assert self._offset_ms is not None  # noqa: S101  `resample` comes first
        self._last_ms = max(self._last_ms, _local_ms() + self._offset_ms)
        return self._last_ms

    def error_ms(self) -> float:
        """The largest possible difference between `now_ms` and the database's clock now."""
        apart_ms = self.now_ms() - (local_ms := _local_ms())
        low_ms, high_ms = self._offset.bounds(local_ms)
        return max(high_ms - apart_ms, apart_ms - low_ms)

    def is_behind(self, instant_ms: int) -> bool:
        """Whether this instant can't have come yet by this clock. Then engine time was moved."""
        return instant_ms > self.now_ms() + self.error_ms() + _JUMP_MS

    async def resample(self) -> None:
        """Ask the database's clock again. The offset changes once all answers are there, never before."""
        samples: list[Sample] = []
        async with self._database.pool.acquire() as connection:
            for _ in range(SAMPLES):
                before_ms = _local_ms()
                server_ms = await connection.fetchval(SQL["clock_sample"])
                after_ms = _local_ms()
                samples.append(Sample(after_ms, server_ms - after_ms, server_ms - before_ms))
        for sample in samples:
            self._offset.take(sample)
        offset_ms = sum(self._offset.bounds(after_ms)) / 2
        if self._offset_ms is not None and abs(offset_ms - self._offset_ms) > _JUMP_MS:
            self.epoch = secrets.token_hex(4)
        self._offset_ms = offset_ms

    async def follow(self) -> None:
        """Ask the database's clock again every few seconds, for ever."""
        while True:
            await asyncio.sleep(RESAMPLE_SECONDS)
            await self.resample()


def _local_ms() -> float:
    return time.monotonic() * 1000
