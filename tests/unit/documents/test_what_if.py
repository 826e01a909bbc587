"""Past sessions under another tariff, from facts alone."""

from __future__ import annotations

from talktime.core.money import parse_credits
from talktime.core.tariff import Tariff
from talktime.documents.what_if import PastSession, replay


def test_a_replay_uses_up_its_own_free_time_and_stops_at_its_own_maximum() -> None:
    stops = Tariff.parse(
        {
            "tiers": [{"rate": "1.00", "increment_seconds": 60}],
            "free_seconds": 100,
            "max_cost": "2.00",
            "at_max_cost": "stop",
        }
    )
    sessions = [
        PastSession("1", "alice", "maya", 0, 50_000, 20_000, 5),
        PastSession("2", "bob", "maya", 1, 50_000, 0, 5),
        PastSession("3", "alice", "maya", 2, 400_000, 70_000, 5),
    ]
    found = replay(stops, 0, 10, sessions)
    # Of Alice's 100 free seconds 20 were used before, then 50: the last 30 are followed by two minutes, and no more.
    assert [(each.replayed_ms, each.replayed) for each in found.sessions] == [
        (50_000, 0),
        (50_000, 0),
        (150_000, parse_credits("2")),
    ]
