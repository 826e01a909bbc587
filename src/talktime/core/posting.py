"""Posting: how the cost of running time, and the expiry of gifts, reach the ledger.

To *post* a record at an instant means: add the time since `settled_at` to the chat's duration, and add an entry with
the charge, which is the cost at the instant minus what is charged already. A record is posted when its timer stops,
when a period is closed or somebody asks for stored totals (`post_all`), and before a step that depends on who
has paid what: before gifts change, and before a refund. Nothing is posted because time passes.

Gifts pay first. If several records run on one account, time decides which of their charges a gift pays: the increments
of all records spend the gifts in the order of their instants. Then it does not matter which record is posted first, or
how often. For example, a gift of 3.00, a record at 1.00 a minute and a record at 2.00 a minute, both started at once:
the gift is used up after one minute, and has paid 1.00 of the one record and 2.00 of the other.

Units: instants and durations in milliseconds of engine time, money in micro-credits, all integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core import gifts
from talktime.core.entries import EntryKind
from talktime.core.instants import first_instant
from talktime.core.record import replace
from talktime.core.steps import DurationAdded, EntryPosted

if TYPE_CHECKING:
    from talktime.core.gifts import Gift
    from talktime.core.payer import Payer
    from talktime.core.record import Record
    from talktime.core.steps import Step


def post(payer: Payer, record: Record, at: int) -> Payer:
    """Post the running record at `at`."""
    payer = _post_until_gifts_end(payer, at)
    return _post_record(payer, payer.records[record.record_id], at)


def post_all(payer: Payer, at: int) -> Payer:
    """Post every running record at `at`, but no record that was posted later."""
    for record in payer.running():
        if record.settled_at <= at:
            payer = post(payer, record, at)
    return payer


def expire_gifts(payer: Payer, at: int) -> Payer:
    """Take away what is left of the gifts that have expired by `at`, except what is committed then.

    The committed part stays a gift: the running records have begun to owe it, and their charges may still spend it.
    """
    if not any(gift.has_expired(at) for gift in payer.gifts):
        return payer
    payer = post_all(payer, at)
    committed = payer.committed_at(at)
    kept: list[Gift] = []
    for gift in payer.gifts:
        kept_amount = min(gift.amount, committed) if gift.has_expired(at) else gift.amount
        committed -= min(kept_amount, committed)
        if kept_amount:
            kept.append(gift._replace(amount=kept_amount))
        if kept_amount < gift.amount:
            lost = kept_amount - gift.amount
            entry = EntryPosted(lost, EntryKind.EXPIRY, at, gift=lost, expires_at=gift.expires_at)
            payer = replace(payer, balance=payer.balance + lost, steps=(*payer.steps, entry))
    return replace(payer, gifts=tuple(kept))


def next_expiry(payer: Payer) -> int | None:
    """The next instant at which a gift expires."""
    gift = gifts.next_to_expire(payer.gifts, payer.settled_at)
    return None if gift is None else gift.expires_at


def _post_until_gifts_end(payer: Payer, at: int) -> Payer:
    """If several running records use up the gifts by `at`, post all of them then, and one millisecond earlier.

    One millisecond earlier the gifts still pay every charge, so the order of posting does not matter. At the instant
    itself they do not, so the record that started first is posted first.
    """
    if not payer.gifts:
        return payer
    running, gifts_left = payer.running(), gifts.total(payer.gifts)

    def exceeds_gifts(instant: int) -> bool:
        return sum(_charge_at(record, instant) for record in running) > gifts_left

    if len(running) < 2 or not exceeds_gifts(at):
        return payer
    used_up_at = first_instant(min(record.settled_at for record in running), at, exceeds_gifts)
    for instant in (used_up_at - 1, used_up_at):
        for record in running:
            current = payer.records[record.record_id]
            if current.settled_at <= instant:
                payer = _post_record(payer, current, instant)
    return payer


def _charge_at(record: Record, at: int) -> int:
    """The charge of a posting at `at`; zero if the record has been posted later."""
    return record.cost_at(max(at, record.settled_at)) - record.charged


def _post_record(payer: Payer, record: Record, at: int) -> Payer:
    added_ms = at - record.settled_at
    cost, shares = record.cost_at(at), record.share_at(at)
    charge, earned = cost - record.charged, shares.advisor - record.earned
    fees = shares.fees - record.share_at(record.settled_at).fees
    gift = min(charge, gifts.total(payer.gifts))
    record = replace(record, elapsed_ms=record.elapsed_at(at), charged=cost, earned=shares.advisor, settled_at=at)
    steps: list[Step] = [DurationAdded(record.chat_id, added_ms)] if added_ms else []
    if charge or earned or fees:
        # Up to the minimum charge the cost stands still while fees go on. The entry then is of kind `share`: the user
        # pays nothing, and credit moves between the advisor and the platform.
        entry = EntryPosted(-charge, EntryKind.CHARGE if charge else EntryKind.SHARE, at, record.record_id)
        entry = replace(entry, advisor_id=record.advisor_id, advisor_amount=earned, fees=fees, gift=-gift)
        steps.append(entry)
    payer = payer.with_record(record, *steps)
    return replace(payer, balance=payer.balance - charge, gifts=gifts.spend(payer.gifts, gift))
