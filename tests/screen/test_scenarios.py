"""The scenarios of the number on the screen, each in the browsers it concerns."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.screen.scenarios import clocks, failures, networks
from tests.screen.stage import BROWSERS, SCENARIOS, Scenario

assert all((clocks, failures, networks))  # reading them fills the table


def _cases() -> Iterator[Any]:
    for browser in BROWSERS.values():
        for scenario in sorted(SCENARIOS, key=lambda one: one.number):
            if browser in scenario.browsers:
                marks = [pytest.mark.long] if scenario.long else []
                yield pytest.param(browser, scenario, id=f"{browser}-{scenario.name}", marks=marks)


@pytest.mark.parametrize(("outcomes", "scenario"), list(_cases()), indirect=["outcomes"], scope="session")
def test_scenario(outcomes: dict[str, list[BaseException | None]], scenario: Scenario) -> None:
    *beside_others, outcome = outcomes[scenario.name]
    for failure in beside_others:
        warnings.warn(f"{scenario.name} failed beside others: {failure!r}", stacklevel=1)
    if outcome is not None:
        raise outcome


def test_the_table_is_whole() -> None:
    assert sorted(scenario.number for scenario in SCENARIOS) == list(range(1, 26))
