"""A node without workers for the proofs: what a test breaks stays broken until somebody repairs it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from talktime import Talktime
from tests.nodes import LONG_SECONDS, node_on

# A busy machine must not fail a test that is right.
settings.register_profile("patient", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("patient")


@pytest.fixture
async def visitor(database_url: str) -> AsyncIterator[Talktime]:
    """Commands and questions alone; leases outlast every test."""
    async with node_on(database_url, work=False, presence_lease_seconds=LONG_SECONDS) as talktime:
        yield talktime
