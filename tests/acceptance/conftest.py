"""Both screens of a chat in a real Chromium, side by side, on a real service with a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path

import pytest

from talktime.postgres.guardian import Guardian

from .stage import Stage, on_stage


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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers: spreads these tests, which mostly wait, so that most of the time others run beside them."""
    if not hasattr(config, "workerinput"):
        return
    waiting = [item for item in items if Path(__file__).parent in item.path.parents]
    busy = [item for item in items if item not in waiting]
    # Only between modules: a module that is interrupted sets up its fixtures twice.
    modules = [list(group) for _, group in groupby(busy, key=lambda item: item.path)]
    items[:] = []
    given = passed = 0
    of = max(1, len(waiting))
    for module in modules:
        while given < of and passed / max(1, len(busy)) >= given / of:
            items.append(waiting[given])
            given += 1
        items += module
        passed += len(module)
    items += waiting[given:]
