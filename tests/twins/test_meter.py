"""What a screen computes from one snapshot is what the service says later: with several conversations on one credit."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any, Final

import pytest

from talktime.core import meter
from talktime.core.cuts import find_cuts
from talktime.core.errors import InsufficientCredit
from talktime.core.payer import Payer
from talktime.core.record import Record
from talktime.documents.snapshot import Snapshot, snapshot
from tests.twins.browser import answers
from tests.twins.tariffs import random_tariff
from tests.unit.builders import LONG_LEASES, START, new_record, payer_with, settle

CASES: Final = 1500
LATER_MS: Final = 900_000


def random_payer(random: Random) -> Payer:
    """A payer with up to three running records, which started one after the other."""
    payer = payer_with(random.choice([3, 12, 40]))
    for number in range(random.choice([1, 2, 2, 3])):
        record = new_record(f"record {number}", random_tariff(random), free_ms_before=random.choice([0, 30_000, 10**6]))
        if random.randrange(4) == 0:
            record = replace(record, grace_used_at=START - 1)
        try:
            payer = meter.start(payer, record, payer.settled_at, LONG_LEASES)
        except InsufficientCredit:
            continue
        payer = settle(payer, payer.settled_at - START + random.randrange(100_000))
    return payer


def shown(payer: Payer, record: Record) -> Snapshot:
    """The snapshot of the record's chat, as of now."""
    ends = find_cuts(payer)
    return snapshot(payer, record, LONG_LEASES, payer.settled_at, record.chat_id, 0, 1, ends)


def is_overdrawn(payer: Payer) -> bool:
    """Whether records within their grace hold more than there is: a snapshot says zero then, not by how much."""
    return payer.committed_at(payer.settled_at) > payer.balance


@pytest.mark.parametrize("default_seed", [1, 2])
def test_a_screen_goes_on_from_a_snapshot_as_the_service_does(default_seed: int, seed: int | None) -> None:
    random = Random(default_seed if seed is None else seed)
    questions: list[dict[str, Any]] = []
    expected: list[tuple[Snapshot, bool]] = []
    while len(questions) < CASES:
        payer = random_payer(random)
        if not payer.records or is_overdrawn(payer):
            continue
        record = random.choice(list(payer.records.values()))
        later = settle(payer, payer.settled_at - START + random.randrange(LATER_MS))
        if is_overdrawn(later):
            continue
        first, after = shown(payer, record), later.records.get(record.record_id)
        if after is None:
            continue  # the record was cut, and its recharge window is over
        questions.append({"snapshot": first.document(), "at": later.settled_at})
        expected.append((shown(later, after), bool(first.also_running)))
    found = answers("meter", questions)
    for question, (snapshot_later, _), answer in zip(questions, expected, found, strict=True):
        document = snapshot_later.document()
        assert answer == {name: document[name] for name in answer}, question
    assert sum(has_others for _, has_others in expected) > CASES // 4, "most of what is drawn has no other record"
