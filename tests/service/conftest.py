"""A real service on a real database, on a free port, in the event loop of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from talktime.asgi import create_app
from talktime.demo.app import create_demo
from talktime.settings import Settings
from tests.databases import as_service
from tests.services import Service, running, settings_for


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings with the test clock, and without workers that change anything by themselves.

    The service runs as a role that may only read and write rows.
    """
    return settings_for(as_service(database_url), tmp_path, test_clock=True)


@pytest_asyncio.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    """A service as `talktime serve` runs it."""
    async with running(create_app, settings) as service:
        yield service


@pytest_asyncio.fixture
async def demo(settings: Settings) -> AsyncIterator[Service]:
    """A service as `talktime demo` runs it."""
    async with running(create_demo, settings) as service:
        yield service


@pytest.fixture
def start() -> Callable[..., AbstractAsyncContextManager[Service]]:
    """Starts a service with the settings that a test gives."""
    return running
