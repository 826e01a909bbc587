"""The price in SQL is the price on the receipt: the database's function and ours, on the same random tariffs."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

import pytest

from talktime.core.price import begun_cost, price
from talktime.core.tariff import Tariff
from talktime.database.pool import Pool
from tests.twins.tariffs import random_elapsed_ms, random_tariff

pytestmark = pytest.mark.both_servers

CASES: Final = 3000
_PRICES: Final = """
select price(tariff, elapsed_ms, allowance_ms) as cost,
       price(tariff, elapsed_ms + 1, allowance_ms, has_grace => false) as begun_cost,
       price(tariff, elapsed_ms) as cost_with_all_free_time
from unnest($1::jsonb[], $2::bigint[], $3::bigint[]) with ordinality as asked (tariff, elapsed_ms, allowance_ms, number)
order by number
"""


async def answers(database: Pool, asked: list[tuple[dict[str, Any], int, int]]) -> list[tuple[int, int, int]]:
    tariffs, elapsed_ms, allowances_ms = zip(*asked, strict=True)
    rows = await database.fetch(_PRICES, list(tariffs), list(elapsed_ms), list(allowances_ms))
    return [(row["cost"], row["begun_cost"], row["cost_with_all_free_time"]) for row in rows]


@pytest.mark.parametrize("default_seed", [3, 4])
async def test_tables_and_bill_have_one_price(database: Pool, default_seed: int, seed: int | None) -> None:
    random = Random(default_seed if seed is None else seed)
    drawn = [
        (random_tariff(random), random_elapsed_ms(random), random.choice([0, 60_000, 12_345])) for _ in range(CASES)
    ]
    asked = [(tariff.document(), elapsed, allowance) for tariff, elapsed, allowance in drawn]
    for (tariff, elapsed, allowance), got in zip(drawn, await answers(database, asked), strict=True):
        expected = (
            price(tariff, elapsed, allowance).cost,
            begun_cost(tariff, elapsed, allowance),
            price(tariff, elapsed).cost,
        )
        assert got == expected, (json.dumps(tariff.document()), elapsed, allowance)


@pytest.mark.parametrize(
    "document",
    [
        {"tiers": [{"rate": "1"}]},  # a tariff of an early version: without what has a default
        {
            "tiers": [{"from_seconds": start, "rate": "9999999999", "per_seconds": 59.999} for start in range(50)],
            "rounding": {"places": 6, "mode": "half_up"},
        },
        {"tiers": [{"rate": "0.000001", "per_seconds": 86_399.999, "increment_seconds": 0.001}]},
    ],
)
async def test_the_smallest_and_the_largest_price_are_the_same(database: Pool, document: dict[str, Any]) -> None:
    tariff = Tariff.parse(document)
    for elapsed in (0, 1, 59_999, 60_000, 60_001, 10_000_000):
        ((cost, begun, _),) = await answers(database, [(document, elapsed, 0)])
        assert (cost, begun) == (price(tariff, elapsed).cost, begun_cost(tariff, elapsed, 0))
