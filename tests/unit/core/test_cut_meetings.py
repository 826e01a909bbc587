"""Cuts of several records that meet in one millisecond and at the last micro-credit, as they do once in many years.

The stories of `test_cuts` hardly ever meet. Here amounts are a few micro-credits and times a few milliseconds, so
nearly every story does: increments, a maximum and the end of a grace fall on one instant.
"""

from __future__ import annotations

import random
from typing import Any, Final, get_args

import pytest

from talktime.core.cuts import find_cuts
from talktime.core.tariff import RoundingMode
from tests.unit.stories import RECORDS_MAX, Step, Story

STORIES: Final = 1500
SEEDS_OF_MISTAKES: Final = (6_721, 13_629)
"""Stories beyond the others that have shown mistakes: two records are cut in one millisecond, and the first that could
not pay must be cut first; a record stops within its grace, and the credit held for it pays an older increment."""

AHEAD_MS: Final = 40


def story_of(chance: random.Random) -> tuple[int, list[Step]]:
    """A balance in micro-credits, and the steps."""

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
            "rounding": {"places": chance.choice([6, 6, 6, 5]), "mode": chance.choice(get_args(RoundingMode))},
        }

    steps: list[Step] = []
    for _ in range(chance.randint(1, RECORDS_MAX)):
        steps.append(("start", (document(), chance.choice([0, 0, 1, 2, 5]))))
        if chance.random() < 0.7:
            steps.append(("wait", chance.randint(1, 8)))
        if chance.random() < 0.3:
            steps.append(("post", None))
    return chance.randint(0, 60), steps


@pytest.mark.parametrize("tenth", range(10))
def test_the_cut_that_is_shown_is_the_cut_that_comes_when_records_meet(tenth: int) -> None:
    for seed in [*range(tenth, STORIES, 10), *SEEDS_OF_MISTAKES]:
        balance, steps = story_of(random.Random(seed))
        story = Story(balance)
        story.play([*steps, ("look", None)])
        shown, shown_at = find_cuts(story.payer), story.reference.now
        for _ in range(AHEAD_MS):
            before = {record.number for record in story.reference.running}
            story.reference.wait(1)
            for number in before - {record.number for record in story.reference.running}:
                record = story.reference.records[number]
                assert shown.pop(str(number), None) == (story.reference.now, record.reason), f"seed {seed}"
        assert all(cut.at > shown_at + AHEAD_MS for cut in shown.values()), f"seed {seed}: {shown}"
        story.step("look")
