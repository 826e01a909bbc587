"""Credit that comes and goes: purchases, gifts, what is spent elsewhere. Pure.

Gifts are spent in the order in which they expire. So before anything changes that order, or spends out of its turn,
what running records have come to is posted: they took their part before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core import gifts
from talktime.core.errors import InsufficientCredit
from talktime.core.gifts import Lot
from talktime.core.payer import AWAY, Party, Reason, replace
from talktime.core.posting import all_settled
from talktime.core.transitions import open_timer, wait

if TYPE_CHECKING:
    from talktime.core.payer import Payer, Posted, Rules


def add(payer: Payer, entry: Posted, rules: Rules) -> Payer:
    """Credit arrives: records that ran out resume, oldest cut first, each if it can pay and both are there."""
    now = entry.at
    if payer.gifts or entry.gift:
        payer = all_settled(payer, now)
    if entry.gift:
        payer = replace(payer, gifts=gifts.added(payer.gifts, Lot(entry.gift, entry.expires_at)))
    payer = replace(payer, balance=payer.balance + entry.amount, events=(*payer.events, entry))
    waiting = (record for record in payer.records.values() if record.reason is Reason.OUT_OF_CREDIT)
    for record in sorted(waiting, key=lambda r: (r.waiting_since or 0, r.started_at, r.record_id)):
        if record.commitment_at(now) > payer.available_at(now):
            continue
        missing = next((party for party in Party if not payer.is_present(record, party, now)), None)
        if missing is None:
            payer = open_timer(payer, record, now, rules, record.reason)
        else:
            payer = wait(payer, record, now, AWAY[missing])
    return payer


def debit(payer: Payer, entry: Posted) -> Payer:
    """Credit is spent elsewhere, gifts first.

    Raises:
        InsufficientCredit: beyond what is available.
    """
    now = entry.at
    if -entry.amount > payer.available_at(now):
        raise InsufficientCredit(-entry.amount, payer.available_at(now))
    if payer.gifts:
        payer = all_settled(payer, now)
        left = gifts.spent(payer.gifts, -entry.amount, valid_at=now)
        entry = replace(entry, gift=gifts.total(left) - gifts.total(payer.gifts))
        payer = replace(payer, gifts=left)
    return replace(payer, balance=payer.balance + entry.amount, events=(*payer.events, entry))
