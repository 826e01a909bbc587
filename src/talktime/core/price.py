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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from talktime.core.durations import counted_unit, increments, lasting
from talktime.core.money import format_credits

if TYPE_CHECKING:
    from talktime.core.tariff import Run, Tariff


_QUANTA: Final = (1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)  # micro-credits in the last place kept


_MODES: Final = {"up": "up", "down": "down", "half_up": "to the nearest, halves up,"}


@dataclass(frozen=True, slots=True)
class Price:
    """What some time costs: `cost` in micro-credits, `billed_ms` of increments begun, free time left out."""

    cost: int
    billed_ms: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a receipt's arithmetic; the amounts of all lines add up to the cost."""

    text: str
    amount: int


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


def _position(tariff: Tariff, priced_ms: int) -> tuple[Run, int]:
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


def rate(amount: int, per_ms: int) -> str:
    """A price of time, in micro-credits: `1.00 a minute`, `0.10 per 30 seconds`."""
    unit = counted_unit(per_ms)
    if unit is None:
        return f"{format_credits(amount)} per {lasting(per_ms)}"
    return f"{format_credits(amount)} {'an' if unit == 'hour' else 'a'} {unit}"
