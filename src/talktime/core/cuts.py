"""Cuts: the instants at which running records stop because of money.

The *cut* of a running record is the instant at which the record's timer stops by itself: credit ends (`out_of_credit`:
the record is paused), or the cost would exceed a `max_cost` with `stop` (`max_cost`: the record ends). Screens show the
cut in advance, so the cuts that this module finds must be the cuts that come, to the millisecond.

The increments of all running records are played in the order of their instants:

1. In one millisecond, the record that started first pays first.
2. The first increment that the credit can't pay cuts its record. The other records go on with the rest of the credit.
3. A record within its grace goes on without credit, to the end of its grace, and is cut there. Until then the credit
   that it could pay is held. If the record stops before, it owes nothing. The other records may spend the held credit
   then, and some of them can pay an increment that they could not pay before.
4. What is left of a gift at its expiry is lost, except what the running records have begun to owe and requests hold.

Credit that requests hold pays for no increment.

Nothing is played increment by increment. What a record has begun to owe only grows with time, so for one record the cut
is the inverse of the price, and for several records it is a binary search over time. Both are as fast for a balance
that lasts for years as for a balance that lasts for a minute.

Units: instants in milliseconds of engine time, money in micro-credits, all integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core.durations import DAY_MS
from talktime.core.instants import INSTANT_MAX, first_instant
from talktime.core.price import begun_cost, elapsed_at_max_cost, first_unaffordable
from talktime.core.record import Reason

if TYPE_CHECKING:
    from talktime.core.payer import Payer
    from talktime.core.record import Record

_SEARCH_MS: Final = 100 * 365 * DAY_MS
"""How far after the start of a record the search looks: a century. A later cut counts as none."""


class Cut(NamedTuple):
    """The instant at which a running record stops because of money, and why: `out_of_credit` or `max_cost`."""

    at: int
    reason: Reason


def find_cuts(payer: Payer) -> dict[str, Cut]:
    """The cuts of the running records, by record id, in the order in which they come if nothing else happens.

    A record that is never cut has no entry.
    """
    running, at = payer.running(), payer.settled_at
    held = sum(record.committed_at(at) for record in payer.records.values() if record.is_requested)
    credit = payer.balance - held
    expiries = [(gift.expires_at, gift.amount) for gift in payer.gifts if gift.expires_at is not None]
    expired = 0  # the gifts that have expired so far, without the part that is lost
    charged = 0  # the charges of the records that have stopped so far; they take expired gifts first
    cuts: dict[str, Cut] = {}
    while running:
        stop = _next_stop(running, credit, at)
        if expiries and (stop is None or expiries[0][0] <= stop.at):
            expires_at, amount = expiries.pop(0)
            at = max(at, expires_at)  # what is left of a gift that has expired is held for what is owed now
            expired += amount
        elif stop is not None:
            at = stop.at
            # A cut after the last instant that JSON can write is shown as that instant.
            cuts[stop.record.record_id] = Cut(min(at, INSTANT_MAX), stop.reason)
            running.remove(stop.record)
            # The charge, not what the record had begun to owe: within its grace the charge is zero.
            charge = stop.record.cost_at(at) - stop.record.charged
            credit, charged = credit - charge, charged + charge
        else:
            break
        lost = max(0, expired - charged - held - sum(_begun_by(record, at) for record in running))
        credit, expired = credit - lost, expired - lost
    return cuts


class _Stop(NamedTuple):
    """A record stops at an instant."""

    at: int
    reason: Reason
    record: Record

    @property
    def order(self) -> tuple[int, bool]:
        """The sort key. In one millisecond `max_cost` comes before the end of credit, as in `deadlines.Deadline`."""
        return (self.at, self.reason is not Reason.MAX_COST)


def _next_stop(running: list[Record], credit: int, earliest: int) -> _Stop | None:
    """The first of the records to stop, at `earliest` or later; None if all of them go on for ever."""
    stops: list[_Stop] = []
    for record in running:
        elapsed_ms = elapsed_at_max_cost(record.charging_tariff, record.allowance_ms)
        if elapsed_ms is not None:
            stops.append(_Stop(max(earliest, _instant_of(record, elapsed_ms)), Reason.MAX_COST, record))
    paying = [*running]
    while paying:
        unpaid_at = _first_unpaid_instant(paying, credit)
        if unpaid_at is None or any(stop.at < unpaid_at for stop in stops):
            break
        record = _first_unpaid_record(paying, credit, unpaid_at)
        # A record within its grace goes on, so another record may be unpaid and stop before this one. The credit that
        # this record could pay stays held.
        stop_at = max(earliest, unpaid_at, _grace_end(record))
        stops.append(_Stop(stop_at, Reason.OUT_OF_CREDIT, record))
        credit -= _begun_by(record, unpaid_at - 1)
        paying.remove(record)
    return min(stops, key=lambda stop: stop.order, default=None)


def _first_unpaid_instant(running: list[Record], credit: int) -> int | None:
    """The first instant at which the records together have begun to owe more than `credit`; None if never.

    The instant may lie in the past: a record within its grace goes on although it has begun to owe more than there is.
    """

    def exceeds_credit(at: int) -> bool:
        return sum(_begun_by(record, at) for record in running) > credit

    began_at = min(record.began_at for record in running)
    if len(running) == 1:
        (record,) = running
        elapsed_ms = first_unaffordable(record.charging_tariff, record.charged + credit, record.allowance_ms)
        if elapsed_ms is None:
            return None
        unpaid_at = max(began_at, _instant_of(record, elapsed_ms))
        return unpaid_at if exceeds_credit(unpaid_at) else None  # `max_cost` may stop the record before
    last = began_at + _SEARCH_MS
    return first_instant(began_at, last, exceeds_credit) if exceeds_credit(last) else None


def _first_unpaid_record(running: list[Record], credit: int, at: int) -> Record:
    """The record whose increment at `at` is the first that `credit` can't pay."""
    if len(running) == 1:
        return running[0]
    committed_before = {record.record_id: _begun_by(record, at - 1) for record in running}
    credit -= sum(committed_before.values())
    for record in running:
        credit -= _begun_by(record, at) - committed_before[record.record_id]
        if credit < 0:
            return record
    raise AssertionError  # the records together owe more than the credit


def _begun_by(record: Record, at: int) -> int:
    """The begun cost of the record at `at` less what is charged now: nothing before its timer started.

    A record that stops at `max_cost` begins no increment beyond the maximum.
    """
    if at < record.began_at:
        return 0
    elapsed_ms, tariff, allowance_ms = record.elapsed_at(at), record.charging_tariff, record.allowance_ms
    maximum_ms = elapsed_at_max_cost(tariff, allowance_ms)
    if maximum_ms is not None:
        elapsed_ms = min(elapsed_ms, maximum_ms - 1)
    return max(0, begun_cost(tariff, elapsed_ms, allowance_ms) - record.charged)


def _grace_end(record: Record) -> int:
    """The instant at which the record's grace ends; 0, before every other instant, for a record without grace."""
    if record.charging_tariff.grace_ms == 0:
        return 0
    return _instant_of(record, record.allowance_ms + record.charging_tariff.grace_ms)


def _instant_of(record: Record, elapsed_ms: int) -> int:
    """The instant at which the running record reaches this elapsed time."""
    return record.settled_at + elapsed_ms - record.elapsed_ms
