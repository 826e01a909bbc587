"""What a screen showed, and the rules that judge it.

A0  no decrement while the timer runs
A1  a visible second lasts 930 to 1070 ms, without the time in which the screen says that it is not sure
A2  a digit is late by no more than the published bound, a frame and 20 ms, early by no more than the bound and half a
    frame, since it is painted in the frame that is nearest to it; a reading is never further off than that
A3  no step forward without an event, at most one for each

Every row has the length of its frame. On a busy machine frames are long, and the delay that they cause is not an error
of the clock.
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
"""The rounding of the wall clocks of a browser and a service together."""

MOVES = frozenset({"running", "syncing", "reconnecting"})


class Row(NamedTuple):
    """What the screen showed. `at` is in ms since 1970; `gap` is the length of the last frame, with its delays."""

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
        """The seconds by which the digits changed; negative is backwards."""
        assert self.row.seconds is not None
        assert self.before.seconds is not None
        return self.row.seconds - self.before.seconds


@dataclass
class Recording:
    """The rows of one screen, in order. `zero_ms` is the instant at which the service's timer was at zero."""

    name: str
    rows: list[Row] = field(default_factory=list)
    zero_ms: float = math.nan

    @classmethod
    def of(cls, name: str, rows: Sequence[Sequence[Any]], zero_ms: float = math.nan) -> Recording:
        """Make a recording of the rows that the page kept."""
        return cls(name, [Row._make([*row[:4], *map(_known, row[4:5]), *row[5:]]) for row in rows], zero_ms)

    def between(self, from_ms: float = -math.inf, until_ms: float = math.inf) -> Recording:
        """The rows between two instants."""
        return Recording(self.name, [row for row in self.rows if from_ms <= row.at <= until_ms], self.zero_ms)

    def changes(self) -> Iterator[Change]:
        """Every change of the digits while the timer moved."""
        for before, row in pairwise(self.rows):
            if before.seconds is None or row.seconds is None or before.seconds == row.seconds:
                continue
            if before.state in MOVES and row.state in MOVES:
                yield Change(before, row)

    def backwards(self) -> list[str]:
        """A0: the steps backwards, of the digits and of the reading."""
        # Digits that return lower after a placeholder, after words or after a pause are a step backwards, too.
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
        """A1: the visible seconds that were too short or too long, even with the length of their frames."""
        found = []
        for one, two in pairwise(self.changes()):
            if one.row is not two.before and one.row.digits != two.before.digits:
                continue  # the screen showed something else between them
            if any((one.row.hidden, two.row.hidden)) or one.by < 0 or two.by < 0:
                continue
            lasted = two.row.at - one.row.at
            # While the screen is not sure its digits stand. That makes this second longer, or the next one shorter.
            doubted = self._doubted_ms(one.row.at - 1000, one.row.at), self._doubted_ms(one.row.at, two.row.at)
            least = SECOND_MS[0] - max(0.0, one.row.gap - FRAME_MS) - GRAIN_MS - doubted[0]
            most = SECOND_MS[1] + max(0.0, two.row.gap - FRAME_MS) + GRAIN_MS + doubted[1]
            if not least <= lasted <= most:
                found.append(f"{two.row.at:.0f}: {one.row.digits} lasted {lasted:.0f} ms (frames {two.row.gap:.0f} ms)")
        return found

    def _doubted_ms(self, from_ms: float, until_ms: float) -> float:
        """For how long the screen was not sure between two instants. Its digits stand, dimmed, meanwhile."""
        return sum(
            after.at - before.at
            for before, after in pairwise(self.rows)
            if before.state == "syncing" and from_ms <= before.at and after.at <= until_ms
        )

    def steps(self) -> list[str]:
        """A3: the steps forward by more than a second, which long frames do not explain."""
        return [
            _says(change)
            for change in self.changes()
            if change.by > 1 and not change.row.hidden and change.row.gap < 1000 * (change.by - 1)
        ]

    def lateness_ms(self) -> list[float]:
        """How late each digit appeared; negative is early."""
        return [self._late_ms(change.row) for change in self.counted()]

    def errors_ms(self) -> list[float]:
        """How late the digits were at each change on a visible page, steps included; negative is early."""
        return [self._late_ms(change.row) for change in self.changes() if not change.row.hidden]

    def owed_ms(self) -> list[float]:
        """How late each digit appeared, without the delay that long frames have caused."""
        return [self._late_ms(row) - max(0.0, row.gap - FRAME_MS) for _, row in self.counted()]

    def reading_errors_ms(self) -> list[float]:
        """How far the reading was ahead of the true time, in every row of the running timer."""
        return [
            row.elapsed - (row.at - self.zero_ms)
            for row in self.rows
            if row.elapsed is not None and row.state == "running"
        ]

    def beyond_bound(self) -> list[str]:
        """A2: the digits and readings that were wrong by more than the bound that the screen showed."""
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
        """The changes that are judged: those by one second of a visible, running timer."""
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
    """The quantile of values. With twenty values, the last one lies beyond 0.95."""
    return sorted(values)[int(share * (len(values) - 1))] if values else math.nan
