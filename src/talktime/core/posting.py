"""What reaches the ledger by itself: the charges of running records, and gifts whose time is over. Pure.

Gifts are spent first, whoever spends. Where several records run on one account, which of their time was paid by gift is
decided by the order of their increments in time, not by who posts first: so it is the same however often is posted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core import gifts
from talktime.core.gifts import Lot
from talktime.core.payer import Accrued, Posted, replace

if TYPE_CHECKING:
    from talktime.core.payer import Event, Payer, Record


def settled(payer: Payer, record: Record, at: int) -> Payer:
    """The running record with its totals as of `at`: time to the chat, its price and who gets it to the ledger."""
    payer = _gifts_played(payer, at)
    return _posted(payer, payer.records[record.record_id], at)


def all_settled(payer: Payer, at: int) -> Payer:
    """All running records with their totals as of `at`."""
    for record in payer.running():
        payer = settled(payer, record, at)
    return payer


def expired(payer: Payer, at: int) -> Payer:
    """Without the gifts that are over by `at`, as far as they are neither spent nor committed by then."""
    if not any(lot.is_over(at) for lot in payer.gifts):
        return payer
    payer = all_settled(payer, at)
    committed = payer.committed_at(at)
    kept: list[Lot] = []
    for lot in payer.gifts:
        owed = min(lot.amount, committed) if lot.is_over(at) else lot.amount
        committed -= min(owed, committed)
        if owed:
            kept.append(lot._replace(amount=owed))
        if owed < lot.amount:
            taken = owed - lot.amount
            entry = Posted(taken, "expiry", at, gift=taken, expires_at=lot.expires_at)
            payer = replace(payer, balance=payer.balance + taken, events=(*payer.events, entry))
    return replace(payer, gifts=tuple(kept))


def next_expiry(payer: Payer) -> int | None:
    """When a gift expires next. One that is over and still there is what running records have begun to owe."""
    for lot in payer.gifts:
        if lot.expires_at is not None and lot.expires_at > payer.settled_at:
            return lot.expires_at
    return None


def _gifts_played(payer: Payer, at: int) -> Payer:
    """Settled to where the gifts end, if that is before `at` and more than one record spends them."""
    if not payer.gifts:
        return payer
    running, left = payer.running(), gifts.total(payer.gifts)

    def exceeds(instant: int) -> bool:
        return sum(_owed(record, instant) for record in running) > left

    if len(running) < 2 or not exceeds(at):
        return payer
    low, high = min(record.settled_at for record in running), at
    while low < high:
        middle = (low + high) // 2
        if exceeds(middle):
            high = middle
        else:
            low = middle + 1
    for instant in (low - 1, low):
        for record in running:
            current = payer.records[record.record_id]
            if current.settled_at <= instant:
                payer = _posted(payer, current, instant)
    return payer


def _owed(record: Record, at: int) -> int:
    """What of its price is not posted yet; nothing before it was settled."""
    return record.cost_at(max(at, record.settled_at)) - record.charged


def _posted(payer: Payer, record: Record, at: int) -> Payer:
    accrued_ms = at - record.settled_at
    cost, shared = record.cost_at(at), record.share_at(at)
    charge, earned = cost - record.charged, shared.advisor - record.earned
    fees = shared.fees - record.share_at(record.settled_at).fees
    gift = min(charge, gifts.total(payer.gifts))
    record = replace(record, elapsed_ms=record.elapsed_at(at), charged=cost, earned=shared.advisor, settled_at=at)
    events: list[Event] = [Accrued(record.chat_id, accrued_ms)] if accrued_ms else []
    if charge or earned or fees:
        # While the price stands still, fees may go on: then only the platform and the advisor have something to settle.
        entry = Posted(-charge, "charge" if charge else "share", at, record.record_id)
        entry = replace(entry, advisor_id=record.advisor_id, advisor_amount=earned, fees=fees, gift=-gift)
        events.append(entry)
    payer = payer.put(record, *events)
    return replace(payer, balance=payer.balance - charge, gifts=gifts.spent(payer.gifts, gift))
