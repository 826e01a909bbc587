"""Periods: from an instant until just before another instant, as people name them.

    2026-10 in Europe/Berlin     the month, from its first local midnight until just before the next month's
    2026-10-04                   the first instant of a day
    2026-10-04T18:30:00Z         an instant
    yesterday, last week         the first instant of that day or week; weeks begin on Monday
    3 days ago                   three times 24 hours before now

Days, weeks and months are those of a time zone, so a day may have 23 or 25 hours. The end of a period is the first
instant that no longer belongs to it: the end of one month is the beginning of the next, and nothing is counted twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from talktime.core.durations import DAY_MS, HOUR_MS, MINUTE_MS
from talktime.core.errors import InvalidRequest
from talktime.core.instants import EPOCH, INSTANT_MAX, parse_instant

_MONTH: Final = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_AGO: Final = re.compile(r"(\d{1,5}) (minute|hour|day|week)s?( ago)?", re.ASCII)
_MS: Final = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS, "week": 7 * DAY_MS}
WORDS: Final = (
    "now",
    "today",
    "yesterday",
    "this week",
    "last week",
    "this month",
    "last month",
    "this year",
    "last year",
)
"""The words for a moment, beside `3 days ago` and the like."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin` until just before `end`, in milliseconds since 1970. None: from the beginning, or up to now."""

    begin: int | None = None
    end: int | None = None

    def bounds(self) -> tuple[int, int]:
        """Both ends of a period that needs them.

        Raises:
            InvalidRequest: an end is missing.
        """
        if self.begin is None or self.end is None:
            ends = (("from", self.begin), ("to", self.end))
            raise InvalidRequest(*((name, "is required, or month instead") for name, at in ends if at is None))
        return self.begin, self.end


def parse_month(text: str, zone: tzinfo) -> Period:
    """The month of a text such as `2026-10`.

    Raises:
        ValueError: `text` is not a month, or the month is not from 1970 to 9999.
    """
    match = _MONTH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12:
        msg = "must be a month, such as 2026-10"
        raise ValueError(msg)
    year, month = int(match[1]), int(match[2])
    return Period(_first_instant(year, month, 1, zone), _first_instant(year + month // 12, month % 12 + 1, 1, zone))


def parse_moment(text: str, zone: tzinfo) -> int:
    """The instant of a text: an instant with its offset, or a date, which is the first instant of the day.

    Raises:
        ValueError: `text` is neither, or is not from 1970 to 9999.
    """
    if _DATE.fullmatch(text) is None:
        try:
            return parse_instant(text)
        except ValueError as error:
            msg = str(error).replace("must be an instant", "must be a date, such as 2026-10-04, or an instant")
            raise ValueError(msg) from None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        msg = "must be a date that exists"
        raise ValueError(msg) from None
    return _first_instant(day.year, day.month, day.day, zone)


def parse_words(text: str, zone: tzinfo, now: int) -> int:
    """The instant of what a person types: that of `parse_moment`, or of words such as `yesterday` or `3 days ago`.

    Raises:
        ValueError: `text` is neither an instant nor such words.
    """
    words = " ".join(text.lower().split())
    ago = _AGO.fullmatch(words)
    if ago is not None:
        return max(0, now - int(ago[1]) * _MS[ago[2]])
    if words == "now":
        return now
    if words in WORDS:
        day = _named_day(words, (EPOCH + timedelta(milliseconds=now)).astimezone(zone).date())
        return _first_instant(day.year, day.month, day.day, zone)
    try:
        return parse_moment(text, zone)
    except ValueError as error:
        if not text[:1].isalpha():
            raise
        msg = f"must be a date, an instant, “3 days ago”, or one of: {', '.join(WORDS)}"
        raise ValueError(msg) from error


def _named_day(words: str, today: date) -> date:
    """The first day of the time that the words name."""
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    return {
        "today": today,
        "yesterday": today - timedelta(days=1),
        "this week": monday,
        "last week": monday - timedelta(days=7),
        "this month": first,
        "last month": (first - timedelta(days=1)).replace(day=1),
        "this year": today.replace(month=1, day=1),
        "last year": today.replace(year=today.year - 1, month=1, day=1),
    }[words]


def _first_instant(year: int, month: int, day: int, zone: tzinfo) -> int:
    """The first instant of a local day.

    If clocks go forward at midnight, there is no 0:00. Python then computes with the offset from before, and so finds
    the instant at which they go forward. If 0:00 comes twice, the first one is meant.
    """
    try:
        instant = (datetime(year, month, day, tzinfo=zone) - EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        instant = -1
    if not 0 <= instant <= INSTANT_MAX:
        msg = "must be from 1970 to 9999"
        raise ValueError(msg)
    return instant
