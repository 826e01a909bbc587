"""Both screens of a chat in a real Chromium, side by side, on a real service with a database of its own.

One conversation lasts five minutes of real time: it starts with the test run, goes on beside all other tests, and is
judged last.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from talktime.postgres.guardian import Guardian

from .long_session import LongSession
from .stage import Stage, on_stage

_figures = pytest.StashKey[list[str]]()
_long_session = pytest.StashKey[LongSession]()


@pytest.fixture
async def stage(database_url: str, tmp_path: Path, guardian: Guardian) -> AsyncIterator[Stage]:
    async with on_stage(database_url, tmp_path, guardian) as stage:
        yield stage


@pytest.fixture
async def another_stage(another_database_url: str, tmp_path: Path, guardian: Guardian) -> AsyncIterator[Stage]:
    """A second one that has nothing to do with the first."""
    folder = tmp_path / "another"
    folder.mkdir()
    async with on_stage(another_database_url, folder, guardian) as stage:
        yield stage


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Has a figure shown at the end of the test run."""
    figures = request.config.stash.setdefault(_figures, [])
    return lambda text: figures.append(f"{request.node.name}: {text}")


@pytest.fixture
def long_session(request: pytest.FixtureRequest) -> LongSession:
    """The conversation that began with the test run."""
    return request.config.stash[_long_session]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Shows the figures."""
    if figures := config.stash.get(_figures, []):
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever waits for the long session comes last."""
    items.sort(key=_waits_for_long_session)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begins it."""
    if any(map(_waits_for_long_session, session.items)) and not session.config.option.collectonly:
        session.config.stash[_long_session] = LongSession()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Ends it, if nobody waited for it."""
    if running := session.config.stash.get(_long_session, None):
        running.close()


def _waits_for_long_session(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "long_session" in item.fixturenames
