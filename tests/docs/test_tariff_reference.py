"""The reference of the tariff: the price function gives its prices; the code has its fields and bounds."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from talktime.core.durations import parse_seconds
from talktime.core.money import format_credits
from talktime.core.price import elapsed_at_max_cost, price
from talktime.core.tariff import Tariff, TariffError

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "tariff.md").read_text(encoding="utf-8")
PRICED = re.findall(
    r"^```json\n([^`]+)```\n\n\| seconds \| cost \| billed seconds \|\n\|[-: |]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE
)
FIELDS = {
    re.findall(r"`([^`]+)`", cells[0])[0]: dict(zip(("type", "default", "least", "most"), cells[1:], strict=True))
    for line in TEXT.splitlines()
    if line.startswith("| [`") and len(cells := [cell.strip() for cell in line.split("|")[1:-1]]) == 5
}
BOUNDED = {path: field for path, field in FIELDS.items() if field["least"].startswith("`")}


def tariff(path: str, value: Any) -> Any:
    """A short tariff with one field of this value."""
    document: dict[str, Any] = {"tiers": [{"rate": "1.00"}]}
    if path.startswith("tiers[]."):
        # The first tier begins at 0, so another one is needed to try where a tier begins.
        if path == "tiers[].from_seconds" and value != 0:
            document["tiers"].append({"rate": "1.00"})
        document["tiers"][-1][path.removeprefix("tiers[].")] = value
    elif path.startswith("rounding."):
        document["rounding"] = {path.removeprefix("rounding."): value}
    else:
        document[path] = value
    return document


def json_in(cell: str) -> Any:
    return json.loads(cell.strip("`"))


def beyond(value: Any, by: str) -> Any:
    """The value a little above or below, in the same JSON type."""
    moved = Decimal(str(value)) + Decimal(by)
    return str(moved) if isinstance(value, str) else int(moved) if moved == int(moved) else float(moved)


def test_every_price_is_what_the_price_function_gives() -> None:
    assert len(PRICED) == TEXT.count("```json")
    for document, table in PRICED:
        parsed = Tariff.parse(json.loads(document))
        rows = re.findall(r"^\| ([\d.]+) \| ([\d.]+) \| (\d+) \|$", table, re.MULTILINE)
        assert len(rows) == table.count("\n")
        for elapsed, cost, billed in rows:
            found = price(parsed, parse_seconds(elapsed))
            assert (format_credits(found.cost), found.billed_ms) == (cost, int(billed) * 1000), (document, elapsed)


def test_the_end_at_a_maximum_is_where_the_page_says() -> None:
    document = next(document for document, _ in PRICED if '"stop"' in document)
    (stated,) = re.findall(r"for this tariff that is at ([\d.]+) seconds", TEXT)
    assert elapsed_at_max_cost(Tariff.parse(json.loads(document)), 0) == parse_seconds(stated)


def test_every_field_is_listed_and_has_an_example() -> None:
    whole = Tariff.parse({"tiers": [{"rate": "1.00"}]}).document()
    paths = [path for path in whole if path != "rounding"]
    paths += [f"tiers[].{name}" for name in whole["tiers"][0]] + [f"rounding.{name}" for name in whole["rounding"]]
    assert sorted(FIELDS) == sorted(paths)
    for path in paths:
        name = re.split(r"[.\]]+", path)[-1]
        assert any(f'"{name}"' in document for document, _ in PRICED), path


def test_the_defaults_are_those_of_the_code() -> None:
    whole = Tariff.parse({"tiers": [{"rate": "1.00"}]}).document()
    for path, field in FIELDS.items():
        if field["default"] == "required":
            continue
        part, _, name = path.rpartition(".")
        given = {"": whole, "tiers[]": whole["tiers"][0], "rounding": whole["rounding"]}[part]
        assert given[name] == json_in(field["default"]), path


def test_what_is_required_is_required() -> None:
    assert {path for path, field in FIELDS.items() if field["default"] == "required"} == {"tiers", "tiers[].rate"}
    documents: list[dict[str, Any]] = [{}, {"tiers": [{}]}]
    for document in documents:
        with pytest.raises(TariffError, match=r"is required|at least one tier"):
            Tariff.parse(document)


@pytest.mark.parametrize("path", BOUNDED)
def test_the_bounds_are_those_of_the_code(path: str) -> None:
    least, most = json_in(BOUNDED[path]["least"]), json_in(BOUNDED[path]["most"])
    step = {"credits": "0.000001", "credits or null": "0.000001", "seconds": "0.001", "whole number": "1"}
    for value, by in ((least, "-" + step[BOUNDED[path]["type"]]), (most, step[BOUNDED[path]["type"]])):
        Tariff.parse(tariff(path, value))
        with pytest.raises(TariffError, match=path.rpartition(".")[2]):
            Tariff.parse(tariff(path, beyond(value, by)))


def test_the_number_of_tiers_is_bounded_as_the_page_says() -> None:
    least, most = (int(FIELDS["tiers"][bound].split()[0]) for bound in ("least", "most"))
    for count, is_allowed in ((least - 1, False), (least, True), (most, True), (most + 1, False)):
        document = {"tiers": [{"from_seconds": number, "rate": "1.00"} for number in range(count)]}
        if is_allowed:
            Tariff.parse(document)
        else:
            with pytest.raises(TariffError):
                Tariff.parse(document)


@pytest.mark.parametrize("path", [path for path, field in FIELDS.items() if '"' in field["type"]])
def test_the_choices_are_those_of_the_code(path: str) -> None:
    choices = re.findall(r'`"(\w+)"`', FIELDS[path]["type"])
    for choice in choices:
        Tariff.parse(tariff(path, choice))
    with pytest.raises(TariffError) as refused:
        Tariff.parse(tariff(path, "no such choice"))
    assert re.findall(r"\w+", str(refused.value).partition("must be one of:")[2]) == choices


@pytest.mark.parametrize("value", [1.5, 1, "1.0000001"])
def test_credits_are_text_of_at_most_six_places(value: object) -> None:
    with pytest.raises(TariffError):
        Tariff.parse(tariff("tiers[].rate", value))


def test_seconds_have_at_most_three_decimals() -> None:
    for value in (1.125, "1.125"):
        Tariff.parse(tariff("free_seconds", value))
    with pytest.raises(TariffError):
        Tariff.parse(tariff("free_seconds", "1.1255"))


def test_every_error_is_answered_at_once_with_the_path_of_its_field() -> None:
    with pytest.raises(TariffError) as refused:
        Tariff.parse({"tiers": [{"rate": "1"}, {"from_seconds": 5, "rate": "-1"}], "surprise": 1, "boundary": 2})
    assert [path for path, _ in refused.value.errors] == ["surprise", "tiers[1].rate", "boundary"]


def test_a_minimum_above_the_maximum_wins() -> None:
    both = Tariff.parse({"tiers": [{"rate": "1.00"}], "max_cost": "1.00", "minimum_charge": "2.00"})
    assert format_credits(price(both, 600_000).cost) == "2.00"
