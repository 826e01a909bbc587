"""Nodes for tests: `Talktime` on a test's database, with the settings that matter, and two people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from talktime import Talktime, Tariff, parse_credits
from talktime.settings import load_settings

LONG_SECONDS: Final = 100_000
"""Longer than any test: a lease that does not end, a worker that never comes round."""

MAYAS_TARIFF: Final = Tariff.parse({"tiers": [{"rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]})


@asynccontextmanager
async def node_on(database_url: str, *, work: bool = True, **settings: object) -> AsyncIterator[Talktime]:
    """A node on a database, with settings by their names; without `work` it only asks and commands."""
    given = load_settings(database_url=database_url, **settings)
    async with Talktime.connect(database_url, settings=given, work=work) as node:
        yield node


async def add_alice_and_maya(node: Talktime, credit: str = "100.00") -> None:
    """The user alice with bought credit, and the advisor maya, who asks 0.60 a minute, billed by the second."""
    await node.put_user("alice", "Alice")
    await node.put_advisor("maya", "Maya", MAYAS_TARIFF)
    await node.add_credit("alice", parse_credits(credit))
