"""What time costs: one pure function of total time.

`price(tariff, elapsed_ms)` is exact. Whatever the slicing of a session into segments, checkpoints and restarts, the
amounts charged on the way add up to the price of the total, because each of them is the difference of two totals and
rounding happens once, on the total.

A tariff's increments lie at fixed places on the line of *priced time* (elapsed time beyond the free allowance):

    tier 0, from 0, by 60 s          tier 1, from 60 s, by 1 s
    |------------ 60 s ------------|-1-|-1-|-1-|-1-| ...

An increment is owed from its first instant: the price at `priced` counts each increment that begins before `priced`
(`ceil`) or at it (`begun`, which is the same as `ceil` one millisecond later). So both the price and its inverse,
`last_affordable`, are a division per tier, however long the session.

Units: money in micro-credits (integers), time in milliseconds (integers).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import lcm
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from talktime.core.durations import increments, lasting, rate
from talktime.core.money import format_credits, parse_credits

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS_MAX: Final = 315_360_000
"""The longest duration a tariff may name, in seconds: ten years."""

TIERS_MAX: Final = 50
_QUANTA: Final = (1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)  # micro-credits in the last place kept

_MODES: Final = {"up": "up", "down": "down", "half_up": "to the nearest, halves up,"}

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
class _Run:
    """A tier's increments where they really lie: all of one length and one price, end to end."""

    start_ms: int
    increment_ms: int
    unit: int  # price of one increment, as a numerator over `Tariff.scale`
    count: int | None  # how many there are; None: no end
    before: int  # price of everything before this run, connect fee included
    tier: Tier


@dataclass(frozen=True, slots=True)
class Price:
    """What a stretch of time costs: `cost` in micro-credits, `billed_ms` of increments begun, free time left out."""

    cost: int
    billed_ms: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a receipt's arithmetic; the amounts of all lines add up to the cost."""

    text: str
    amount: int


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
    runs: tuple[_Run, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # One common denominator makes every sum of rates a sum of integers.
        scale = lcm(*(tier.per_ms for tier in self.tiers))
        runs: list[_Run] = []
        position, before = 0, self.connect_fee * scale
        for index, tier in enumerate(self.tiers):
            unit = tier.increment_ms * tier.rate * (scale // tier.per_ms)
            if index + 1 == len(self.tiers):
                runs.append(_Run(position, tier.increment_ms, unit, None, before, tier))
                break
            count = -(-(self.tiers[index + 1].from_ms - position) // tier.increment_ms)
            if count > 0:  # else the increment before covers the whole tier
                runs.append(_Run(position, tier.increment_ms, unit, count, before, tier))
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


def price(tariff: Tariff, elapsed_ms: int, allowance_ms: int | None = None) -> Price:
    """What `elapsed_ms` of running time costs.

    Args:
        tariff: the version the record started with.
        elapsed_ms: the record's running time, over all its chats.
        allowance_ms: what was left of the pair's free allowance when the record started; all of it when not given.
    """
    priced_ms = elapsed_ms - (tariff.free_ms if allowance_ms is None else allowance_ms)
    if priced_ms <= max(0, tariff.grace_ms):
        return Price(0, 0)
    run, units = _position(tariff, priced_ms)
    return Price(_total(tariff, run.before + units * run.unit), run.start_ms + units * run.increment_ms)


def commitment(tariff: Tariff, elapsed_ms: int, allowance_ms: int) -> int:
    """What a record running since `elapsed_ms` has begun to owe, in micro-credits: the increment in progress included.

    It looks one millisecond ahead and past the grace time, so that what may become due can't be spent elsewhere.
    """
    return _price_without_grace(tariff, elapsed_ms + 1 - allowance_ms)


def last_affordable(tariff: Tariff, amount: int, allowance_ms: int, *, grace: bool = True) -> int | None:
    """The last millisecond of elapsed time at which the price is at most `amount`; None when that never ends.

    The inverse of `price`: affordable there, no longer one millisecond later. Its time does not grow with `amount`.
    With `grace=False` the inverse of `commitment` instead: the first millisecond that has begun to owe more.
    """
    priced_ms = _last_affordable_priced(tariff, amount)
    if priced_ms is None:
        return None
    return allowance_ms + (max(priced_ms, tariff.grace_ms) if grace else priced_ms)


def stop_elapsed(tariff: Tariff, allowance_ms: int) -> int | None:
    """The elapsed time at which `max_cost` with `stop` ends a record; None when it never does."""
    if tariff.max_cost is None or tariff.at_max_cost == "free":
        return None
    return last_affordable(tariff, tariff.max_cost, allowance_ms)


def explain(tariff: Tariff, elapsed_ms: int, allowance_ms: int) -> list[Line]:
    """The arithmetic of `price`, line by line. The lines add up to the cost; the last carries the rounding."""
    priced_ms = elapsed_ms - allowance_ms
    lines: list[Line] = []
    if allowance_ms > 0 and elapsed_ms > 0:
        lines.append(Line(f"{lasting(min(elapsed_ms, allowance_ms))} free", 0))
    if priced_ms <= 0:
        return lines
    if priced_ms <= tariff.grace_ms:
        lines.append(Line(f"{lasting(priced_ms)}, and nothing is charged up to {lasting(tariff.grace_ms)}", 0))
        return lines
    if tariff.connect_fee:
        lines.append(Line("to connect", tariff.connect_fee))
    last, last_units = _position(tariff, priced_ms)
    total = last.before + last_units * last.unit
    for run in tariff.runs[: tariff.runs.index(last) + 1]:
        units = last_units if run is last else cast("int", run.count)
        text = f"{increments(units, run.increment_ms)} at {rate(run.tier.rate, run.tier.per_ms)}"
        lines.append(Line(text, units * run.unit // tariff.scale))
    for text, bounded in (
        ("no more than the maximum", _capped(tariff, total)),
        ("no less than the minimum", max(_capped(tariff, total), tariff.minimum_charge * tariff.scale)),
    ):
        if bounded != total:
            lines.append(Line(text, (bounded - total) // tariff.scale))
            total = bounded
    difference = _rounded(tariff, total) - sum(line.amount for line in lines)
    if difference:
        places = f"{tariff.places} place{'' if tariff.places == 1 else 's'}"
        lines.append(Line(f"rounded {_MODES[tariff.mode]} to {places}", difference))
    return lines


def seconds(duration_ms: int) -> int | float:
    """A duration in seconds, whole when it is whole, as JSON shows it."""
    return duration_ms // 1000 if duration_ms % 1000 == 0 else duration_ms / 1000


def parse_seconds(value: object, maximum: int = SECONDS_MAX) -> int:
    """Milliseconds of a number of seconds: an integer, a float or a decimal string, at most three decimals.

    Raises:
        ValueError: in words for the person who sent it.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | str)
        or (isinstance(value, str) and len(value) > 20)
    ):
        msg = "must be a number of seconds"
        raise ValueError(msg)
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        number = Decimal("nan")
    if not number.is_finite() or (isinstance(value, str) and not set(value) <= set("0123456789.-")):
        msg = "must be a number of seconds"
        raise ValueError(msg)
    if number < 0:
        msg = "must not be negative"
        raise ValueError(msg)
    if number > maximum:
        msg = f"must be at most {maximum} seconds"
        raise ValueError(msg)
    milliseconds = number * 1000
    if milliseconds != int(milliseconds):
        msg = "must have at most 3 decimals"
        raise ValueError(msg)
    return int(milliseconds)


def clock_text(duration_ms: int) -> str:
    """A duration for people: `0:07`, `12:00`, `1:02:03`, `0:07.250`."""
    whole, rest = divmod(duration_ms, 1000)
    hours, minutes, secs = whole // 3600, whole // 60 % 60, whole % 60
    text = f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"
    return f"{text}.{rest:03d}" if rest else text


def _position(tariff: Tariff, priced_ms: int) -> tuple[_Run, int]:
    """The run that the last increment begun lies in, and how many of its increments have begun."""
    limit_ms = priced_ms + (tariff.boundary == "begun")
    run = tariff.runs[0]
    for later in tariff.runs[1:]:
        if later.start_ms >= limit_ms:
            break
        run = later
    return run, -(-(limit_ms - run.start_ms) // run.increment_ms)


def _price_without_grace(tariff: Tariff, priced_ms: int) -> int:
    if priced_ms <= 0:
        return 0
    run, units = _position(tariff, priced_ms)
    return _total(tariff, run.before + units * run.unit)


def _capped(tariff: Tariff, total: int) -> int:
    if tariff.max_cost is None or tariff.at_max_cost == "stop":
        return total
    return min(total, tariff.max_cost * tariff.scale)


def _total(tariff: Tariff, total: int) -> int:
    return _rounded(tariff, max(_capped(tariff, total), tariff.minimum_charge * tariff.scale))


def _rounded(tariff: Tariff, total: int) -> int:
    quantum = _QUANTA[tariff.places]
    divisor = quantum * tariff.scale
    if tariff.mode == "up":
        return -(-total // divisor) * quantum
    if tariff.mode == "down":
        return total // divisor * quantum
    return (2 * total + divisor) // (2 * divisor) * quantum


def _largest_total(tariff: Tariff, amount: int) -> int:
    """The largest unrounded total, as a numerator, that rounds to at most `amount`."""
    quantum = _QUANTA[tariff.places]
    divisor = quantum * tariff.scale
    steps = amount // quantum
    if tariff.mode == "up":
        return steps * divisor
    if tariff.mode == "down":
        return (steps + 1) * divisor - 1
    return ((2 * steps + 1) * divisor - 1) // 2


def _last_affordable_priced(tariff: Tariff, amount: int) -> int | None:
    largest = _largest_total(tariff, amount)
    if tariff.minimum_charge * tariff.scale > largest:
        return 0
    if tariff.max_cost is not None and tariff.at_max_cost == "free" and tariff.max_cost * tariff.scale <= largest:
        return None
    for run in tariff.runs:
        if largest < run.before:
            affordable = 0
        elif run.unit == 0:
            if run.count is None:
                return None
            continue
        else:
            affordable = (largest - run.before) // run.unit
        if run.count is None or affordable < run.count:
            return max(0, run.start_ms + affordable * run.increment_ms - (tariff.boundary == "begun"))
    raise AssertionError  # the last run has no end


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
