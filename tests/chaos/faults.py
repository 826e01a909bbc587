"""What fails, from a seed. A fault is over when its call returns; the time to come back is measured from then on."""

from __future__ import annotations

import asyncio
import signal
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.chaos.database import ChaosDatabase
    from tests.chaos.nodes import ChaosNode
    from tests.redis_servers import RedisServer


class Faults:
    """Every kind of fault, by its name."""

    def __init__(
        self, database: ChaosDatabase, nodes: list[ChaosNode], random: Random, redis: RedisServer | None = None
    ) -> None:
        self._database = database
        self._redis = redis
        self._nodes = nodes
        self._random = random
        self._step_ms = 0.0
        self.kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "a node is killed": self._kill_node,
            "a node stands still": self._freeze_node,
            "every backend is ended": database.end_backends,
            "a fast restart": lambda: self._restart(signal.SIGINT),
            "an immediate restart": lambda: self._restart(signal.SIGQUIT),
            "the database stands still": self._freeze_database,
            "a relay swallows what comes": lambda: self._swallow("in"),
            "a relay swallows what goes": lambda: self._swallow("out"),
            "a relay swallows everything": lambda: self._swallow("in", "out"),
            "the clock steps": self._step_clock,
            "somebody locks a table": self._lock_table,
        }
        if database.has_disk:
            self.kinds["the disk is full"] = lambda: database.fill_disk(random.uniform(2, 8))
        if redis is not None:
            self.kinds |= {"Redis restarts": self._restart_redis, "Redis stands still": self._freeze_redis}
        if database.has_standby:
            self.kinds["the primary dies"] = self._fail_over

    async def _kill_node(self) -> None:
        node = self._node()
        await node.kill()
        await asyncio.sleep(self._random.uniform(0, 2))
        await node.start()

    async def _freeze_node(self) -> None:
        await self._node().freeze(self._random.uniform(1, 12))

    async def _restart(self, how: signal.Signals) -> None:
        await self._database.restart(how, self._random.choice([0, 0, 1, 5]))

    async def _freeze_database(self) -> None:
        await self._database.freeze(self._random.uniform(1, 8))

    async def _lock_table(self) -> None:
        table = self._random.choice(["accounts", "records", "engine_clock", "nodes"])
        await self._database.lock(table, self._random.uniform(2, 8))

    async def _restart_redis(self) -> None:
        assert self._redis is not None
        self._redis.stop()
        await asyncio.sleep(self._random.choice([0, 1, 5]))
        await asyncio.to_thread(self._redis.start)

    async def _freeze_redis(self) -> None:
        assert self._redis is not None
        self._redis.freeze()
        await asyncio.sleep(self._random.uniform(2, 12))
        self._redis.thaw()

    async def _swallow(self, *directions: str) -> None:
        relay = self._node().relay
        relay.swallow(*directions)
        await asyncio.sleep(self._random.uniform(2, 12))
        relay.heal()

    async def _step_clock(self) -> None:
        self._step_ms += self._random.choice([-3_600_000, -5_000, 5_000, 3_600_000])
        await self._database.execute("update lie set step_ms = $1", self._step_ms)

    async def _fail_over(self) -> None:
        if not self._database.has_standby:
            await self._database.add_standby()
        await self._database.fail_over()
        for node in self._nodes:
            node.relay.heal()

    def _node(self) -> ChaosNode:
        return self._random.choice(self._nodes)
