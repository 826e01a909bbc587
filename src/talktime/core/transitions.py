"""Transitions: the steps that commands and deadlines are made of.

Each function changes one record of a payer at one instant, and gives the changed payer:

    start_timer     a segment begins, and the record runs
    stop_timer      the segment ends, and its time is posted; the caller decides what becomes of the record
    pause_record    the timer stops, and the record is paused for a reason
    keep_paused     a record that does not run is paused for another reason from now on
    end_record      the record ends, after its timer stops

Units: instants in milliseconds of engine time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.events import KeptPaused, RecordEnded, TimerStarted, TimerStopped
from talktime.core.posting import expire_gifts, post
from talktime.core.record import Party, Reason, State, replace

if TYPE_CHECKING:
    from talktime.core.payer import Payer, Rules
    from talktime.core.record import Record


def renew_lease(record: Record, party: Party, until: int) -> Record:
    """The record with the party's lease lasting at least to `until`."""
    if party is Party.USER:
        return replace(record, user_lease_until=max(record.user_lease_until, until))
    return replace(record, advisor_lease_until=max(record.advisor_lease_until, until))


def start_timer(payer: Payer, record: Record, now: int, rules: Rules, reason: Reason | None) -> Payer:
    """Start the record's timer: no other code starts a timer.

    `reason` is the reason of the pause before, None without a pause. If timers can't start (`Rules.timer_starts`), the
    record is paused instead, reason `timer_failed`, and the health check starts the timer later.
    """
    if not rules.timer_starts:
        return _keep_timer_failed(payer, record, now)
    record = replace(
        record,
        state=State.RUNNING,
        reason=None,
        running_since=now,
        settled_at=now,
        paused_at=None,
        paused_by=None,
        waiting_since=None,
    )
    return payer.with_record(record, TimerStarted(record, now, reason))


def stop_timer(payer: Payer, record: Record, at: int, reason: Reason, by: str | None = None) -> Payer:
    """Stop the record's timer: the segment ends, and its time is posted.

    The record is paused without a reason, until the caller pauses, ends or starts it.
    """
    since = record.running_since
    assert since is not None  # noqa: S101  the record runs
    payer = post(payer, record, at)
    record = replace(payer.records[record.record_id], state=State.PAUSED, running_since=None)
    payer = payer.with_record(record, TimerStopped(record, record.chat_id, since, at, reason, by))
    # The record may have held more than it owes in the end, and a part of that may be a gift that has expired.
    return expire_gifts(payer, at)


def pause_record(payer: Payer, record: Record, at: int, reason: Reason, by: str | None = None) -> Payer:
    """Stop the record's timer and pause the record. `by` is the caller, if a person pauses the record."""
    payer = stop_timer(payer, record, at, reason, by)
    record = replace(payer.records[record.record_id], reason=reason, paused_at=at, paused_by=by, waiting_since=at)
    return payer.with_record(record)


def keep_paused(payer: Payer, record: Record, now: int, reason: Reason, by: str | None = None) -> Payer:
    """Keep a record paused that does not run, for `reason` from now on. `by` is the caller, if a person does so."""
    record = replace(
        record,
        state=State.PAUSED,
        reason=reason,
        running_since=None,
        waiting_since=now,
        paused_at=now if record.paused_at is None else record.paused_at,
        paused_by=by,
    )
    return payer.with_record(record, KeptPaused(record, now))


def end_record(payer: Payer, record: Record, at: int, reason: Reason, by: str | None = None) -> Payer:
    """End the record at `at`. `by` is the caller, if a person ends the record.

    A record that nobody resumed in time ended when it paused, and a record without credit ended at its cut.
    """
    if record.is_running:
        payer = stop_timer(payer, record, at, reason, by)
        record = payer.records[record.record_id]
    elif reason is Reason.ABANDONED:
        at = record.started_at if record.paused_at is None else record.paused_at
    elif reason is Reason.OUT_OF_CREDIT and record.waiting_since is not None:
        at = record.waiting_since
    record = replace(record, state=State.ENDED, reason=reason, ended_at=at, paused_by=None, waiting_since=None)
    return payer.with_record(record, RecordEnded(record))


def _keep_timer_failed(payer: Payer, record: Record, now: int) -> Payer:
    if record.reason is not Reason.TIMER_FAILED:
        return keep_paused(payer, record, now, Reason.TIMER_FAILED)
    # The timer failed before, so the abandon time goes on from then. Screens must know if the record has moved.
    has_moved = payer.records[record.record_id].chat_id != record.chat_id
    return payer.with_record(record, *([KeptPaused(record, now)] if has_moved else []))
