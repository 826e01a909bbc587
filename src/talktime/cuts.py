"""When credit ends: the coming increments of an account, played in order of instant. Pure.

Computed, not found by ticking: for one running record it is the inverse of its price, for several a search over time,
and neither takes longer for a balance that lasts for years.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.payer import Reason
from talktime.tariff import commitment, last_affordable, price, stop_elapsed

if TYPE_CHECKING:
    from talktime.payer import Payer, Record

INSTANT_MAX: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: a credit that lasts longer is shown to end there."""

_HORIZON_MS: Final = 100 * 365 * 86_400_000


class Cut(NamedTuple):
    """When a running record stops by itself, and why: `out_of_credit` or `max_cost`."""

    at: int
    reason: Reason


def cuts(payer: Payer) -> dict[str, Cut]:
    """When each running record's credit (or `max_cost`) ends, if nothing else happens; the others are left out.

    All coming increments of the account are played in order of instant; the first that can't be paid cuts exactly its
    record, and the others go on with what is left. In the same millisecond the record that started earlier pays first.
    """
    base = payer.settled_at
    running = payer.running()
    result: dict[str, Cut] = {}
    released: dict[str, tuple[int, int]] = {}  # when a record stops, what it held of the balance beyond its price
    for record in running:
        stop_ms = stop_elapsed(record.tariff, record.allowance_ms)
        if stop_ms is not None:
            ahead_ms = max(0, stop_ms - record.elapsed_at(base))
            result[record.record_id] = Cut(_instant(base + ahead_ms), Reason.MAX_COST)
            released[record.record_id] = _release(record, base, ahead_ms, _demand(record, base, ahead_ms))
    left, low_ms = payer.balance, min((_began(record, base) for record in running), default=0)
    while running:
        first = _first_excess(running, base, left, low_ms)
        if first is None:
            break
        free = min(((at, record_id) for record_id, (at, amount) in released.items() if amount), default=None)
        if free is not None and free[0] <= first:
            low_ms = max(low_ms, free[0])
            left += released.pop(free[1])[1]
            continue
        low_ms = first
        victim = _unpaid(running, base, left, first)
        # Within its grace it goes on for nothing, so it stops at the end of that; what it could pay stays held.
        ahead_ms = max(first, record_grace_end(victim) - victim.elapsed_at(base))
        cut = Cut(_instant(base + ahead_ms), Reason.OUT_OF_CREDIT)
        stop = result.get(victim.record_id)
        if stop is None or cut.at < stop.at:
            result[victim.record_id] = cut
        else:
            ahead_ms = stop.at - base
        running.remove(victim)
        if running:
            held = _demand(victim, base, first - 1)
            released[victim.record_id] = _release(victim, base, ahead_ms, held)
            left -= held
    return result


def record_grace_end(record: Record) -> int:
    """The elapsed time up to which the record's grace lets it go on for nothing; 0 without grace."""
    return record.allowance_ms + record.tariff.grace_ms if record.tariff.grace_ms else 0


def _instant(at: int) -> int:
    return min(at, INSTANT_MAX)


def _began(record: Record, base: int) -> int:
    """How long after `base` the record's timer started: at most 0."""
    return 0 if record.running_since is None else record.running_since - base


def _release(record: Record, base: int, ahead_ms: int, held: int) -> tuple[int, int]:
    """That a record which stops after `ahead_ms` leaves what it `held` beyond its price, which is less within grace."""
    cost = price(record.tariff, record.elapsed_at(base) + ahead_ms, record.allowance_ms).cost
    return ahead_ms, max(0, held - max(0, cost - record.charged))


def _demand(record: Record, base: int, ahead_ms: int) -> int:
    """What the record will have begun to owe beyond what is posted, `ahead_ms` after `base`; it stops at `max_cost`."""
    if ahead_ms < _began(record, base):
        return 0
    elapsed_ms = record.elapsed_at(base) + ahead_ms
    stop_ms = stop_elapsed(record.tariff, record.allowance_ms)
    if stop_ms is not None:
        elapsed_ms = min(elapsed_ms, stop_ms - 1)
    return max(0, commitment(record.tariff, elapsed_ms, record.allowance_ms) - record.charged)


def _first_excess(running: list[Record], base: int, left: int, low_ms: int) -> int | None:
    """How long after `base` the records together have first begun to owe more than is `left`; None if never.

    It may lie before `base`: a record within its grace goes on although what it has begun to owe can't be paid.
    """

    def excess(ahead_ms: int) -> bool:
        return sum(_demand(record, base, ahead_ms) for record in running) > left

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
