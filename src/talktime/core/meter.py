"""Everything that can happen to a payer's records. Pure.

    (no record) --start--> running --pause, lease over, credit over--> paused --resume, presence, credit--> running
                              |                                          |
                              +------- stop, max_cost -----> ended <-----+-- stop, recharge or abandon time over

Each function takes a payer and an instant and gives the payer as it is afterwards. `settle` comes first, always: it
plays, in order and each as of its own instant, everything that fell due since anybody last looked. So a handler that
wakes a day late changes no bill.

A function that refuses raises a `TalktimeError` and changes nothing, since there is nothing it could change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.cuts import cuts
from talktime.core.deadlines import dues
from talktime.core.errors import Conflict, InsufficientCredit
from talktime.core.payer import AWAY_REASONS, Party, Reason, State, replace
from talktime.core.posting import all_settled, expired, next_expiry
from talktime.core.transitions import close_timer, end, lease_extended, open_timer, stop_timer, wait

if TYPE_CHECKING:
    from talktime.core.payer import Payer, Record, Rules


def settle(payer: Payer, now: int, rules: Rules) -> Payer:
    """Everything that fell due until `now`, in order, each as of its own instant."""
    while True:
        due = min(
            (due for due in dues(payer, rules, cuts(payer), held=True) if due.at <= now),
            key=lambda due: due.order,
            default=None,
        )
        expiry = next_expiry(payer)
        if expiry is not None and expiry <= now and (due is None or expiry <= due.at):
            payer = expired(replace(payer, settled_at=expiry), expiry)
            continue
        if due is None:
            return replace(payer, settled_at=max(now, payer.settled_at))
        payer = replace(payer, settled_at=max(due.at, payer.settled_at))
        if due.record.is_running and due.reason is not Reason.MAX_COST:
            payer = stop_timer(payer, due.record, due.at, due.reason)
        else:
            payer = end(payer, due.record, due.at, due.reason)


def start(payer: Payer, record: Record, now: int, rules: Rules) -> Payer:
    """A new record of a pair that has none: record and timer begin at the same instant.

    Raises:
        InsufficientCredit: when its first increment can't be paid.
    """
    record = replace(record, started_at=now, settled_at=now, state=State.PAUSED)
    _require_credit(payer, record, now)
    record = _prove_act(payer, record, now, rules, Party.USER)
    return open_timer(payer, record, now, rules, None)


def track(payer: Payer, record: Record, chat_id: str, now: int, rules: Rules) -> Payer:
    """`initialize_time_tracking_for_chat` for a pair that has an active record.

    The same chat: running, nothing changes; paused, it resumes. Another chat: the previous timer stops, the record
    moves, the new one starts, all at one instant.

    Raises:
        InsufficientCredit: when it would have to resume and can't pay.
    """
    if record.chat_id == chat_id:
        return payer if record.is_running else _resume(payer, record, now, rules, Party.USER)
    if record.is_running:
        payer = close_timer(payer, record, now, Reason.SWITCHED)
        record = payer.records[record.record_id]
    else:
        _require_credit(payer, record, now)
    # What sockets on the chat it leaves have proved stays proved; they just prove nothing more.
    record = replace(
        record,
        chat_id=chat_id,
        user_lease_until=payer.present_until(record, Party.USER),
        advisor_lease_until=payer.present_until(record, Party.ADVISOR),
    )
    record = _prove_act(payer, record, now, rules, Party.USER)
    return open_timer(payer, record, now, rules, record.reason)


def resume(payer: Payer, record: Record, now: int, rules: Rules, by: Party) -> Payer:
    """A person's act. Resuming what runs changes nothing.

    Raises:
        Conflict: when the advisor resumes and the user is not there.
        InsufficientCredit: when it can't pay.
    """
    if record.is_running:
        return payer
    if by is Party.ADVISOR and not payer.is_present(record, Party.USER, now):
        msg = "The user is not here, so the advisor can't resume. It resumes when the user is back."
        raise Conflict(msg, state=record.state.value, allowed=("pause", "stop"))
    return _resume(payer, record, now, rules, by)


def pause(payer: Payer, record: Record, now: int, by: str | None = None) -> Payer:
    """A person's act: it resumes only by another one. Pausing what is `paused` changes nothing."""
    if record.is_running:
        return stop_timer(payer, record, now, Reason.PAUSED, by)
    if record.reason is Reason.PAUSED:
        return payer
    return wait(payer, record, now, Reason.PAUSED, by)


def stop(payer: Payer, record: Record, now: int, by: str | None = None) -> Payer:
    """The record ends."""
    return end(payer, record, now, Reason.STOPPED, by)


def prove(payer: Payer, record: Record, party: Party, until: int, now: int, rules: Rules) -> Payer:
    """A party is present until then. A record that waited for its people resumes as soon as both are there."""
    record = lease_extended(record, party, until)
    return resume_present(payer.put(record), record, now, rules)


def leave(payer: Payer, record: Record, party: Party, until: int) -> Payer:
    """A socket is gone; what it last proved still counts."""
    return payer.put(lease_extended(record, party, until))


def resume_present(
    payer: Payer, record: Record, now: int, rules: Rules, reasons: frozenset[Reason] = AWAY_REASONS
) -> Payer:
    """Start the timer of a record that waits for one of `reasons`, if both are there; at zero it waits for credit."""
    if record.is_running or record.reason not in reasons:
        return payer
    if not all(payer.is_present(record, party, now) for party in Party):
        return payer
    if record.commitment_at(now) > payer.available_at(now):
        return wait(payer, record, now, Reason.OUT_OF_CREDIT)
    return open_timer(payer, record, now, rules, record.reason)


def checkpoint(payer: Payer, now: int) -> Payer:
    """Post and store what running records have come to, for readers that go straight to the tables."""
    return all_settled(payer, now)


def _require_credit(payer: Payer, record: Record, now: int) -> None:
    required, available = record.commitment_at(now), payer.available_at(now)
    if required > available:
        raise InsufficientCredit(required, available)


def _resume(payer: Payer, record: Record, now: int, rules: Rules, by: Party) -> Payer:
    _require_credit(payer, record, now)
    return open_timer(payer, _prove_act(payer, record, now, rules, by), now, rules, record.reason)


def _prove_act(payer: Payer, record: Record, now: int, rules: Rules, by: Party) -> Record:
    """Acting proves that one is there, and gives an advisor who isn't yet one lease to arrive, never more."""
    if by is Party.USER:
        record = lease_extended(record, Party.USER, now + rules.lease_ms)
    if not payer.is_present(record, Party.ADVISOR, now):
        record = lease_extended(record, Party.ADVISOR, now + rules.lease_ms)
    return record
