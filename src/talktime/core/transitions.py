"""Transitions: the changes that commands and deadlines are made of.

Each function changes one record of a payer at one instant, and gives the changed payer:

    request_record  the record rings, and waits for the advisor to accept
    start_timer     a segment begins, and the record runs
    stop_timer      the segment ends, and its time is posted; the caller decides what becomes of the record
    end_segment     the same, but an expired gift that the record held stays held
    pause_record    the timer stops, and the record is paused for a reason
    begin_wait      a record that does not run is paused, or is paused for another reason, from now on
    keep_waiting    the same, but a record that waits for this reason already goes on waiting
    take_over_pause a paused record is paused by somebody else as well
    extend_wait     a record that is out of credit waits longer
    end_record      the record ends, after its timer stops

Units: instants in milliseconds of engine time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.posting import expire_gifts, post
from talktime.core.record import Party, Reason, State, replace
from talktime.core.steps import RecordEnded, RecordRequested, TimerStarted, TimerStopped, WaitBegan, WaitExtended

if TYPE_CHECKING:
    from talktime.core.payer import Payer
    from talktime.core.record import Record
    from talktime.core.roles import Role


def renew_lease(record: Record, party: Party, until: int) -> Record:
    """The record with the party's lease lasting at least to `until`. A party who had left is back."""
    if party is Party.USER:
        return replace(record, user_lease_until=max(record.user_lease_until, until), user_left_at=None)
    return replace(record, advisor_lease_until=max(record.advisor_lease_until, until), advisor_left_at=None)


def shorten_lease(record: Record, party: Party, until: int, left_at: int) -> Record:
    """The record with the party's lease lasting at most to `until`, because the party left at `left_at`."""
    if party is Party.USER:
        return replace(record, user_lease_until=min(record.user_lease_until, until), user_left_at=left_at)
    return replace(record, advisor_lease_until=min(record.advisor_lease_until, until), advisor_left_at=left_at)


def request_record(payer: Payer, record: Record, now: int, ring_until: int) -> Payer:
    """Let the record ring in its chat until `ring_until`, or go on ringing in another chat."""
    record = replace(record, state=State.REQUESTED, reason=None, ring_until=ring_until)
    return payer.with_record(record, RecordRequested(record, now))


def start_timer(payer: Payer, record: Record, now: int, reason: Reason | None) -> Payer:
    """Start the record's timer: no other code starts a timer.

    `reason` is the reason of the pause before, None without a pause. If timers can't start (`Payer.can_start_timers`),
    the record is paused instead, reason `timer_failed`, and the health check starts the timer later.
    """
    if not payer.can_start_timers:
        return keep_waiting(payer, record, now, Reason.TIMER_FAILED)
    record = replace(
        record,
        state=State.RUNNING,
        reason=None,
        ring_until=None,
        running_since=now,
        settled_at=now,
        paused_at=None,
        paused_by=None,
        waiting_since=None,
        paying_until=_paying_until_after(record),
    )
    return payer.with_record(record, TimerStarted(record, now, reason))


def stop_timer(payer: Payer, record: Record, at: int, reason: Reason, by: Role | None = None) -> Payer:
    """Stop the record's timer: the segment ends, its time is posted, and what the record held is free.

    The record is paused without a reason, until the caller pauses, ends or starts it.
    """
    # The record may have held more than it owes in the end, and a part of that may be a gift that has expired.
    return expire_gifts(end_segment(payer, record, at, reason, by), at)


def end_segment(payer: Payer, record: Record, at: int, reason: Reason, by: Role | None = None) -> Payer:
    """End the record's segment, and post its time. The record is paused without a reason, as after `stop_timer`."""
    since = record.running_since
    assert since is not None  # noqa: S101  the record runs
    payer = post(payer, record, at)
    record = replace(payer.records[record.record_id], state=State.PAUSED, running_since=None)
    return payer.with_record(record, TimerStopped(record, record.chat_id, since, at, reason, by))


def pause_record(payer: Payer, record: Record, at: int, reason: Reason, by: Role | None = None) -> Payer:
    """Stop the record's timer and pause the record. `by` is the role of the caller, if a person pauses the record."""
    payer = stop_timer(payer, record, at, reason, by)
    record = replace(payer.records[record.record_id], reason=reason, paused_at=at, paused_by=by, waiting_since=at)
    return payer.with_record(record)


def begin_wait(payer: Payer, record: Record, now: int, reason: Reason, by: Role | None = None) -> Payer:
    """Keep a record paused that does not run, for `reason` from now on.

    `by` is the role of the caller, if a person pauses the record.
    """
    record = replace(
        record,
        state=State.PAUSED,
        reason=reason,
        ring_until=None,
        running_since=None,
        waiting_since=now,
        paying_until=_paying_until_after(record),
        paused_at=now if record.paused_at is None else record.paused_at,
        paused_by=by,
    )
    return payer.with_record(record, WaitBegan(record, now))


def take_over_pause(payer: Payer, record: Record, now: int, by: Role | None) -> Payer:
    """Note that a pause of somebody else is a pause by the role `by` too. The record waits no longer than before."""
    record = replace(record, paused_by=by)
    return payer.with_record(record, WaitBegan(record, now))


def extend_wait(payer: Payer, record: Record, now: int, until: int) -> Payer:
    """Let a record that is out of credit wait at least to `until`."""
    record = replace(record, paying_until=until)
    return payer.with_record(record, WaitExtended(record, now))


def _paying_until_after(record: Record) -> int | None:
    """`paying_until` after the record's state or reason has changed: what was announced counts for one wait."""
    return None if record.reason is Reason.OUT_OF_CREDIT else record.paying_until


def end_record(payer: Payer, record: Record, at: int, reason: Reason, by: Role | None = None) -> Payer:
    """End the record at `at`. `by` is the role of the caller, if a person ends the record.

    A record that nobody resumed in time ended when it paused, and a record without credit ended at its cut.
    """
    if record.is_running:
        payer = stop_timer(payer, record, at, reason, by)
        record = payer.records[record.record_id]
    elif reason is Reason.ABANDONED:
        at = record.started_at if record.paused_at is None else record.paused_at
    elif reason is Reason.OUT_OF_CREDIT and record.waiting_since is not None:
        at = record.waiting_since
    was_requested = record.is_requested
    record = replace(
        record,
        state=State.ENDED,
        reason=reason,
        ended_at=at,
        ended_by=by,
        paused_by=None,
        waiting_since=None,
        ring_until=None,
        paying_until=None,
    )
    payer = payer.with_record(record, RecordEnded(record, by))
    # What the request held is free, and a part of that may be a gift that has expired.
    return expire_gifts(payer, at) if was_requested else payer


def keep_waiting(payer: Payer, record: Record, now: int, reason: Reason) -> Payer:
    """Keep a record paused for `reason`. If the record waits for this reason already, its abandon time goes on."""
    if record.reason is not reason:
        return begin_wait(payer, record, now, reason)
    # Screens must know if the record has moved to another chat.
    has_moved = payer.records[record.record_id].chat_id != record.chat_id
    return payer.with_record(record, *([WaitBegan(record, now)] if has_moved else []))
