"""Past sessions under another tariff, from facts alone."""

from __future__ import annotations

from talktime.core.money import parse_credits
from talktime.core.tariff import Tariff
from talktime.documents.what_if import EndedRecord, replay


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
        EndedRecord("1", "alice", "maya", 0, 50_000, 20_000, None, 5),
        EndedRecord("2", "bob", "maya", 1, 50_000, 0, None, 5),
        EndedRecord("3", "alice", "maya", 2, 400_000, 70_000, None, 5),
    ]
    found = replay(stops, 0, 10, sessions)
    # Of Alice's 100 free seconds 20 were used before, then 50: the last 30 are followed by two minutes, and no more.
    assert [(each.replayed_ms, each.replayed) for each in found.sessions] == [
        (50_000, 0),
        (50_000, 0),
        (150_000, parse_credits("2")),
    ]


def test_a_replay_grants_the_grace_to_a_pair_once_in_24_hours() -> None:
    tariff = Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}], "grace_seconds": 30})
    day = 86_400_000
    sessions = [
        EndedRecord("1", "alice", "maya", 0, 28_000, 0, None, 5),
        EndedRecord("2", "alice", "maya", day - 1, 28_000, 28_000, 0, 5),  # what its own tariff granted does not count
        EndedRecord("3", "bob", "maya", day - 1, 28_000, 0, 5, 5),  # but what the pair used before the period does
        EndedRecord("4", "alice", "maya", day, 28_000, 56_000, None, 5),
        EndedRecord("5", "alice", "maya", day + 1, 28_000, 84_000, None, 5),
    ]
    found = replay(tariff, 0, day, sessions)
    assert [each.replayed for each in found.sessions] == [0, *[parse_credits("1")] * 2, 0, parse_credits("1")]
