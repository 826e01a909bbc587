"""Tariffs as documents: defaults, mistakes, and the runs that the tiers give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core.tariff import Run, Tariff, TariffError, Tier
from tests.unit.tariffs import documents


def test_a_field_that_is_left_out_has_its_default() -> None:
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


def test_a_tariff_may_have_fifty_tiers() -> None:
    full = [{"rate": "1", "from_seconds": n, "increment_seconds": 0.001, "per_seconds": 0.001} for n in range(50)]
    assert len(Tariff.parse({"tiers": full, "max_cost": "3"}).tiers) == 50


@given(st.one_of(documents(), documents(1_000), documents(60_000)))
def test_the_document_of_a_tariff_gives_the_same_tariff(document: dict[str, Any]) -> None:
    tariff = Tariff.parse(document)
    assert Tariff.parse(json.loads(json.dumps(tariff.document()))) == tariff


def test_the_runs_are_the_increments_where_they_lie() -> None:
    minutes, seconds = Tier(0, 1_000_000, 60_000, 60_000), Tier(90_000, 500_000, 30_000, 1_000)
    tariff = Tariff((minutes, seconds), connect_fee=400_000)
    assert tariff.scale == 60_000
    # The second minute reaches beyond 90 seconds, so the seconds begin after it.
    assert tariff.runs == (
        Run(0, 60_000, 60_000 * 1_000_000, 2, 60_000 * 400_000, minutes),
        Run(120_000, 1_000, 1_000 * 2 * 500_000, None, 60_000 * 2_400_000, seconds),
    )


def test_a_tier_that_an_earlier_increment_covers_has_no_run() -> None:
    minutes, covered, later = Tier(0, 1, 60_000, 60_000), Tier(30_000, 5), Tier(60_000, 2)
    assert [run.tier for run in Tariff((minutes, covered, later)).runs] == [minutes, later]


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
def test_each_mistake_names_its_field(document: object, fields: set[str]) -> None:
    with pytest.raises(TariffError) as caught:
        Tariff.parse(document)
    assert {path for path, _ in caught.value.errors} == fields


def test_all_mistakes_of_a_document_are_told_at_once() -> None:
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
def test_a_document_that_is_no_tariff_is_refused_in_words_for_its_author(document: object, message: str) -> None:
    with pytest.raises(TariffError) as caught:
        Tariff.parse(document)
    assert str(caught.value) == message
