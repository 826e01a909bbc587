"""Each browser plays all its scenarios at once, on one theatre; the tests then ask each scenario how it went."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.screen.stage import Scenario, Stage, launch
from tests.screen.theatre import Theatre, theatre

AT_ONCE = 8
"""More browsers' windows than two processors can paint in time would be a test of the machine."""

PLAY_SECONDS_MAX = {True: 900, False: 150}

SETTINGS: dict[str, dict[str, Any]] = {
    "usual": {},
    "patient": {"presence_lease_seconds": 300},
    "brief": {"presence_lease_seconds": 6},
}


Outcomes = dict[str, list[BaseException | None]]


@pytest.fixture(scope="session")
def databases(server: Any) -> Iterator[dict[str, str]]:
    """A database for each kind of service."""
    for kind in SETTINGS:
        server.execute(f"create database screen_{kind} template talktime")
    yield {kind: server.database(f"screen_{kind}") for kind in SETTINGS}
    for kind in SETTINGS:
        server.execute(f"drop database screen_{kind} with (force)")


@pytest.fixture(scope="session")
def played() -> dict[str, Outcomes]:
    """What each browser has played. A fixture with parameters is made anew whenever pytest changes between them."""
    return {}


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest, databases: dict[str, str], played: dict[str, Outcomes]) -> Outcomes:
    """What became of every scenario that was asked for, at each try, in the browser of the parameter."""
    browser: str = request.param
    if browser in played:
        return played[browser]
    cases = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = [case["scenario"] for case in cases if case.get("outcomes") == browser]
    full = request.config.getoption("--full")
    with ThreadPoolExecutor(1) as thread:
        played[browser] = thread.submit(asyncio.run, _play(browser, wanted, databases, full=full)).result()
    return played[browser]


async def _play(name: str, wanted: list[Scenario], databases: dict[str, str], *, full: bool) -> Outcomes:
    turn = asyncio.Semaphore(AT_ONCE)
    with tempfile.TemporaryDirectory(prefix="talktime-screens-") as folder:
        async with theatre(databases, Path(folder), SETTINGS) as open_theatre, launch(name) as browser:

            async def play(scenario: Scenario) -> BaseException | None:
                async with turn, AsyncExitStack() as own:
                    mine = Theatre(open_theatre.site, open_theatre.services, own, open_theatre.numbers)
                    try:
                        async with asyncio.timeout(PLAY_SECONDS_MAX[full]):
                            await scenario.play(Stage(mine, browser, full, own))
                    except Exception as error:  # noqa: BLE001  its own test raises it
                        return error
                return None

            tries = {
                scenario: [outcome]
                for scenario, outcome in zip(wanted, await asyncio.gather(*map(play, wanted)), strict=True)
            }
            # What fails beside seven others is played once more with nothing beside it: a mistake fails alone, too.
            # Both are told: one that often fails beside others is a test of the machine, or of a race.
            for scenario, outcomes in tries.items():
                if outcomes[0] is not None:
                    outcomes.append(await play(scenario))
    return {scenario.name: outcomes for scenario, outcomes in tries.items()}
