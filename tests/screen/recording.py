"""What a screen showed, and the one judge of it.

A0  no decrement while the timer runs
A1  a visible second lasts 930 to 1070 ms, but for the time in which the screen says that it does not know
A2  a digit is late by no more than the published bound, a frame and 20 ms, early by no more than the bound and half a
    frame, since it is painted in the frame that is nearest to it; a reading is never further off than that
A3  no step forward without an event, at most one for each

A frame is what the browser made of it, and in every row. On a machine with more to do than it can, frames are long,
and what they delay is not the clock's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

SECOND_MS = (930.0, 1070.0)
LATE_MS = 20.0
FRAME_MS = 17.0
GRAIN_MS = 2.0
"""What the wall clocks of a browser and a service are rounded to, together."""

MOVES = frozenset({"running", "syncing", "reconnecting"})


class Row(NamedTuple):
    """What the screen showed: `at` is ms since 1970, `gap` the ms of the last frame and of what held it up."""

    at: float
    gap: float
    digits: str
    state: str
    bound: float
    elapsed: float | None
    credits: str
    hidden: bool

    @property
    def seconds(self) -> int | None:
        """The digits as seconds; None for the placeholder and for words."""
        parts = self.digits.split(":")
        if not all(part.isdecimal() for part in parts):
            return None
        seconds = 0
        for part in parts:
            seconds = seconds * 60 + int(part)
        return seconds


class Change(NamedTuple):
    """The digits went from one second to another while the timer ran."""

    before: Row
    row: Row

    @property
    def by(self) -> int:
        """How many seconds; negative is backwards."""
        assert self.row.seconds is not None
        assert self.before.seconds is not None
        return self.row.seconds - self.before.seconds


@dataclass
class Recording:
    """The rows of one screen, in order; `zero_ms` is the instant at which its running timer truly showed zero."""

    name: str
    rows: list[Row] = field(default_factory=list)
    zero_ms: float = math.nan

    @classmethod
    def of(cls, name: str, rows: Sequence[Sequence[Any]], zero_ms: float = math.nan) -> Recording:
        """From what the recorder of the page kept."""
        return cls(name, [Row._make([*row[:4], *map(_known, row[4:5]), *row[5:]]) for row in rows], zero_ms)

    def between(self, from_ms: float = -math.inf, until_ms: float = math.inf) -> Recording:
        """What was shown in a span of time."""
        return Recording(self.name, [row for row in self.rows if from_ms <= row.at <= until_ms], self.zero_ms)

    def changes(self) -> Iterator[Change]:
        """Every change of the digits while the timer moved."""
        for before, row in pairwise(self.rows):
            if before.seconds is None or row.seconds is None or before.seconds == row.seconds:
                continue
            if before.state in MOVES and row.state in MOVES:
                yield Change(before, row)

    def backwards(self) -> list[str]:
        """A0: the decrements, of the digits and of the reading."""
        # A placeholder or words between, or a pause, do not make it less of a step back.
        shown = [row for row in self.rows if row.seconds is not None]
        stepped = [Change(before, row) for before, row in pairwise(shown) if row.state in MOVES]
        found = [_says(change) for change in stepped if change.by < 0]
        for before, row in pairwise(self.rows):
            if before.elapsed is None or row.elapsed is None or not before.state == row.state == "running":
                continue
            if row.elapsed < before.elapsed - 1e-3:
                found.append(f"{row.at:.0f}: reading back from {before.elapsed:.1f} to {row.elapsed:.1f}")
        return found

    def irregular(self) -> list[str]:
        """A1: the visible seconds that were too short or too long for the frames there were."""
        found = []
        for one, two in pairwise(self.changes()):
            if one.row is not two.before and one.row.digits != two.before.digits:
                continue  # something stood between
            if any((one.row.hidden, two.row.hidden)) or one.by < 0 or two.by < 0:
                continue
            lasted = two.row.at - one.row.at
            # Doubt makes its own second longer, and if that ends late, the next one shorter.
            doubted = self._doubted_ms(one.row.at - 1000, one.row.at), self._doubted_ms(one.row.at, two.row.at)
            least = SECOND_MS[0] - max(0.0, one.row.gap - FRAME_MS) - GRAIN_MS - doubted[0]
            most = SECOND_MS[1] + max(0.0, two.row.gap - FRAME_MS) + GRAIN_MS + doubted[1]
            if not least <= lasted <= most:
                found.append(f"{two.row.at:.0f}: {one.row.digits} lasted {lasted:.0f} ms (frames {two.row.gap:.0f} ms)")
        return found

    def _doubted_ms(self, from_ms: float, until_ms: float) -> float:
        """For how long the screen said, between two instants, that it does not know: its digits stand, dimmed."""
        return sum(
            after.at - before.at
            for before, after in pairwise(self.rows)
            if before.state == "syncing" and from_ms <= before.at and after.at <= until_ms
        )

    def steps(self) -> list[str]:
        """A3: forward by more than a second at once, and more than the frames explain."""
        return [
            _says(change)
            for change in self.changes()
            if change.by > 1 and not change.row.hidden and change.row.gap < 1000 * (change.by - 1)
        ]

    def lateness_ms(self) -> list[float]:
        """How late each digit came; negative is early."""
        return [self._late_ms(change.row) for change in self.counted()]

    def errors_ms(self) -> list[float]:
        """How far from the truth the digits were whenever they changed, in either direction, on a visible page."""
        return [self._late_ms(change.row) for change in self.changes() if not change.row.hidden]

    def owed_ms(self) -> list[float]:
        """The same, without what frames longer than usual have delayed."""
        return [self._late_ms(row) - max(0.0, row.gap - FRAME_MS) for _, row in self.counted()]

    def reading_errors_ms(self) -> list[float]:
        """How far ahead the reading was of the true time, in every row of the running timer."""
        return [
            row.elapsed - (row.at - self.zero_ms)
            for row in self.rows
            if row.elapsed is not None and row.state == "running"
        ]

    def beyond_bound(self) -> list[str]:
        """A2: the digits that were wrong by more than the screen itself allowed."""
        found = []
        for _, row in self.counted():
            late = self._late_ms(row)
            if not -(row.bound + FRAME_MS / 2 + GRAIN_MS) <= late <= row.bound + max(FRAME_MS, row.gap) + LATE_MS:
                found.append(f"{row.at:.0f}: {row.digits} late by {late:.1f} ms, bound {row.bound:.1f}, {row.gap:.0f}")
        for row in self.rows:
            if row.elapsed is None or row.state != "running" or row.hidden:
                continue
            ahead = row.elapsed - (row.at - self.zero_ms)
            if not -(row.bound + LATE_MS) <= ahead <= row.bound + FRAME_MS / 2 + GRAIN_MS:
                found.append(f"{row.at:.0f}: reading ahead by {ahead:.1f} ms, bound {row.bound:.1f}, {row.gap:.0f}")
        return found

    def first(self) -> Row:
        """The first row with digits."""
        return next(row for row in self.rows if row.seconds is not None)

    def counted(self) -> Iterator[Change]:
        """The changes that are judged: single seconds of a visible, running timer."""
        for change in self.changes():
            if change.by == 1 and not change.row.hidden and change.before.state == change.row.state == "running":
                yield change

    def _late_ms(self, row: Row) -> float:
        assert row.seconds is not None
        return row.at - self.zero_ms - 1000 * row.seconds


def _known(bound: float | None) -> float:
    return math.inf if bound is None else bound


def _says(change: Change) -> str:
    return f"{change.row.at:.0f}: {change.before.digits} to {change.row.digits} (frames {change.row.gap:.0f} ms)"


def quantile(values: Sequence[float], share: float) -> float:
    """The `share` quantile: of twenty values, the last one is beyond 95 %."""
    return sorted(values)[int(share * (len(values) - 1))] if values else math.nan
