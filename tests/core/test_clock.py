"""A process knows engine time as well as it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from talktime.clock import DRIFT, Offset, Sample

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


def test_a_clock_that_was_moved_is_followed_at_once() -> None:
    offset = Offset()
    for at, apart in ((0.0, 100.0), (1000.0, 100.2), (2000.0, 5100.0)):
        offset.take(Sample(at, apart - 1, apart + 1))
    assert offset.bounds(2000.0) == (5099.0, 5101.0)
