"""Instants as RFC 3339 text, and the texts that are no instants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core.instants import INSTANT_MAX, format_instant, parse_instant

FIVE_PAST_TEN = 1_767_607_500_250


def test_an_instant_is_shown_in_utc_with_milliseconds() -> None:
    assert format_instant(FIVE_PAST_TEN) == "2026-01-05T10:05:00.250Z"
    assert format_instant(0) == "1970-01-01T00:00:00.000Z"
    assert format_instant(INSTANT_MAX) == "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T10:05:00.250Z",
        "2026-01-05t10:05:00.250z",
        "2026-01-05T10:05:00.25Z",
        "2026-01-05T10:05:00.250999999Z",  # fractions of a millisecond are cut off
        "2026-01-05T12:35:00.250+02:30",
        "2026-01-05T09:05:00.250-01:00",
    ],
)
def test_an_instant_is_read_with_any_offset(text: str) -> None:
    assert parse_instant(text) == FIVE_PAST_TEN


@pytest.mark.parametrize(
    "text",
    [
        None,
        0,
        "",
        "2026-01-05",
        "2026-01-05T10:05:00.250",
        "2026-01-05 10:05:00Z",
        "2026-01-05T10:05Z",
        "2026-13-05T10:05:00Z",
        "2026-01-05T25:05:00Z",
        "2026-01-05T10:05:00.1234567890Z",
        "1969-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00+23:59",
        "２026-01-05T10:05:00Z",
        "2026-01-05T10:05:00Z\n",
    ],
)
def test_a_text_that_is_no_instant_is_refused_in_words_for_its_sender(text: object) -> None:
    with pytest.raises(ValueError, match=r"^must be an instant with its offset, such as 2026-01-05T10:00:01\.250Z$"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999999-00:01", "9999-12-31T12:00:00-12:00"]
)
def test_an_instant_after_the_year_9999_is_refused(text: str) -> None:
    assert parse_instant("9999-12-31T23:59:59.999999999Z") == INSTANT_MAX
    with pytest.raises(ValueError, match=r"^must not be after the year 9999$"):
        parse_instant(text)


@given(st.integers(0, INSTANT_MAX))
def test_a_shown_instant_is_read_as_the_same_instant(instant: int) -> None:
    assert parse_instant(format_instant(instant)) == instant
