"""The meter: everything that can happen to a payer's records.

               start                         stop, max_cost
    (nothing) ───────> running ─────────────────────────────────────────> ended
        │               │   ^                                              ^
        │   pause,      │   │  resume, both present again,                 │
        │   lapse,      │   │  credit added, health check                  │
        │   credit ends v   │                                              │
        └─────────────> paused ────────────────────────────────────────────┘
          timer fails        stop, recharge window over, abandon time over

A switch to another chat stops the timer and starts it at the same instant; the record runs on. What a paused record
waits for depends on the reason of the pause:

    reason                      resumes                                   ends by itself after
    paused                      by a person                               the abandon time
    user_away, advisor_away     when both leases hold, by a person        the abandon time
    out_of_credit               when credit is added, by a person         the recharge window
    timer_failed                by the health check, by a person          the abandon time

Each function takes a payer and an instant, and gives the payer as it is afterwards. The caller settles the payer first:
`settle` applies all deadlines up to now, in order, each as of its own instant. So a worker that wakes a day late
changes no cost.

A function that refuses raises a `TalktimeError`. The payer that the caller has is unchanged then, since a payer is
immutable.

Units: instants in milliseconds of engine time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.cuts import find_cuts
from talktime.core.deadlines import Deadline, find_deadlines
from talktime.core.errors import AllowedCall, Conflict, InsufficientCredit
from talktime.core.posting import expire_gifts, next_expiry, post_all
from talktime.core.record import AWAY_REASONS, Party, Reason, State, replace
from talktime.core.transitions import end_record, keep_paused, pause_record, renew_lease, start_timer, stop_timer

if TYPE_CHECKING:
    from talktime.core.payer import Payer, Rules
    from talktime.core.record import Record


def settle(payer: Payer, now: int, rules: Rules) -> Payer:
    """Apply every deadline up to `now`, in order, each as of its own instant.

    Each deadline may change the later deadlines, so all deadlines are computed again after each.
    """
    while True:
        deadlines = find_deadlines(payer, rules, find_cuts(payer), held=True)
        due = (deadline for deadline in deadlines if deadline.at <= now)
        first = min(due, key=lambda deadline: deadline.order, default=None)
        expiry = next_expiry(payer)
        if expiry is not None and expiry <= now and (first is None or expiry <= first.at):
            payer = expire_gifts(replace(payer, settled_at=expiry), expiry)
        elif first is not None:
            payer = _apply(replace(payer, settled_at=max(first.at, payer.settled_at)), first)
        else:
            return replace(payer, settled_at=max(now, payer.settled_at))


def start(payer: Payer, record: Record, now: int, rules: Rules) -> Payer:
    """Start a new record of a pair that has no active record. The record and its timer begin at the same instant.

    Raises:
        InsufficientCredit: the available credit can't pay the first increment.
    """
    record = replace(record, started_at=now, settled_at=now, state=State.PAUSED)
    _require_credit(payer, record, now)
    record = _prove_by_act(payer, record, now, rules, Party.USER)
    return start_timer(payer, record, now, rules, None)


def track(payer: Payer, record: Record, chat_id: str, now: int, rules: Rules) -> Payer:
    """`initialize_time_tracking_for_chat` for a pair that has an active record.

    In the record's current chat: resume the record if it is paused. For another chat: stop the timer, move the record
    to this chat and start the timer, all at one instant.

    Raises:
        InsufficientCredit: the record is paused, and the available credit can't pay for a resume.
    """
    if record.chat_id == chat_id:
        return payer if record.is_running else _resume(payer, record, now, rules, Party.USER)
    if record.is_running:
        payer = stop_timer(payer, record, now, Reason.SWITCHED)
        record = payer.records[record.record_id]
    else:
        _require_credit(payer, record, now)
    # Sockets on the previous chat prove nothing more, but what they have proved still counts.
    record = replace(
        record,
        chat_id=chat_id,
        user_lease_until=payer.present_until(record, Party.USER),
        advisor_lease_until=payer.present_until(record, Party.ADVISOR),
    )
    record = _prove_by_act(payer, record, now, rules, Party.USER)
    return start_timer(payer, record, now, rules, record.reason)


def resume(payer: Payer, record: Record, now: int, rules: Rules, by: Party) -> Payer:
    """Resume the record, as a person's act. A running record stays as it is.

    Raises:
        Conflict: the advisor resumes while the user's lease does not hold.
        InsufficientCredit: the available credit can't pay for the resume.
    """
    if record.is_running:
        return payer
    if by is Party.ADVISOR and not payer.is_present(record, Party.USER, now):
        msg = "The user is absent. An advisor can resume a record only while the user is present."
        raise Conflict(msg, state=record.state.value, allowed=(AllowedCall.PAUSE, AllowedCall.STOP))
    return _resume(payer, record, now, rules, by)


def pause(payer: Payer, record: Record, now: int, by: str | None = None) -> Payer:
    """Pause the record, as a person's act: only another act of a person resumes the record.

    A record that is paused for another reason gets the reason `paused`.
    """
    if record.is_running:
        return pause_record(payer, record, now, Reason.PAUSED, by)
    if record.reason is Reason.PAUSED:
        return payer
    return keep_paused(payer, record, now, Reason.PAUSED, by)


def stop(payer: Payer, record: Record, now: int, by: str | None = None) -> Payer:
    """End the record, as a person's act."""
    return end_record(payer, record, now, Reason.STOPPED, by)


def prove(payer: Payer, record: Record, party: Party, until: int, now: int, rules: Rules) -> Payer:
    """Renew the party's lease to `until`, and resume the record if it waited for this."""
    record = renew_lease(record, party, until)
    return resume_present(payer.with_record(record), record, now, rules)


def leave(payer: Payer, record: Record, party: Party, until: int) -> Payer:
    """Keep the party's lease to `until`, which a socket had proved before it was closed."""
    return payer.with_record(renew_lease(record, party, until))


def resume_present(
    payer: Payer, record: Record, now: int, rules: Rules, reasons: frozenset[Reason] = AWAY_REASONS
) -> Payer:
    """Resume a record that is paused for one of `reasons` if both leases hold.

    If the available credit can't pay for the resume, the record waits for credit instead.
    """
    if record.is_running or record.reason not in reasons:
        return payer
    if not all(payer.is_present(record, party, now) for party in Party):
        return payer
    if record.committed_if_running_at(now) > payer.available_at(now):
        return keep_paused(payer, record, now, Reason.OUT_OF_CREDIT)
    return start_timer(payer, record, now, rules, record.reason)


def checkpoint(payer: Payer, now: int) -> Payer:
    """Post all running records, so that readers of the tables find their totals as of now."""
    return post_all(payer, now)


def _apply(payer: Payer, deadline: Deadline) -> Payer:
    """Apply a deadline: a lapse or the end of credit pauses a running record, everything else ends the record."""
    if deadline.record.is_running and deadline.reason is not Reason.MAX_COST:
        return pause_record(payer, deadline.record, deadline.at, deadline.reason)
    return end_record(payer, deadline.record, deadline.at, deadline.reason)


def _require_credit(payer: Payer, record: Record, now: int) -> None:
    required, available = record.committed_if_running_at(now), payer.available_at(now)
    if required > available:
        raise InsufficientCredit(required, available)


def _resume(payer: Payer, record: Record, now: int, rules: Rules, by: Party) -> Payer:
    _require_credit(payer, record, now)
    return start_timer(payer, _prove_by_act(payer, record, now, rules, by), now, rules, record.reason)


def _prove_by_act(payer: Payer, record: Record, now: int, rules: Rules, by: Party) -> Record:
    """The record with the leases that an act of `by` gives.

    An act of the user renews the user's lease. An advisor whose lease does not hold gets one lease: the advisor has
    just acted, or is given time to arrive. An act never lengthens an advisor's lease that holds.
    """
    if by is Party.USER:
        record = renew_lease(record, Party.USER, now + rules.lease_ms)
    if not payer.is_present(record, Party.ADVISOR, now):
        record = renew_lease(record, Party.ADVISOR, now + rules.lease_ms)
    return record
