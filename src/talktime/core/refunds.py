"""Refunds: entries that give back what a record was charged.

A refund never changes an entry or a record. All refunds of a record together are at most what the record was charged.

*By amount or by time.* A refund by time gives back the price of the last billed seconds that were not given back
before, as if the record had been shorter by this time. For example, with minutes at 1.00, 5:30 cost 6.00 for 6 billed
minutes. A refund of 60 seconds is 1.00, a second refund of 60 seconds is 1.00 again.

*Bought credit or gifts.* What was paid with bought credit comes back first, as bought credit. What was paid with gifts
comes back as a gift that never expires, since the gift that paid may have expired.

*Who bears the refund.* The `platform` bears all of it, or the `advisor` bears all of it, even if this is more than the
advisor earned, or the refund is `shared` in the proportion in which the charge was earned. The advisor's part is
rounded down, on the sum of all shared refunds: with a charge of 5.00 of which the advisor earned 2.00, shared refunds
of 1.00 and 1.50 cost the advisor 0.40 and 0.60.

Units: money in micro-credits, instants and durations in milliseconds, all integers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from talktime.core import credit
from talktime.core.durations import clock_text
from talktime.core.entries import BorneBy, EntryKind
from talktime.core.errors import AllowedCall, Conflict
from talktime.core.money import format_credits
from talktime.core.posting import post_all
from talktime.core.price import price
from talktime.core.steps import EntryPosted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from talktime.core.actors import Actor
    from talktime.core.payer import Payer
    from talktime.core.record import Record
    from talktime.core.steps import Step


@dataclass(frozen=True, slots=True)
class EntryTotals:
    """The totals of a record's entries.

    Attributes:
        charged: the charges.
        gift: the part of the charges that gifts paid.
        refunded: the refunds.
        refunded_gift: the part of the refunds that came back as a gift.
        refunded_ms: the billed time that refunds by time gave back.
        shared: the refunds that advisor and platform share.
        shared_by_advisor: the advisor's part of the shared refunds.
    """

    charged: int = 0
    gift: int = 0
    refunded: int = 0
    refunded_gift: int = 0
    refunded_ms: int = 0
    shared: int = 0
    shared_by_advisor: int = 0

    @property
    def refundable(self) -> int:
        """The amount that was charged and not given back."""
        return self.charged - self.refunded

    def with_shared_refund(self, amount: int, by_advisor: int) -> EntryTotals:
        """The totals with one more shared refund, of which the advisor bears `by_advisor`."""
        return replace(self, shared=self.shared + amount, shared_by_advisor=self.shared_by_advisor + by_advisor)

    def after(self, steps: Iterable[Step], record_id: str) -> EntryTotals:
        """The totals with the entries of the record among `steps`."""
        totals = self
        for entry in steps:
            if not isinstance(entry, EntryPosted) or entry.record_id != record_id:
                continue
            if entry.kind == EntryKind.CHARGE:
                totals = replace(totals, charged=totals.charged - entry.amount, gift=totals.gift - entry.gift)
            elif entry.kind == EntryKind.REFUND:
                totals = replace(
                    totals,
                    refunded=totals.refunded + entry.amount,
                    refunded_gift=totals.refunded_gift + entry.gift,
                    refunded_ms=totals.refunded_ms + (entry.refunded_ms or 0),
                )
                if entry.borne_by == BorneBy.SHARED:
                    totals = totals.with_shared_refund(entry.amount, -entry.advisor_amount)
        return totals


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A refund that somebody asks for: of `amount` micro-credits, or of `duration_ms` of billed time.

    One of the two is set, and is more than zero. `actor` is who asks.
    """

    reason: str
    borne_by: BorneBy
    amount: int | None = None
    duration_ms: int | None = None
    actor: Actor | None = None


def refund(
    payer: Payer, record: Record, totals: EntryTotals, request: RefundRequest, now: int
) -> tuple[Payer, EntryPosted, EntryTotals]:
    """Give back a charge or a part of it. Records that are out of credit resume as after any added credit.

    Args:
        payer: the payer, settled to `now`.
        record: the record to refund, active or ended.
        totals: the totals of the record's stored entries; entries in `payer.steps` are added here.
        request: what to give back.
        now: the instant of the refund.

    Returns:
        The payer after the refund, the entry of the refund, and the totals with this entry.

    Raises:
        Conflict: the request is for more than was charged and not given back yet, or for time that has cost nothing;
            `refundable` is what can be given back.
    """
    if record.is_running:
        payer = post_all(payer, now)
        record = payer.records[record.record_id]
    totals = totals.after(payer.steps, record.record_id)
    amount = _price_of_last(record, totals, request.duration_ms) if request.amount is None else request.amount
    if not 0 < amount <= totals.refundable:
        what = f"This would give back {format_credits(amount)}" if amount else "That time has cost nothing"
        msg = f"{what}, and {format_credits(totals.refundable)} was charged and not given back yet."
        raise _refusal(msg, record, totals)
    bought_left = (totals.charged - totals.gift) - (totals.refunded - totals.refunded_gift)
    entry = EntryPosted(
        amount,
        EntryKind.REFUND,
        now,
        record.record_id,
        advisor_id=record.advisor_id,
        advisor_amount=-part_of_advisor(amount, request.borne_by, totals, record.earned),
        gift=amount - min(amount, bought_left),
        reason=request.reason,
        borne_by=request.borne_by,
        refunded_ms=request.duration_ms,
        actor=request.actor,
    )
    return credit.add(payer, entry), entry, totals.after([entry], record.record_id)


def part_of_advisor(amount: int, borne_by: BorneBy | None, totals: EntryTotals, earned: int) -> int:
    """The part of a refund that the advisor bears.

    Args:
        amount: the refund.
        borne_by: who bears the refund; a receipt that somebody has changed may say None.
        totals: the totals of the entries before the refund: the charges, and the shared refunds.
        earned: what the advisor earned of these charges.
    """
    if borne_by != BorneBy.SHARED:
        return amount if borne_by == BorneBy.ADVISOR else 0
    part_of_all = (totals.shared + amount) * earned // totals.charged if totals.charged else 0
    # While the record runs the proportion may change. What earlier refunds took from the advisor is not given back.
    return min(amount, max(0, part_of_all - totals.shared_by_advisor))


def _refusal(detail: str, record: Record, totals: EntryTotals) -> Conflict:
    allowed = (AllowedCall.REFUNDS,) if totals.refundable else ()
    return Conflict(detail, state=record.state, allowed=allowed, refundable=format_credits(totals.refundable))


def _price_of_last(record: Record, totals: EntryTotals, duration_ms: int | None) -> int:
    """The price of the last `duration_ms` of billed time that were not given back."""
    billed_ms = price(record.charging_tariff, record.elapsed_ms, record.allowance_ms).billed_ms - totals.refunded_ms
    if duration_ms is None or duration_ms > billed_ms:
        raise _refusal(f"Only {clock_text(max(0, billed_ms))} was billed and not given back yet.", record, totals)
    return _price_of(record, billed_ms) - _price_of(record, billed_ms - duration_ms)


def _price_of(record: Record, billed_ms: int) -> int:
    """The price of the first `billed_ms` of billed time.

    With boundary `begun` time that ends exactly with an increment has begun the next one, so the time ends one
    millisecond before.
    """
    end_ms = billed_ms - (record.tariff.boundary == "begun")
    return price(record.charging_tariff, record.allowance_ms + end_ms, record.allowance_ms).cost
