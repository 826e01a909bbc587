"""Both screens of a chat in a real Chromium, side by side, on a real service with a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from itertools import groupby
from pathlib import Path

import pytest

from talktime.postgres.guardian import Guardian

from .stage import Stage, on_stage

_FIGURE = "figure"


@pytest.fixture
async def stage(database_url: str, tmp_path: Path, guardian: Guardian) -> AsyncIterator[Stage]:
    async with on_stage(database_url, tmp_path, guardian) as stage:
        yield stage


@pytest.fixture
async def another_stage(another_database_url: str, tmp_path: Path, guardian: Guardian) -> AsyncIterator[Stage]:
    """A second stage, with another service and another database."""
    folder = tmp_path / "another"
    folder.mkdir()
    async with on_stage(another_database_url, folder, guardian) as stage:
        yield stage


@pytest.fixture
async def stage_without_database(data_dir: Path, guardian: Guardian) -> AsyncIterator[Stage]:
    """A stage whose service starts its own database."""
    async with on_stage(None, data_dir, guardian) as stage:
        yield stage


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Adds a figure to the end of the report."""
    return lambda text: record_property(_FIGURE, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows the figures, such as how far screens and server were apart."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    figures = [
        f"{report.nodeid.rpartition('::')[2]}: {text}"
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, text in report.user_properties
        if name == _FIGURE
    ]
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers: starts the longest of these tests first, and spreads the others, which mostly wait."""
    if not hasattr(config, "workerinput"):
        return
    waiting = [item for item in items if Path(__file__).parent in item.path.parents]
    waiting.sort(key=lambda item: "five_minutes" not in item.name)
    busy = [item for item in items if item not in waiting]
    # Only between modules: a module that is interrupted sets up its fixtures twice.
    modules = [list(group) for _, group in groupby(busy, key=lambda item: item.path)]
    items[:] = waiting[:1]
    given, of = 1, max(1, len(waiting))
    passed = 0
    for module in modules:
        while given < of and passed / max(1, len(busy)) >= given / of:
            items.append(waiting[given])
            given += 1
        items += module
        passed += len(module)
    items += waiting[given:]
