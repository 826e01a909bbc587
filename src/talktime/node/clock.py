"""Engine time in this process, and the part of this process in keeping engine time right.

Commands read engine time in the database. This process follows engine time on a clock of its own that does not step:
`CLOCK_BOOTTIME` where the system has it, which also counts the time in which the machine was suspended. With it the
process stamps pings, thousands a second, without asking the database.

The database's answer was true at some instant between the question and the answer, so every sample proves an interval
that holds the offset between the two clocks. Each interval is widened by what the clocks may have drifted since; all of
them together give the offset within a fraction of a millisecond, and tell how exact it is.

A sample that contradicts the others proves that the clock of the database's server has stepped, or drifts more than
clocks do. This process then takes the difference back for everybody (`correct_clock`). About once a second it renews
engine time (`renew_clock`); the migration `0011_engine_time.sql` says what a renewal is and what an outage is. If
several processes do this, the first one corrects, and the others find nothing to correct.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from talktime.database.queries import SQL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from talktime.database.pool import Connection, Database, Row

log = structlog.get_logger()

RENEW_SECONDS_MAX: Final = 1.0
"""How often engine time is renewed at the least. A third of the shortest outage, if that is sooner."""

SAMPLES: Final = 3
SAMPLES_KEPT: Final = 12
DRIFT: Final = 1e-4
"""The drift of both clocks together, in milliseconds of error per millisecond of time."""

TOLERANCE_MS: Final = 5.0
"""A smaller contradiction is not corrected, because other delays of a sample are as large."""

_SLACK_MS: Final = 0.1
"""Two samples may contradict each other by this much because of rounding alone."""

_LATE_MS: Final = 2_000
"""A renewal that took longer to arrive is not believed: the clock may have stepped on the way."""

_DISPUTE_MS: Final = 60_000
"""If another process takes a correction back within this time, the process that made the correction yields."""

_JUMP_MS: Final = 250
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Sample(NamedTuple):
    """At `at_ms` of this process's clock, the offset was between `low_ms` and `high_ms`."""

    at_ms: float
    low_ms: float
    high_ms: float


class Offset:
    """The database's time minus this process's: samples go in, and an interval that holds the offset comes out."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_KEPT)

    def take(self, sample: Sample) -> float:
        """Learn from a sample, unless it contradicts the others.

        Returns:
            By how many milliseconds the database's time is ahead of what the other samples allow; negative if it is
            behind; 0 if nothing contradicts.
        """
        low_ms, high_ms = self.bounds(sample.at_ms)
        if sample.low_ms > high_ms + _SLACK_MS or sample.high_ms < low_ms - _SLACK_MS:
            return (sample.low_ms + sample.high_ms) / 2 - (low_ms + high_ms) / 2
        self._samples.append(sample)
        return 0.0

    def restart(self) -> None:
        """Forget all samples."""
        self._samples.clear()

    def bounds(self, at_ms: float) -> tuple[float, float]:
        """The least and the largest offset possible at an instant of this process's clock, in milliseconds."""
        widened = [(DRIFT * (at_ms - sample.at_ms), sample) for sample in self._samples]
        low_ms = max((s.low_ms - by for by, s in widened), default=float("-inf"))
        return low_ms, min((s.high_ms + by for by, s in widened), default=float("inf"))


class EngineClock:
    """Engine time in milliseconds, with decimals. `epoch` changes whenever engine time had to jump.

    Attributes:
        corrections: how often this process has corrected engine time.
        on_outage: called with the beginning and the end of an outage that this process had not known of.
    """

    def __init__(self, database: Database, outage_ms: int, on_outage: Callable[[int, int], Awaitable[None]]) -> None:
        self._database = database
        self._outage_ms = outage_ms
        self._offset = Offset()
        self._offset_ms: float | None = None
        self._advanced_ms = 0
        self._last_ms = 0.0
        self._outages: int | None = None  # as many as the database had noted, once this process has asked
        self._own_correction = 0, float("-inf")
        self.epoch = secrets.token_hex(4)
        self.corrections = 0
        self.on_outage = on_outage

    @property
    def renew_seconds(self) -> float:
        """How often this process renews engine time."""
        return min(RENEW_SECONDS_MAX, self._outage_ms / 3000)

    def now_ms(self) -> float:
        """Engine time now, as well as this process knows it."""
        assert self._offset_ms is not None  # noqa: S101  `resample` comes first
        self._last_ms = max(self._last_ms, local_ms() + self._offset_ms)
        return self._last_ms

    def error_ms(self) -> float:
        """The largest possible difference between `now_ms` and engine time."""
        apart_ms = self.now_ms() - self._advanced_ms - (at_ms := local_ms())
        low_ms, high_ms = self._offset.bounds(at_ms)
        return max(high_ms - apart_ms, apart_ms - low_ms)

    def is_behind(self, instant_ms: int) -> bool:
        """Whether this instant can't have come yet by this clock. Then engine time was moved."""
        return instant_ms > self.now_ms() + self.error_ms() + _JUMP_MS

    async def start(self) -> None:
        """Learn engine time, and renew it for the first time. Call this before anything else."""
        async with self._database.connection() as connection:
            stored = await _ask(connection)
            if not 0 <= stored["since_renewal_ms"] <= self._outage_ms and await connection.fetchval(SQL["any_node"]):
                # If another process lives, it renews engine time now, and knows better what has happened.
                await asyncio.sleep(2 * RENEW_SECONDS_MAX)
                stored = await _ask(connection)
            if stored["since_renewal_ms"] < 0:
                # The clock was set back while nobody measured. Engine time goes on from the last renewal.
                await self._correct(connection, stored, stored["since_renewal_ms"])
        await self.resample()
        await self.renew()

    async def resample(self) -> None:
        """Ask the database for the time. The offset changes once all answers are there, never before."""
        async with self._database.connection() as connection:
            await self._learn(connection, SAMPLES)

    async def renew(self) -> None:
        """Ask the database for the time, take back what its server's clock has stepped, and renew engine time."""
        async with self._database.connection() as connection:
            stored = await self._learn(connection, 1)
            at_ms = self.now_ms() - self._advanced_ms
            await connection.execute(SQL["renew_clock"], at_ms - _JUMP_MS, at_ms + _LATE_MS, self._outage_ms)
            if stored["since_renewal_ms"] > self._outage_ms:
                await self._learn(connection, 1)  # the renewal has noted an outage

    async def _learn(self, connection: Connection, count: int) -> Row:
        """Take samples, and correct engine time if they show that the clock has stepped. Returns the last sample."""
        ahead_ms = 0.0
        for _ in range(count):
            before_ms = local_ms()
            stored = await _ask(connection)
            after_ms = local_ms()
            sample = Sample(after_ms, stored["host_ms"] - after_ms, stored["host_ms"] - before_ms)
            ahead_ms = max(ahead_ms, self._offset.take(sample), key=abs)
        if abs(ahead_ms) > TOLERANCE_MS:
            if self._is_disputed(stored["corrections"]):
                # Another process has taken our correction back. Only one can be right: the time that is stored.
                log.warning("clock.yielded", ahead_ms=round(ahead_ms))
                self._offset.restart()
                self._offset.take(sample)
            else:
                await self._correct(connection, stored, ahead_ms)
        offset_ms = sum(self._offset.bounds(after_ms)) / 2 + stored["advanced_ms"]
        if self._offset_ms is not None and abs(offset_ms - self._offset_ms) > _JUMP_MS:
            self.epoch = secrets.token_hex(4)
        self._offset_ms, self._advanced_ms = offset_ms, stored["advanced_ms"]
        is_news = self._outages not in {None, stored["outages"]}
        self._outages = stored["outages"]
        if is_news and (outage := await connection.fetchrow(SQL["last_outage"])) is not None:
            await self.on_outage(outage["started_at"], outage["ended_at"])
        return stored

    async def _correct(self, connection: Connection, stored: Row, ahead_ms: float) -> None:
        """Take back for everybody that the database's time is ahead of real time, or behind it."""
        if await connection.fetchval(SQL["correct_clock"], -round(ahead_ms), stored["corrections"]):
            log.warning("clock.corrected", ahead_ms=round(ahead_ms))
            self.corrections += 1
            self._own_correction = stored["corrections"] + 1, local_ms()

    def _is_disputed(self, corrections: int) -> bool:
        """Whether another process has corrected engine time since this process did, a moment ago."""
        own, at_ms = self._own_correction
        return corrections > own and local_ms() - at_ms < _DISPUTE_MS


async def _ask(connection: Connection) -> Row:
    row = await connection.fetchrow(SQL["clock_sample"])
    assert row is not None  # noqa: S101  the table has one row, always
    return row


def local_ms() -> float:
    """The clock of this process, which does not step, in milliseconds."""
    return time.clock_gettime(_CLOCK) * 1000
