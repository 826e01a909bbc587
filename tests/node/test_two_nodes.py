"""Two nodes on one database tell each other what changes."""

from __future__ import annotations

import asyncio

import pytest

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
