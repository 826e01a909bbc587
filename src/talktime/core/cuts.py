"""When credit ends: the coming increments of an account, played in order of instant. Pure.

Computed, not found by ticking: for one running record it is the inverse of its price, for several a search over time,
and neither takes longer for a balance that lasts for years.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core.payer import Reason
from talktime.core.price import commitment, last_affordable, price, stop_elapsed

if TYPE_CHECKING:
    from talktime.core.payer import Payer, Record

INSTANT_MAX: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: a credit that lasts longer is shown to end there."""

_HORIZON_MS: Final = 100 * 365 * 86_400_000


class Cut(NamedTuple):
    """When a running record stops by itself, and why: `out_of_credit` or `max_cost`."""

    at: int
    reason: Reason


def cuts(payer: Payer) -> dict[str, Cut]:
    """When each running record's credit (or `max_cost`) ends, if nothing else happens, in the order in which they do.

    Those that go on for ever are left out.

    All coming increments of the account are played in order of instant; the first that can't be paid cuts exactly its
    record, and the others go on with what is left. In the same millisecond the record that started earlier pays first.
    Gifts expire in between, but for what is owed by then.
    """
    base, left = payer.settled_at, payer.balance
    running = payer.running()
    expiries = [(lot.expires_at - base, lot.amount) for lot in payer.gifts if lot.expires_at is not None]
    kept = spent = 0  # of gifts that are over, and by records that have stopped
    ahead_ms = 0
    result: dict[str, Cut] = {}
    while running:
        stop = _next_stop(running, base, left, ahead_ms)
        if expiries and (stop is None or expiries[0][0] <= stop.ahead_ms):
            ahead_ms, amount = expiries.pop(0)
            kept += amount
        elif stop is not None:
            ahead_ms = stop.ahead_ms
            result[stop.record.record_id] = Cut(min(base + ahead_ms, INSTANT_MAX), stop.reason)
            running.remove(stop.record)
            # What it can't pay any more it may not owe after all, within its grace: then others go on with that.
            charge = _cost(stop.record, base, ahead_ms) - stop.record.charged
            left, spent = left - charge, spent + charge
        else:
            break
        gone = max(0, kept - spent - sum(_demand(record, base, ahead_ms) for record in running))
        left, kept = left - gone, kept - gone
    return result


class _Stop(NamedTuple):
    """That a record stops so long after the payer was settled."""

    ahead_ms: int
    reason: Reason
    record: Record

    @property
    def order(self) -> tuple[int, bool]:
        """In the same millisecond a maximum ends first, then who could not pay first; see `deadlines.Due`."""
        return (self.ahead_ms, self.reason is not Reason.MAX_COST)


def _next_stop(running: list[Record], base: int, left: int, least_ms: int) -> _Stop | None:
    """Which of the records stops first, and when, `least_ms` after `base` at the earliest; None if all go on for ever.

    What one has left for nothing may pay for an increment of long ago, and then not for a later one of another.
    """
    stops: list[_Stop] = []
    for record in running:
        stop_ms = stop_elapsed(record.tariff, record.allowance_ms)
        if stop_ms is not None:
            stops.append(_Stop(max(least_ms, stop_ms - record.elapsed_at(base)), Reason.MAX_COST, record))
    paying = [*running]
    while paying:
        first_ms = _first_excess(paying, base, left)
        if first_ms is None or any(stop.ahead_ms < first_ms for stop in stops):
            break
        victim = _unpaid(paying, base, left, first_ms)
        # Within its grace it goes on for nothing, so it stops at the end of that; what it could pay stays held.
        ahead_ms = max(least_ms, first_ms, record_grace_end(victim) - victim.elapsed_at(base))
        stops.append(_Stop(ahead_ms, Reason.OUT_OF_CREDIT, victim))
        left -= _demand(victim, base, first_ms - 1)
        paying.remove(victim)
    return min(stops, key=lambda stop: stop.order, default=None)


def record_grace_end(record: Record) -> int:
    """The elapsed time up to which the record's grace lets it go on for nothing; 0 without grace."""
    return record.allowance_ms + record.tariff.grace_ms if record.tariff.grace_ms else 0


def _began(record: Record, base: int) -> int:
    """How long after `base` the record's timer started: at most 0."""
    return 0 if record.running_since is None else record.running_since - base


def _cost(record: Record, base: int, ahead_ms: int) -> int:
    """What its time will cost, `ahead_ms` after `base`."""
    return price(record.tariff, record.elapsed_at(base) + ahead_ms, record.allowance_ms).cost


def _demand(record: Record, base: int, ahead_ms: int) -> int:
    """What the record will have begun to owe beyond what is posted, `ahead_ms` after `base`; it stops at `max_cost`."""
    if ahead_ms < _began(record, base):
        return 0
    elapsed_ms = record.elapsed_at(base) + ahead_ms
    stop_ms = stop_elapsed(record.tariff, record.allowance_ms)
    if stop_ms is not None:
        elapsed_ms = min(elapsed_ms, stop_ms - 1)
    return max(0, commitment(record.tariff, elapsed_ms, record.allowance_ms) - record.charged)


def _first_excess(running: list[Record], base: int, left: int) -> int | None:
    """How long after `base` the records together have first begun to owe more than is `left`; None if never.

    It may lie before `base`: a record within its grace goes on although what it has begun to owe can't be paid.
    """

    def excess(ahead_ms: int) -> bool:
        return sum(_demand(record, base, ahead_ms) for record in running) > left

    low_ms = min(_began(record, base) for record in running)
    if len(running) == 1:
        (record,) = running
        alone = last_affordable(record.tariff, record.charged + left, record.allowance_ms, grace=False)
        if alone is None:
            return None
        alone = max(low_ms, alone - record.elapsed_at(base))
        return alone if excess(alone) else None
    high_ms = _HORIZON_MS
    if not excess(high_ms):
        return None
    while low_ms < high_ms:
        middle = (low_ms + high_ms) // 2
        if excess(middle):
            high_ms = middle
        else:
            low_ms = middle + 1
    return low_ms


def _unpaid(running: list[Record], base: int, left: int, ahead_ms: int) -> Record:
    """The record whose increment at that instant is the first that can't be paid."""
    if len(running) == 1:
        return running[0]
    owed = {record.record_id: _demand(record, base, ahead_ms - 1) for record in running}
    left -= sum(owed.values())
    for record in running:
        left -= _demand(record, base, ahead_ms) - owed[record.record_id]
        if left < 0:
            return record
    raise AssertionError  # the caller has found that together they exceed
