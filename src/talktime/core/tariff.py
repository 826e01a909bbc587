"""A tariff: what an advisor's time costs.

A tariff is immutable. A change is a new version, and a record keeps the version that it started with, so the price
that a user sees is the price that the user pays. This module holds a tariff and checks its JSON document; the module
`price` computes with it.

A tariff prices the record's *priced time*, which is the elapsed time beyond the free allowance. *Tiers* divide priced
time: from `from_ms` on, time costs `rate` for each `per_ms`, in whole increments of `increment_ms`. An increment that
begins in a tier belongs to this tier as a whole, even if the increment ends in the next tier. The increments of the
next tier then begin where that increment ends. A *run* is the part of priced time where the increments of one tier
really lie. For example, with increments of a minute, and from 90 seconds on increments of a second:

    tier 0: 0 s to 90 s                                 tier 1: from 90 s
    |------------ 60 s ------------|------------ 60 s ------------|-1-|-1-|-1-| ...
    run 0: from 0 s, 2 increments                                 run 1: from 120 s, increments without end

Units: money in micro-credits, time in milliseconds, all integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from talktime.core.durations import parse_seconds, seconds
from talktime.core.errors import Mistakes
from talktime.core.money import format_credits, parse_credits

if TYPE_CHECKING:
    from collections.abc import Mapping

TIERS_MAX: Final = 50

Boundary = Literal["ceil", "begun"]
"""Whether time that ends exactly between two increments has begun the second one: with `ceil` no, with `begun` yes."""

AtMaxCost = Literal["free", "stop"]
"""The rule at `max_cost`: with `free` the time goes on and costs no more, with `stop` the record ends."""

RoundingMode = Literal["up", "down", "half_up"]
"""How the cost is rounded. The first value is the default, here and in the two types above. A new mode fails type
checking wherever the mode matters."""


class TariffError(Mistakes):
    """The document is not a tariff. `errors` has a `(path, message)` for each mistake."""


@dataclass(frozen=True, slots=True)
class Tier:
    """From `from_ms` of priced time on: `rate` for each `per_ms`, in whole increments of `increment_ms`."""

    from_ms: int
    rate: int
    per_ms: int = 60_000
    increment_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """The increments of one tier, all of one length and one price, where they lie in priced time.

    `increment_cost` and `cost_before` are *scaled*: micro-credits times `Tariff.scale`, so that they are integers.

    Attributes:
        start_ms: the priced time at which the first increment begins.
        increment_ms: the length of each increment.
        increment_cost: the price of each increment, scaled.
        count: the number of increments; None for the last run, which has no end.
        cost_before: the price of all increments before this run and of the connect fee, scaled.
        tier: the tier of the increments.
    """

    start_ms: int
    increment_ms: int
    increment_cost: int
    count: int | None
    cost_before: int
    tier: Tier


@dataclass(frozen=True, slots=True)
class Tariff:
    """The price of an advisor's time. Build a tariff with `Tariff.parse`.

    `scale` and `runs` follow from the other fields, and `price` computes with them.

    Attributes:
        tiers: the price of time, in order of `from_ms`; the first tier begins at 0.
        connect_fee: charged once, as soon as there is priced time.
        free_ms: the free time of each pair of user and advisor, over all their records.
        grace_ms: a record with at most this priced time costs nothing, once in 24 hours for each pair (`record`).
        boundary: whether time that ends exactly between two increments has begun the second one.
        minimum_charge: the least that a record with more priced time than the grace costs.
        max_cost: the amount at which the cost stops rising, or at which the record ends; None for no maximum.
        at_max_cost: which of the two happens at `max_cost`.
        places: the decimal places that the cost is rounded to, 0 to 6.
        mode: the direction of this rounding.
        scale: the common denominator of all rates: a rate for any milliseconds is a whole multiple of 1 / `scale`.
        runs: the runs of the tiers, in order.
    """

    tiers: tuple[Tier, ...]
    connect_fee: int = 0
    free_ms: int = 0
    grace_ms: int = 0
    boundary: Boundary = "ceil"
    minimum_charge: int = 0
    max_cost: int | None = None
    at_max_cost: AtMaxCost = "free"
    places: int = 2
    mode: RoundingMode = "up"
    scale: int = field(init=False, repr=False, compare=False)
    runs: tuple[Run, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # One common denominator makes every sum of prices a sum of integers, so nothing is rounded on the way.
        scale = lcm(*(tier.per_ms for tier in self.tiers))
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "runs", _runs(self.tiers, scale, self.connect_fee * scale))

    def allowance_after(self, free_ms_before: int) -> int:
        """The rest of the pair's allowance after the pair has used `free_ms_before` of it, in milliseconds."""
        return max(0, self.free_ms - free_ms_before)

    @property
    def without_grace(self) -> Tariff:
        """The tariff as it holds for a record that has no grace."""
        return self if self.grace_ms == 0 else _without_grace(self)

    @classmethod
    def parse(cls, document: object) -> Tariff:
        """The tariff of a JSON document. Every field but `tiers` has a default.

        Raises:
            TariffError: with every mistake in the document.
        """
        return _Parser().parse(document)

    def document(self) -> dict[str, Any]:
        """The JSON document of this tariff, with every default written out."""
        return {
            "connect_fee": format_credits(self.connect_fee),
            "free_seconds": seconds(self.free_ms),
            "grace_seconds": seconds(self.grace_ms),
            "tiers": [
                {
                    "from_seconds": seconds(tier.from_ms),
                    "rate": format_credits(tier.rate),
                    "per_seconds": seconds(tier.per_ms),
                    "increment_seconds": seconds(tier.increment_ms),
                }
                for tier in self.tiers
            ],
            "boundary": self.boundary,
            "minimum_charge": format_credits(self.minimum_charge),
            "max_cost": None if self.max_cost is None else format_credits(self.max_cost),
            "at_max_cost": self.at_max_cost,
            "rounding": {"places": self.places, "mode": self.mode},
        }


@lru_cache(maxsize=1000)
def _without_grace(tariff: Tariff) -> Tariff:
    return replace(tariff, grace_ms=0)


def _runs(tiers: tuple[Tier, ...], scale: int, cost_before: int) -> tuple[Run, ...]:
    """The runs of the tiers. `cost_before` is the scaled cost at the beginning, which is the connect fee."""
    runs: list[Run] = []
    start_ms = 0
    for tier, next_tier in zip(tiers, (*tiers[1:], None), strict=True):
        increment_cost = tier.increment_ms * tier.rate * (scale // tier.per_ms)
        count = None if next_tier is None else -(-(next_tier.from_ms - start_ms) // tier.increment_ms)
        if count is not None and count <= 0:  # the last increment of an earlier tier covers this whole tier
            continue
        runs.append(Run(start_ms, tier.increment_ms, increment_cost, count, cost_before, tier))
        if count is not None:
            start_ms += count * tier.increment_ms
            cost_before += count * increment_cost
    return tuple(runs)


class _Parser:
    """Reads one document, and collects every mistake, so that the author of the document sees them all at once.

    After a mistake the parser goes on with a value that is acceptable; `parse` raises the mistakes at the end.
    """

    def __init__(self) -> None:
        self._errors: list[tuple[str, str]] = []

    def parse(self, document: object) -> Tariff:
        fields = self._object(document, "", _TARIFF_FIELDS)
        tiers = self._tiers(fields.get("tiers"))
        rounding = self._object(fields.get("rounding", {}), "rounding", {"places", "mode"})
        places = rounding.get("places", 2)
        if isinstance(places, bool) or not isinstance(places, int) or not 0 <= places <= 6:
            self._add_error("rounding.places", "must be a whole number from 0 to 6")
            places = 2
        values: dict[str, Any] = {
            "tiers": tiers,
            "connect_fee": self._credits(fields, "connect_fee"),
            "free_ms": self._duration(fields, "free_seconds", "", 0),
            "grace_ms": self._duration(fields, "grace_seconds", "", 0),
            "boundary": self._choice(fields, "boundary", "", get_args(Boundary)),
            "minimum_charge": self._credits(fields, "minimum_charge"),
            "max_cost": None if fields.get("max_cost") is None else self._credits(fields, "max_cost"),
            "at_max_cost": self._choice(fields, "at_max_cost", "", get_args(AtMaxCost)),
            "places": places,
            "mode": self._choice(rounding, "mode", "rounding.", get_args(RoundingMode)),
        }
        if self._errors:
            raise TariffError(self._errors)
        return Tariff(**values)

    def _tiers(self, documents: object) -> tuple[Tier, ...]:
        if not isinstance(documents, list) or not documents:
            self._add_error("tiers", "must be a list of at least one tier")
            return ()
        if len(documents) > TIERS_MAX:
            self._add_error("tiers", f"must be at most {TIERS_MAX} tiers")
            return ()
        tiers: list[Tier] = []
        for index, document in enumerate(documents):
            tier = self._tier(document, f"tiers[{index}]")
            if not tiers and tier.from_ms != 0:
                self._add_error(f"tiers[{index}].from_seconds", "must be 0 in the first tier")
            if tiers and tier.from_ms <= tiers[-1].from_ms:
                self._add_error(f"tiers[{index}].from_seconds", "must be later than the tier before")
            tiers.append(tier)
        return tuple(tiers)

    def _tier(self, document: object, path: str) -> Tier:
        fields = self._object(document, path, {"from_seconds", "rate", "per_seconds", "increment_seconds"})
        prefix = f"{path}."
        if "rate" not in fields:
            self._add_error(f"{prefix}rate", "is required")
        return Tier(
            from_ms=self._duration(fields, "from_seconds", prefix, 0),
            rate=self._credits(fields, "rate", prefix),
            per_ms=self._duration(fields, "per_seconds", prefix, 60_000, least_ms=1),
            increment_ms=self._duration(fields, "increment_seconds", prefix, 1_000, least_ms=1),
        )

    def _object(self, value: object, path: str, names: set[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._add_error(path or "tariff", "must be an object")
            return {}
        for name in value.keys() - names:
            self._add_error(f"{path}.{name}".lstrip(".")[:80], "is not a field of a tariff")
        return value

    def _credits(self, fields: Mapping[str, Any], name: str, prefix: str = "") -> int:
        try:
            return parse_credits(fields.get(name, "0"))
        except ValueError as error:
            self._add_error(prefix + name, str(error))
            return 0

    def _duration(self, fields: Mapping[str, Any], name: str, prefix: str, default_ms: int, least_ms: int = 0) -> int:
        if name not in fields:
            return default_ms
        try:
            duration_ms = parse_seconds(fields[name])
        except ValueError as error:
            self._add_error(prefix + name, str(error))
            return max(default_ms, least_ms)
        if duration_ms < least_ms:
            self._add_error(prefix + name, "must be more than 0")
            return least_ms
        return duration_ms

    def _choice(self, fields: Mapping[str, Any], name: str, prefix: str, choices: tuple[str, ...]) -> str:
        value = fields.get(name, choices[0])
        if value not in choices:
            self._add_error(prefix + name, f"must be one of: {', '.join(choices)}")
            return choices[0]
        return cast("str", value)

    def _add_error(self, path: str, message: str) -> None:
        self._errors.append((path, message))


_TARIFF_FIELDS: Final = {
    "connect_fee",
    "free_seconds",
    "grace_seconds",
    "tiers",
    "boundary",
    "minimum_charge",
    "max_cost",
    "at_max_cost",
    "rounding",
}
