"""Two people talk while the database fails: they pay for the time in which some node could write, and for no other."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from random import Random
from typing import Final

from talktime.core.roles import Role
from talktime.postgres.guardian import Guardian
from tests.chaos.database import ChaosDatabase
from tests.chaos.nodes import ChaosNode
from tests.chaos.people import TARIFF, Acknowledged, Caller, Watcher

RENEWALS_MS: Final = 2_000
"""For each outage, what lies between the renewals and the instants at which the test begins and ends the outage."""

SCREENS_SECONDS_MAX: Final = 10


async def test_an_outage_is_billed_to_nobody_and_nobody_was_away(data_dir: Path, guardian: Guardian) -> None:
    database = ChaosDatabase(data_dir)
    node = ChaosNode(1, lambda: database.socket, data_dir, guardian)
    caller = Caller([node], Random(1), Acknowledged())
    await database.start()
    try:
        await node.open()
        await caller.put("/users/alice", {"display_name": "Alice"})
        await caller.put("/advisors/maya", {"display_name": "Maya", "tariff": TARIFF, "starts": "at_once"})
        await caller.post("/users/alice/credits", {"amount": "5.00", "kind": "purchase"})
        _, opened = await caller.post("/chats", {"user_id": "alice", "advisor_id": "maya", "chat_id": "chat"})
        began = time.monotonic()
        watchers = [
            Watcher(caller, role, who, ["chat"]) for role, who in ((Role.USER, "alice"), (Role.ADVISOR, "maya"))
        ]
        screens = [asyncio.create_task(watcher.run()) for watcher in watchers]
        await asyncio.sleep(3)
        await database.freeze(6)
        await asyncio.sleep(3)
        await database.restart(signal.SIGINT, 6)
        await asyncio.sleep(5)
        _, stopped = await caller.post("/chats/chat/stop")
        all_ms = (time.monotonic() - began) * 1000
        receipt = await caller.get(f"/v1/records/{opened['record']['id']}/receipt", node)
        # The screens hear of the end as soon as the node listens to the database again.
        async with asyncio.timeout(SCREENS_SECONDS_MAX):
            while any(watcher.shown["chat"]["elapsed_ms"] != stopped["elapsed_ms"] for watcher in watchers):
                await asyncio.sleep(0.05)
        for screen in screens:
            screen.cancel()
        outages_ms = [gap["duration_ms"] for gap in receipt["gaps"] if gap["caused_by"] == "platform"]
        # A busy machine may add a shorter outage of its own.
        assert {gap["reason"] for gap in receipt["gaps"]} == {"platform"}, receipt["gaps"]
        assert sum(outage_ms >= 5_000 for outage_ms in outages_ms) == 2, outages_ms
        assert receipt["elapsed_ms"] == stopped["elapsed_ms"]
        assert all_ms - sum(outages_ms) - stopped["elapsed_ms"] < len(outages_ms) * RENEWALS_MS
        assert caller.acknowledged.wrong == []
    finally:
        await caller.close()
        await node.stop()
        await database.stop()
