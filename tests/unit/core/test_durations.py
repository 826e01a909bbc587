"""Durations in seconds, in words and in digits."""

from __future__ import annotations

import pytest

from talktime.core.durations import clock_text, duration_words, increment_words, parse_seconds, seconds, unit_name


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (0, "0 seconds"),
        (1, "0.001 seconds"),
        (1_000, "1 second"),
        (1_500, "1.5 seconds"),
        (60_000, "1 minute"),
        (90_000, "1 minute 30 seconds"),
        (180_000, "3 minutes"),
        (3_600_000, "1 hour"),
        (7_320_250, "2 hours 2 minutes 0.25 seconds"),
    ],
)
def test_a_duration_in_words(duration_ms: int, text: str) -> None:
    assert duration_words(duration_ms) == text


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        *((0, "0:00"), (7_000, "0:07"), (60_000, "1:00"), (720_000, "12:00"), (3_599_000, "59:59")),
        *((3_600_000, "1:00:00"), (3_723_000, "1:02:03"), (7_250, "0:07.250"), (3_600_001, "1:00:00.001")),
    ],
)
def test_a_duration_in_digits(duration_ms: int, text: str) -> None:
    assert clock_text(duration_ms) == text


def test_increments_in_words() -> None:
    assert [increment_words(count, each) for count in (1, 3) for each in (1_000, 60_000, 3_600_000, 6_000, 90_000)] == [
        *("1 second", "1 minute", "1 hour", "6 seconds", "1 minute 30 seconds"),
        *("3 seconds", "3 minutes", "3 hours", "3 times 6 seconds", "3 times 1 minute 30 seconds"),
    ]


def test_only_a_second_a_minute_and_an_hour_have_unit_names() -> None:
    names = [unit_name(duration_ms) for duration_ms in (1_000, 60_000, 3_600_000, 6_000, 0, 120_000)]
    assert names == ["second", "minute", "hour", None, None, None]


def test_whole_seconds_are_an_integer() -> None:
    assert (seconds(2_000), seconds(1_500), seconds(1)) == (2, 1.5, 0.001)
    assert isinstance(seconds(2_000), int)


def test_seconds_are_read_from_numbers_and_decimal_strings() -> None:
    assert [parse_seconds(value) for value in (0, "0", 1.5, "0.001", 315_360_000, "00000000000000000001")] == [
        *(0, 0, 1_500, 1, 315_360_000_000, 1_000)
    ]
    assert parse_seconds(900, maximum=900) == 900_000


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "must be a number of seconds"),
        (None, "must be a number of seconds"),
        ("1e3", "must be a number of seconds"),
        ("--1", "must be a number of seconds"),
        ("nan", "must be a number of seconds"),
        (float("inf"), "must be a number of seconds"),
        ("1" * 21, "must be a number of seconds"),
        (-1, "must not be negative"),
        ("-0.001", "must not be negative"),
        (315_360_001, "must be at most 315360000 seconds"),
        ("0.0001", "must have at most 3 decimals"),
    ],
)
def test_a_wrong_number_of_seconds_is_refused_in_words_for_its_sender(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        parse_seconds(value)


def test_more_seconds_than_the_maximum_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^must be at most 900 seconds$"):
        parse_seconds(900.001, maximum=900)
