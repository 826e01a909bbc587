"""Hundreds of random histories on a real database that fails, against the reference model.

Forty users act at once, so that commands share transactions. The faults are: the connection breaks before a commit
has arrived, or before the answer to a commit has come back; the worker that applies deadlines is away for minutes; the
clock steps back. A caller without an answer asks again with the same idempotency key, and some callers ask twice at
once. No part of the program is replaced.

A seed that fails is printed. To run it again, here and in the pure core: `pytest tests/proof --seed 4711`.
"""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from talktime import Talktime
from talktime.core.errors import Repeated, Unavailable
from talktime.database.pool import Pool
from talktime.database.queries import SQL
from talktime.engine.idempotency import Repeat
from tests.proof.histories import Act, History, apply
from tests.proof.wire import Fault, breakable
from tests.proof.worlds import DatabaseWorld, compare, frozen, seen_by

GROUPS = range(5)
GROUP = 40
ROUNDS = 10


class Group:
    """Users who act at once on one database, behind a wire that breaks."""

    def __init__(self, seed: int, talktime: Talktime, database: Pool, now: int) -> None:
        self.random = Random(seed)
        self.talktime = talktime
        self.database = database
        self.clock = now
        seeds = [seed * 1_000 + number for number in range(GROUP)]
        self.histories = {f"user {seed:02d} {number}": History(number, now) for number in seeds}
        self.worlds = {user: DatabaseWorld(talktime, database, user) for user in self.histories}
        self.keys = 0
        self.again = 0

    async def begin(self) -> None:
        for user, world in self.worlds.items():
            await world.begin()
            for act in self.histories[user].beginning():
                await self.act(user, act)

    async def act(self, user: str, act: Act) -> None:
        """Send the act again until there is an answer, sometimes twice at once."""
        expected = apply(self.histories[user].model, act)
        self.keys += 1
        repeat = Repeat("host", "POST", f"/{act.name}", f"{user} {self.keys}", repr(act).encode())
        times = 2 if self.random.random() < 0.1 else 1
        for got in await asyncio.gather(*(self._answer(user, act, repeat) for _ in range(times))):
            assert got == expected, (user, act)

    async def _answer(self, user: str, act: Act, repeat: Repeat) -> str | None:
        for _ in range(20):
            try:
                refusal = await self.worlds[user].perform(act, repeat=repeat)
            except Repeated as repeated:
                return None if repeated.status < 400 else str(repeated.document["code"])
            if refusal != Unavailable.code:
                return refusal
            self.again += 1
        raise AssertionError("no answer after twenty times")

    async def round(self) -> None:
        """Let time pass, with a worker or without; let every user act; compare everything with the model."""
        duration_ms = self.random.choice(list(self.histories.values())).some_time()
        is_late = self.random.random() < 0.5
        self.clock += duration_ms
        await self._set_clock(f"offset_ms + {duration_ms}")
        for history in self.histories.values():
            history.model.advance(max(0, self.clock - history.model.now))
        if not is_late:
            await self._settled()
            if self.random.random() < 0.3:
                await self._step_back()
        for _ in range(2):
            await asyncio.gather(
                *(self.act(user, history.next(may_advance=False)) for user, history in self.histories.items())
            )
        await self._compare()

    async def _settled(self) -> None:
        while True:
            try:
                if not await self.talktime.node.deadlines.settle_due():
                    return
            except Unavailable:
                self.again += 1

    async def _step_back(self) -> None:
        """The clock steps back. The engine time of an account must not."""
        step_ms = self.random.randrange(1, 20_000)
        self.clock -= step_ms
        await self._set_clock(f"offset_ms - {step_ms}")
        for row in await self.database.fetch("select user_id, settled_at from accounts"):
            if row["user_id"] in self.histories:
                self.histories[row["user_id"]].model.now = max(self.clock, row["settled_at"])

    async def _set_clock(self, offset_ms: str) -> None:
        await self.database.execute(f"update engine_clock set offset_ms = {offset_ms}")

    async def _compare(self) -> None:
        models = {user: history.model for user, history in self.histories.items()}
        while True:
            try:
                seen = await seen_by(self.talktime, models)
                break
            except Unavailable:
                self.again += 1
        for user, model in models.items():
            compare(model, *seen[user], thoroughly=self.random.random() < 0.2)


async def test_hundreds_on_a_database_whose_connections_break(database_url: str, seed: int | None) -> None:
    groups = GROUPS if seed is None else [seed // 1_000]
    async with breakable(database_url) as (url, wire), frozen(url) as (talktime, database):
        again = 0
        for number in groups:
            group = Group(number, talktime, database, await talktime.now())
            await group.begin()
            wire.fault = lambda random=group.random: random.choices([None, "before", "after"], [86, 7, 7])[0]  # type: ignore[misc]
            try:
                for _ in range(ROUNDS):
                    await group.round()
            except BaseException as error:
                error.add_note(f"To see it again: pytest tests/proof --seed {number * 1_000}")
                raise
            finally:
                wire.fault = lambda: None
            again += group.again
        # The last worker may have been late, or kept out by a transaction that was still breaking.
        while await database.fetch(SQL["due_accounts"], await talktime.now(), 1):
            await talktime.node.deadlines.settle_due()
        assert await talktime.broken_rules() == []
    assert min(wire.broken.values()) > 10
    assert again > 10


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_money_without_a_key_never_moves_twice(database_url: str, fault: Fault) -> None:
    """Nobody can know whether a lost answer was a yes. A caller without a key, who can't ask again, is told so."""
    async with breakable(database_url) as (url, wire), frozen(url) as (talktime, _):
        await talktime.put_user("alice", "Alice")
        faults = iter([fault])
        wire.fault = lambda: next(faults, None)
        with pytest.raises(Unavailable):
            await talktime.add_credit("alice", 5_000_000)
        assert (await talktime.account("alice")).balance == (5_000_000 if fault == "after" else 0)
