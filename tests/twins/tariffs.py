"""Random tariffs and terms, from a seed."""

from __future__ import annotations

from random import Random
from typing import get_args

from talktime.core.tariff import RoundingMode, Tariff, TariffError
from talktime.core.terms import Terms


def random_tariff(random: Random) -> Tariff:
    """A random tariff that is accepted. A tariff that is refused is drawn again."""
    starts = [0, *sorted(random.sample(range(1, 400), random.choice([0, 0, 1, 2])))]
    document = {
        "connect_fee": random.choice(["0", "0.4", "3", "0.000001"]),
        "free_seconds": random.choice([0, 60, 180, 0.5]),
        "grace_seconds": random.choice([0, 0, 3, 30, 75.25]),
        "tiers": [
            {
                "from_seconds": start,
                "rate": random.choice(["0", "1", "0.05", "0.333333", "2.5"]),
                "per_seconds": random.choice([1, 60, 7, 3600]),
                "increment_seconds": random.choice([1, 6, 30, 60, 7, 60.001]),
            }
            for start in starts
        ],
        "boundary": random.choice(["ceil", "begun"]),
        "minimum_charge": random.choice(["0", "0", "1.5"]),
        "max_cost": random.choice([None, None, "2.5", "10"]),
        "at_max_cost": random.choice(["free", "stop"]),
        "rounding": {"places": random.choice([0, 2, 4, 6]), "mode": random.choice(get_args(RoundingMode))},
    }
    try:
        return Tariff.parse(document)
    except TariffError:
        return random_tariff(random)


def random_elapsed_ms(random: Random) -> int:
    """A random time, often at the edge of an increment."""
    edge_ms = random.randrange(70) * 60_000 + random.choice([-1, 0, 1])
    return random.choice([random.randrange(700_000), max(0, edge_ms)])


def random_terms(random: Random) -> Terms:
    """Random terms. Often the advisor gets all or nothing."""
    return Terms(
        share_ppm=random.choice([0, 490_000, 492_500, 333_333, 1_000_000, random.randrange(1_000_001)]),
        fee_per_minute=random.choice([0, 0, 190_000, 70_001, 1, random.randrange(3_000_000)]),
        fee_per_session=random.choice([0, 0, 250_000, 1, random.randrange(3_000_000)]),
    )
