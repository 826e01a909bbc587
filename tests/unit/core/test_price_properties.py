"""The price of time on random tariffs: against an oracle that counts every increment, and against its own inverse."""

from __future__ import annotations

from typing import Any, Final, get_args

from hypothesis import assume, given
from hypothesis import strategies as st

from talktime.core.money import parse_credits
from talktime.core.price import begun_cost, elapsed_at_max_cost, explain, first_unaffordable, last_affordable, price
from talktime.core.tariff import RoundingMode, Tariff
from tests.unit import oracle
from tests.unit.tariffs import allowances, amounts, documents

FAR_MS: Final = 400
CENTURY_MS: Final = 100 * 365 * 86_400_000

times = st.integers(0, 150)


@given(documents(), times, allowances)
def test_price_is_the_sum_of_the_increments(document: dict[str, Any], elapsed: int, allowance: int) -> None:
    found = price(Tariff.parse(document), elapsed, allowance)
    assert found.cost == oracle.price(document, elapsed, allowance)
    assert found.billed_ms == oracle.billed(document, elapsed, allowance)


@given(documents(1000), st.integers(0, 100_000), allowances)
def test_price_is_the_sum_of_increments_of_seconds(document: dict[str, Any], elapsed: int, allowance_s: int) -> None:
    cost = price(Tariff.parse(document), elapsed, allowance_s * 1000).cost
    assert cost == oracle.price(document, elapsed, allowance_s * 1000)


@given(documents(), times, allowances)
def test_begun_cost_is_the_price_one_millisecond_ahead(document: dict[str, Any], elapsed: int, allowance: int) -> None:
    begun = begun_cost(Tariff.parse(document), elapsed, allowance)
    assert begun == oracle.begun_cost(document, elapsed, allowance)
    assert begun >= price(Tariff.parse(document), elapsed, allowance).cost


@given(documents(), times, allowances)
def test_more_time_never_costs_less_and_more_free_time_never_costs_more(
    document: dict[str, Any], elapsed: int, allowance: int
) -> None:
    tariff = Tariff.parse(document)
    now, later = price(tariff, elapsed, allowance), price(tariff, elapsed + 1, allowance)
    assert 0 <= now.cost <= later.cost
    assert 0 <= now.billed_ms <= later.billed_ms
    assert price(tariff, elapsed, allowance + 1).cost <= now.cost


@given(documents(costs=True), amounts, allowances)
def test_last_affordable_agrees_with_the_oracle(document: dict[str, Any], amount: int, allowance: int) -> None:
    last = last_affordable(Tariff.parse(document), amount, allowance)
    assert last is not None
    if last < FAR_MS:
        assert oracle.price(document, last, allowance) <= amount < oracle.price(document, last + 1, allowance)
    else:
        assert oracle.price(document, FAR_MS, allowance) <= amount


@given(documents(), amounts, allowances)
def test_last_affordable_is_none_only_if_time_stays_affordable(
    document: dict[str, Any], amount: int, allowance: int
) -> None:
    last = last_affordable(Tariff.parse(document), amount, allowance)
    cost_of_long_time = oracle.price(document, FAR_MS, allowance)
    if last is None:
        assert cost_of_long_time <= amount
    elif last < FAR_MS:
        assert cost_of_long_time > amount


@given(documents(costs=True), amounts, allowances)
def test_first_unaffordable_is_the_first_instant_whose_begun_cost_exceeds_the_amount(
    document: dict[str, Any], amount: int, allowance: int
) -> None:
    first = first_unaffordable(Tariff.parse(document), amount, allowance)
    assert first is not None
    if first < FAR_MS:
        assert oracle.begun_cost(document, first, allowance) > amount
        assert first == 0 or oracle.begun_cost(document, first - 1, allowance) <= amount


@given(documents(costs=True), allowances)
def test_a_maximum_with_stop_ends_the_record_at_the_last_millisecond_within_the_maximum(
    document: dict[str, Any], allowance: int
) -> None:
    stop = elapsed_at_max_cost(Tariff.parse(document), allowance)
    if document["max_cost"] is None:
        assert stop is None
    else:
        maximum = oracle.micros(document["max_cost"])
        assert stop is not None
        assert oracle.price(document, min(stop, FAR_MS), allowance) <= maximum
        assert stop >= FAR_MS or oracle.price(document, stop + 1, allowance) > maximum


AMOUNTS = st.sampled_from(["0", "0.000001", "0.01", "0.333333", "1", "2.5", "7.77", "40"])
SECONDS = st.sampled_from([0, 0.001, 1, 3, 30, 60, 185.5])


@st.composite
def long_tariffs(draw: st.DrawFn) -> Tariff:
    """Every kind of tariff, with times up to hours, which are too long for the oracle."""
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
                "mode": draw(st.sampled_from(get_args(RoundingMode))),
            },
        }
    )


LONG_TIMES = st.integers(0, 700_000) | st.integers(0, 12).map(lambda minute: minute * 60_000)
LONG_ALLOWANCES = st.sampled_from([0, 1, 60_000])
CREDIT = AMOUNTS.map(parse_credits) | st.integers(0, 60_000_000)


@given(long_tariffs(), CREDIT, LONG_ALLOWANCES)
def test_last_affordable_is_the_inverse_of_price(tariff: Tariff, amount: int, allowance: int) -> None:
    last = last_affordable(tariff, amount, allowance)
    if last is None:
        assert price(tariff, CENTURY_MS, allowance).cost <= amount
    else:
        assert price(tariff, last, allowance).cost <= amount < price(tariff, last + 1, allowance).cost


@given(long_tariffs(), CREDIT, LONG_ALLOWANCES)
def test_first_unaffordable_is_the_inverse_of_begun_cost(tariff: Tariff, amount: int, allowance: int) -> None:
    first = first_unaffordable(tariff, amount, allowance)
    assume(first is not None)
    assert first is not None
    assert begun_cost(tariff, first - 1, allowance) <= amount < begun_cost(tariff, first, allowance)


@given(long_tariffs(), LONG_TIMES, LONG_TIMES)
def test_more_time_never_costs_less(tariff: Tariff, one: int, other: int) -> None:
    assert price(tariff, min(one, other)).cost <= price(tariff, max(one, other)).cost


@given(long_tariffs(), LONG_TIMES, LONG_ALLOWANCES)
def test_the_lines_add_up_to_the_cost(tariff: Tariff, elapsed: int, allowance: int) -> None:
    lines = explain(tariff, elapsed, allowance)
    assert sum(line.amount for line in lines) == price(tariff, elapsed, allowance).cost
