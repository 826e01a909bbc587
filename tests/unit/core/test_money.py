"""Amounts as decimal strings, and the strings that are no amounts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core.money import AMOUNT_MAX, BALANCE_MAX, MICRO, format_credits, parse_credits, parse_formatted


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("8.75", 8_750_000),
        ("0", 0),
        ("0.000001", 1),
        ("0.1", 100_000),
        ("007", 7 * MICRO),
        ("10000000000", AMOUNT_MAX),
    ],
)
def test_a_decimal_string_is_read_as_micro_credits(text: str, amount: int) -> None:
    assert parse_credits(text) == amount


SHAPE = 'must be a decimal string with at most 12 digits and 6 places, such as "8.75"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (8.75, 'must be a decimal string such as "8.75"'),
        (None, 'must be a decimal string such as "8.75"'),
        ("-8.75", "must not be negative"),
        ("--8.75", SHAPE),
        ("-", SHAPE),
        ("", SHAPE),
        (".5", SHAPE),
        ("5.", SHAPE),
        ("1e3", SHAPE),
        ("0.0000001", SHAPE),
        ("1234567890123", SHAPE),
        ("٣", SHAPE),
        ("10000000000.000001", "must be at most 10000000000"),
    ],
)
def test_a_wrong_amount_is_refused_in_words_for_its_sender(text: object, message: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        parse_credits(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0.00"),
        (1, "0.000001"),
        (8_750_000, "8.75"),
        (8_700_000, "8.70"),
        (333_333, "0.333333"),
        (120_500, "0.1205"),
        (-1_500_000, "-1.50"),
        (-1, "-0.000001"),
        (BALANCE_MAX, "1000000000000.00"),
    ],
)
def test_an_amount_is_shown_with_two_to_six_places(amount: int, text: str) -> None:
    assert format_credits(amount) == text


@given(st.integers(0, AMOUNT_MAX))
def test_a_shown_amount_is_read_as_the_same_amount(amount: int) -> None:
    assert parse_credits(format_credits(amount)) == amount


@given(st.integers(-BALANCE_MAX, BALANCE_MAX))
def test_an_amount_that_talktime_wrote_is_read_as_the_same_amount(amount: int) -> None:
    assert parse_formatted(format_credits(amount)) == amount


@pytest.mark.parametrize(
    "text", [None, 1, "", "8", "8.7", "08.75", "8.750", "-0.00", "+8.75", "8.7500001", "٣.00", "1.00\n"]
)
def test_any_other_spelling_of_an_amount_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="must be an amount as talktime writes it"):
        parse_formatted(text)
