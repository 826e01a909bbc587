"""A process knows engine time as well as it says."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime import Party, Talktime, parse_credits
from talktime.database.pool import Pool
from talktime.database.queries import SQL
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.node.clock import DRIFT, Offset, Sample
from talktime.node.hints import Hint

pytestmark = pytest.mark.both_servers

SLACK_MS = 0.02  # what may drift within a round trip

_trips = st.lists(
    st.tuples(st.floats(0, 5000), st.floats(0, 80), st.floats(0, 80)),  # how much later, there and back, in ms
    min_size=1,
    max_size=40,
)


@given(_trips, st.floats(-0.9, 0.9), st.floats(-1e6, 1e6))
def test_the_offset_is_always_within_its_bounds(
    trips: list[tuple[float, float, float]], drift: float, apart_ms: float
) -> None:
    offset, now = Offset(), 1e6

    def true_offset(at_ms: float) -> float:
        return apart_ms + drift * DRIFT * at_ms

    for later_ms, there_ms, back_ms in trips:
        before = now + later_ms
        asked = before + there_ms
        now = asked + back_ms
        server = asked + true_offset(asked)
        offset.take(Sample(now, server - now, server - before))
        low, high = offset.bounds(now)
        assert low - SLACK_MS <= true_offset(now) <= high + SLACK_MS
        assert high - low <= there_ms + back_ms + SLACK_MS


def test_a_clock_that_was_moved_is_not_believed() -> None:
    offset = Offset()
    for at, apart in ((0.0, 100.0), (1000.0, 100.2)):
        assert offset.take(Sample(at, apart - 1, apart + 1)) == 0
    before = offset.bounds(2000.0)
    assert offset.take(Sample(2000.0, 5099.0, 5101.0)) == pytest.approx(5000, abs=1)
    assert offset.take(Sample(2000.0, -4901.0, -4899.0)) == pytest.approx(-5000, abs=1)
    assert offset.bounds(2000.0) == before


class Screen:
    """Notes, for each snapshot, how far the process's clock was behind it."""

    def __init__(self, talktime: Talktime) -> None:
        self._clock = talktime.node.clock
        self.behind_ms: list[float] = []

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self.behind_ms.append(snapshot.server_time - self._clock.now_ms())

    def on_message(self, message: Message) -> None:
        raise AssertionError

    def on_typing(self, chat_id: str, party: Party) -> None:
        raise AssertionError


async def test_a_process_knows_the_time_before_it_tells_a_screen(talktime: Talktime, database: Pool) -> None:
    await talktime.add_credit("alice", parse_credits("10"))
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    screen = Screen(talktime)
    await talktime.node.feed.subscribe("first", screen)
    # Another process moves the clock, and is about to say so.
    await database.execute(SQL["set_clock"], 3_600_000)
    await talktime.node.feed._deliver([Hint("snapshot", "first", 1000)])
    assert max(screen.behind_ms) < 1000


async def test_while_a_process_asks_for_the_time_it_knows_that_it_is_behind(talktime: Talktime, database: Pool) -> None:
    clock = talktime.node.clock
    moved_ms = int(clock.now_ms()) + 3_600_000
    await database.execute(SQL["set_clock"], 3_600_000)
    asking = asyncio.create_task(clock.resample())
    while not asking.done():
        assert clock.is_behind(moved_ms) or clock.now_ms() >= moved_ms
        await asyncio.sleep(0)
    assert clock.now_ms() >= moved_ms
