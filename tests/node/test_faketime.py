"""A PostgreSQL whose machine has a wrong clock: every charge follows real time all the same."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from talktime import Talktime
from talktime.documents.snapshot import Snapshot
from tests.chaos.database import ChaosDatabase
from tests.nodes import add_alice_and_maya, node_on

MOVED_MS_MAX: Final = 3_500
"""Engine time goes at most two seconds astray; the rest is what a busy machine does later than asked."""


async def talk(node: Talktime, chat_id: str, seconds: float) -> tuple[Snapshot, float]:
    """A conversation of `seconds`: the answer of `stop`, and how many milliseconds the conversation took."""
    began = time.monotonic()
    await node.initialize_time_tracking_for_chat("alice", "maya", chat_id)
    await asyncio.sleep(seconds)
    return await node.stop(chat_id), (time.monotonic() - began) * 1000


async def test_a_wrong_clock_of_the_servers_machine_changes_no_bill(data_dir: Path) -> None:
    database = ChaosDatabase(data_dir, has_faketime=True)
    await database.start()
    try:
        async with node_on(database.url, presence_lease_seconds=20, outage_seconds=60) as node:
            await add_alice_and_maya(node)
            lies = ["+5s", "+0", "+3600s", "-3600s", "+0 x1.01", "+0 x0.99"]
            for number, lie in enumerate(lies):
                talking = asyncio.create_task(talk(node, f"chat {number}", 2.5))
                await asyncio.sleep(1)
                database.set_clock(lie)
                stopped, real_ms = await talking
                assert stopped.record is not None
                assert abs(stopped.elapsed_ms - real_ms) < MOVED_MS_MAX, (lie, stopped.elapsed_ms, real_ms)
                receipt = await node.receipt(stopped.record.id)
                assert (receipt.elapsed_ms, receipt.cost) == (stopped.elapsed_ms, stopped.cost), lie
            assert node.node.clock.corrections >= len(lies)  # the clock did lie
            assert (await node.audit()).counts == {}
            assert await database.fetch("select * from outages") == []
    finally:
        await database.stop()


async def test_a_standby_whose_clock_is_behind_takes_over_at_the_right_time(data_dir: Path) -> None:
    database = ChaosDatabase(data_dir, has_faketime=True)
    await database.start()
    try:
        database.set_clock("+3s")
        await database.add_standby()
        async with node_on(database.url, presence_lease_seconds=60) as node:
            await add_alice_and_maya(node)
            await node.initialize_time_tracking_for_chat("alice", "maya", "first")
            await asyncio.sleep(2)
            before_ms, failed_at = await node.now(), time.monotonic()
        await database.fail_over()
        async with node_on(database.url, presence_lease_seconds=60) as node:
            passed_ms, real_ms = await node.now() - before_ms, (time.monotonic() - failed_at) * 1000
            assert -10 <= real_ms - passed_ms < 3_000 + MOVED_MS_MAX
            stopped = await node.stop("first")
            assert stopped.elapsed_ms < 2_000 + MOVED_MS_MAX
            assert (await node.audit()).counts == {}
    finally:
        await database.stop()
