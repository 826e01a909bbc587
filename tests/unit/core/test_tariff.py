"""What time costs: published prices to the last digit, the inverse, the arithmetic shown, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from talktime.core.money import parse_credits
from talktime.core.price import begun_cost, elapsed_at_max_cost, explain, last_affordable, price
from talktime.core.tariff import Tariff, TariffError

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "vectors" / "prices.json").read_text("utf-8"))
CENTURY_MS = 100 * 365 * 86_400_000


def one_rate(rate: str, increment: int, **more: Any) -> Tariff:
    """A tariff with one rate a minute."""
    return Tariff.parse({"tiers": [{"rate": rate, "per_seconds": 60, "increment_seconds": increment}], **more})


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_published_prices(vector: dict[str, Any]) -> None:
    priced = price(Tariff.parse(vector["tariff"]), round(vector["seconds"] * 1000))
    if vector["cost"] is not None:
        assert priced.cost == parse_credits(vector["cost"])
    if vector["billed_seconds"] is not None:
        assert priced.billed_ms == vector["billed_seconds"] * 1000


@pytest.mark.parametrize(
    ("tariff", "elapsed", "cost"),
    [
        (one_rate("2.99", 60), 300, "14.95"),
        (one_rate("2.99", 60), 301, "17.94"),
        (one_rate("2.99", 60), 330, "17.94"),
        (one_rate("3.00", 60, boundary="begun"), 239, "12"),
        (one_rate("3.00", 60, boundary="begun"), 240, "15"),
        (one_rate("3.00", 60, boundary="begun"), 299, "15"),
        (one_rate("2", 60, minimum_charge="30"), 17 * 60, "34"),
        (one_rate("2", 60, minimum_charge="30"), 8 * 60, "30"),
        (
            Tariff.parse(
                {
                    "free_seconds": 650,
                    "tiers": [
                        {"rate": "0.03", "per_seconds": 1, "increment_seconds": 20},
                    ],
                }
            ),
            671,
            "1.20",
        ),
    ],
)
def test_real_bills(tariff: Tariff, elapsed: int, cost: str) -> None:
    assert price(tariff, elapsed * 1000).cost == parse_credits(cost)


def test_six_second_steps() -> None:
    assert price(one_rate("1", 6), 10_000).billed_ms == 12_000


def test_credit_lasts_to_the_published_second() -> None:
    tariff = Tariff.parse({"connect_fee": "1", "tiers": [{"rate": "1", "per_seconds": 1, "increment_seconds": 1}]})
    assert last_affordable(tariff, parse_credits("10000"), 0) == 9_999_000


@pytest.mark.parametrize(("boundary", "last"), [("ceil", 120_000), ("begun", 119_999)])
def test_two_minutes_for_two(boundary: str, last: int) -> None:
    assert last_affordable(one_rate("1.00", 60, boundary=boundary), parse_credits("2.00"), 0) == last


def test_free_time_first_costs_nothing_and_is_not_billed() -> None:
    tariff = one_rate("1.00", 60, free_seconds=180, connect_fee="5")
    assert price(tariff, 180_000).cost == 0
    assert price(tariff, 180_001) == price(one_rate("1.00", 60, connect_fee="5"), 1)
    assert price(tariff, 60_001, 60_000).cost == parse_credits("6.00")


def test_maximum_that_stops() -> None:
    assert elapsed_at_max_cost(one_rate("1", 60, max_cost="3", at_max_cost="stop"), 30_000) == 210_000
    assert elapsed_at_max_cost(one_rate("1", 60, max_cost="3"), 0) is None


def test_a_maximum_that_goes_on_stops_nothing() -> None:
    rounded = one_rate("1", 60, max_cost="0.005")  # it costs 0.01, more than the maximum
    assert elapsed_at_max_cost(rounded, 0) is None
    assert last_affordable(one_rate("1", 60, max_cost="2.00"), parse_credits("2.00"), 0) is None
    assert last_affordable(one_rate("1", 60, max_cost="2.00"), parse_credits("1.99"), 0) == 60_000


@pytest.mark.parametrize(("mode", "last"), [("down", 6), ("half_up", 3), ("up", 0)])
def test_the_rounding_lets_fractions_pass_to_the_last_one(mode: str, last: int) -> None:
    """Sevenths of a millionth: seven of them are one, four are rounded to one."""
    sevenths = {"rate": "0.000001", "per_seconds": 0.007, "increment_seconds": 0.001}
    found = last_affordable(Tariff.parse({"tiers": [sevenths], "rounding": {"places": 6, "mode": mode}}), 0, 0)
    assert found == last
    assert isinstance(found, int)


AMOUNTS = st.sampled_from(["0", "0.000001", "0.01", "0.333333", "1", "2.5", "7.77", "40"])
SECONDS = st.sampled_from([0, 0.001, 1, 3, 30, 60, 185.5])


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """Every kind of tariff that makes sense."""
    starts = [0, *sorted(draw(st.sets(st.integers(1, 400), max_size=3)))]
    return Tariff.parse(
        {
            "connect_fee": draw(AMOUNTS),
            "free_seconds": draw(SECONDS),
            "grace_seconds": draw(SECONDS),
            "tiers": [
                {
                    "from_seconds": start,
                    "rate": draw(AMOUNTS),
                    "per_seconds": draw(st.sampled_from([1, 7, 60, 3600])),
                    "increment_seconds": draw(st.sampled_from([0.001, 1, 6, 7, 60])),
                }
                for start in starts
            ],
            "boundary": draw(st.sampled_from(["ceil", "begun"])),
            "minimum_charge": draw(AMOUNTS),
            "max_cost": draw(st.none() | AMOUNTS),
            "at_max_cost": draw(st.sampled_from(["free", "stop"])),
            "rounding": {
                "places": draw(st.integers(0, 6)),
                "mode": draw(st.sampled_from(["up", "down", "half_up"])),
            },
        }
    )


TIMES = st.integers(0, 700_000) | st.integers(0, 12).map(lambda minute: minute * 60_000)
MONEY = AMOUNTS.map(parse_credits) | st.integers(0, 60_000_000)


@given(tariffs(), MONEY, st.sampled_from([0, 1, 60_000]))
def test_last_affordable_is_the_inverse_of_price(tariff: Tariff, amount: int, allowance: int) -> None:
    last = last_affordable(tariff, amount, allowance)
    if last is None:
        assert price(tariff, CENTURY_MS, allowance).cost <= amount
    else:
        assert price(tariff, last, allowance).cost <= amount < price(tariff, last + 1, allowance).cost


@given(tariffs(), MONEY, st.sampled_from([0, 1, 60_000]))
def test_without_grace_it_is_the_inverse_of_commitment(tariff: Tariff, amount: int, allowance: int) -> None:
    first = last_affordable(tariff, amount, allowance, grace=False)
    assume(first is not None)
    assert first is not None
    assert begun_cost(tariff, first - 1, allowance) <= amount < begun_cost(tariff, first, allowance)


@given(tariffs(), TIMES, TIMES)
def test_more_time_never_costs_less(tariff: Tariff, one: int, other: int) -> None:
    assert price(tariff, min(one, other)).cost <= price(tariff, max(one, other)).cost


@given(tariffs(), TIMES, st.sampled_from([0, 1, 60_000]))
def test_the_lines_add_up(tariff: Tariff, elapsed: int, allowance: int) -> None:
    lines = explain(tariff, elapsed, allowance)
    assert sum(line.amount for line in lines) == price(tariff, elapsed, allowance).cost


@given(tariffs())
def test_a_tariff_survives_its_document(tariff: Tariff) -> None:
    assert Tariff.parse(json.loads(json.dumps(tariff.document()))) == tariff


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        (None, {"tariff", "tiers"}),
        ({}, {"tiers"}),
        ({"tiers": []}, {"tiers"}),
        ({"tiers": [{"rate": "1"}] * 51}, {"tiers"}),
        ({"tiers": [{}]}, {"tiers[0].rate"}),
        ({"tiers": [{"rate": 1.5}]}, {"tiers[0].rate"}),
        ({"tiers": [{"rate": "-1"}]}, {"tiers[0].rate"}),
        ({"tiers": [{"rate": "1", "per_seconds": 0}]}, {"tiers[0].per_seconds"}),
        ({"tiers": [{"rate": "1", "increment_seconds": "0.0001"}]}, {"tiers[0].increment_seconds"}),
        ({"tiers": [{"rate": "1", "from_seconds": 5}]}, {"tiers[0].from_seconds"}),
        ({"tiers": [{"rate": "1"}, {"rate": "1"}]}, {"tiers[1].from_seconds"}),
        ({"tiers": [{"rate": "1"}], "boundary": "odd"}, {"boundary"}),
        ({"tiers": [{"rate": "1"}], "rounding": {"places": 7, "mode": "x"}}, {"rounding.places", "rounding.mode"}),
        ({"tiers": [{"rate": "1"}], "colour": "red"}, {"colour"}),
        ({"tiers": [{"rate": "1"}], "free_seconds": float("nan"), "max_cost": "1e3"}, {"free_seconds", "max_cost"}),
    ],
)
def test_errors_point_at_the_fields(document: object, fields: set[str]) -> None:
    with pytest.raises(TariffError) as caught:
        Tariff.parse(document)
    assert {path for path, _ in caught.value.errors} == fields
