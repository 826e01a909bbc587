"""Two minutes of chaos. `make chaos SEED=4711 MINUTES=10` plays longer, and any seed again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from talktime.postgres.guardian import Guardian
from tests.chaos.play import play


@pytest.mark.begins_first(seconds=140)
async def test_nothing_is_lost_doubled_or_left_behind(
    data_dir: Path, guardian: Guardian, seed: int | None, tell: Callable[[str], None]
) -> None:
    run = await play(
        data_dir, guardian, seed or 1, seconds=120, nodes=2, users=6, fanout="postgres", tell=lambda _: None
    )
    tell(run.report())
    assert run.wrong == []
