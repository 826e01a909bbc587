"""All scenarios are played before the test of the first one; the test of each scenario then reports its outcome."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from _pytest.capture import CaptureManager

from tests.screen.play import SETTINGS, Outcome, play

FAILED_FIRST = "failed beside others, then passed"
SECONDS = "seconds played"


@pytest.fixture(scope="session")
def databases(server: Any) -> Iterator[dict[str, str]]:
    """A database for each kind of service."""
    yield {kind: server.create(f"screen_{kind}", template="talktime") for kind in SETTINGS}
    for kind in SETTINGS:
        server.drop(f"screen_{kind}")


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest, databases: dict[str, str]) -> dict[tuple[str, str], Outcome]:
    """The outcome of every scenario that pytest has selected, by browser and scenario."""
    asked = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    cases = [(params["browser"], params["scenario"]) for params in asked if "scenario" in params]
    full = request.config.getoption("--full")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert isinstance(capture, CaptureManager)

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, flush=True)  # noqa: T201  pytest's own report comes when all have been played

    with tempfile.TemporaryDirectory(prefix="talktime-screens-") as folder, ThreadPoolExecutor(1) as thread:
        playing = play(cases, databases, Path(folder), tell, full=full)
        return thread.submit(asyncio.run, playing).result()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Makes `--durations` show how long the scenario was played."""
    report = yield
    properties = dict(item.user_properties)
    if report.when == "call" and SECONDS in properties:
        report.duration = float(str(properties[SECONDS]))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the scenarios that failed beside others and passed when they were played again."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    told = [
        f"{report.nodeid.partition('[')[2].rstrip(']')}: {dict(report.user_properties)[FAILED_FIRST]}"
        for report in reports
        if isinstance(report, pytest.TestReport)
        and report.when == "call"
        and FAILED_FIRST in dict(report.user_properties)
    ]
    if told:
        terminalreporter.section("scenarios that failed beside others and passed when they were played again")
        for line in told:
            terminalreporter.line(line)
