"""Whatever is heard on the channel of notifications is only a hint, whichever role sends it."""

from __future__ import annotations

import asyncio

import pytest

from talktime import Party, Reason, Talktime
from talktime.core.errors import NotFound
from talktime.database.pool import Pool
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.node.hints import Hint, payloads, read_hints

HUGE = 2**63

GARBAGE = [
    "",
    "no JSON",
    "null",
    "1",
    '"text"',
    "{}",
    "[1]",
    "[[]]",
    "[null]",
    '[["snapshot"]]',
    '[["snapshot", "first", 1, 2]]',
    '[["snapshot", "first", "x"]]',
    '[["snapshot", "first", null]]',
    '[["snapshot", "first", true]]',
    '[["snapshot", "first", 1.5]]',
    '[["snapshot", "first", NaN]]',
    '[["snapshot", "first", -1]]',
    f'[["snapshot", "first", {HUGE}]]',
    f'[["message", "first", {"9" * 5000}]]',
    '[["snapshot", ["first"], 1]]',
    '[["snapshot", {"first": 1}, 1]]',
    '[["snapshot", "\\ud800", 1]]',
    '[[["snapshot"], "first", 1]]',
    '[["typing", "first", "nobody"]]',
    '[["typing", "first", ["user"]]]',
    '[["something newer", "first", 1]]',
    '[["read", "first", 1]]',
    "[" * 7000,
    "[" * 3900 + "]" * 3900,
]


@pytest.mark.parametrize("payload", GARBAGE, ids=lambda payload: payload[:40])
def test_garbage_is_refused(payload: str) -> None:
    hints, wrong = read_hints(payload)
    assert hints == []
    assert wrong is not None


def test_what_is_right_beside_garbage_is_read() -> None:
    hints, wrong = read_hints('[["something newer", "first", 1], ["snapshot", "first", 2]]')
    assert hints == [Hint("snapshot", "first", 2)]
    assert wrong is not None


def test_what_a_node_sends_is_read() -> None:
    sent = [Hint("snapshot", "ein Gespräch", 7), Hint("message", "first", 1), Hint("typing", "first", "user")]
    sent = [*sent * 100, Hint("clock", "", 0)]
    texts = payloads(sent)
    assert len(texts) > 1
    assert [hint for text in texts for hint in read_hints(text)[0]] == sent
    assert [read_hints(text)[1] for text in texts] == [None] * len(texts)


class Screen:
    """Keeps what it is told, and fails on demand."""

    def __init__(self) -> None:
        self.seen: list[Snapshot] = []
        self.fails = False

    def on_snapshot(self, snapshot: Snapshot) -> None:
        if self.fails:
            raise RuntimeError
        self.seen.append(snapshot)

    def on_message(self, message: Message) -> None:
        raise AssertionError(message)

    def on_typing(self, chat_id: str, party: Party) -> None:
        raise AssertionError(chat_id)


async def test_any_role_may_say_anything_and_screens_go_on(talktime: Talktime, database: Pool) -> None:
    """Forged numbers and positions change nothing, and the number of a real change is the one in the tables."""
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    feed = talktime.node.feed
    broken, screen = Screen(), Screen()
    broken.fails = True
    for listener in (broken, screen):
        await feed.subscribe("first", listener)
    with pytest.raises(NotFound):
        await feed.subscribe("no such chat", screen)
    plausible = ['[["account", "alice", 1000000]]', '[["message", "first", 77]]', '[["account", "nobody", 1]]']
    for payload in [*(text for text in GARBAGE if text), *plausible]:
        await database.execute("select pg_notify('talktime', $1)", payload)
    await talktime.pause("first")
    async with asyncio.timeout(10):
        while not screen.seen or screen.seen[-1].record.reason is not Reason.PAUSED:
            await asyncio.sleep(0.01)
    stored = await database.fetchval("select sequence from accounts where user_id = 'alice'")
    assert screen.seen[-1].sequence == stored
    numbers = [snapshot.sequence for snapshot in screen.seen]
    assert numbers == sorted(set(numbers))
    assert feed.hints_refused == len([text for text in GARBAGE if text])
    await talktime.check()


async def test_a_flood_of_hints_takes_no_memory_and_hides_no_change(talktime: Talktime, database: Pool) -> None:
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    feed = talktime.node.feed
    screen = Screen()
    await feed.subscribe("first", screen)
    for start in range(0, 30_000, 300):
        hints = ",".join(f'["message", "first", {start + number}]' for number in range(2, 302))
        feed.hear(*read_hints(f"[{hints}]"))
    assert len(feed._heard) <= 10_000
    await talktime.pause("first")
    async with asyncio.timeout(10):
        while not screen.seen or screen.seen[-1].record.reason is not Reason.PAUSED:
            await asyncio.sleep(0.01)
