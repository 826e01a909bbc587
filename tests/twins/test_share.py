"""An advisor's share is the same in the browser and on the statement: on random terms and tariffs."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import pytest

from talktime.core.money import format_credits
from talktime.core.terms import share
from tests.twins.browser import answers
from tests.twins.tariffs import random_elapsed_ms, random_tariff, random_terms

CASES: Final = 3000


@pytest.mark.parametrize("default_seed", [1, 2])
def test_browser_and_statement_divide_a_price_alike(default_seed: int, seed: int | None) -> None:
    random = Random(default_seed if seed is None else seed)
    drawn = [
        (random_terms(random), random_tariff(random), random_elapsed_ms(random), random.choice([0, 60_000, 12_345]))
        for _ in range(CASES)
    ]
    questions: list[dict[str, Any]] = [
        {"terms": terms.document(), "tariff": tariff.document(), "elapsed_ms": elapsed, "allowance_ms": allowance}
        for terms, tariff, elapsed, allowance in drawn
    ]
    found = answers("share", questions)
    with_fees = with_share = 0
    for case, question, answer in zip(drawn, questions, found, strict=True):
        advisor, fees = share(*case)
        assert answer == {"advisor": format_credits(advisor), "fees": format_credits(fees)}, question
        with_share += advisor > 0
        with_fees += fees > 0
    assert min(with_share, with_fees) > CASES // 4, "most of what is drawn divides nothing"
