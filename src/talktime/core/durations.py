"""Durations in milliseconds: in seconds for JSON, and in words and digits for people."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

SECONDS_MAX: Final = 315_360_000
"""The longest duration a tariff may name, in seconds: ten years."""


def seconds(duration_ms: int) -> int | float:
    """A duration in seconds, whole when it is whole, as JSON shows it."""
    return duration_ms // 1000 if duration_ms % 1000 == 0 else duration_ms / 1000


def parse_seconds(value: object, maximum: int = SECONDS_MAX) -> int:
    """Milliseconds of a number of seconds: an integer, a float or a decimal string, at most three decimals.

    Raises:
        ValueError: in words for the person who sent it.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | str)
        or (isinstance(value, str) and len(value) > 20)
    ):
        msg = "must be a number of seconds"
        raise ValueError(msg)
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        number = Decimal("nan")
    if not number.is_finite() or (isinstance(value, str) and not set(value) <= set("0123456789.-")):
        msg = "must be a number of seconds"
        raise ValueError(msg)
    if number < 0:
        msg = "must not be negative"
        raise ValueError(msg)
    if number > maximum:
        msg = f"must be at most {maximum} seconds"
        raise ValueError(msg)
    milliseconds = number * 1000
    if milliseconds != int(milliseconds):
        msg = "must have at most 3 decimals"
        raise ValueError(msg)
    return int(milliseconds)


def clock_text(duration_ms: int) -> str:
    """A duration for people: `0:07`, `12:00`, `1:02:03`, `0:07.250`."""
    whole, rest = divmod(duration_ms, 1000)
    hours, minutes, secs = whole // 3600, whole // 60 % 60, whole % 60
    text = f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"
    return f"{text}.{rest:03d}" if rest else text


_UNITS: Final = ((3_600_000, "hour"), (60_000, "minute"), (1_000, "second"))


def lasting(duration_ms: int) -> str:
    """A duration to the millisecond: `3 minutes`, `1 hour 2 minutes`, `1 minute 30.5 seconds`, `0 seconds`."""
    parts: list[str] = []
    left_ms = duration_ms
    for size_ms, name in _UNITS[:2]:
        whole, left_ms = divmod(left_ms, size_ms)
        if whole:
            parts.append(_counted(str(whole), name))
    if left_ms or not parts:
        whole, thousandths = divmod(left_ms, 1_000)
        decimals = f"{thousandths:03d}".rstrip("0")
        parts.append(_counted(f"{whole}.{decimals}" if decimals else str(whole), "second"))
    return " ".join(parts)


def increments(count: int, each_ms: int) -> str:
    """So many increments: `3 minutes` where one is a unit people count in, else `4 times 6 seconds`."""
    unit = counted_unit(each_ms)
    if unit is not None:
        return _counted(str(count), unit)
    return lasting(each_ms) if count == 1 else f"{count} times {lasting(each_ms)}"


def counted_unit(duration_ms: int) -> str | None:
    return next((name for size_ms, name in _UNITS if size_ms == duration_ms), None)


def _counted(count: str, name: str) -> str:
    return f"{count} {name}" if count == "1" else f"{count} {name}s"
