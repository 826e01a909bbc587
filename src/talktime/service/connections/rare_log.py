"""Log lines about what a flood repeats: one line in ten seconds, with the number of times."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_SECONDS: Final = 10.0
"""The shortest time between two lines of the same event."""

_log = structlog.get_logger(__name__)


class RareLog:
    """Counts events, and logs each kind at most once in `INTERVAL_SECONDS`.

    The first event is logged at once. Events that follow within the interval are counted in the next line.
    """

    def __init__(self) -> None:
        self._logged_at: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def warning(self, event: str, **details: object) -> None:
        """Count an event, and log a warning if the last line about this kind of event is old enough.

        Args:
            event: the kind of event. The program names it, so the number of kinds is small.
            details: what the line says about the newest event.
        """
        self._write(_log.warning, event, details)

    def info(self, event: str, **details: object) -> None:
        """As `warning`, for an event that belongs to normal operation."""
        self._write(_log.info, event, details)

    def _write(self, write: Callable[..., object], event: str, details: dict[str, object]) -> None:
        self._counts[event] = self._counts.get(event, 0) + 1
        now = time.monotonic()
        if now - self._logged_at.get(event, -INTERVAL_SECONDS) < INTERVAL_SECONDS:
            return
        self._logged_at[event] = now
        write(event, times=self._counts.pop(event), **details)
