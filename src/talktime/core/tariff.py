"""A tariff: what time costs, checked when it is set. `price` computes with them.

Units: money in micro-credits, time in milliseconds, both integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import lcm
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from talktime.core.durations import parse_seconds, seconds
from talktime.core.money import format_credits, parse_credits

if TYPE_CHECKING:
    from collections.abc import Mapping


TIERS_MAX: Final = 50


Boundary = Literal["ceil", "begun"]


AtMaxCost = Literal["free", "stop"]


RoundingMode = Literal["up", "down", "half_up"]


class TariffError(ValueError):
    """The tariff makes no sense; `errors` says where and why.

    Attributes:
        errors: one `(path, message)` for each thing that is wrong, such as `("tiers[1].rate", "must not be negative")`.
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{path}: {message}" for path, message in errors))


@dataclass(frozen=True, slots=True)
class Tier:
    """From `from_ms` of priced time on: `rate` for each `per_ms`, used in whole increments."""

    from_ms: int
    rate: int
    per_ms: int = 60_000
    increment_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """A tier's increments where they really lie: all of one length and one price, end to end."""

    start_ms: int
    increment_ms: int
    unit: int  # price of one increment, as a numerator over `Tariff.scale`
    count: int | None  # how many there are; None: no end
    before: int  # price of everything before this run, connect fee included
    tier: Tier


@dataclass(frozen=True, slots=True)
class Tariff:
    """What time costs. Immutable: a change is a new version. Build one with `Tariff.parse`."""

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
        # One common denominator makes every sum of rates a sum of integers.
        scale = lcm(*(tier.per_ms for tier in self.tiers))
        runs: list[Run] = []
        position, before = 0, self.connect_fee * scale
        for index, tier in enumerate(self.tiers):
            unit = tier.increment_ms * tier.rate * (scale // tier.per_ms)
            if index + 1 == len(self.tiers):
                runs.append(Run(position, tier.increment_ms, unit, None, before, tier))
                break
            count = -(-(self.tiers[index + 1].from_ms - position) // tier.increment_ms)
            if count > 0:  # else the increment before covers the whole tier
                runs.append(Run(position, tier.increment_ms, unit, count, before, tier))
                position += count * tier.increment_ms
                before += count * unit
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "runs", tuple(runs))

    @classmethod
    def parse(cls, document: object) -> Tariff:
        """The tariff that a JSON document describes (shape: "Tariff" in the reference).

        Raises:
            TariffError: listing everything that is wrong with it.
        """
        return _Parser().tariff(document)

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


class _Parser:
    """Collects everything that is wrong with a document, so that its author sees it all at once."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def tariff(self, document: object) -> Tariff:
        top = self._object(document, "", _TARIFF_FIELDS)
        tiers = self._tiers(top.get("tiers"))
        rounding = self._object(top.get("rounding", {}), "rounding", {"places", "mode"})
        places = rounding.get("places", 2)
        if isinstance(places, bool) or not isinstance(places, int) or not 0 <= places <= 6:
            self._wrong("rounding.places", "must be a whole number from 0 to 6")
            places = 2
        fields: dict[str, Any] = {
            "tiers": tiers,
            "connect_fee": self._credits(top, "connect_fee"),
            "free_ms": self._duration(top, "free_seconds", "", 0),
            "grace_ms": self._duration(top, "grace_seconds", "", 0),
            "boundary": self._choice(top, "boundary", "", ("ceil", "begun")),
            "minimum_charge": self._credits(top, "minimum_charge"),
            "max_cost": None if top.get("max_cost") is None else self._credits(top, "max_cost"),
            "at_max_cost": self._choice(top, "at_max_cost", "", ("free", "stop")),
            "places": places,
            "mode": self._choice(rounding, "mode", "rounding.", ("up", "down", "half_up")),
        }
        if self.errors:
            raise TariffError(self.errors)
        return Tariff(**fields)

    def _tiers(self, documents: object) -> tuple[Tier, ...]:
        if not isinstance(documents, list) or not documents:
            self._wrong("tiers", "must be a list of at least one tier")
            return ()
        if len(documents) > TIERS_MAX:
            self._wrong("tiers", f"must be at most {TIERS_MAX} tiers")
            return ()
        tiers: list[Tier] = []
        for index, document in enumerate(documents):
            path = f"tiers[{index}]."
            given = self._object(
                document, path.rstrip("."), {"from_seconds", "rate", "per_seconds", "increment_seconds"}
            )
            if "rate" not in given:
                self._wrong(f"{path}rate", "is required")
            tier = Tier(
                from_ms=self._duration(given, "from_seconds", path, 0),
                rate=self._credits(given, "rate", path),
                per_ms=self._duration(given, "per_seconds", path, 60_000, least_ms=1),
                increment_ms=self._duration(given, "increment_seconds", path, 1_000, least_ms=1),
            )
            if not tiers and tier.from_ms != 0:
                self._wrong(f"{path}from_seconds", "must be 0 in the first tier")
            if tiers and tier.from_ms <= tiers[-1].from_ms:
                self._wrong(f"{path}from_seconds", "must be later than the tier before")
            tiers.append(tier)
        return tuple(tiers)

    def _object(self, value: object, path: str, fields: set[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._wrong(path or "tariff", "must be an object")
            return {}
        for name in value.keys() - fields:
            self._wrong(f"{path}.{name}".lstrip(".")[:80], "is not a field of a tariff")
        return value

    def _credits(self, given: Mapping[str, Any], name: str, path: str = "") -> int:
        try:
            return parse_credits(given.get(name, "0"))
        except ValueError as error:
            self._wrong(path + name, str(error))
            return 0

    def _duration(self, given: Mapping[str, Any], name: str, path: str, default_ms: int, least_ms: int = 0) -> int:
        if name not in given:
            return default_ms
        try:
            duration_ms = parse_seconds(given[name])
        except ValueError as error:
            self._wrong(path + name, str(error))
            return max(default_ms, least_ms)
        if duration_ms < least_ms:
            self._wrong(path + name, "must be more than 0")
            return least_ms
        return duration_ms

    def _choice(self, given: Mapping[str, Any], name: str, path: str, choices: tuple[str, ...]) -> str:
        value = given.get(name, choices[0])
        if value not in choices:
            self._wrong(path + name, f"must be one of: {', '.join(choices)}")
            return choices[0]
        return cast("str", value)

    def _wrong(self, path: str, message: str) -> None:
        self.errors.append((path, message))


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
