"""The price on the screen is the price on the receipt: the browser's function and ours, on the same random tariffs."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import pytest

from talktime.core.money import format_credits
from talktime.core.price import begun_cost, price
from tests.twins.browser import answers
from tests.twins.tariffs import random_elapsed_ms, random_tariff

CASES: Final = 3000


@pytest.mark.parametrize("default_seed", [1, 2])
def test_screen_and_bill_have_one_price(default_seed: int, seed: int | None) -> None:
    random = Random(default_seed if seed is None else seed)
    drawn = [
        (random_tariff(random), random_elapsed_ms(random), random.choice([0, 60_000, 12_345])) for _ in range(CASES)
    ]
    questions: list[dict[str, Any]] = [
        {"tariff": tariff.document(), "elapsed_ms": elapsed, "allowance_ms": allowance}
        for tariff, elapsed, allowance in drawn
    ]
    found = answers("price", questions)
    for (tariff, elapsed, allowance), question, answer in zip(drawn, questions, found, strict=True):
        ours = price(tariff, elapsed, allowance)
        assert answer == {
            "cost": format_credits(ours.cost),
            "billed_ms": ours.billed_ms,
            "committed": format_credits(begun_cost(tariff, elapsed, allowance)),
        }, question
