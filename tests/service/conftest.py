"""A real service on a real database, on a free port, in the test's own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from talktime.asgi import create_app
from talktime.demo.app import create_demo
from talktime.settings import Settings
from tests.services import Service, running, settings_for


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """With the test clock, and nothing but the test changing anything."""
    return settings_for(database_url, tmp_path, test_clock=True, checkpoint_seconds=0)


@pytest_asyncio.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    """The service, as `talktime serve` runs it."""
    async with running(create_app, settings) as service:
        yield service


@pytest_asyncio.fixture
async def demo(settings: Settings) -> AsyncIterator[Service]:
    """The service, as `talktime demo` runs it."""
    async with running(create_demo, settings) as service:
        yield service


@pytest.fixture
def start() -> Callable[..., AbstractAsyncContextManager[Service]]:
    """Starts a service with settings of the test's own."""
    return running
