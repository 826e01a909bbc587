"""How an advisor's records start.

    present     the record begins, and the timer starts at the first instant at which both leases hold (`meter`)
    accepted    the record begins as a request, which rings at the advisor's; the timer starts when the advisor accepts
    at_once     the timer starts with the record: the caller vouches that the advisor is there or on the way, and
                the advisor has one lease to prove presence

A start rule holds for records that start from then on. A record keeps how it started.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from talktime.core.durations import duration_words
from talktime.core.errors import InvalidRequest

RING_MS: Final = 60_000
"""How long a request rings unless the advisor's start rule says otherwise."""

RING_SECONDS_MAX: Final = 3_600
MAX_ACTIVE_MAX: Final = 1_000


class Starts(StrEnum):
    """How a record starts."""

    PRESENT = "present"
    ACCEPTED = "accepted"
    AT_ONCE = "at_once"


@dataclass(frozen=True, slots=True)
class StartRule:
    """How the records of an advisor start.

    Attributes:
        starts: what has to happen before the timer of a new record starts.
        ring_ms: how long a request rings before the record ends as missed, in milliseconds.
        max_active: how many records of the advisor may be active at once; None for no maximum.
    """

    starts: Starts = Starts.PRESENT
    ring_ms: int = RING_MS
    max_active: int | None = None


DEFAULT_START_RULE: Final = StartRule()


def changed_rule(
    rule: StartRule, starts: str | None = None, ring_ms: int | None = None, max_active: int | None = None
) -> StartRule:
    """The rule with these changes. A change that is None changes nothing; a `max_active` of 0 is no maximum.

    Raises:
        InvalidRequest: a value is not allowed.
    """
    if starts is not None:
        rule = replace(rule, starts=start_mode(starts))
    if ring_ms is not None:
        if not 1_000 <= ring_ms <= RING_SECONDS_MAX * 1_000:
            raise InvalidRequest(("ring_ms", f"must be from 1 second to {duration_words(RING_SECONDS_MAX * 1_000)}"))
        rule = replace(rule, ring_ms=ring_ms)
    if max_active is not None:
        if not 0 <= max_active <= MAX_ACTIVE_MAX:
            raise InvalidRequest(("max_active", f"must be from 0 to {MAX_ACTIVE_MAX}, where 0 is no maximum"))
        rule = replace(rule, max_active=max_active or None)
    return rule


def start_mode(starts: str) -> Starts:
    """How records start, as a host names it.

    Raises:
        InvalidRequest: there is no such way to start.
    """
    if starts in set(Starts):
        return Starts(starts)
    raise InvalidRequest(("starts", f"must be one of: {', '.join(Starts)}"))
