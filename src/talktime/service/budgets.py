"""The budgets: how much one caller may use up in this process, over all sockets and requests together.

A person is one caller, whatever the number of the person's tokens, sockets and devices. All callers at one address that
have no valid token count as one caller. A host's backend and operators have no bounds.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from talktime.service.connections.doors import address_group
from talktime.service.token_bucket import TokenBucket
from talktime.service.tokens import Caller

BURST_SECONDS: Final = 6
"""A caller may do at once what is allowed in this time."""

ANSWER_BYTES: Final = 16 * 1024
"""A longer answer counts as several requests. To make one takes time in which others wait."""

CALLERS_MAX: Final = 20_000
"""How many callers are remembered. A forgotten caller begins with a full bucket."""


KEYS_PER_HOUR: Final = 1_000
"""How many requests with an idempotency key one person may send in an hour."""


class _Buckets:
    """A token bucket for each of the last callers."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._by_caller: OrderedDict[str, TokenBucket] = OrderedDict()

    def of(self, name: str) -> TokenBucket:
        bucket = self._by_caller.get(name)
        if bucket is None:
            bucket = self._by_caller[name] = TokenBucket(self._per_second, self._burst)
            if len(self._by_caller) > CALLERS_MAX:
                self._by_caller.popitem(last=False)
        else:
            self._by_caller.move_to_end(name)
        return bucket


class Budgets:
    """A token bucket and a count of sockets for each caller. Requests and messages take from the same bucket."""

    def __init__(self, *, per_second: int, sockets_max: int) -> None:
        self._sockets_max = sockets_max
        self._buckets = _Buckets(per_second, per_second * BURST_SECONDS)
        self._keys = _Buckets(KEYS_PER_HOUR / 3600, KEYS_PER_HOUR)
        self._sockets: dict[str, int] = {}

    def take(self, caller: Caller | None, host: str | None) -> float:
        """Count a request or a message.

        Args:
            caller: who has signed in; None without a valid token.
            host: the address from which it came, if there is one.

        Returns:
            0.0 if it is allowed, otherwise the seconds until the next one is allowed.
        """
        name = _name_of(caller, host)
        return 0.0 if name is None else self._buckets.of(name).take()

    def spend_answer(self, caller: Caller | None, host: str | None, size_bytes: int) -> None:
        """Count an answer, whose length only its end tells: as one more request for each `ANSWER_BYTES`."""
        name, count = _name_of(caller, host), size_bytes // ANSWER_BYTES
        if name is not None and count:
            self._buckets.of(name).spend(count)

    def take_key(self, caller: Caller) -> float:
        """Count an idempotency key, whose answer is kept in the database: see `take`."""
        return self._keys.of(caller.name).take() if caller.is_person else 0.0

    def open_socket(self, caller: Caller) -> bool:
        """Count a socket of a caller who signs in. Returns False if the caller has too many sockets already."""
        if caller.is_person:
            count = self._sockets.get(caller.name, 0)
            if count >= self._sockets_max:
                return False
            self._sockets[caller.name] = count + 1
        return True

    def close_socket(self, caller: Caller) -> None:
        """Count a socket that `open_socket` has counted no longer."""
        if caller.is_person:
            self._sockets[caller.name] -= 1
            if not self._sockets[caller.name]:
                del self._sockets[caller.name]


def _name_of(caller: Caller | None, host: str | None) -> str | None:
    """Under which name a caller is counted; None for a caller who is not counted."""
    if caller is None:
        return f"address {address_group(host or 'unknown')}"
    return caller.name if caller.is_person else None
