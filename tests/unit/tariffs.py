"""Random tariffs for Hypothesis, as documents: every field, alone and with the others."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st

from talktime.core.tariff import RoundingMode

_RATES: list[str] = ["0", "0", "0.000001", "0.01", "0.333333", "1", "2.5"]


@st.composite
def documents(draw: st.DrawFn, unit_ms: int = 1, *, costs: bool = False) -> dict[str, Any]:
    """A tariff whose times are small multiples of `unit_ms`: everything interesting happens within 100 of them.

    Args:
        draw: Hypothesis passes this argument.
        unit_ms: 1 for records that are played millisecond by millisecond, a second or a minute for longer records.
        costs: whether long time must cost something, so that credit ends.
    """

    def seconds(*counts: int) -> float:
        return draw(st.sampled_from(counts)) * unit_ms / 1000

    starts = [0, *sorted(draw(st.sets(st.integers(1, 40), max_size=3)))]
    tiers = [
        {
            "from_seconds": start * unit_ms / 1000,
            "rate": draw(st.sampled_from(_RATES)),
            "per_seconds": seconds(1, 7, 10, 60),
            "increment_seconds": seconds(1, 1, 3, 7, 10),
        }
        for start in starts
    ]
    if costs:
        tiers[-1]["rate"] = draw(st.sampled_from(["0.01", "0.333333", "1", "2.5"]))
    return {
        "connect_fee": draw(st.sampled_from(_RATES)),
        "free_seconds": seconds(0, 0, 1, 5, 20),
        "grace_seconds": seconds(0, 0, 0, 3, 15),
        "tiers": tiers,
        "boundary": draw(st.sampled_from(["ceil", "begun"])),
        "minimum_charge": draw(st.sampled_from(["0", "0", "1.5", "4"])),
        "max_cost": draw(st.sampled_from([None, None, "0.5", "3", "10"])),
        "at_max_cost": draw(st.just("stop") if costs else st.sampled_from(["free", "stop"])),
        "rounding": {
            "places": draw(st.sampled_from([0, 1, 2, 2, 4, 6])),
            "mode": draw(st.sampled_from(get_args(RoundingMode))),
        },
    }


amounts = st.sampled_from([0, 1, 10_000, 500_000, 1_000_000, 2_500_000, 7_770_000]) | st.integers(0, 30_000_000)
"""Micro-credits that such a tariff uses up soon."""

allowances = st.sampled_from([0, 0, 1, 4, 15])
"""Free time that is left, in units."""
