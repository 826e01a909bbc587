"""Nodes for tests: `Talktime` on a test's database, with the settings that matter, and two people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from talktime import Party, Talktime, Tariff, parse_credits
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.settings import load_settings

LONG_SECONDS: Final = 100_000
"""Longer than any test: a lease that does not end, a worker that never comes round."""

MAYAS_TARIFF: Final = Tariff.parse({"tiers": [{"rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]})


class Listening:
    """A listener of a feed that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[Snapshot] = []
        self.messages: list[Message] = []
        self.typing: list[Party] = []

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self.seen.append(snapshot)

    def on_message(self, message: Message) -> None:
        self.messages.append(message)

    def on_typing(self, chat_id: str, party: Party) -> None:
        self.typing.append(party)


class Screen(Listening):
    """A listener, and the socket of a person who answers every heartbeat."""

    def __init__(self, node: Talktime) -> None:
        super().__init__()
        self._presence = node.node.presence

    def send_heartbeat(self, leases: dict[str, int], now_ms: float, epoch: str) -> None:
        self._presence.prove(self)

    def send_leases(self, leases: dict[str, int]) -> None:
        pass

    def lost(self) -> None:
        raise AssertionError


@asynccontextmanager
async def node_on(database_url: str, *, work: bool = True, **settings: object) -> AsyncIterator[Talktime]:
    """A node on a database, with settings by their names; without `work` it only asks and commands."""
    given = load_settings(database_url=database_url, **settings)
    async with Talktime.connect(database_url, settings=given, work=work) as node:
        yield node


async def add_alice_and_maya(node: Talktime, credit: str = "100.00") -> None:
    """The user alice with bought credit, and the advisor maya, who asks 0.60 a minute, billed by the second."""
    await node.put_user("alice", "Alice")
    await node.put_advisor("maya", "Maya", MAYAS_TARIFF, starts="at_once")
    await node.add_credit("alice", parse_credits(credit))
