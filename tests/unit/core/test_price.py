"""The price function and its inverse against an oracle that counts increments one by one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core.cuts import find_cuts
from talktime.core.payer import Payer
from talktime.core.price import begun_cost, elapsed_at_max_cost, last_affordable, price
from talktime.core.record import Record
from talktime.core.tariff import Tariff
from tests.unit import oracle
from tests.unit.tariffs import allowances, amounts, documents

FAR_MS: Final = 400
TEN_YEARS_MS: Final = 10 * 365 * 86_400_000

times = st.integers(0, 150)


@given(documents(), times, allowances)
def test_the_price_is_what_counting_increments_gives(document: dict[str, Any], elapsed: int, allowance: int) -> None:
    found = price(Tariff.parse(document), elapsed, allowance)
    assert found.cost == oracle.price(document, elapsed, allowance)
    assert found.billed_ms == oracle.billed(document, elapsed, allowance)


@given(documents(1000), st.integers(0, 100_000), allowances)
def test_so_it_is_on_the_scale_of_seconds(document: dict[str, Any], elapsed: int, units: int) -> None:
    assert price(Tariff.parse(document), elapsed, units * 1000).cost == oracle.price(document, elapsed, units * 1000)


@given(documents(), times, allowances)
def test_what_is_owed_is_the_price_one_millisecond_ahead(
    document: dict[str, Any], elapsed: int, allowance: int
) -> None:
    owed = begun_cost(Tariff.parse(document), elapsed, allowance)
    assert owed == oracle.commitment(document, elapsed, allowance)
    assert owed >= price(Tariff.parse(document), elapsed, allowance).cost


@given(documents(), times, allowances)
def test_time_never_makes_it_cheaper_and_free_time_never_dearer(
    document: dict[str, Any], elapsed: int, allowance: int
) -> None:
    tariff = Tariff.parse(document)
    now, later = price(tariff, elapsed, allowance), price(tariff, elapsed + 1, allowance)
    assert 0 <= now.cost <= later.cost
    assert 0 <= now.billed_ms <= later.billed_ms
    assert price(tariff, elapsed, allowance + 1).cost <= now.cost


@given(documents(costs=True), amounts, allowances)
def test_the_cut_is_the_last_affordable_millisecond(document: dict[str, Any], amount: int, allowance: int) -> None:
    cut = last_affordable(Tariff.parse(document), amount, allowance)
    assert cut is not None
    if cut < FAR_MS:
        assert oracle.price(document, cut, allowance) <= amount < oracle.price(document, cut + 1, allowance)
    else:
        assert oracle.price(document, FAR_MS, allowance) <= amount


@given(documents(), amounts, allowances)
def test_it_never_comes_only_where_time_stays_affordable(document: dict[str, Any], amount: int, allowance: int) -> None:
    cut = last_affordable(Tariff.parse(document), amount, allowance)
    dearest = oracle.price(document, FAR_MS, allowance)
    if cut is None:
        assert dearest <= amount
    elif cut < FAR_MS:
        assert dearest > amount


@given(documents(costs=True), amounts, allowances)
def test_what_is_owed_first_exceeds_the_amount_there(document: dict[str, Any], amount: int, allowance: int) -> None:
    first = last_affordable(Tariff.parse(document), amount, allowance, grace=False)
    assert first is not None
    if first < FAR_MS:
        assert oracle.commitment(document, first, allowance) > amount
        assert first == 0 or oracle.commitment(document, first - 1, allowance) <= amount


@given(documents(costs=True), allowances)
def test_a_maximum_stops_at_the_last_millisecond_within_it(document: dict[str, Any], allowance: int) -> None:
    stop = elapsed_at_max_cost(Tariff.parse(document), allowance)
    if document["max_cost"] is None:
        assert stop is None
    else:
        most = oracle.micros(document["max_cost"])
        assert stop is not None
        assert oracle.price(document, min(stop, FAR_MS), allowance) <= most
        assert stop >= FAR_MS or oracle.price(document, stop + 1, allowance) > most


@pytest.mark.parametrize("meters", [1, 3])
@pytest.mark.parametrize("boundary", ["ceil", "begun"])
def test_a_balance_for_ten_years_takes_no_more_steps_than_one_for_a_minute(meters: int, boundary: str) -> None:
    document = {
        "connect_fee": "0.40",
        "free_seconds": 30,
        "tiers": [{"rate": "0.60", "increment_seconds": 0.001}, {"rate": "0.30", "from_seconds": 20}],
        "boundary": boundary,
    }

    def steps(lasting_ms: int) -> int:
        """Lines run until it is known when a credit ends that lasts about so long."""
        tariff = Tariff.parse(document)
        credit = meters * price(tariff, 30_000 + lasting_ms).cost
        records = {
            name: Record(name, "user", name, name, tariff, 1, 0, 0, 0, running_since=0) for name in "abc"[:meters]
        }
        payer = Payer("user", credit, 0, records, {})
        return lines_run(lambda: find_cuts(payer))

    # The search over several meters halves a century, so it may take a step or two more or less.
    assert steps(TEN_YEARS_MS) <= 1.5 * steps(60_000)
    assert steps(TEN_YEARS_MS) < 1500 * meters**2


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python `work` runs: a measure that no busy machine disturbs."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
