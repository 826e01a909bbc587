"""Ten thousand lives from seeds, in the pure core, against the reference model. They are what decides over bills.

The commands are as they are, and what they do is kept in memory as the database would keep it (`CoreWorld`). A worker
that is minutes late, and a checkpoint anywhere, are part of every life.

A seed that fails is printed. To run it again: `pytest tests/proof/test_lives.py --seed 4711`.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.proof.histories import History, apply
from tests.proof.worlds import CoreWorld, compare, compare_earnings, compare_gifts

BEGIN_MS = 1_767_607_200_000
LIVES = 10_000
CHUNK = 250
LENGTH = 12


def live_in_core(seed: int) -> tuple[int, int]:
    """One life in the pure core; how many acts it had, and how many of them were refused."""
    history = History(seed, BEGIN_MS)
    model, world = history.model, CoreWorld("user", BEGIN_MS)
    acts = refused = 0
    for act in history.acts(LENGTH):
        expected = apply(model, act)
        got = world.perform(act, model.now)
        assert got == expected, act
        acts, refused = acts + 1, refused + (expected is not None)
        compare(model, *world.seen(model), thoroughly=acts % 4 == 0)
    if not model.had_gifts:  # else it is the program's affair in how many entries it posts
        assert world.entries == model.entries
    compare_earnings(model, world.earned)
    compare_gifts(model, world.spent_gifts())
    return acts, refused


def live_many(seeds: range) -> tuple[int, int, list[str]]:
    """Many lives: their acts, refusals, and what went wrong with which seed."""
    acts, refused, wrong = 0, 0, list[str]()
    for seed in seeds:
        try:
            lived = live_in_core(seed)
        except Exception as error:  # noqa: BLE001  whatever it is, its seed is what matters
            wrong.append(f"--seed {seed}: {error!r}")
        else:
            acts, refused = acts + lived[0], refused + lived[1]
    return acts, refused, wrong


def test_some_lives_in_this_process() -> None:
    """What `make mutation` asks of every mutant."""
    assert live_many(range(LIVES, LIVES + CHUNK))[2] == []


def test_ten_thousand_lives_in_the_core(seed: int | None) -> None:
    if seed is not None:
        live_in_core(seed)
        return
    chunks = [range(start, start + CHUNK) for start in range(0, LIVES, CHUNK)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        results = list(processes.map(live_many, chunks))
    wrong = [line for _, _, lines in results for line in lines]
    assert not wrong, "\n".join(wrong[:5])
    acts, refused = sum(acts for acts, _, _ in results), sum(refused for _, refused, _ in results)
    assert acts > LIVES * LENGTH
    assert 0.03 < refused / acts < 0.25  # most of what is tried is possible, and what isn't is tried, too
