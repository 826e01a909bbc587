"""Refunds of a record: reversing entries, never edits, never more than was charged. Pure.

By amount, or by time: the price of the last so many billed seconds that were not given back before, as if the session
had been that much shorter. What was paid with bought credit comes back first, and as bought credit; what was paid with
a gift comes back as a gift that does not expire, since the one that paid may have expired since.

Who bears it: the `platform` all of it; the `advisor` all of it, even beyond what it had earned them; `shared`: both, in
the proportion in which it was earned, rounded like the earnings, on the sum of all shared refunds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from talktime.core import credit
from talktime.core.durations import clock_text
from talktime.core.errors import Conflict
from talktime.core.money import format_credits
from talktime.core.payer import Posted
from talktime.core.posting import all_settled
from talktime.core.price import price

if TYPE_CHECKING:
    from collections.abc import Iterable

    from talktime.core.payer import Event, Payer, Record, Rules


class Bearer(StrEnum):
    """Who bears a refund."""

    PLATFORM = "platform"
    ADVISOR = "advisor"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a record's entries come to. `gift` is of what was charged, `shared` of what was refunded."""

    charged: int = 0
    gift: int = 0
    refunded: int = 0
    refunded_gift: int = 0
    refunded_ms: int = 0
    shared: int = 0
    shared_by_advisor: int = 0

    @property
    def refundable(self) -> int:
        """What was charged and not given back."""
        return self.charged - self.refunded

    def after(self, events: Iterable[Event], record_id: str) -> Tally:
        """With what has happened since."""
        tally = self
        for entry in events:
            if not isinstance(entry, Posted) or entry.record_id != record_id:
                continue
            if entry.kind == "charge":
                tally = replace(tally, charged=tally.charged - entry.amount, gift=tally.gift - entry.gift)
            elif entry.kind == "refund":
                is_shared = entry.borne_by == Bearer.SHARED
                tally = replace(
                    tally,
                    refunded=tally.refunded + entry.amount,
                    refunded_gift=tally.refunded_gift + entry.gift,
                    refunded_ms=tally.refunded_ms + (entry.refunded_ms or 0),
                    shared=tally.shared + entry.amount * is_shared,
                    shared_by_advisor=tally.shared_by_advisor - entry.advisor_amount * is_shared,
                )
        return tally


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: `amount` micro-credits or the price of `duration_ms`, one of the two, and more than none."""

    reason: str
    borne_by: Bearer
    amount: int | None = None
    duration_ms: int | None = None


def refund(
    payer: Payer, record: Record, tally: Tally, wish: Wish, now: int, rules: Rules
) -> tuple[Payer, Posted, Tally]:
    """Give back: records that ran out of credit go on, as after any credit. Also the entry, and the tally after it.

    `tally` is what is stored; what has happened to the payer since is counted here.

    Raises:
        Conflict: more than was charged and not given back yet; `refundable` is what that is.
    """
    if record.is_running:
        payer = all_settled(payer, now)
        record = payer.records[record.record_id]
    tally = tally.after(payer.events, record.record_id)
    amount = _price_of_last(record, tally, wish.duration_ms) if wish.amount is None else wish.amount
    if not 0 < amount <= tally.refundable:
        left = format_credits(tally.refundable)
        raise _refused(
            f"This would give back {format_credits(amount)}, and {left} was charged and not given back yet.",
            record,
            tally,
        )
    bought = min(amount, (tally.charged - tally.gift) - (tally.refunded - tally.refunded_gift))
    by_advisor = _part_of_advisor(record, tally, amount, wish.borne_by)
    entry = Posted(
        amount,
        "refund",
        now,
        record.record_id,
        advisor_id=record.advisor_id,
        advisor_amount=-by_advisor,
        gift=amount - bought,
        reason=wish.reason,
        borne_by=wish.borne_by.value,
        refunded_ms=wish.duration_ms,
    )
    payer = credit.add(payer, entry, rules)
    return payer, entry, tally.after([entry], record.record_id)


def _refused(detail: str, record: Record, tally: Tally) -> Conflict:
    allowed = ("refunds",) if tally.refundable else ()
    return Conflict(detail, state=record.state, allowed=allowed, refundable=format_credits(tally.refundable))


def _part_of_advisor(record: Record, tally: Tally, amount: int, borne_by: Bearer) -> int:
    if borne_by is not Bearer.SHARED:
        return amount if borne_by is Bearer.ADVISOR else 0
    by_then = (tally.shared + amount) * record.earned // record.charged
    # While a record runs the proportion may change: what was taken before stays taken.
    return min(amount, max(0, by_then - tally.shared_by_advisor))


def _price_of_last(record: Record, tally: Tally, duration_ms: int | None) -> int:
    billed_ms = price(record.tariff, record.elapsed_ms, record.allowance_ms).billed_ms - tally.refunded_ms
    if duration_ms is None or duration_ms > billed_ms:
        raise _refused(f"Only {clock_text(max(0, billed_ms))} was billed and not given back yet.", record, tally)
    return _price_of(record, billed_ms) - _price_of(record, billed_ms - duration_ms)


def _price_of(record: Record, billed_ms: int) -> int:
    """What so much billed time costs. Where a unit is owed at its first instant, it ends just before the next."""
    end_ms = billed_ms - (record.tariff.boundary == "begun")
    return price(record.tariff, record.allowance_ms + end_ms, record.allowance_ms).cost
