"""Transitions: a timer starts and stops, and a record is paused, waits, or ends, with the events of each step."""

from __future__ import annotations

from dataclasses import replace

from talktime.core import meter
from talktime.core.gifts import Gift
from talktime.core.money import MICRO
from talktime.core.payer import Payer
from talktime.core.record import Party, Reason, State
from talktime.core.roles import Role
from talktime.core.steps import DurationAdded, EntryPosted, RecordEnded, TimerStarted, TimerStopped, WaitBegan
from talktime.core.transitions import begin_wait, end_record, pause_record, renew_lease, start_timer, stop_timer
from tests.unit.builders import (
    DURATIONS,
    MINUTE,
    START,
    add_credit,
    ended_records,
    new_record,
    only_record,
    payer_with,
    settle,
    start,
)


def without_timers(bought: float) -> Payer:
    """A payer whose timers can't start."""
    return replace(payer_with(bought), can_start_timers=False)


def test_a_lease_is_renewed_and_never_shortened() -> None:
    record = renew_lease(new_record(), Party.USER, START + 5)
    assert (record.user_lease_until, record.advisor_lease_until) == (START + 5, 0)
    assert renew_lease(record, Party.USER, START + 4) == record
    record = renew_lease(record, Party.ADVISOR, START + 7)
    assert (record.user_lease_until, record.advisor_lease_until) == (START + 5, START + 7)
    assert renew_lease(record, Party.ADVISOR, START + 6) == record


def test_a_started_timer_opens_a_segment_and_clears_the_pause() -> None:
    paused = replace(
        new_record(),
        state=State.PAUSED,
        reason=Reason.PAUSED,
        paused_at=START - 9,
        paused_by=Role.USER,
        waiting_since=START - 9,
    )
    payer = start_timer(payer_with(9), paused, START, Reason.PAUSED)
    record = only_record(payer)
    assert (record.state, record.reason, record.running_since, record.settled_at) == (
        *(State.RUNNING, None),
        *(START, START),
    )
    assert (record.paused_at, record.paused_by, record.waiting_since) == (None, None, None)
    assert payer.steps == (TimerStarted(record, START, Reason.PAUSED),)


def test_a_stopped_timer_closes_the_segment_and_posts_its_time() -> None:
    payer = start(payer_with(9))
    stopped = stop_timer(payer, only_record(payer), START + 90_000, Reason.SWITCHED, Role.USER)
    record = only_record(stopped)
    assert (record.state, record.reason, record.running_since) == (State.PAUSED, None, None)
    added, entry, closed = stopped.steps[-3:]
    assert added == DurationAdded("chat of record", 90_000)
    assert isinstance(entry, EntryPosted)
    assert entry.amount == -2 * MICRO
    assert closed == TimerStopped(record, "chat of record", START, START + 90_000, Reason.SWITCHED, Role.USER)


def test_a_stopped_timer_gives_up_what_it_held_of_a_gift_that_has_expired() -> None:
    payer = settle(start(add_credit(payer_with(), 5, "gift", START + MINUTE)), MINUTE)
    assert payer.gifts == (Gift(MICRO, START + MINUTE),)
    stopped = stop_timer(payer, only_record(payer), START + MINUTE, Reason.STOPPED)
    assert (stopped.gifts, stopped.balance) == ((), 0)


def test_a_paused_record_waits_from_the_pause_on() -> None:
    payer = start(payer_with(9))
    record = only_record(pause_record(payer, only_record(payer), START + 1_000, Reason.PAUSED, Role.ADVISOR))
    assert (record.state, record.reason, record.paused_by) == (State.PAUSED, Reason.PAUSED, Role.ADVISOR)
    assert (record.paused_at, record.waiting_since) == (START + 1_000, START + 1_000)


def test_a_record_that_is_kept_paused_waits_from_then_on_and_keeps_the_instant_of_the_pause() -> None:
    payer = pause_record(start(payer_with(9)), only_record(start(payer_with(9))), START + 1_000, Reason.USER_AWAY)
    kept = begin_wait(payer, only_record(payer), START + 5_000, Reason.PAUSED, Role.USER)
    record = only_record(kept)
    assert (record.reason, record.paused_by) == (Reason.PAUSED, Role.USER)
    assert (record.paused_at, record.waiting_since) == (START + 1_000, START + 5_000)
    assert kept.steps[-1] == WaitBegan(record, START + 5_000)


def test_a_running_record_ends_with_its_segment() -> None:
    payer = start(payer_with(9))
    ended = end_record(payer, only_record(payer), START + 90_000, Reason.STOPPED, Role.USER)
    assert ended.records == {}
    closed, event = ended.steps[-2:]
    assert isinstance(closed, TimerStopped)
    assert (closed.at, closed.reason, closed.by) == (START + 90_000, Reason.STOPPED, Role.USER)
    assert isinstance(event, RecordEnded)
    record = event.record
    assert (record.state, record.reason, record.ended_at) == (State.ENDED, Reason.STOPPED, START + 90_000)
    assert (record.charged, record.waiting_since, record.paused_by) == (2 * MICRO, None, None)


def test_an_abandoned_record_ended_when_it_paused() -> None:
    payer = pause_record(start(payer_with(9)), only_record(start(payer_with(9))), START + 1_000, Reason.USER_AWAY)
    (record,) = ended_records(end_record(payer, only_record(payer), START + MINUTE, Reason.ABANDONED))
    assert (record.ended_at, record.reason) == (START + 1_000, Reason.ABANDONED)


def test_an_abandoned_record_that_never_ran_ended_when_it_started() -> None:
    never_ran = start(without_timers(9))
    bare = replace(only_record(never_ran), paused_at=None)
    over = settle(never_ran.with_record(bare), DURATIONS.abandon_ms, DURATIONS)
    (record,) = ended_records(over)
    assert (record.ended_at, record.reason) == (START, Reason.ABANDONED)


def test_a_record_without_credit_ended_at_its_cut_and_a_stopped_record_when_somebody_stops_it() -> None:
    payer = pause_record(start(payer_with(9)), only_record(start(payer_with(9))), START + 1_000, Reason.OUT_OF_CREDIT)
    (record,) = ended_records(end_record(payer, only_record(payer), START + MINUTE, Reason.OUT_OF_CREDIT))
    assert record.ended_at == START + 1_000
    (record,) = ended_records(end_record(payer, only_record(payer), START + MINUTE, Reason.STOPPED))
    assert record.ended_at == START + MINUTE


def test_a_record_whose_timer_fails_is_paused_and_waits_from_the_first_failure_on() -> None:
    payer = start(without_timers(10))
    record = only_record(payer)
    assert (record.state, record.reason) == (State.PAUSED, Reason.TIMER_FAILED)
    assert (record.waiting_since, record.paused_at) == (START, START)
    assert payer.steps == (WaitBegan(record, START),)
    again = meter.resume(payer, record, START + 5_000, DURATIONS, Party.USER)
    assert (only_record(again).waiting_since, len(again.steps)) == (START, 1)


def test_a_record_whose_timer_fails_again_in_another_chat_tells_so() -> None:
    payer = start(without_timers(10))
    moved = meter.track(payer, only_record(payer), "other", START + 5_000, DURATIONS)
    record = only_record(moved)
    assert (record.chat_id, record.waiting_since) == ("other", START)
    assert moved.steps == (*payer.steps, WaitBegan(record, START + 5_000))
    works = meter.resume(replace(moved, can_start_timers=True), record, START + 9_000, DURATIONS, Party.USER)
    assert (only_record(works).running_since, only_record(works).reason) == (START + 9_000, None)
    assert only_record(works).paused_at is None
