"""What a tariff's document says, done literally: one increment after the other, in fractions.

It shares no code with `talktime.tariff`, reads the JSON itself, and takes as long as the session is: for small tariffs.
Money in micro-credits, time in milliseconds, both integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any

Document = Mapping[str, Any]


def price(tariff: Document, elapsed_ms: int, allowance_ms: int, *, grace: bool = True) -> int:
    """The cost of `elapsed_ms` after `allowance_ms` of free time; with `grace=False` as if the tariff had no grace."""
    priced_ms = elapsed_ms - allowance_ms
    if priced_ms <= 0 or (grace and priced_ms <= milliseconds(tariff.get("grace_seconds", 0))):
        return 0
    total = micros(tariff.get("connect_fee", "0")) + sum(cost for _, cost in increments(tariff, priced_ms))
    if tariff.get("max_cost") is not None and tariff.get("at_max_cost", "free") == "free":
        total = min(total, micros(tariff["max_cost"]))
    return rounded(tariff, max(total, micros(tariff.get("minimum_charge", "0"))))


def billed(tariff: Document, elapsed_ms: int, allowance_ms: int) -> int:
    """How long the increments are that `price` counts."""
    priced_ms = elapsed_ms - allowance_ms
    if priced_ms <= 0 or priced_ms <= milliseconds(tariff.get("grace_seconds", 0)):
        return 0
    return sum(length for length, _ in increments(tariff, priced_ms))


def commitment(tariff: Document, elapsed_ms: int, allowance_ms: int) -> int:
    """What a running record owes: the price one millisecond ahead, grace left aside."""
    return price(tariff, elapsed_ms + 1, allowance_ms, grace=False)


def increments(tariff: Document, priced_ms: int) -> Iterator[tuple[int, Fraction]]:
    """Length and price of each increment that has begun."""
    at = 0
    begun_at_its_instant = tariff.get("boundary", "ceil") == "begun"
    while at < priced_ms or (begun_at_its_instant and at == priced_ms):
        tier = [tier for tier in tariff["tiers"] if milliseconds(tier.get("from_seconds", 0)) <= at][-1]
        length = milliseconds(tier.get("increment_seconds", 1))
        yield length, micros(tier["rate"]) * length / milliseconds(tier.get("per_seconds", 60))
        at += length


def rounded(tariff: Document, total: Fraction) -> int:
    """`total` to the places that are kept, in the direction that is meant."""
    rounding = tariff.get("rounding", {})
    quantum: int = 10 ** (6 - rounding.get("places", 2))
    mode = rounding.get("mode", "up")
    steps = total / quantum
    return quantum * (ceil(steps) if mode == "up" else floor(steps + (Fraction(1, 2) if mode == "half_up" else 0)))


def micros(text: str) -> Fraction:
    """Micro-credits of a decimal string."""
    return Fraction(text) * 1_000_000


def milliseconds(seconds: float) -> int:
    """Milliseconds of a number of seconds."""
    return round(seconds * 1000)
