"""How late deadlines are applied: a histogram, for the metrics. A late deadline changes no charge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

BOUNDS_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(slots=True)
class Lateness:
    """Counts how late each deadline was.

    Attributes:
        counts: how many were at most as late as each of `BOUNDS_SECONDS`, but later than the bound before; the last
            number counts the rest.
        sum_seconds: all of them together.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_SECONDS) + 1))
    sum_seconds: float = 0.0

    def note(self, seconds: float) -> None:
        """Count one deadline."""
        place = next((n for n, bound in enumerate(BOUNDS_SECONDS) if seconds <= bound), len(BOUNDS_SECONDS))
        self.counts[place] += 1
        self.sum_seconds += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """How many were at most as late as each bound, as Prometheus counts them."""
        so_far, found = 0, []
        for bound, count in zip((*map(str, BOUNDS_SECONDS), "+Inf"), self.counts, strict=True):
            so_far += count
            found.append((bound, float(so_far)))
        return found
