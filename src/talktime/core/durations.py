"""Durations and rates in people's words: what a receipt's lines are made of. Pure."""

from __future__ import annotations

from typing import Final

from talktime.core.money import format_credits

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
    unit = _unit(each_ms)
    if unit is not None:
        return _counted(str(count), unit)
    return lasting(each_ms) if count == 1 else f"{count} times {lasting(each_ms)}"


def rate(amount: int, per_ms: int) -> str:
    """A price of time, in micro-credits: `1.00 a minute`, `0.10 per 30 seconds`."""
    unit = _unit(per_ms)
    if unit is None:
        return f"{format_credits(amount)} per {lasting(per_ms)}"
    return f"{format_credits(amount)} {'an' if unit == 'hour' else 'a'} {unit}"


def _unit(duration_ms: int) -> str | None:
    return next((name for size_ms, name in _UNITS if size_ms == duration_ms), None)


def _counted(count: str, name: str) -> str:
    return f"{count} {name}" if count == "1" else f"{count} {name}s"
