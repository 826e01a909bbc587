"""Thousands of lives against the model."""

from __future__ import annotations

from tests.proof.histories import History, apply
from tests.proof.worlds import CoreWorld, compare

BEGIN_MS = 1_767_607_200_000


def live_in_core(seed: int, length: int = 25) -> tuple[int, int]:
    """One life in the pure core; how many acts it had, and how many of them were refused."""
    history = History(seed, BEGIN_MS)
    world = CoreWorld("user", BEGIN_MS)
    model = history.model
    acts = refused = 0
    for act in history.acts(length):
        expected = apply(model, act)
        got = world.perform(act, model.now)
        acts += 1
        refused += expected is not None
        assert got == expected, act
        account, shown = world.seen(model)
        for chat, session in model.latest.items():
            session.id = session.id or shown[chat].record.id
        compare(model, account, shown)
    assert world.entries == model.entries
    return acts, refused
