"""Two nodes on one database tell each other what changes."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from pydantic import SecretStr

from talktime import Reason, Talktime
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot

pytestmark = pytest.mark.both_servers


class Screen:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Snapshot] = asyncio.Queue()

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self.told.put_nowait(snapshot)

    def on_message(self, message: Message) -> None:
        raise AssertionError(message)

    def on_typing(self, chat_id: str, party: object) -> None:
        raise AssertionError(chat_id)


async def test_each_node_sees_the_others_changes(talktime: Talktime, database_url: str) -> None:
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    async with Talktime.connect(database_url, settings=talktime.settings) as other:
        here, there = Screen(), Screen()
        await talktime.node.feed.subscribe("first", here)
        await other.node.feed.subscribe("first", there)
        await talktime.pause("first")
        async with asyncio.timeout(10):
            while (await there.told.get()).record.reason is not Reason.PAUSED:
                pass
        await other.stop("first")
        async with asyncio.timeout(10):
            while (await here.told.get()).record.reason is not Reason.STOPPED:
                pass


async def test_nodes_notice_that_their_settings_differ(talktime: Talktime, database_url: str) -> None:
    ours = talktime.settings
    assert await talktime.node.different_settings() == []
    others = {
        "presence_lease_seconds": ours.presence_lease_seconds + 1,
        "secret": SecretStr("another secret, of 32 characters or more"),
        "pool_size": ours.pool_size + 1,  # each node may have its own
    }
    async with Talktime.connect(database_url, settings=ours.model_copy(update=others)):
        lease, secret = await talktime.node.different_settings()
        values = sorted((ours.presence_lease_seconds, ours.presence_lease_seconds + 1))
        assert lease.startswith("TALKTIME_PRESENCE_LEASE_SECONDS has 2 values: ")
        assert all(f"{value:f} (nodes: 1)" in lease for value in values)
        assert secret == "TALKTIME_SECRET has 2 values"
    same = ours.model_copy(update={"presence_lease_seconds": Decimal(f"{ours.presence_lease_seconds}.0")})
    async with Talktime.connect(database_url, settings=same):
        assert await talktime.node.different_settings() == []
