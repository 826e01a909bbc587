"""A node without workers for the proofs: what a test breaks stays broken until somebody repairs it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from talktime import Talktime
from talktime.settings import load_settings

# A busy machine must not fail a test that is right.
settings.register_profile("patient", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("patient")


@pytest.fixture
async def visitor(database_url: str) -> AsyncIterator[Talktime]:
    """Commands and questions alone; leases outlast every test."""
    quiet = load_settings(database_url=database_url, presence_lease_seconds=100_000)
    async with Talktime.connect(database_url, settings=quiet, work=False) as talktime:
        yield talktime
