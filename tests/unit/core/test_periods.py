"""Periods as people name them: months and days of a time zone, whose days may have 23 or 25 hours."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from talktime.core.errors import InvalidRequest
from talktime.core.instants import format_instant, parse_instant
from talktime.core.periods import Period, parse_moment, parse_month, parse_words

BERLIN = ZoneInfo("Europe/Berlin")
NOW = parse_instant("2026-03-29T10:00:00Z")
"""A Sunday, on which clocks in Berlin go forward."""


def shown(period: Period) -> tuple[str, str]:
    return tuple(format_instant(at) for at in period.bounds())  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("month", "zone", "begin", "end"),
    [
        ("2026-10", "UTC", "2026-10-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"),
        ("2026-10", "Europe/Berlin", "2026-09-30T22:00:00.000Z", "2026-10-31T23:00:00.000Z"),
        ("2026-12", "Europe/Berlin", "2026-11-30T23:00:00.000Z", "2026-12-31T23:00:00.000Z"),
        ("2026-02", "Asia/Kolkata", "2026-01-31T18:30:00.000Z", "2026-02-28T18:30:00.000Z"),
    ],
)
def test_a_month_is_that_of_its_time_zone(month: str, zone: str, begin: str, end: str) -> None:
    assert shown(parse_month(month, ZoneInfo(zone))) == (begin, end)


def test_the_months_of_a_year_leave_no_gap() -> None:
    for zone in ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia"):
        months = [parse_month(f"{year}-{month:02}", ZoneInfo(zone)) for year in (2010, 2011) for month in range(1, 13)]
        assert [one.end for one in months[:-1]] == [one.begin for one in months[1:]]


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-00", "10-2026", "2026-1", "1969-12", "9999-12", "٢٠٢٦-10"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_month(text, UTC)


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-10-04", "UTC", "2026-10-04T00:00:00.000Z"),
        ("2026-10-04T18:30:00+02:00", "America/Lima", "2026-10-04T16:30:00.000Z"),
        # Clocks went forward at midnight, so the day began at 1:00; and back to midnight, so that it came twice.
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000Z"),
        ("2026-11-01", "America/Havana", "2026-11-01T04:00:00.000Z"),
    ],
)
def test_a_date_is_the_first_instant_of_its_day(text: str, zone: str, instant: str) -> None:
    assert format_instant(parse_moment(text, ZoneInfo(zone))) == instant


@pytest.mark.parametrize("text", ["2026-02-30", "yesterday", "2026-10-04T18:30:00", "", "0001-01-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_moment(text, UTC)


@pytest.mark.parametrize(
    ("words", "instant"),
    [
        ("now", "2026-03-29T10:00:00.000Z"),
        ("today", "2026-03-28T23:00:00.000Z"),
        ("Yesterday", "2026-03-27T23:00:00.000Z"),
        ("this week", "2026-03-22T23:00:00.000Z"),
        ("last  week", "2026-03-15T23:00:00.000Z"),
        ("this month", "2026-02-28T23:00:00.000Z"),
        ("last month", "2026-01-31T23:00:00.000Z"),
        ("this year", "2025-12-31T23:00:00.000Z"),
        ("last year", "2024-12-31T23:00:00.000Z"),
        ("2 days ago", "2026-03-27T10:00:00.000Z"),
        ("90 minutes", "2026-03-29T08:30:00.000Z"),
        ("2026-03-30", "2026-03-29T22:00:00.000Z"),
    ],
)
def test_words_name_the_beginning_of_what_they_name(words: str, instant: str) -> None:
    assert format_instant(parse_words(words, BERLIN, NOW)) == instant


def test_unknown_words_are_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of: now, today, yesterday"):
        parse_words("tomorrow", UTC, NOW)


def test_a_period_without_an_end_says_which_end_is_missing() -> None:
    with pytest.raises(InvalidRequest, match=r"^to is required, or month instead$"):
        Period(begin=5).bounds()
