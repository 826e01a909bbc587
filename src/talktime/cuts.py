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
    Gifts expire in between.
    """
    base = payer.settled_at
    running = payer.running()
    result: dict[str, Cut] = {}
    funds = _Funds(payer, base)
    for record in running:
        stop_ms = stop_elapsed(record.tariff, record.allowance_ms)
        if stop_ms is not None:
            ahead_ms = max(0, stop_ms - record.elapsed_at(base))
            result[record.record_id] = Cut(_instant(base + ahead_ms), Reason.MAX_COST)
            funds.released[record.record_id] = _release(record, base, ahead_ms, _demand(record, base, ahead_ms))
    low_ms = min((_began(record, base) for record in running), default=0)
    while running:
        first = _first_excess(running, base, funds.left, low_ms)
        change_ms = funds.next_change(first)
        if change_ms is not None:
            low_ms = max(low_ms, change_ms)
            funds.change(sum(_demand(record, base, max(0, change_ms)) for record in running))
            continue
        if first is None:
            break
        low_ms = first
        victim = _unpaid(running, base, funds.left, first)
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
            funds.released[victim.record_id] = _release(victim, base, ahead_ms, held)
            funds.hold(held)
    return result


class _Funds:
    """What is `left` for running records while the time ahead is played.

    Records that have stopped hold what they owe, and release what they turn out not to owe; gifts expire, and leave
    what is owed by then: `kept` of them, of all that is owed beyond what is posted.
    """

    def __init__(self, payer: Payer, base: int) -> None:
        self.left = payer.balance
        self.released: dict[str, tuple[int, int]] = {}  # when a record stops, what it held beyond its price
        self._expiries = [(lot.expires_at - base, lot.amount) for lot in payer.gifts if lot.expires_at is not None]
        self._held = 0
        self._kept = 0

    def next_change(self, until_ms: int | None) -> int | None:
        """When it changes next, if that is before an increment can't be paid at `until_ms` (None: never)."""
        if until_ms is None and not self._expiries and not self._kept:
            return None
        free = self._next_release()
        instants = [] if free is None or (until_ms is not None and free[0] > until_ms) else [free[0]]
        if self._expiries and (until_ms is None or self._expiries[0][0] < until_ms):
            instants.append(self._expiries[0][0])
        return min(instants, default=None)

    def change(self, owed_by_running: int) -> None:
        """The next release, or the next expiry, whichever is first."""
        free = self._next_release()
        if free is not None and (not self._expiries or free[0] <= self._expiries[0][0]):
            self.hold(-self.released.pop(free[1])[1])
        else:
            self._kept += self._expiries.pop(0)[1]
        gone = max(0, self._kept - max(0, self._held + owed_by_running))
        self._kept -= gone
        self.left -= gone

    def hold(self, amount: int) -> None:
        """A record that stops holds so much."""
        self.left -= amount
        self._held += amount

    def _next_release(self) -> tuple[int, str] | None:
        return min(((at, record_id) for record_id, (at, amount) in self.released.items() if amount), default=None)


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
