"""Ten thousand random histories in the pure core, against the reference model: they decide whether charges are right.

The program's own commands run, and `CoreWorld` keeps their results in memory as the database would. Each history has
workers that are minutes late, and postings at any instant.

A seed that fails is printed. To run it again: `pytest tests/proof/test_lives.py --seed 4711`.
"""

from __future__ import annotations

import pytest

from tests.proof.histories import History, apply
from tests.proof.model import Model
from tests.proof.worlds import CoreWorld, compare, compare_earnings, compare_gifts

BEGIN_MS = 1_767_607_200_000
HISTORIES = 10_000
PARTS = 20
LENGTH = 12


Arrow = tuple[str, str, str | None]
"""From a state to a state, and the reason that the record has there."""

ARROWS = {
    ("nothing", "requested", None),
    ("nothing", "running", None),
    ("nothing", "paused", "advisor_away"),
    ("requested", "running", None),
    ("requested", "paused", "user_away"),
    ("requested", "ended", "declined"),
    ("requested", "ended", "missed"),
    ("requested", "ended", "stopped"),
    ("requested", "ended", "user_away"),
    ("running", "paused", "paused"),
    ("running", "paused", "user_away"),
    ("running", "paused", "advisor_away"),
    ("running", "paused", "out_of_credit"),
    ("running", "ended", "stopped"),
    ("running", "ended", "max_cost"),
    ("paused", "running", None),
    ("paused", "ended", "stopped"),
    ("paused", "ended", "out_of_credit"),
    ("paused", "ended", "abandoned"),
}
"""The arrows of the drawing in `core.meter`, without those of a timer that fails: these worlds have none.

From `requested` to `paused` leads the acceptance of a request whose user has just left: the lease has not ended yet.
"""


def states(model: Model) -> dict[str, tuple[str, str | None]]:
    """The state and the reason of each record."""
    return {record.id: (record.state, record.reason) for record in model.records}


def play_in_core(seed: int, arrows: set[Arrow] | None = None) -> tuple[int, int]:
    """Play one history in the pure core; the number of its acts, and the number of refused ones.

    `arrows` gets what the records went through. A long advance may go through several arrows at once.
    """
    history = History(seed, BEGIN_MS)
    model, world = history.model, CoreWorld("user", BEGIN_MS)
    acts = refused = 0
    for act in history.acts(LENGTH):
        before = states(model)
        expected = apply(model, act)
        if arrows is not None:
            arrows |= {(before.get(name, ("nothing", None))[0], *now) for name, now in states(model).items()}
        got = world.perform(act, model.now)
        assert got == expected, act
        acts, refused = acts + 1, refused + (expected is not None)
        compare(model, *world.seen(model), thoroughly=acts % 4 == 0)
    if not model.had_gifts:  # with gifts the program may post the same amount in more entries
        assert world.entries == model.entries
    compare_earnings(model, world.earned)
    compare_gifts(model, world.spent_gifts())
    return acts, refused


def play_many(seeds: range, arrows: set[Arrow] | None = None) -> None:
    """Play many histories. The seeds of those that failed are named."""
    acts, refused, wrong = 0, 0, list[str]()
    for seed in seeds:
        try:
            played = play_in_core(seed, arrows)
        except Exception as error:  # noqa: BLE001  every failure is reported with its seed
            wrong.append(f"--seed {seed}: {error!r}")
        else:
            acts, refused = acts + played[0], refused + played[1]
    assert not wrong, "\n".join(wrong[:5])
    assert acts > len(seeds) * LENGTH
    assert 0.03 < refused / acts < 0.25  # most acts are accepted, and some that must be refused are tried, too


def test_some_histories_in_this_process() -> None:
    """`make mutation` runs these for every mutant. They go through every arrow of the drawing."""
    arrows: set[Arrow] = set()
    play_many(range(HISTORIES, HISTORIES + HISTORIES // PARTS), arrows)
    assert ARROWS - arrows == set()


@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_histories_in_the_core(part: int, seed: int | None) -> None:
    seeds = range(part, HISTORIES, PARTS)
    if seed is None:
        play_many(seeds)
    elif seed % PARTS == part:
        play_in_core(seed)
