"""The scenarios of the number on the screen, each in every browser that it is meant for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.screen.conftest import FAILED_FIRST, SECONDS
from tests.screen.play import Outcome
from tests.screen.scenarios import clocks, failures, networks
from tests.screen.stage import SCENARIOS, Scenario

assert all((clocks, failures, networks))  # reading them fills the table


def _cases() -> Iterator[Any]:
    for scenario in sorted(SCENARIOS, key=lambda one: -one.seconds):
        for browser in scenario.browsers:
            yield pytest.param(browser, scenario, id=f"{browser}-{scenario.name}")


@pytest.mark.parametrize(("browser", "scenario"), list(_cases()))
def test_scenario(
    outcomes: dict[tuple[str, str], Outcome],
    browser: str,
    scenario: Scenario,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    """With `--full`, a scenario that failed beside others has failed. Otherwise the end of the report names it."""
    outcome = outcomes[browser, scenario.name]
    record_property(SECONDS, outcome.seconds)
    if outcome.failure is not None:
        raise outcome.failure
    if (first := outcome.failures[0]) is not None:
        if pytestconfig.getoption("--full"):
            raise first
        record_property(FAILED_FIRST, repr(first))


def test_no_scenario_is_missing_from_the_table() -> None:
    assert sorted(scenario.number for scenario in SCENARIOS) == list(range(1, 26))
