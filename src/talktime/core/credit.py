"""Credit that arrives, and credit that is spent elsewhere.

Gifts are spent in the order of their expiry. A new gift may change this order, and a debit spends out of its turn. So
before either of them, all running records are posted: their charges up to now take their part of the gifts first.

Units: money in micro-credits, instants in milliseconds of engine time, all integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core import gifts
from talktime.core.errors import InsufficientCredit
from talktime.core.gifts import Gift
from talktime.core.posting import post_all
from talktime.core.record import AWAY, Reason, replace
from talktime.core.transitions import begin_wait, start_timer

if TYPE_CHECKING:
    from talktime.core.payer import Payer
    from talktime.core.steps import EntryPosted


def add(payer: Payer, entry: EntryPosted) -> Payer:
    """Add the credit of an entry at the entry's instant, and resume the records that are out of credit.

    The record that was cut first resumes first. Each record resumes only if the credit can pay for its resume and both
    parties are there. If a party is absent, the record waits for the party instead of credit.
    """
    now = entry.at
    if payer.gifts or entry.gift:
        payer = post_all(payer, now)
    if entry.gift:
        payer = replace(payer, gifts=gifts.add(payer.gifts, Gift(entry.gift, entry.expires_at)))
    payer = replace(payer, balance=payer.balance + entry.amount, steps=(*payer.steps, entry))
    waiting = (record for record in payer.records.values() if record.reason is Reason.OUT_OF_CREDIT)
    for record in sorted(waiting, key=lambda r: (r.waiting_since or 0, r.started_at, r.record_id)):
        if not payer.can_pay(record, now):
            continue
        absent = payer.absent_party(record, now)
        if absent is None:
            payer = start_timer(payer, record, now, record.reason)
        else:
            payer = begin_wait(payer, record, now, AWAY[absent])
    return payer


def debit(payer: Payer, entry: EntryPosted) -> Payer:
    """Spend the credit of an entry, whose amount is negative, at the entry's instant. Gifts are spent first.

    Raises:
        InsufficientCredit: the entry takes more than is available.
    """
    now = entry.at
    if -entry.amount > payer.available_at(now):
        raise InsufficientCredit(-entry.amount, payer.available_at(now))
    if payer.gifts:
        payer = post_all(payer, now)
        gifts_left = gifts.spend(payer.gifts, -entry.amount, valid_at=now)
        entry = replace(entry, gift=gifts.total(gifts_left) - gifts.total(payer.gifts))
        payer = replace(payer, gifts=gifts_left)
    return replace(payer, balance=payer.balance + entry.amount, steps=(*payer.steps, entry))
