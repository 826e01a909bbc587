"""A node with people on a database of its own."""

from collections.abc import AsyncIterator

import pytest

from talktime import Talktime, Tariff, parse_credits
from talktime.settings import load_settings


@pytest.fixture
async def talktime(database_url: str) -> AsyncIterator[Talktime]:
    """A node that does nothing by itself but deadlines: alice with 100 credits, maya at 0.60 a minute by the second."""
    quiet = load_settings(
        database_url=database_url, checkpoint_seconds=0, health_seconds=100_000, presence_lease_seconds=100_000
    )
    async with Talktime.connect(database_url, settings=quiet) as node:
        await node.put_user("alice", "Alice")
        tariff = Tariff.parse({"tiers": [{"rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]})
        await node.put_advisor("maya", "Maya", tariff)
        await node.add_credit("alice", parse_credits("100.00"))
        yield node
        assert await node.broken_rules() == []
