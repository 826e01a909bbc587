"""Engine time in this process: the database's clock, followed by a monotonic one.

Commands read the database's clock itself. This one is for stamping pings, thousands a second, without asking it. What
the database's clock says was true between the question and the answer, so every sample proves an interval that the
offset between the two clocks lies in; the intersection of the last ones, each widened by what clocks may have drifted
since, is known within a fraction of a millisecond, and says itself how well. It never runs back.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from typing import Any, Final, NamedTuple

from talktime.database.queries import SQL

RESAMPLE_SECONDS: Final = 5
SAMPLES: Final = 3
SAMPLES_KEPT: Final = 12
DRIFT: Final = 1e-4
"""Both clocks together, in ms of error per ms of time."""

_JUMP_MS: Final = 250


class Sample(NamedTuple):
    """At `at_ms` of monotonic time, engine time minus monotonic time was between `low_ms` and `high_ms`."""

    at_ms: float
    low_ms: float
    high_ms: float


class Offset:
    """Engine time minus monotonic time: samples in, an interval out that holds it."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_KEPT)

    def take(self, sample: Sample) -> None:
        """Learn from a sample. One that contradicts the others proves that a clock was moved: it alone counts then."""
        self._samples.append(sample)
        low_ms, high_ms = self.bounds(sample.at_ms)
        if low_ms > high_ms:
            self._samples.clear()
            self._samples.append(sample)

    def bounds(self, at_ms: float) -> tuple[float, float]:
        """The least and the most that it can be at an instant of monotonic time."""
        widened = [(DRIFT * (at_ms - sample.at_ms), sample) for sample in self._samples]
        return max(s.low_ms - by for by, s in widened), min(s.high_ms + by for by, s in widened)


class EngineClock:
    """`now_ms()` is engine time in milliseconds, with decimals; `epoch` changes whenever it had to jump."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
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
        """How far `now_ms` can be from the database's clock now, at most."""
        apart_ms = self.now_ms() - (local_ms := _local_ms())
        low_ms, high_ms = self._offset.bounds(local_ms)
        return max(high_ms - apart_ms, apart_ms - low_ms)

    def is_behind(self, instant_ms: int) -> bool:
        """Whether it can't be that late yet, as well as this process knows: engine time was moved."""
        return instant_ms > self.now_ms() + self.error_ms() + _JUMP_MS

    async def resample(self) -> None:
        """Ask the database's clock again. What is known changes when all answers are there, and never in part."""
        samples: list[Sample] = []
        async with self._pool.acquire() as connection:
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
        """Resample for ever."""
        while True:
            await asyncio.sleep(RESAMPLE_SECONDS)
            await self.resample()


def _local_ms() -> float:
    return time.monotonic() * 1000
