"""Decimal numbers of JSON: exact, or refused with a message for their sender."""

from __future__ import annotations

from decimal import Decimal

import pytest

from talktime.core.decimals import parse_decimal, scale_exactly


@pytest.mark.parametrize(
    ("value", "number"),
    [(0, "0"), (12, "12"), (-1, "-1"), (0.1, "0.1"), ("49.25", "49.25"), ("-0.5", "-0.5"), ("1" * 20, "1" * 20)],
)
def test_a_number_is_read_exactly(value: object, number: str) -> None:
    assert parse_decimal(value, "a number") == Decimal(number)


@pytest.mark.parametrize(
    "value", [True, None, [], {}, "", "-", "1-2", ".", "1e3", "1_0", " 1", "٣", "1" * 21, float("nan"), float("inf")]
)
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^must be a number of seconds$"):
        parse_decimal(value, "a number of seconds")


@pytest.mark.parametrize(("number", "places", "scaled"), [("1.25", 2, 125), ("1.250", 2, 125), ("-3", 3, -3000)])
def test_a_number_with_few_enough_decimals_becomes_an_integer(number: str, places: int, scaled: int) -> None:
    assert scale_exactly(Decimal(number), places) == scaled


def test_a_number_with_more_decimals_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^must have at most 3 decimals$"):
        scale_exactly(Decimal("0.0001"), 3)
