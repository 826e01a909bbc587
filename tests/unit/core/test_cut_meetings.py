"""Several meters that meet in one millisecond and at the last micro-credit, as they do once in many years.

The stories of `test_cuts` hardly ever meet. Here amounts are a few micro-credits and times a few milliseconds, so
nearly every story does: an increment, another's, a maximum, the end of grace, all at one instant.
"""

from __future__ import annotations

import random
from typing import Any, Final

import pytest

from talktime.core.cuts import find_cuts
from tests.unit.core.test_cuts import METERS_MAX, Both

STORIES: Final = 1500
FOUND: Final = (6_721, 13_629)
"""Stories beyond those that show a mistake: two are cut in one millisecond, and who could not pay first is cut first;
one leaves for nothing, and that pays for an older increment."""

AHEAD_MS: Final = 40


def story_of(chance: random.Random) -> tuple[int, list[tuple[str, Any]]]:
    """Credit in micro-credits, and what happens."""

    def document() -> dict[str, Any]:
        return {
            "connect_fee": chance.choice(["0", "0", "0.000001", "0.000003", "0.00001"]),
            "free_seconds": chance.choice([0, 0, 0.002, 0.005]),
            "grace_seconds": chance.choice([0, 0, 0, 0.001, 0.003, 0.006]),
            "tiers": [
                {
                    "from_seconds": 0,
                    "rate": chance.choice(["0.001", "0.002", "0.003"]),
                    "per_seconds": 1,
                    "increment_seconds": chance.choice([0.001, 0.002, 0.003, 0.005]),
                }
            ],
            "boundary": chance.choice(["ceil", "begun"]),
            "minimum_charge": chance.choice(["0", "0", "0", "0.000002", "0.000006"]),
            "max_cost": chance.choice([None, None, "0.000004", "0.00001", "0.000015"]),
            "at_max_cost": chance.choice(["stop", "stop", "free"]),
            "rounding": {"places": chance.choice([6, 6, 6, 5]), "mode": chance.choice(["up", "down", "half_up"])},
        }

    story: list[tuple[str, Any]] = []
    for _ in range(chance.randint(1, METERS_MAX)):
        story.append(("start", (document(), chance.choice([0, 0, 1, 2, 5]))))
        if chance.random() < 0.7:
            story.append(("wait", chance.randint(1, 8)))
        if chance.random() < 0.3:
            story.append(("checkpoint", None))
    return chance.randint(0, 60), story


@pytest.mark.parametrize("tenth", range(10))
def test_what_is_told_when_meters_meet_is_what_comes(tenth: int) -> None:
    for seed in [*range(tenth, STORIES, 10), *FOUND]:
        credit, story = story_of(random.Random(seed))
        both = Both(credit)
        for what, value in story:
            both.step(what, value)
        both.step("look", None)
        told, begun = find_cuts(both.payer), both.reference.now
        for _ in range(AHEAD_MS):
            before = {session.number for session in both.reference.running}
            both.reference.wait(1)
            for number in before - {session.number for session in both.reference.running}:
                session = both.reference.sessions[number]
                assert told.pop(str(number), None) == (both.reference.now, session.reason), f"seed {seed}"
        assert all(cut.at > begun + AHEAD_MS for cut in told.values()), f"seed {seed}: {told}"
        both.step("look", None)
