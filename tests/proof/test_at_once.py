"""Sixteen clients in real time: random calls for a few users, on two nodes whose workers run.

In whatever order the calls arrive, each must be answered or refused with a known reason. Each time that all clients
pause, the auditor must find nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import pytest

from talktime import Party, Talktime, Tariff, parse_credits
from talktime.core.errors import Conflict, InsufficientCredit, NotFound, Repeated
from talktime.database.pool import Pool
from talktime.engine.idempotency import Repeat
from tests.nodes import node_on

pytestmark = pytest.mark.both_servers

CLIENTS = 16
BARRIERS = 3
ACTS = 20
USERS = ["alice", "bob", "carol"]
ADVISORS = ["maya", "ben", "cleo", "dora"]
KNOWN_REFUSALS = (Conflict, InsufficientCredit, NotFound, Repeated)
# So short that leases lapse and credit ends during the test.
QUICK: dict[str, Any] = {
    "presence_lease_seconds": 0.4,
    "recharge_seconds": 0.3,
    "abandon_seconds": 0.5,
    "health_seconds": 0.2,
    "audit_seconds": 0.5,
}


class Client:
    """A client that makes random calls, and counts how many are done and how many are refused."""

    def __init__(self, seed: int, nodes: list[Talktime]) -> None:
        self.random = Random(seed)
        self.nodes = nodes
        self.done = 0
        self.refused = 0
        self.seed = seed

    async def act(self) -> None:
        random = self.random
        node, user = random.choice(self.nodes), random.choice(USERS)
        advisor = random.choice(ADVISORS)
        chat = f"{user} {advisor} {random.randrange(3)}"
        number = f"{self.seed} {random.randrange(10)}"  # few, so that some are repeats
        repeat = Repeat("host", "POST", f"/{user}", number, b"")
        calls: list[Any] = [
            lambda: node.initialize_time_tracking_for_chat(user, advisor, chat),
            lambda: node.initialize_time_tracking_for_chat(user, advisor, chat),
            lambda: node.pause(chat),
            lambda: node.resume(chat, by=random.choice(list(Party))),
            lambda: node.stop(chat),
            lambda: node.heartbeat(chat, random.choice(list(Party))),
            lambda: node.heartbeat(chat, random.choice(list(Party))),
            lambda: node.add_credit(user, random.randrange(1, 50_000), random.choice(["purchase", "gift"])),
            lambda: node.debit(user, random.randrange(1, 60_000), repeat=repeat),
            lambda: node.account(user),
            lambda: node.put_advisor(advisor, advisor, tariff(random), starts="at_once"),
            node.engine.post_charges,
        ]
        try:
            await random.choice(calls)()
            self.done += 1
        except KNOWN_REFUSALS:
            self.refused += 1


def tariff(random: Random) -> Tariff:
    """A tariff so expensive that credit ends within moments."""
    return Tariff.parse(
        {
            "free_seconds": random.choice([0, 0.05]),
            "connect_fee": random.choice(["0", "0.001"]),
            "tiers": [{"rate": "0.01", "per_seconds": 0.1, "increment_seconds": random.choice([0.001, 0.05, 0.1])}],
            "boundary": random.choice(["ceil", "begun"]),
            "max_cost": random.choice([None, "0.02"]),
            "at_max_cost": random.choice(["free", "stop"]),
            "rounding": {"places": 6, "mode": "up"},
        }
    )


async def test_sixteen_clients_at_once_get_known_answers_only(database_url: str, database: Pool) -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(node_on(database_url, **QUICK)) for _ in range(2)]
        for user in USERS:
            await nodes[0].put_user(user, user)
            await nodes[0].add_credit(user, parse_credits("0.50"))
        for advisor in ADVISORS:
            await nodes[0].put_advisor(advisor, advisor, tariff(Random(advisor)), starts="at_once")
        clients = [Client(seed, nodes) for seed in range(CLIENTS)]

        async def live(client: Client) -> None:
            for _ in range(ACTS):
                await client.act()

        for _ in range(BARRIERS):
            await asyncio.gather(*map(live, clients))
            assert await nodes[0].broken_rules() == []
        deadlocks = await database.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    assert deadlocks == 0
    assert sum(client.done for client in clients) > CLIENTS * BARRIERS * ACTS / 3


async def test_credit_and_debits_at_once_end_as_if_one_came_after_the_other(database_url: str) -> None:
    async with node_on(database_url, work=False) as node:
        await node.put_user("alice", "Alice")
        for _ in range(10):
            before = (await node.account("alice")).balance
            results = await asyncio.gather(
                node.debit("alice", 1_000_000),
                node.add_credit("alice", 1_000_000),
                node.debit("alice", 1_000_000),
                return_exceptions=True,
            )
            done = [result for result in results if not isinstance(result, BaseException)]
            assert all(isinstance(result, InsufficientCredit) for result in results if result not in done)
            assert results[1] in done
            after = (await node.account("alice")).balance
            assert after == before + (1 - (len(done) - 1)) * 1_000_000 >= 0
