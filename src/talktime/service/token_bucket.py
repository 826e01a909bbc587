"""The token bucket: the usual way to limit a rate and still allow short bursts."""

from __future__ import annotations

import time


class TokenBucket:
    """Allows `burst` events at once, and then `per_second` events in a second."""

    __slots__ = ("_burst", "_per_second", "_tokens", "_updated_at")

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._updated_at = time.monotonic()

    def take(self) -> float:
        """Take a token for one event.

        Returns:
            0.0 if there was a token; otherwise the seconds until there will be one.
        """
        self._refill()
        if self._tokens < 1:
            return (1 - self._tokens) / self._per_second
        self._tokens -= 1
        return 0.0

    def spend(self, count: float) -> None:
        """Take tokens for what has happened already, also those that are not there yet, but at most a burst of them."""
        self._refill()
        self._tokens = max(-self._burst, self._tokens - count)

    def _refill(self) -> None:
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._updated_at) * self._per_second)
        self._updated_at = now
