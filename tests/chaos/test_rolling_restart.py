"""A release under load: three nodes restart one after the other, and nobody notices but by a short wait."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from talktime.core.roles import Role
from talktime.postgres.guardian import Guardian
from tests.chaos.database import ChaosDatabase
from tests.chaos.nodes import ChaosNode
from tests.chaos.people import Caller, Talker, Watcher
from tests.chaos.play import Run, conclude

TALKERS: Final = 6
STOP_SECONDS_MAX: Final = 10
LAPSED: Final = """
select reason from segments where reason in ('user_away', 'advisor_away')
union all
select reason from records where reason in ('user_away', 'advisor_away', 'abandoned')
"""


async def test_a_rolling_restart_loses_no_command_and_no_lease(
    data_dir: Path, guardian: Guardian, tell: Callable[[str], None]
) -> None:
    run, database = Run(1), ChaosDatabase(data_dir)
    nodes = [ChaosNode(number, lambda: database.socket, data_dir, guardian) for number in range(3)]
    caller = Caller(nodes, Random(1), run.acknowledged)
    await database.start()
    try:
        await asyncio.gather(*(node.open() for node in nodes))
        talkers = [Talker(caller, number) for number in range(TALKERS)]
        await asyncio.gather(*(talker.join() for talker in talkers))
        await asyncio.gather(
            *(
                caller.post("/chats", {"user_id": talker.user, "advisor_id": talker.advisor, "chat_id": chat_id})
                for talker in talkers
                for chat_id in talker.chats
            )
        )
        watchers = [Watcher(caller, Role.USER, talker.user, talker.chats) for talker in talkers]
        watchers += [Watcher(caller, Role.ADVISOR, talker.advisor, talker.chats) for talker in talkers]
        screens = [asyncio.create_task(watcher.run()) for watcher in watchers]
        async with asyncio.timeout(10):
            while not all(len(watcher.shown) == 2 for watcher in watchers):
                await asyncio.sleep(0.1)

        is_over = asyncio.Event()
        acting = [asyncio.create_task(talker.run(is_over)) for talker in talkers]
        stops: list[float] = []
        for node in nodes:
            await asyncio.sleep(1)
            began = time.monotonic()
            await node.stop()
            stops.append(time.monotonic() - began)
            await node.start()
        await asyncio.sleep(1)
        is_over.set()
        await asyncio.gather(*acting)

        await conclude(run, caller, talkers, watchers, database)
        for screen in screens:
            screen.cancel()
        await asyncio.gather(*screens, return_exceptions=True)
        lapsed = Counter(row["reason"] for row in await database.fetch(LAPSED))
    finally:
        await caller.close()
        await asyncio.gather(*(node.stop() for node in nodes))
        await database.stop()

    done = run.acknowledged
    close_codes = sum((watcher.close_codes for watcher in watchers), Counter[int | None]())
    tell(
        f"{done.commands} commands, of which the longest took {done.longest_wait_seconds:.2f} s;"
        f" nodes stopped within {max(stops):.2f} s; {close_codes.total()} times a screen went to another node"
    )
    assert run.wrong + done.wrong == []
    assert lapsed == {}
    assert run.outages_seconds == []
    assert close_codes.keys() == {1012}, close_codes
    assert max(stops) < STOP_SECONDS_MAX
    assert done.commands > 100
