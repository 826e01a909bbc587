"""Durations: lengths of time.

Inside talktime a duration is a whole number of milliseconds, and its name ends in `_ms`. In a JSON tariff a duration is
a number of seconds with at most three decimals. People read a duration in words (`1 minute 30 seconds`) or in digits,
as on a clock (`1:30`).
"""

from __future__ import annotations

from typing import Final

from talktime.core.decimals import parse_decimal, scale_exactly

SECONDS_MAX: Final = 315_360_000
"""The longest duration that a tariff may name, in seconds: ten years."""

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

_UNITS: Final = ((HOUR_MS, "hour"), (MINUTE_MS, "minute"), (1_000, "second"))

TTL_SECONDS_DEFAULT: Final = 86_400
"""How long a token is valid if nobody says otherwise."""

TTL_SECONDS_MAX: Final = 10 * 365 * 86_400
"""How long a token may be valid."""


def seconds(duration_ms: int) -> int | float:
    """The duration in seconds, as JSON shows durations: an integer if the seconds are whole, else a float."""
    return duration_ms // 1000 if duration_ms % 1000 == 0 else duration_ms / 1000


def parse_seconds(value: object, maximum: int = SECONDS_MAX) -> int:
    """The milliseconds of a number of seconds: an integer, a float, or a decimal string with at most three decimals.

    Raises:
        ValueError: `value` is not such a number, is negative, or is more than `maximum` seconds. The message tells the
            sender of the value what to change.
    """
    number = parse_decimal(value, "a number of seconds")
    if number < 0:
        msg = "must not be negative"
        raise ValueError(msg)
    if number > maximum:
        msg = f"must be at most {maximum} seconds"
        raise ValueError(msg)
    return scale_exactly(number, 3)


def clock_text(duration_ms: int) -> str:
    """The duration in digits: `0:07`, `12:00`, `1:02:03`, `0:07.250`."""
    whole_seconds, rest_ms = divmod(duration_ms, 1000)
    hours, minutes, digits = whole_seconds // 3600, whole_seconds // 60 % 60, whole_seconds % 60
    text = f"{hours}:{minutes:02d}:{digits:02d}" if hours else f"{minutes}:{digits:02d}"
    return f"{text}.{rest_ms:03d}" if rest_ms else text


def duration_words(duration_ms: int) -> str:
    """The duration in words: `3 minutes`, `1 hour 2 minutes`, `1 minute 30.5 seconds`, `0 seconds`."""
    parts: list[str] = []
    rest_ms = duration_ms
    for unit_ms, name in _UNITS[:2]:
        count, rest_ms = divmod(rest_ms, unit_ms)
        if count:
            parts.append(_counted(str(count), name))
    if rest_ms or not parts:
        whole, thousandths = divmod(rest_ms, 1_000)
        decimals = f"{thousandths:03d}".rstrip("0")
        parts.append(_counted(f"{whole}.{decimals}" if decimals else str(whole), "second"))
    return " ".join(parts)


def increment_words(count: int, increment_ms: int) -> str:
    """Some increments in words: `3 minutes` if one increment is one unit of time, else `4 times 6 seconds`."""
    unit = unit_name(increment_ms)
    if unit is not None:
        return _counted(str(count), unit)
    return duration_words(increment_ms) if count == 1 else f"{count} times {duration_words(increment_ms)}"


def unit_name(duration_ms: int) -> str | None:
    """`hour`, `minute` or `second` if the duration is exactly one of them, else None."""
    return next((name for unit_ms, name in _UNITS if unit_ms == duration_ms), None)


def _counted(count: str, name: str) -> str:
    return f"{count} {name}" if count == "1" else f"{count} {name}s"
