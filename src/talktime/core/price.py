"""The price of time: a function of a record's whole running time.

`price(tariff, elapsed_ms)` is exact. However the time is divided by pauses, switches and postings, the charges on the
way add up to the price of the whole time, because each charge is the difference of two such prices, and nothing else is
rounded.

    elapsed time    all running time of the record
    free time       the part of it that the free allowance covers, at the beginning
    priced time     the rest: connect fee, grace, tiers and minimum charge look at priced time only
    billed time     the increments that priced time has begun, as whole increments

The cost is computed in this order: connect fee and increments, at most `max_cost` (unless the record stops there), at
least `minimum_charge`, rounded once. Up to `grace_ms` of priced time the cost is zero.

The cost of an increment is owed from the increment's first instant on. The price of `priced_ms` counts each increment
that begins before `priced_ms` (boundary `ceil`) or at `priced_ms` too (boundary `begun`; this equals `ceil` one
millisecond later). With increments of a minute at 1.00, 60.000 s cost 1.00 with `ceil` and 2.00 with `begun`.

So the price, and its inverses `last_affordable` and `first_unaffordable`, take one division for each tier, however long
the time is.

Units: money in micro-credits, time in milliseconds, all integers. A *scaled* amount is micro-credits times
`Tariff.scale`: exact sums before the rounding are scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never, cast

from talktime.core.durations import duration_words, increment_words, unit_name
from talktime.core.money import format_credits

if TYPE_CHECKING:
    from talktime.core.tariff import RoundingMode, Run, Tariff


_QUANTA: Final = (1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)
"""The smallest step of a cost in micro-credits, by the number of decimal places."""


@dataclass(frozen=True, slots=True)
class Price:
    """The price of some time: its cost in micro-credits, and the billed time, which does not include free time."""

    cost: int
    billed_ms: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a receipt's arithmetic. The amounts of all lines, in micro-credits, add up to the cost."""

    text: str
    amount: int


def price(tariff: Tariff, elapsed_ms: int, allowance_ms: int | None = None) -> Price:
    """The price of a record's running time.

    Args:
        tariff: the version that the record started with.
        elapsed_ms: the record's running time, over all its chats.
        allowance_ms: the free time that the pair had left when the record started; None for all of `tariff.free_ms`.
    """
    priced_ms = elapsed_ms - (tariff.free_ms if allowance_ms is None else allowance_ms)
    if priced_ms <= max(0, tariff.grace_ms):
        return Price(0, 0)
    run, count = _last_begun(tariff, priced_ms)
    cost = _bounded_and_rounded(tariff, run.cost_before + count * run.increment_cost)
    return Price(cost, run.start_ms + count * run.increment_ms)


def begun_cost(tariff: Tariff, elapsed_ms: int, allowance_ms: int) -> int:
    """The cost of all time that a running record has begun at `elapsed_ms`, with the increment in progress.

    This is the cost one millisecond ahead, as if the tariff had no grace. A record in its grace costs nothing yet, but
    may soon cost its first increments, so their cost must not be spent elsewhere.
    """
    return _cost_without_grace(tariff, elapsed_ms + 1 - allowance_ms)


def is_free_by_grace(tariff: Tariff, elapsed_ms: int, allowance_ms: int) -> bool:
    """Whether a record of this time costs nothing because of the grace, and would cost something without it."""
    priced_ms = elapsed_ms - allowance_ms
    return 0 < priced_ms <= tariff.grace_ms and _cost_without_grace(tariff, priced_ms) > 0


def last_affordable(tariff: Tariff, amount: int, allowance_ms: int) -> int | None:
    """The last millisecond of elapsed time whose cost is at most `amount`; None if the cost never exceeds `amount`.

    The inverse of `price`: one millisecond later the cost is more than `amount`.
    """
    priced_ms = _last_affordable_priced(tariff, amount)
    return None if priced_ms is None else allowance_ms + max(priced_ms, tariff.grace_ms)


def first_unaffordable(tariff: Tariff, amount: int, allowance_ms: int) -> int | None:
    """The first millisecond of elapsed time whose begun cost is more than `amount`; None if there is none.

    The inverse of `begun_cost`, which looks one millisecond ahead and knows no grace.
    """
    priced_ms = _last_affordable_priced(tariff, amount)
    return None if priced_ms is None else allowance_ms + priced_ms


def elapsed_at_max_cost(tariff: Tariff, allowance_ms: int) -> int | None:
    """The elapsed time at which `max_cost` with `stop` ends the record; None if `max_cost` never ends the record."""
    if tariff.max_cost is None or tariff.at_max_cost == "free":
        return None
    return last_affordable(tariff, tariff.max_cost, allowance_ms)


def explain(tariff: Tariff, elapsed_ms: int, allowance_ms: int) -> list[Line]:
    """The arithmetic of `price`, line by line: free time, connect fee, increments, maximum, minimum, rounding.

    The lines add up to the cost. Each line drops fractions of a micro-credit, and the rounding makes up for them.
    """
    priced_ms = elapsed_ms - allowance_ms
    lines: list[Line] = []
    if allowance_ms > 0 and elapsed_ms > 0:
        lines.append(Line(f"{duration_words(min(elapsed_ms, allowance_ms))} free", 0))
    if priced_ms <= 0:
        return lines
    if priced_ms <= tariff.grace_ms:
        grace = f"{duration_words(priced_ms)}, and nothing is charged up to {duration_words(tariff.grace_ms)}"
        return [*lines, Line(grace, 0)]
    if tariff.connect_fee:
        lines.append(Line("to connect", tariff.connect_fee))
    last_run, last_count = _last_begun(tariff, priced_ms)
    for run in tariff.runs[: tariff.runs.index(last_run) + 1]:
        count = last_count if run is last_run else cast("int", run.count)
        text = f"{increment_words(count, run.increment_ms)} at {rate_text(run.tier.rate, run.tier.per_ms)}"
        lines.append(Line(text, count * run.increment_cost // tariff.scale))
    exact = last_run.cost_before + last_count * last_run.increment_cost
    for text, bounded in (
        ("no more than the maximum", _capped(tariff, exact)),
        ("no less than the minimum", _bounded(tariff, exact)),
    ):
        if bounded != exact:
            lines.append(Line(text, (bounded - exact) // tariff.scale))
            exact = bounded
    difference = _rounded(tariff, exact) - sum(line.amount for line in lines)
    if difference:
        places = f"{tariff.places} place{'' if tariff.places == 1 else 's'}"
        lines.append(Line(f"rounded {_mode_words(tariff.mode)} to {places}", difference))
    return lines


def rate_text(amount: int, per_ms: int) -> str:
    """A rate in words, `amount` micro-credits for each `per_ms`: `1.00 a minute`, `0.10 per 30 seconds`."""
    unit = unit_name(per_ms)
    if unit is None:
        return f"{format_credits(amount)} per {duration_words(per_ms)}"
    return f"{format_credits(amount)} {'an' if unit == 'hour' else 'a'} {unit}"


def _last_begun(tariff: Tariff, priced_ms: int) -> tuple[Run, int]:
    """The run of the last increment that has begun, and the number of increments of this run that have begun."""
    limit_ms = priced_ms + (tariff.boundary == "begun")
    last = tariff.runs[0]
    for run in tariff.runs[1:]:
        if run.start_ms >= limit_ms:
            break
        last = run
    return last, -(-(limit_ms - last.start_ms) // last.increment_ms)


def _cost_without_grace(tariff: Tariff, priced_ms: int) -> int:
    if priced_ms <= 0:
        return 0
    run, count = _last_begun(tariff, priced_ms)
    return _bounded_and_rounded(tariff, run.cost_before + count * run.increment_cost)


def _capped(tariff: Tariff, scaled: int) -> int:
    """At most `max_cost`. With `stop` the record ends there, so the price needs no cap."""
    if tariff.max_cost is None or tariff.at_max_cost == "stop":
        return scaled
    return min(scaled, tariff.max_cost * tariff.scale)


def _bounded(tariff: Tariff, scaled: int) -> int:
    return max(_capped(tariff, scaled), tariff.minimum_charge * tariff.scale)


def _bounded_and_rounded(tariff: Tariff, scaled: int) -> int:
    """The cost, in micro-credits, of connect fee and increments that add up to `scaled`."""
    return _rounded(tariff, _bounded(tariff, scaled))


def _rounded(tariff: Tariff, scaled: int) -> int:
    quantum = _QUANTA[tariff.places]
    divisor = quantum * tariff.scale
    match tariff.mode:
        case "up":
            steps = -(-scaled // divisor)
        case "down":
            steps = scaled // divisor
        case "half_up":
            steps = (2 * scaled + divisor) // (2 * divisor)
        case _:
            assert_never(tariff.mode)
    return steps * quantum


def _largest_scaled(tariff: Tariff, amount: int) -> int:
    """The largest scaled amount that is rounded to at most `amount`: the inverse of `_rounded`."""
    quantum = _QUANTA[tariff.places]
    divisor = quantum * tariff.scale
    steps = amount // quantum
    match tariff.mode:
        case "up":
            return steps * divisor
        case "down":
            return (steps + 1) * divisor - 1
        case "half_up":
            return ((2 * steps + 1) * divisor - 1) // 2
        case _:
            assert_never(tariff.mode)


def _mode_words(mode: RoundingMode) -> str:
    match mode:
        case "up" | "down":
            return mode
        case "half_up":
            return "to the nearest, halves up,"
        case _:
            assert_never(mode)


def _last_affordable_priced(tariff: Tariff, amount: int) -> int | None:
    """The last millisecond of priced time whose cost without grace is at most `amount`; None if there is no last."""
    largest = _largest_scaled(tariff, amount)
    if tariff.minimum_charge * tariff.scale > largest:
        return 0
    if tariff.max_cost is not None and tariff.at_max_cost == "free" and tariff.max_cost * tariff.scale <= largest:
        return None
    for run in tariff.runs:
        if largest < run.cost_before:
            count = 0
        elif run.increment_cost == 0:
            if run.count is None:
                return None
            continue
        else:
            count = (largest - run.cost_before) // run.increment_cost
        if run.count is None or count < run.count:
            return max(0, run.start_ms + count * run.increment_ms - (tariff.boundary == "begun"))
    raise AssertionError  # the last run has no end
