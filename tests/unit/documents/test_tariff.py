"""The schemas of tariffs and terms describe what `Tariff` and `Terms` read and write."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from talktime.core.tariff import TIERS_MAX, Tariff, TariffError
from talktime.core.terms import Terms, TermsError
from talktime.documents.tariff import TARIFF_SCHEMAS
from tests.unit.tariffs import documents as tariff_documents

TARIFF = {
    "connect_fee": "0.40",
    "free_seconds": 60,
    "grace_seconds": "2.5",
    "tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60}],
    "boundary": "begun",
    "minimum_charge": "0.50",
    "max_cost": "12.00",
    "at_max_cost": "stop",
    "rounding": {"places": 4, "mode": "half_up"},
}
TERMS = {"share_percent": 49.25, "fee_per_minute": "0.10", "fee_per_session": "0.05"}


def schema(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**TARIFF_SCHEMAS[name], "components": {"schemas": TARIFF_SCHEMAS}})


def is_tariff(document: Any) -> bool:
    try:
        Tariff.parse(document)
    except TariffError:
        return False
    return True


def is_terms(document: Any) -> bool:
    try:
        Terms.parse(document)
    except TermsError:
        return False
    return True


@given(tariff_documents())
def test_a_tariff_is_answered_as_its_schema_says(document: dict[str, Any]) -> None:
    schema("TariffInput").validate(document)
    schema("Tariff").validate(Tariff.parse(document).document())


@pytest.mark.parametrize("path", ["", "tiers.0", "rounding"])
def test_each_field_of_a_tariff_is_in_both_schemas(path: str) -> None:
    part: Any = TARIFF
    for step in path.split(".") if path else []:
        part = part[int(step)] if step.isdigit() else part[step]
    name = {"": "Tariff", "tiers.0": "Tier", "rounding": "Rounding"}[path]
    assert set(TARIFF_SCHEMAS[name]["properties"]) == set(TARIFF_SCHEMAS[f"{name}Input"]["properties"]) == set(part)
    assert not schema(f"{name}Input").is_valid({**part, "another": 1})


def test_a_field_that_is_left_out_has_the_default_of_the_schema() -> None:
    written = Tariff.parse({"tiers": [{"rate": "1"}]}).document()
    for name, field in TARIFF_SCHEMAS["TariffInput"]["properties"].items():
        if "default" in field:
            assert Tariff.parse({"tiers": [{"rate": "1"}], name: field["default"]}).document() == written, name
    tier = {
        name: field["default"] for name, field in TARIFF_SCHEMAS["TierInput"]["properties"].items() if name != "rate"
    }
    assert Tariff.parse({"tiers": [{"rate": "1", **tier}]}).document() == written


def test_only_tiers_and_their_rate_are_required() -> None:
    required = {name: TARIFF_SCHEMAS[f"{name}Input"]["required"] for name in ("Tariff", "Tier", "Rounding", "Terms")}
    assert required == {"Tariff": ["tiers"], "Tier": ["rate"], "Rounding": [], "Terms": ["share_percent"]}
    assert not is_tariff({**TARIFF, "tiers": [{}]})
    assert not is_tariff({})


@pytest.mark.parametrize(("path", "name", "field"), [("", "Tariff", "boundary"), ("", "Tariff", "at_max_cost")])
def test_a_choice_has_the_values_of_the_schema(path: str, name: str, field: str) -> None:
    values = TARIFF_SCHEMAS[name]["properties"][field]["enum"]
    assert [value for value in [*values, "another"] if is_tariff({**TARIFF, field: value})] == values


def test_the_rounding_has_the_values_of_the_schema() -> None:
    fields = TARIFF_SCHEMAS["RoundingInput"]["properties"]
    for mode in fields["mode"]["enum"]:
        assert is_tariff({**TARIFF, "rounding": {"mode": mode}})
    places = range(fields["places"]["minimum"], fields["places"]["maximum"] + 1)
    assert [n for n in range(-1, 10) if is_tariff({**TARIFF, "rounding": {"places": n}})] == list(places)


@pytest.mark.parametrize("count", [0, 1, TIERS_MAX, TIERS_MAX + 1])
def test_there_are_as_many_tiers_as_the_schema_says(count: int) -> None:
    document = {"tiers": [{"from_seconds": n, "rate": "1"} for n in range(count)]}
    assert schema("TariffInput").is_valid(document) == is_tariff(document) == (0 < count <= TIERS_MAX)


@pytest.mark.parametrize(
    "percent", [0, 49, 49.25, 49.2525, 100, "49.25", "100", "100.0", -1, 100.5, "-1", "101", "a lot", None, True]
)
def test_a_share_is_taken_where_the_schema_says_so(percent: Any) -> None:
    document = {**TERMS, "share_percent": percent}
    assert schema("TermsInput").is_valid(document) == is_terms(document), percent
    if is_terms(document):
        schema("Terms").validate(Terms.parse(document).document())
