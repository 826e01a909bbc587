"""The steps that commands and deadlines are made of: a record's timer opens and closes, it waits, it ends. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.payer import Closed, Ended, Opened, Party, Reason, State, Waiting, replace
from talktime.core.posting import expired, settled

if TYPE_CHECKING:
    from talktime.core.payer import Payer, Record, Rules


def lease_extended(record: Record, party: Party, until: int) -> Record:
    """The record with this party present until then, at least."""
    if party is Party.USER:
        return replace(record, user_lease_until=max(record.user_lease_until, until))
    return replace(record, advisor_lease_until=max(record.advisor_lease_until, until))


def open_timer(payer: Payer, record: Record, now: int, rules: Rules, reason: Reason | None) -> Payer:
    """Start the record's timer: the one place that does."""
    if not rules.timer_starts:
        if record.reason is not Reason.TIMER_FAILED:
            return wait(payer, record, now, Reason.TIMER_FAILED)
        # One that had failed before keeps waiting from then; it may have moved to another chat, though.
        has_moved = payer.records[record.record_id].chat_id != record.chat_id
        return payer.put(record, *([Waiting(record, now)] if has_moved else []))
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
    return payer.put(record, Opened(record, now, reason))


def wait(payer: Payer, record: Record, now: int, reason: Reason, by: str | None = None) -> Payer:
    """The record does not run, from `now` on for this reason; `by` is whose act it is, if it is one's."""
    record = replace(
        record,
        state=State.PAUSED,
        reason=reason,
        running_since=None,
        waiting_since=now,
        paused_at=now if record.paused_at is None else record.paused_at,
        paused_by=by,
    )
    return payer.put(record, Waiting(record, now))


def close_timer(payer: Payer, record: Record, at: int, reason: Reason, by: str | None = None) -> Payer:
    """The segment ends, and what it came to is posted; the record is left to whoever says why."""
    since = record.running_since
    assert since is not None  # noqa: S101  running means that
    payer = settled(payer, record, at)
    record = replace(payer.records[record.record_id], state=State.PAUSED, running_since=None)
    # What it had begun to owe and does not owe after all may have been kept of a gift that is over.
    return expired(payer.put(record, Closed(record, record.chat_id, since, at, reason, by)), at)


def stop_timer(payer: Payer, record: Record, at: int, reason: Reason, by: str | None = None) -> Payer:
    """Stop the record's timer: it is paused for this reason, and waits from here."""
    payer = close_timer(payer, record, at, reason, by)
    record = replace(payer.records[record.record_id], reason=reason, paused_at=at, paused_by=by, waiting_since=at)
    return payer.put(record)


def end(payer: Payer, record: Record, at: int, reason: Reason, by: str | None = None) -> Payer:
    """End a record. One that waited in vain ended when its time stopped, not when we gave up waiting."""
    if record.is_running:
        payer = close_timer(payer, record, at, reason, by)
        record = payer.records[record.record_id]
    elif reason is Reason.ABANDONED:
        at = record.started_at if record.paused_at is None else record.paused_at
    elif reason is Reason.OUT_OF_CREDIT and record.waiting_since is not None:
        at = record.waiting_since
    record = replace(record, state=State.ENDED, reason=reason, ended_at=at, paused_by=None, waiting_since=None)
    return payer.put(record, Ended(record))
