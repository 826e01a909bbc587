"""A receipt's arithmetic in words, and durations for people."""

from __future__ import annotations

from typing import Any

import pytest

from talktime.core.durations import clock_text, duration_words, increment_words, parse_seconds, seconds
from talktime.core.money import format_credits
from talktime.core.price import explain, rate_text
from talktime.core.tariff import Tariff, TariffError
from talktime.core.terms import Terms, TermsError

TIERS = [
    {"from_seconds": 0, "rate": "0.20", "per_seconds": 60, "increment_seconds": 60},
    {"from_seconds": 90, "rate": "0.10", "per_seconds": 30, "increment_seconds": 7},
    {"from_seconds": 200, "rate": "1.00", "per_seconds": 3600, "increment_seconds": 0.5},
]


def lines(elapsed_ms: int, allowance_ms: int = 0, **more: Any) -> list[tuple[str, str]]:
    """The arithmetic of a tariff with three tiers."""
    tariff = Tariff.parse({"tiers": TIERS, "rounding": {"places": 6, "mode": "half_up"}, **more})
    return [(line.text, format_credits(line.amount)) for line in explain(tariff, elapsed_ms, allowance_ms)]


def test_each_tier_that_was_used_has_its_line() -> None:
    assert lines(0) == []
    assert lines(1) == [("1 minute at 0.20 a minute", "0.20")]
    assert lines(150_001, connect_fee="0.30") == [
        ("to connect", "0.30"),
        # The second minute runs over the tier's end.
        ("2 minutes at 0.20 a minute", "0.40"),
        ("5 times 7 seconds at 0.10 per 30 seconds", "0.116666"),
        ("rounded to the nearest, halves up, to 6 places", "0.000001"),
    ]
    assert lines(210_000)[1:3] == [
        ("12 times 7 seconds at 0.10 per 30 seconds", "0.28"),
        ("12 times 0.5 seconds at 1.00 an hour", "0.001666"),
    ]


def test_a_tier_that_an_increment_covers_has_none() -> None:
    tiers = [
        {"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60},
        {"from_seconds": 30, "rate": "5.00", "per_seconds": 60},
        {"from_seconds": 60, "rate": "2.00", "per_seconds": 60, "increment_seconds": 60},
    ]
    assert [amount for _, amount in lines(60_000, tiers=tiers)] == ["1.00"]
    assert [amount for _, amount in lines(60_001, tiers=tiers)] == ["1.00", "2.00"]
    assert [amount for _, amount in lines(120_000)] == ["0.40"]  # the second tier begins here


def test_free_time_and_grace_have_their_lines() -> None:
    assert lines(1, 1) == [("0.001 seconds free", "0.00")]
    assert lines(45_000, 60_000) == [("45 seconds free", "0.00")]
    assert lines(60_000, 60_000) == [("1 minute free", "0.00")]
    assert lines(61_000, 60_000) == [("1 minute free", "0.00"), ("1 minute at 0.20 a minute", "0.20")]
    assert lines(65_000, 60_000, grace_seconds=5) == [
        ("1 minute free", "0.00"),
        ("5 seconds, and nothing is charged up to 5 seconds", "0.00"),
    ]
    assert lines(65_001, 60_000, grace_seconds=5)[-1] == ("1 minute at 0.20 a minute", "0.20")
    assert lines(0, 60_000) == []


def test_maximum_and_minimum_have_their_lines() -> None:
    assert lines(100_000, max_cost="0.25") == [
        ("2 minutes at 0.20 a minute", "0.40"),
        ("no more than the maximum", "-0.15"),
    ]
    assert lines(1, minimum_charge="1.00") == [
        ("1 minute at 0.20 a minute", "0.20"),
        ("no less than the minimum", "0.80"),
    ]
    assert lines(100_000, max_cost="0.25", minimum_charge="0.30")[1:] == [
        ("no more than the maximum", "-0.15"),
        ("no less than the minimum", "0.05"),
    ]
    assert lines(100_000, max_cost="0.40", minimum_charge="0.40") == [("2 minutes at 0.20 a minute", "0.40")]
    assert lines(100_000, max_cost="0.25", at_max_cost="stop") == [("2 minutes at 0.20 a minute", "0.40")]


@pytest.mark.parametrize(
    ("mode", "text", "amount"),
    [("up", "up", "0.08"), ("down", "down", "-0.02"), ("half_up", "to the nearest, halves up,", "-0.02")],
)
def test_the_rounding_is_the_last_line(mode: str, text: str, amount: str) -> None:
    found = lines(121_000, rounding={"places": 1, "mode": mode}, connect_fee="0.02", tiers=TIERS[:1])
    assert found[-1] == (f"rounded {text} to 1 place", amount)


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


def test_increments_and_rates_in_words() -> None:
    assert [increment_words(count, each) for count in (1, 3) for each in (1_000, 60_000, 3_600_000, 6_000, 90_000)] == [
        *("1 second", "1 minute", "1 hour", "6 seconds", "1 minute 30 seconds"),
        *("3 seconds", "3 minutes", "3 hours", "3 times 6 seconds", "3 times 1 minute 30 seconds"),
    ]
    assert [rate_text(1_250_000, per) for per in (1_000, 60_000, 3_600_000, 30_000)] == [
        *("1.25 a second", "1.25 a minute", "1.25 an hour", "1.25 per 30 seconds"),
    ]


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        *((0, "0:00"), (7_000, "0:07"), (60_000, "1:00"), (720_000, "12:00"), (3_599_000, "59:59")),
        *((3_600_000, "1:00:00"), (3_723_000, "1:02:03"), (7_250, "0:07.250"), (3_600_001, "1:00:00.001")),
    ],
)
def test_a_duration_for_people(duration_ms: int, text: str) -> None:
    assert clock_text(duration_ms) == text


def test_seconds_are_whole_where_they_can_be() -> None:
    assert (seconds(2_000), seconds(1_500), seconds(1)) == (2, 1.5, 0.001)
    assert isinstance(seconds(2_000), int)


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
def test_what_is_no_number_of_seconds(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        parse_seconds(value)


def test_numbers_of_seconds() -> None:
    assert [parse_seconds(value) for value in (0, "0", 1.5, "0.001", 315_360_000, "00000000000000000001")] == [
        *(0, 0, 1_500, 1, 315_360_000_000, 1_000)
    ]


def test_a_tariff_that_makes_no_sense_says_all_that_is_wrong() -> None:
    tiers: list[Any] = [{"rate": "x", "from_seconds": 1, "per_seconds": 0}, {"rate": "1", "from_seconds": -1, "odd": 1}]
    tiers.append({"increment_seconds": 0})
    with pytest.raises(TariffError) as caught:
        Tariff.parse({"tiers": tiers, "boundary": "never", "at_max_cost": 1, "rounding": {"mode": "", "places": True}})
    assert caught.value.errors == [
        ("tiers[0].rate", 'must be a decimal string with at most 12 digits and 6 places, such as "8.75"'),
        ("tiers[0].per_seconds", "must be more than 0"),
        ("tiers[0].from_seconds", "must be 0 in the first tier"),
        ("tiers[1].odd", "is not a field of a tariff"),
        ("tiers[1].from_seconds", "must not be negative"),
        ("tiers[1].from_seconds", "must be later than the tier before"),
        ("tiers[2].rate", "is required"),
        ("tiers[2].increment_seconds", "must be more than 0"),
        ("tiers[2].from_seconds", "must be later than the tier before"),
        ("rounding.places", "must be a whole number from 0 to 6"),
        ("boundary", "must be one of: ceil, begun"),
        ("at_max_cost", "must be one of: free, stop"),
        ("rounding.mode", "must be one of: up, down, half_up"),
    ]
    assert str(caught.value).startswith("tiers[0].rate: must be a decimal string")
    assert "; tiers[0].per_seconds: must be more than 0; " in str(caught.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "tariff: must be an object; tiers: must be a list of at least one tier"),
        ({"tiers": {}}, "tiers: must be a list of at least one tier"),
        ({"tiers": [1]}, "tiers[0]: must be an object; tiers[0].rate: is required"),
        ({"tiers": [{"rate": "1"}] * 51}, "tiers: must be at most 50 tiers"),
        ({"tiers": [{"rate": "1"}], "rounding": 1}, "rounding: must be an object"),
        ({"tiers": [{"rate": "1"}], "rounding": {"places": -1}}, "rounding.places: must be a whole number from 0 to 6"),
        ({"tiers": [{"rate": "1"}], "x" * 100: 1}, f"{'x' * 80}: is not a field of a tariff"),
        ({"tiers": [{"rate": "1"}], "rounding": {"x": 1}}, "rounding.x: is not a field of a tariff"),
        ({"tiers": [{"rate": "1"}], "XX": 1}, "XX: is not a field of a tariff"),
        ({"tiers": [{"rate": "1"}], "grace_seconds": -1}, "grace_seconds: must not be negative"),
    ],
)
def test_shapes_that_are_no_tariff(document: object, message: str) -> None:
    with pytest.raises(TariffError) as caught:
        Tariff.parse(document)
    assert str(caught.value) == message


def test_what_is_left_out_has_its_default() -> None:
    assert Tariff.parse({"tiers": [{"rate": "1"}]}).document() == {
        "connect_fee": "0.00",
        "free_seconds": 0,
        "grace_seconds": 0,
        "tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 1}],
        "boundary": "ceil",
        "minimum_charge": "0.00",
        "max_cost": None,
        "at_max_cost": "free",
        "rounding": {"places": 2, "mode": "up"},
    }
    full = [{"rate": "1", "from_seconds": n, "increment_seconds": 0.001, "per_seconds": 0.001} for n in range(50)]
    assert len(Tariff.parse({"tiers": full, "max_cost": "3"}).tiers) == 50


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "terms: must be an object"),
        ({}, "share_percent: is required"),
        ({"share_percent": True}, "share_percent: must be a number of percent, such as 49"),
        ({"share_percent": "1e1"}, "share_percent: must be a number of percent, such as 49"),
        ({"share_percent": "4-9"}, "share_percent: must be a number of percent, such as 49"),
        ({"share_percent": "1" * 21}, "share_percent: must be a number of percent, such as 49"),
        ({"share_percent": -1}, "share_percent: must be from 0 to 100"),
        ({"share_percent": 100.5}, "share_percent: must be from 0 to 100"),
        ({"share_percent": "0.00001"}, "share_percent: must have at most 4 decimals"),
        (
            {"share_percent": 1, "fee_per_minute": "-1", "fee_per_session": 1, "x" * 90: 0},
            "; ".join(
                [
                    f"{'x' * 80}: is not a field of an advisor's terms",
                    "fee_per_minute: must not be negative",
                    'fee_per_session: must be a decimal string such as "8.75"',
                ]
            ),
        ),
    ],
)
def test_terms_that_make_no_sense(document: object, message: str) -> None:
    with pytest.raises(TermsError) as caught:
        Terms.parse(document)
    assert str(caught.value) == message


def test_terms_as_they_are_told() -> None:
    found = [Terms.parse({"share_percent": percent}) for percent in (0, "49.5", 100, 0.0001, "0" * 18 + "12")]
    assert [terms.share_ppm for terms in found] == [0, 495_000, 1_000_000, 1, 120_000]
    assert [terms.document()["share_percent"] for terms in found] == [0, 49.5, 100, 0.0001, 12]
    assert Terms.parse({"share_percent": 1, "fee_per_minute": "0.5", "fee_per_session": "2"}).document() == {
        "share_percent": 1,
        "fee_per_minute": "0.50",
        "fee_per_session": "2.00",
    }
