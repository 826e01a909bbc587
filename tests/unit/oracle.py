"""The price of time, computed literally from the tariff's document: one increment after the other, in fractions.

The oracle shares no code with `talktime.core`, only the type of a rounding mode: it reads the JSON itself. It takes as
long as the record is, so tests use it for short records only. Money is in micro-credits, time in milliseconds, both
integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any, assert_never

if TYPE_CHECKING:
    from talktime.core.tariff import RoundingMode

Document = Mapping[str, Any]


def price(tariff: Document, elapsed_ms: int, allowance_ms: int, *, grace: bool = True) -> int:
    """The cost of `elapsed_ms`, of which `allowance_ms` are free. With `grace=False` the tariff's grace is ignored."""
    priced_ms = elapsed_ms - allowance_ms
    if priced_ms <= 0 or (grace and priced_ms <= milliseconds(tariff.get("grace_seconds", 0))):
        return 0
    exact = micros(tariff.get("connect_fee", "0")) + sum(cost for _, cost in increments(tariff, priced_ms))
    if tariff.get("max_cost") is not None and tariff.get("at_max_cost", "free") == "free":
        exact = min(exact, micros(tariff["max_cost"]))
    return rounded(tariff, max(exact, micros(tariff.get("minimum_charge", "0"))))


def billed(tariff: Document, elapsed_ms: int, allowance_ms: int) -> int:
    """The length of all increments that `price` counts."""
    priced_ms = elapsed_ms - allowance_ms
    if priced_ms <= 0 or priced_ms <= milliseconds(tariff.get("grace_seconds", 0)):
        return 0
    return sum(length_ms for length_ms, _ in increments(tariff, priced_ms))


def begun_cost(tariff: Document, elapsed_ms: int, allowance_ms: int) -> int:
    """The cost of all time that a running record has begun: the price one millisecond ahead, without grace."""
    return price(tariff, elapsed_ms + 1, allowance_ms, grace=False)


def increments(tariff: Document, priced_ms: int) -> Iterator[tuple[int, Fraction]]:
    """The length and the cost of each increment that has begun."""
    at = 0
    is_begun = tariff.get("boundary", "ceil") == "begun"
    while at < priced_ms or (is_begun and at == priced_ms):
        tier = [tier for tier in tariff["tiers"] if milliseconds(tier.get("from_seconds", 0)) <= at][-1]
        length_ms = milliseconds(tier.get("increment_seconds", 1))
        yield length_ms, micros(tier["rate"]) * length_ms / milliseconds(tier.get("per_seconds", 60))
        at += length_ms


def rounded(tariff: Document, exact: Fraction) -> int:
    """The exact amount, rounded to the tariff's places in the tariff's direction."""
    rounding = tariff.get("rounding", {})
    quantum: int = 10 ** (6 - rounding.get("places", 2))
    mode: RoundingMode = rounding.get("mode", "up")
    steps = exact / quantum
    match mode:
        case "up":
            return quantum * ceil(steps)
        case "down":
            return quantum * floor(steps)
        case "half_up":
            return quantum * floor(steps + Fraction(1, 2))
        case _:
            assert_never(mode)


def micros(text: str) -> Fraction:
    """The micro-credits of a decimal string."""
    return Fraction(text) * 1_000_000


def milliseconds(seconds: float) -> int:
    """The milliseconds of a number of seconds."""
    return round(seconds * 1000)
