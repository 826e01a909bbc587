"""The price of time in examples: published prices to the last digit, and the lines of a receipt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from talktime.core.money import format_credits, parse_credits
from talktime.core.price import elapsed_at_max_cost, explain, last_affordable, price, rate_text
from talktime.core.tariff import Tariff
from tests.unit.builders import minute_tariff

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "vectors" / "prices.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_published_prices(vector: dict[str, Any]) -> None:
    priced = price(Tariff.parse(vector["tariff"]), round(vector["seconds"] * 1000))
    if vector["cost"] is not None:
        assert priced.cost == parse_credits(vector["cost"])
    if vector["billed_seconds"] is not None:
        assert priced.billed_ms == vector["billed_seconds"] * 1000


TWENTY_SECONDS = {"free_seconds": 650, "tiers": [{"rate": "0.03", "per_seconds": 1, "increment_seconds": 20}]}


@pytest.mark.parametrize(
    ("tariff", "elapsed_seconds", "cost"),
    [
        (minute_tariff("2.99"), 300, "14.95"),
        (minute_tariff("2.99"), 301, "17.94"),
        (minute_tariff("2.99"), 330, "17.94"),
        (minute_tariff("3.00", boundary="begun"), 239, "12"),
        (minute_tariff("3.00", boundary="begun"), 240, "15"),
        (minute_tariff("3.00", boundary="begun"), 299, "15"),
        (minute_tariff("2", minimum_charge="30"), 17 * 60, "34"),
        (minute_tariff("2", minimum_charge="30"), 8 * 60, "30"),
        (Tariff.parse(TWENTY_SECONDS), 671, "1.20"),
    ],
)
def test_real_bills(tariff: Tariff, elapsed_seconds: int, cost: str) -> None:
    assert price(tariff, elapsed_seconds * 1000).cost == parse_credits(cost)


def test_billed_time_is_whole_increments_of_six_seconds() -> None:
    assert price(minute_tariff("1", 6), 10_000).billed_ms == 12_000


def test_free_time_costs_nothing_and_is_not_billed() -> None:
    tariff = minute_tariff(free_seconds=180, connect_fee="5")
    assert price(tariff, 180_000).cost == 0
    assert price(tariff, 180_001) == price(minute_tariff(connect_fee="5"), 1)
    assert price(tariff, 60_001, 60_000).cost == parse_credits("6.00")


def test_credit_lasts_to_the_published_second() -> None:
    tariff = Tariff.parse({"connect_fee": "1", "tiers": [{"rate": "1", "per_seconds": 1, "increment_seconds": 1}]})
    assert last_affordable(tariff, parse_credits("10000"), 0) == 9_999_000


@pytest.mark.parametrize(("boundary", "last_ms"), [("ceil", 120_000), ("begun", 119_999)])
def test_two_credits_last_two_minutes(boundary: str, last_ms: int) -> None:
    assert last_affordable(minute_tariff(boundary=boundary), parse_credits("2.00"), 0) == last_ms


@pytest.mark.parametrize(("mode", "last_ms"), [("down", 6), ("half_up", 3), ("up", 0)])
def test_the_rounding_decides_which_fraction_is_still_affordable(mode: str, last_ms: int) -> None:
    """Each increment costs a seventh of a micro-credit: seven of them cost 1, and four are rounded to 1."""
    sevenths = {"rate": "0.000001", "per_seconds": 0.007, "increment_seconds": 0.001}
    last = last_affordable(Tariff.parse({"tiers": [sevenths], "rounding": {"places": 6, "mode": mode}}), 0, 0)
    assert last == last_ms
    assert isinstance(last, int)


def test_a_maximum_with_stop_ends_the_record_after_free_time_and_paid_time() -> None:
    assert elapsed_at_max_cost(minute_tariff("1", max_cost="3", at_max_cost="stop"), 30_000) == 210_000
    assert elapsed_at_max_cost(minute_tariff("1", max_cost="3"), 0) is None


def test_a_maximum_with_free_ends_no_record() -> None:
    assert elapsed_at_max_cost(minute_tariff("1", max_cost="0.005"), 0) is None  # 0.01 after rounding: over the maximum
    assert last_affordable(minute_tariff(max_cost="2.00"), parse_credits("2.00"), 0) is None
    assert last_affordable(minute_tariff(max_cost="2.00"), parse_credits("1.99"), 0) == 60_000


TIERS = [
    {"from_seconds": 0, "rate": "0.20", "per_seconds": 60, "increment_seconds": 60},
    {"from_seconds": 90, "rate": "0.10", "per_seconds": 30, "increment_seconds": 7},
    {"from_seconds": 200, "rate": "1.00", "per_seconds": 3600, "increment_seconds": 0.5},
]


def lines(elapsed_ms: int, allowance_ms: int = 0, **fields: Any) -> list[tuple[str, str]]:
    """The lines of a receipt, with three tiers unless other fields are given."""
    tariff = Tariff.parse({"tiers": TIERS, "rounding": {"places": 6, "mode": "half_up"}, **fields})
    return [(line.text, format_credits(line.amount)) for line in explain(tariff, elapsed_ms, allowance_ms)]


def test_each_tier_that_was_used_has_a_line() -> None:
    assert lines(0) == []
    assert lines(1) == [("1 minute at 0.20 a minute", "0.20")]
    assert lines(150_001, connect_fee="0.30") == [
        ("to connect", "0.30"),
        # The second minute ends after the tier.
        ("2 minutes at 0.20 a minute", "0.40"),
        ("5 times 7 seconds at 0.10 per 30 seconds", "0.116666"),
        ("rounded to the nearest, halves up, to 6 places", "0.000001"),
    ]
    assert lines(210_000)[1:3] == [
        ("12 times 7 seconds at 0.10 per 30 seconds", "0.28"),
        ("12 times 0.5 seconds at 1.00 an hour", "0.001666"),
    ]


def test_a_tier_that_an_earlier_increment_covers_has_no_line() -> None:
    tiers = [
        {"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60},
        {"from_seconds": 30, "rate": "5.00", "per_seconds": 60},
        {"from_seconds": 60, "rate": "2.00", "per_seconds": 60, "increment_seconds": 60},
    ]
    assert [amount for _, amount in lines(60_000, tiers=tiers)] == ["1.00"]
    assert [amount for _, amount in lines(60_001, tiers=tiers)] == ["1.00", "2.00"]
    assert [amount for _, amount in lines(120_000)] == ["0.40"]  # the second tier begins after this millisecond


def test_free_time_and_grace_have_lines() -> None:
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


def test_maximum_and_minimum_have_lines_if_they_change_the_cost() -> None:
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
    ("mode", "words", "amount"),
    [("up", "up", "0.08"), ("down", "down", "-0.02"), ("half_up", "to the nearest, halves up,", "-0.02")],
)
def test_the_rounding_is_the_last_line(mode: str, words: str, amount: str) -> None:
    shown = lines(121_000, rounding={"places": 1, "mode": mode}, connect_fee="0.02", tiers=TIERS[:1])
    assert shown[-1] == (f"rounded {words} to 1 place", amount)


def test_a_rate_in_words() -> None:
    assert [rate_text(1_250_000, per_ms) for per_ms in (1_000, 60_000, 3_600_000, 30_000)] == [
        *("1.25 a second", "1.25 a minute", "1.25 an hour", "1.25 per 30 seconds"),
    ]
