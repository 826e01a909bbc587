"""The meter: everything that can happen to a payer's records.

          start (accepted)         decline, ring over, stop, the user's lease ends
        ┌──────────────────> requested ──────────────────────────────────────┐
        │                     │  │                                           │
        │                     │  └─ accept, user left or timer fails ────┐   │
        │              accept │                                          │   │
        │      start          v              stop, max_cost              │   v
    (nothing) ───────────> running ──────────────────────────────────────┼─> ended
        │                   │   ^                                        │   ^
        │       pause,      │   │  resume, both present (again),         │   │
        │       lapse,      │   │  credit added, health check            │   │
        │       credit ends v   │                                        │   │
        └────────────────> paused <──────────────────────────────────────┘   │
          start (present)    └───────────────────────────────────────────────┘
          without advisor,       stop, recharge window over, abandon time over
          timer fails

A switch to another chat stops the timer and starts it at the same instant; the record runs on. A switch of a requested
record moves the ringing to the other chat. `starts` says how the records of an advisor start.

What a paused record waits for depends on the reason of the pause:

    reason                      resumes                                   ends by itself after
    paused                      by the user or the host; by the advisor   the abandon time
                                only if the advisor has paused
    user_away, advisor_away     when both are there, by the user          the abandon time
    out_of_credit               when credit is added, by the user         the recharge window
    timer_failed                by the health check, by the user          the abandon time

Each function takes a payer and an instant, and gives the payer as it is afterwards. The caller settles the payer first:
`settle` applies all deadlines up to now, in order, each as of its own instant. So a worker that wakes a day late
changes no cost.

A function that refuses raises a `TalktimeError`. The payer that the caller has is unchanged then, since a payer is
immutable.

Units: instants in milliseconds of engine time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from talktime.core.cuts import find_cuts
from talktime.core.deadlines import Deadline, find_deadlines
from talktime.core.errors import AllowedCall, Conflict, InsufficientCredit
from talktime.core.low_credit import forget_low_credit, next_low_credit, tell_low_credit
from talktime.core.outages import pass_over
from talktime.core.posting import expire_gifts, next_expiry
from talktime.core.record import AWAY, AWAY_REASONS, Party, Reason, State, replace
from talktime.core.roles import Role
from talktime.core.starts import RING_MS, Starts
from talktime.core.transitions import (
    begin_wait,
    end_record,
    extend_wait,
    keep_waiting,
    pause_record,
    renew_lease,
    request_record,
    shorten_lease,
    start_timer,
    stop_timer,
    take_over_pause,
)

if TYPE_CHECKING:
    from talktime.core.payer import Durations, Payer
    from talktime.core.record import Record


OVERTAKING_MS: Final = 1_000
"""A page says that it closes with a request of its own, which may overtake the last messages of the page's socket by at
most this much."""


def settle(payer: Payer, now: int, durations: Durations) -> Payer:
    """Apply every deadline and every outage up to `now`, in order, each as of its own instant."""
    for outage in payer.outages:
        if payer.settled_at < outage.ended_at <= now:
            payer = _apply_deadlines(payer, max(outage.began_at, payer.settled_at), durations)
            payer = pass_over(payer, outage)
    return _apply_deadlines(payer, now, durations)


def _apply_deadlines(payer: Payer, now: int, durations: Durations) -> Payer:
    """Apply every deadline up to `now`. Each may change the later ones, so all are computed again after each."""
    while True:
        cuts = find_cuts(payer)
        deadlines = find_deadlines(payer, durations, cuts, with_renewed=True)
        first = min(deadlines, key=lambda deadline: deadline.order, default=None)
        expiry, low = next_expiry(payer), next_low_credit(payer, durations.low_ms, cuts)
        instants = [at for at in (first and first.at, expiry, low and low.at) if at is not None]
        if not instants or min(instants) > now:
            payer = replace(payer, settled_at=max(now, payer.settled_at))
            return forget_low_credit(payer, durations.low_ms, cuts)
        # In one millisecond a gift expires first, because the credit that is left decides the rest.
        if expiry is not None and expiry == min(instants):
            payer = expire_gifts(replace(payer, settled_at=expiry), expiry)
        elif low is not None and low.at == min(instants):
            payer = tell_low_credit(replace(payer, settled_at=max(low.at, payer.settled_at)), low)
        elif first is not None:
            payer = _apply(replace(payer, settled_at=max(first.at, payer.settled_at)), first)


def start(payer: Payer, record: Record, now: int, durations: Durations, ring_ms: int = RING_MS) -> Payer:
    """Start a new record of a pair that has no active record, as `record.starts` says.

    Args:
        payer: the payer, settled to `now`.
        record: the new record.
        now: the instant of the start.
        durations: the durations that the host sets.
        ring_ms: how long the record rings, if it starts as a request.

    Raises:
        InsufficientCredit: the available credit can't pay the first increment. A record that has to wait for the
            advisor needs this credit, too: nobody is called to a conversation that can't be paid.
    """
    record = replace(record, started_at=now, settled_at=now, state=State.PAUSED)
    _require_credit(payer, record, now)
    record = _prove_by_act(payer, record, now, durations, Party.USER)
    if record.starts is Starts.ACCEPTED:
        return request_record(payer, record, now, now + ring_ms)
    return _start_timer_or_wait(payer, record, now)


def track(payer: Payer, record: Record, chat_id: str, now: int, durations: Durations) -> Payer:
    """`initialize_time_tracking_for_chat` for a pair that has an active record.

    In the record's current chat: resume the record if it is paused. For another chat: stop the timer, move the record
    to this chat and start the timer, all at one instant. A requested record rings in the other chat from now on.

    Raises:
        InsufficientCredit: the record is paused, and the available credit can't pay for a resume.
    """
    if record.chat_id == chat_id:
        is_under_way = record.is_running or record.is_requested
        return payer if is_under_way else _resume(payer, record, now, durations, Party.USER)
    if record.is_running:
        payer = stop_timer(payer, record, now, Reason.SWITCHED)
        record = payer.records[record.record_id]
    elif not record.is_requested:
        _require_credit(payer, record, now)
    # Sockets on the previous chat prove nothing more, but what they have proved still counts.
    record = replace(
        record,
        chat_id=chat_id,
        user_lease_until=payer.present_until(record, Party.USER),
        advisor_lease_until=payer.present_until(record, Party.ADVISOR),
    )
    record = _prove_by_act(payer, record, now, durations, Party.USER)
    if record.ring_until is not None:
        return request_record(payer, record, now, record.ring_until)
    return _start_timer_or_wait(payer, record, now)


def accept(payer: Payer, record: Record, now: int, durations: Durations) -> Payer:
    """Start the timer of a requested record, as the advisor's act. A record that is not requested stays as it is."""
    if not record.is_requested:
        return payer
    # No time has run yet, so a record whose timer can't start is paused from its beginning.
    record = replace(record, paused_at=record.started_at)
    return _start_timer_or_wait(payer, _prove_by_act(payer, record, now, durations, Party.ADVISOR), now)


def decline(payer: Payer, record: Record, now: int, decline_reason: str | None = None) -> Payer:
    """End a requested record, as the advisor's act. `decline_reason` is what the advisor says to the user.

    Raises:
        Conflict: the record is not requested any more.
    """
    if not record.is_requested:
        msg = "The advisor has accepted already. Pause or stop the record instead."
        raise Conflict(msg, state=record.state, allowed=(AllowedCall.PAUSE, AllowedCall.STOP))
    return end_record(payer, replace(record, decline_reason=decline_reason), now, Reason.DECLINED, Role.ADVISOR)


def resume(payer: Payer, record: Record, now: int, durations: Durations, by: Party) -> Payer:
    """Resume the record, as a person's act. A running record stays as it is.

    An advisor can only undo the advisor's own pause, and only while the user is present. A record that started in
    another way than `at_once` waits for an absent advisor.

    Raises:
        Conflict: the record is requested, or the advisor resumes what somebody else paused or what waits for something,
            or the user is absent.
        InsufficientCredit: the available credit can't pay for the resume.
    """
    if record.is_running:
        return payer
    _require_accepted(record)
    if by is Party.ADVISOR:
        _require_own_pause(payer, record, now)
    return _resume(payer, record, now, durations, by)


def pause(payer: Payer, record: Record, now: int, by: Role | None = None) -> Payer:
    """Pause the record, as a person's act: only another act of a person resumes the record.

    A record that is paused for another reason gets the reason `paused`. If the advisor has paused the record and
    somebody else pauses it too, the pause is no longer the advisor's own; the abandon time goes on.

    Raises:
        Conflict: the record is requested.
    """
    _require_accepted(record)
    if record.is_running:
        return pause_record(payer, record, now, Reason.PAUSED, by)
    if record.reason is Reason.PAUSED:
        is_taken_over = record.paused_by is Role.ADVISOR and by is not Role.ADVISOR
        return take_over_pause(payer, record, now, by) if is_taken_over else payer
    return begin_wait(payer, record, now, Reason.PAUSED, by)


def stop(payer: Payer, record: Record, now: int, by: Role | None = None) -> Payer:
    """End the record, as a person's act."""
    return end_record(payer, record, now, Reason.STOPPED, by)


def prove(payer: Payer, record: Record, party: Party, until: int, now: int) -> Payer:
    """Renew the party's lease to `until`, and resume the record if it waited for this."""
    record = renew_lease(record, party, until)
    return resume_present(payer.with_record(record), record, now)


def leave(payer: Payer, record: Record, party: Party, left_at: int, durations: Durations) -> Payer:
    """A page of the party said at `left_at` that it closes: the party's lease ends soon after that.

    Until the party is back, no time starts (`Payer.is_ready`).

    The lease stays as it is if another socket of the party still proves presence. Then only the instant is noted, for
    the socket of this page may be closed a moment later (`close_socket`).
    """
    is_elsewhere = payer.is_lease_renewed(record, party)
    until = payer.present_until(record, party) if is_elsewhere else left_at + durations.leave_ms
    return payer.with_record(shorten_lease(record, party, until, left_at))


def leave_previous_chat(payer: Payer, record: Record, party: Party, left_at: int, durations: Durations) -> Payer:
    """A page of a chat that the record has left said at `left_at` that it closes.

    With the page the party leaves the record as well, unless something has proved since the switch that the party has
    come to the record's chat.
    """
    has_proved = record.is_running and payer.present_until(record, party) > record.began_at + durations.lease_ms
    has_come = has_proved or payer.is_lease_renewed(record, party)
    return payer if has_come else leave(payer, record, party, left_at, durations)


def close_socket(
    payer: Payer, record: Record, party: Party, proved_at: int, durations: Durations, left_at: int | None = None
) -> Payer:
    """The last socket of the party at one node is closed. What the socket proved counts for one lease.

    Args:
        payer: the payer, without this socket.
        record: the record.
        party: whose socket.
        proved_at: the last proof of the socket.
        durations: the durations that the host sets.
        left_at: when the page said on this socket that it closes; None if the page said nothing on the socket.
    """
    noted_at = record.left_at(party)
    if left_at is None and noted_at is not None and proved_at <= noted_at + OVERTAKING_MS:
        left_at = noted_at
    payer = payer.with_record(renew_lease(record, party, proved_at + durations.lease_ms))
    return payer if left_at is None else leave(payer, payer.records[record.record_id], party, left_at, durations)


def wait_for_payment(payer: Payer, until: int, now: int, durations: Durations) -> Payer:
    """Somebody is paying: each record that is out of credit waits to `until`, if the record would end before.

    A record waits longer only once in each wait, so that nobody keeps a record waiting for ever. A record that runs out
    of credit later waits to `until` too: people go and pay while their time still runs.
    """
    for record in payer.records.values():
        ends_at = record.recharge_until(durations.recharge_ms)
        if ends_at is None:
            payer = payer.with_record(replace(record, paying_until=max(until, record.paying_until or 0)))
        elif (record.paying_until or 0) < ends_at < until:
            payer = extend_wait(payer, record, now, until)
    return payer


def resume_present(payer: Payer, record: Record, now: int, reasons: frozenset[Reason] = AWAY_REASONS) -> Payer:
    """Resume a record that is paused for one of `reasons` if both parties are there.

    If the available credit can't pay for the resume, the record waits for credit instead.
    """
    if record.is_running or record.reason not in reasons:
        return payer
    if payer.absent_party(record, now) is not None:
        return payer
    if not payer.can_pay(record, now):
        return begin_wait(payer, record, now, Reason.OUT_OF_CREDIT)
    return start_timer(payer, record, now, record.reason)


def _apply(payer: Payer, deadline: Deadline) -> Payer:
    """Apply a deadline: a lapse or the end of credit pauses a running record, everything else ends the record."""
    if deadline.record.is_running and deadline.reason is not Reason.MAX_COST:
        return pause_record(payer, deadline.record, deadline.at, deadline.reason)
    return end_record(payer, deadline.record, deadline.at, deadline.reason)


def _require_credit(payer: Payer, record: Record, now: int, by: Party = Party.USER) -> None:
    if not payer.can_pay(record, now):
        available = None if by is Party.ADVISOR else payer.available_at(now)
        raise InsufficientCredit(record.committed_if_running_at(now), available)


def _require_own_pause(payer: Payer, record: Record, now: int) -> None:
    """Refuse an advisor who resumes what is not the advisor's own pause, or who resumes without the user."""
    if record.reason is not Reason.PAUSED:
        msg = "The advisor has not paused this record. An advisor can resume only what the advisor has paused."
        raise Conflict(msg, state=record.state, allowed=(AllowedCall.PAUSE, AllowedCall.STOP))
    if record.paused_by is not Role.ADVISOR:
        whom = "user" if record.paused_by in {None, Role.USER} else record.paused_by
        msg = f"The {whom} paused this record. An advisor can resume only what the advisor has paused."
        raise Conflict(msg, state=record.state, allowed=(AllowedCall.STOP,))
    if not payer.is_ready(record, Party.USER, now):
        msg = "The user is absent. An advisor can resume a record only while the user is present."
        raise Conflict(msg, state=record.state, allowed=(AllowedCall.STOP,))


def _resume(payer: Payer, record: Record, now: int, durations: Durations, by: Party) -> Payer:
    _require_credit(payer, record, now, by)
    return _start_timer_or_wait(payer, _prove_by_act(payer, record, now, durations, by), now)


def _require_accepted(record: Record) -> None:
    if record.is_requested:
        msg = "The advisor has not accepted yet, so there is no time to pause or to resume."
        allowed = (AllowedCall.ACCEPT, AllowedCall.DECLINE, AllowedCall.STOP)
        raise Conflict(msg, state=record.state, allowed=allowed)


def _start_timer_or_wait(payer: Payer, record: Record, now: int) -> Payer:
    """Start the timer if both parties are there. If not, the record waits for the absent party.

    A person's act vouches for an advisor whose lease holds, if the record starts at once.
    """
    absent = payer.absent_party(record, now)
    is_vouched_for = absent is Party.ADVISOR and _is_vouched_for(payer, record, now)
    if absent is None or is_vouched_for:
        return start_timer(payer, record, now, record.reason)
    return keep_waiting(payer, record, now, AWAY[absent])


def _is_vouched_for(payer: Payer, record: Record, now: int) -> bool:
    return record.starts is Starts.AT_ONCE and payer.is_present(record, Party.ADVISOR, now)


def _prove_by_act(payer: Payer, record: Record, now: int, durations: Durations, by: Party) -> Record:
    """The record with the leases that an act of `by` gives.

    An act of the user renews the user's lease. An absent advisor gets one lease, if the advisor has just acted, or is
    given time to arrive (`Starts.AT_ONCE`). An act never lengthens the lease of an advisor who is there.
    """
    if by is Party.USER:
        record = renew_lease(record, Party.USER, now + durations.lease_ms)
    has_time = by is Party.ADVISOR or record.starts is Starts.AT_ONCE
    is_there = payer.is_ready(record, Party.ADVISOR, now) or _is_vouched_for(payer, record, now)
    if has_time and not is_there:
        record = renew_lease(record, Party.ADVISOR, now + durations.lease_ms)
    return record
