"""How a record starts: at once, when both are present, or when the advisor accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talktime.core import meter
from talktime.core.cuts import find_cuts
from talktime.core.errors import Conflict, InsufficientCredit, InvalidRequest
from talktime.core.money import MICRO
from talktime.core.payer import Outage, Payer
from talktime.core.record import Party, Reason, State
from talktime.core.roles import Role
from talktime.core.starts import MAX_ACTIVE_MAX, RING_MS, StartRule, Starts, changed_rule, start_mode
from talktime.core.steps import EntryPosted, RecordRequested, TimerStarted, WaitBegan
from tests.unit.builders import (
    DURATIONS,
    LONG_LEASES,
    START,
    add_credit,
    debit,
    ended_records,
    minute_tariff,
    new_record,
    only_record,
    payer_with,
    settle,
    start,
    with_sockets,
)


def started(starts: Starts, bought: float = 10, payer: Payer | None = None) -> Payer:
    """A payer with a record that has just started in this way."""
    record = replace(new_record(), starts=starts)
    return meter.start(payer or payer_with(bought), record, START, DURATIONS)


def accept(payer: Payer, after_ms: int) -> Payer:
    payer = settle(payer, after_ms, DURATIONS)
    return meter.accept(payer, only_record(payer), START + after_ms, DURATIONS)


# Rules.


def test_a_change_of_the_rule_keeps_what_it_does_not_name() -> None:
    rule = changed_rule(StartRule(), starts="accepted", ring_ms=5_000, max_active=3)
    assert rule == StartRule(Starts.ACCEPTED, 5_000, 3)
    assert changed_rule(rule) == rule
    assert changed_rule(rule, max_active=0) == StartRule(Starts.ACCEPTED, 5_000, None)
    assert start_mode("at_once") is Starts.AT_ONCE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"starts": "soon"}, "starts must be one of: present, accepted, at_once"),
        ({"ring_ms": 999}, "ring_ms must be from 1 second to 1 hour"),
        ({"ring_ms": 3_600_001}, "ring_ms must be from 1 second to 1 hour"),
        ({"max_active": -1}, "max_active must be from 0 to 1000"),
        ({"max_active": MAX_ACTIVE_MAX + 1}, "max_active must be from 0 to 1000"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        changed_rule(StartRule(), **change)  # type: ignore[arg-type]  # wrong values are the subject


# Present.


def test_a_record_waits_for_an_absent_advisor_and_costs_nothing() -> None:
    payer = started(Starts.PRESENT)
    record = only_record(payer)
    assert (record.state, record.reason, record.paused_at) == (State.PAUSED, Reason.ADVISOR_AWAY, START)
    assert payer.steps == (WaitBegan(record, START),)
    assert (payer.available_at(START), record.cost_at(START + 500_000)) == (10 * MICRO, 0)
    payer = settle(payer, DURATIONS.abandon_ms, DURATIONS)
    (record,) = ended_records(payer)
    assert (record.reason, record.ended_at, record.elapsed_ms, record.charged) == (Reason.ABANDONED, START, 0, 0)


def test_the_timer_starts_at_the_first_instant_at_which_both_are_present() -> None:
    payer = settle(started(Starts.PRESENT), 5_000, DURATIONS)
    payer = meter.prove(payer, only_record(payer), Party.ADVISOR, START + 35_000, START + 5_000)
    assert only_record(payer).running_since == START + 5_000


def test_the_arrival_of_the_advisor_alone_starts_nothing() -> None:
    payer = settle(started(Starts.PRESENT), DURATIONS.lease_ms, DURATIONS)
    at = START + DURATIONS.lease_ms
    payer = meter.prove(payer, only_record(payer), Party.ADVISOR, at + 30_000, at)
    assert only_record(payer).reason is Reason.ADVISOR_AWAY
    payer = meter.prove(payer, only_record(payer), Party.USER, at + 30_001, at + 1)
    assert only_record(payer).running_since == at + 1


def test_a_present_advisor_starts_the_timer_with_the_record() -> None:
    payer = with_sockets(payer_with(10), START + 9_000, Party.ADVISOR)
    payer = started(Starts.PRESENT, payer=payer)
    assert only_record(payer).running_since == START
    assert payer.lease_until(only_record(payer)) == START + 9_000  # the start lengthens no lease of the advisor


def test_a_resume_without_the_advisor_waits_for_the_advisor() -> None:
    payer = with_sockets(payer_with(10), START + 9_000, Party.ADVISOR, is_renewed=False)
    payer = settle(started(Starts.PRESENT, payer=payer), 5_000, DURATIONS)
    payer = meter.pause(payer, only_record(payer), START + 5_000)
    payer = settle(payer, 20_000, DURATIONS)
    payer = meter.resume(payer, only_record(payer), START + 20_000, DURATIONS, Party.USER)
    record = only_record(payer)
    assert (record.reason, record.waiting_since, record.paused_by) == (Reason.ADVISOR_AWAY, START + 20_000, None)
    again = meter.resume(settle(payer, 25_000), record, START + 25_000, DURATIONS, Party.USER)
    assert only_record(again).waiting_since == START + 20_000  # the abandon time goes on


def test_a_waiting_record_that_moves_is_told_to_the_other_chat() -> None:
    payer = started(Starts.PRESENT)
    moved = meter.track(payer, only_record(payer), "second", START, DURATIONS)
    record = only_record(moved)
    assert (record.chat_id, record.reason) == ("second", Reason.ADVISOR_AWAY)
    assert moved.steps[-1] == WaitBegan(record, START)


def test_nobody_is_called_without_the_credit_to_begin() -> None:
    for starts in Starts:
        with pytest.raises(InsufficientCredit):
            started(starts, bought=0.5)


# Nobody pays for time that begins after a party's page has closed.


def left(payer: Payer, party: Party, after_ms: int) -> Payer:
    """The payer after the party's page has said that it closes."""
    payer = settle(payer, after_ms, DURATIONS)
    return meter.leave(payer, only_record(payer), party, START + after_ms, DURATIONS)


def proved(payer: Payer, party: Party, after_ms: int) -> Payer:
    """The payer after a heartbeat of the party."""
    payer, at = settle(payer, after_ms, DURATIONS), START + after_ms
    return meter.prove(payer, only_record(payer), party, at + DURATIONS.lease_ms, at)


def test_no_time_starts_for_a_user_who_has_left_while_the_request_rings() -> None:
    payer = accept(left(started(Starts.ACCEPTED), Party.USER, 6_000), 7_000)
    record = only_record(payer)
    assert (record.state, record.reason, record.paused_at) == (State.PAUSED, Reason.USER_AWAY, START)
    back = proved(payer, Party.USER, 8_000)
    assert only_record(back).running_since == START + 8_000
    (ended,) = ended_records(settle(payer, DURATIONS.abandon_ms + 7_000, DURATIONS))
    assert (ended.reason, ended.charged) == (Reason.ABANDONED, 0)


def test_no_time_starts_for_a_user_who_has_left_as_the_advisor_arrives() -> None:
    payer = proved(left(started(Starts.PRESENT), Party.USER, 3_000), Party.ADVISOR, 4_000)
    assert not only_record(payer).is_running
    # The advisor learns at once for whom the record waits.
    assert payer.presence(only_record(payer), START + 4_000)[:2] == (False, True)
    assert only_record(proved(payer, Party.USER, 6_000)).running_since == START + 6_000


def test_another_page_of_the_user_is_there_all_the_same() -> None:
    payer = with_sockets(payer_with(10), START + 10**6, Party.USER)
    payer = accept(left(started(Starts.ACCEPTED, payer=payer), Party.USER, 6_000), 7_000)
    assert only_record(payer).running_since == START + 7_000


def running_with_advisor(starts: Starts = Starts.PRESENT) -> Payer:
    """A payer whose record runs, without a socket."""
    payer = proved(started(starts), Party.ADVISOR, 0)
    assert only_record(payer).is_running
    return payer


def test_nothing_resumes_with_a_party_who_has_left() -> None:
    advisors = settle(running_with_advisor(), 1_000, DURATIONS)
    advisors = meter.pause(advisors, only_record(advisors), START + 1_000, Role.ADVISOR)
    without_user, without_advisor = left(advisors, Party.USER, 2_000), left(advisors, Party.ADVISOR, 2_000)
    with pytest.raises(Conflict, match="The user is absent"):
        meter.resume(without_user, only_record(without_user), START + 3_000, DURATIONS, Party.ADVISOR)
    resumed = meter.resume(without_advisor, only_record(without_advisor), START + 3_000, DURATIONS, Party.USER)
    assert only_record(resumed).reason is Reason.ADVISOR_AWAY
    # An act is a proof: who has acted is back.
    resumed = meter.resume(without_advisor, only_record(without_advisor), START + 3_000, DURATIONS, Party.ADVISOR)
    assert only_record(resumed).running_since == START + 3_000
    assert resumed.present_until(only_record(resumed), Party.ADVISOR) == START + 33_000


def cut_record(starts: Starts, without_socket: Party) -> Payer:
    """A payer whose record has run out of credit after a minute. One party sends heartbeats, the other has a socket."""
    other = next(party for party in Party if party is not without_socket)
    payer = started(starts, payer=with_sockets(payer_with(1), START + 10**6, other))
    for after_ms in (25_000, 50_000):
        payer = proved(payer, without_socket, after_ms)
    return settle(payer, 60_000, DURATIONS)


def test_credit_resumes_nothing_for_a_user_who_has_left() -> None:
    cut = cut_record(Starts.PRESENT, Party.USER)
    assert only_record(cut).reason is Reason.OUT_OF_CREDIT
    payer = add_credit(left(cut, Party.USER, 61_000), 5)
    assert only_record(payer).reason is Reason.USER_AWAY


def test_a_switch_without_the_advisor_stops_the_time() -> None:
    payer = left(running_with_advisor(), Party.ADVISOR, 2_000)
    payer = meter.track(payer, only_record(payer), "second", START + 3_000, DURATIONS)
    record = only_record(payer)
    assert (record.chat_id, record.reason, record.elapsed_ms) == ("second", Reason.ADVISOR_AWAY, 3_000)


def test_who_starts_at_once_vouches_for_an_advisor_who_has_left() -> None:
    payer = left(running_with_advisor(Starts.AT_ONCE), Party.ADVISOR, 2_000)
    payer = meter.pause(payer, only_record(payer), START + 3_000, Role.USER)
    payer = meter.resume(payer, only_record(payer), START + 4_000, DURATIONS, Party.USER)
    assert only_record(payer).running_since == START + 4_000
    assert payer.present_until(only_record(payer), Party.ADVISOR) == START + 7_000


def test_a_top_up_vouches_for_nobody() -> None:
    cut = cut_record(Starts.AT_ONCE, Party.ADVISOR)
    payer = add_credit(left(cut, Party.ADVISOR, 61_000), 5)
    assert only_record(payer).reason is Reason.ADVISOR_AWAY


# Accepted.


def test_a_request_rings_holds_its_start_and_is_missed() -> None:
    payer = with_sockets(payer_with(10), START + 10**6, Party.USER)
    payer = started(Starts.ACCEPTED, payer=payer)
    record = only_record(payer)
    assert (record.state, record.reason, record.ring_until) == (State.REQUESTED, None, START + RING_MS)
    assert payer.steps == (RecordRequested(record, START),)
    assert payer.available_at(START) == 9 * MICRO
    with pytest.raises(InsufficientCredit):
        debit(payer, 9.01)
    payer = settle(payer, RING_MS, DURATIONS)
    (record,) = ended_records(payer)
    assert (record.reason, record.ended_at, record.charged) == (Reason.MISSED, START + RING_MS, 0)
    assert payer.available_at(START) == 10 * MICRO


def test_acceptance_starts_the_timer_once() -> None:
    payer = accept(started(Starts.ACCEPTED), 7_000)
    assert payer.steps[-1] == TimerStarted(only_record(payer), START + 7_000, None)
    assert only_record(payer).ring_until is None
    assert payer.lease_until(only_record(payer)) == START + DURATIONS.lease_ms  # the user's
    assert accept(payer, 7_000) == payer


def test_an_accepted_record_whose_timer_fails_is_paused_from_its_beginning() -> None:
    payer = accept(replace(started(Starts.ACCEPTED), can_start_timers=False), 7_000)
    record = only_record(payer)
    assert (record.reason, record.paused_at, record.ring_until) == (Reason.TIMER_FAILED, START, None)


def test_a_request_ends_with_the_users_lease() -> None:
    payer = settle(started(Starts.ACCEPTED), DURATIONS.lease_ms, DURATIONS)
    (record,) = ended_records(payer)
    assert (record.reason, record.ended_at) == (Reason.USER_AWAY, START + DURATIONS.lease_ms)


def test_the_user_who_leaves_as_the_ring_ends_was_away() -> None:
    record = replace(new_record(), starts=Starts.ACCEPTED)
    payer = meter.start(payer_with(10), record, START, DURATIONS, ring_ms=DURATIONS.lease_ms)
    (record,) = ended_records(settle(payer, DURATIONS.lease_ms, DURATIONS))
    assert record.reason is Reason.USER_AWAY


def test_a_declined_request_says_why() -> None:
    payer = started(Starts.ACCEPTED)
    payer = meter.decline(payer, only_record(payer), START + 1, "After lunch")
    (record,) = ended_records(payer)
    assert (record.reason, record.decline_reason, record.charged) == (Reason.DECLINED, "After lunch", 0)


def test_an_accepted_record_cannot_be_declined() -> None:
    payer = accept(started(Starts.ACCEPTED), 1)
    with pytest.raises(Conflict, match="accepted already"):
        meter.decline(payer, only_record(payer), START + 1)


def test_a_request_can_neither_be_paused_nor_resumed() -> None:
    payer = started(Starts.ACCEPTED)
    with pytest.raises(Conflict) as refused:
        meter.pause(payer, only_record(payer), START)
    assert refused.value.members["allowed"] == ["accept", "decline", "stop"]
    with pytest.raises(Conflict, match="not accepted yet"):
        meter.resume(payer, only_record(payer), START, DURATIONS, Party.USER)


def test_a_switch_moves_the_ringing_and_a_repeat_changes_nothing() -> None:
    payer = settle(started(Starts.ACCEPTED), 10_000, DURATIONS)
    record = only_record(payer)
    assert meter.track(payer, record, record.chat_id, START + 10_000, DURATIONS) == payer
    payer = meter.track(payer, record, "second", START + 10_000, DURATIONS)
    record = only_record(payer)
    assert (record.chat_id, record.ring_until) == ("second", START + RING_MS)
    assert payer.steps[-1] == RecordRequested(record, START + 10_000)
    assert record.user_lease_until == START + 10_000 + DURATIONS.lease_ms


def test_what_a_request_holds_cuts_the_other_record_earlier() -> None:
    payer = start(payer_with(3), record_id="first")
    assert find_cuts(payer)["first"].at == START + 180_000
    payer = meter.start(payer, replace(new_record(), starts=Starts.ACCEPTED), START, LONG_LEASES)
    assert find_cuts(payer)["first"].at == START + 120_000


def test_a_gift_that_expires_stays_as_long_as_a_request_holds_it() -> None:
    payer = add_credit(payer_with(), 5, "gift", START + 10_000)
    payer = meter.start(payer, replace(new_record(), starts=Starts.ACCEPTED), START, LONG_LEASES)
    payer = settle(payer, 20_000)
    assert (payer.balance, payer.available_at(START + 20_000)) == (MICRO, 0)
    payer = meter.stop(payer, only_record(payer), START + 20_000)
    assert payer.balance == 0
    lost = [event.amount for event in payer.steps if isinstance(event, EntryPosted) and event.kind == "expiry"]
    assert lost == [-4 * MICRO, -MICRO]


def test_an_outage_lets_a_request_ring_longer() -> None:
    outage = Outage(START + 10_000, START + 40_000)
    payer = replace(started(Starts.ACCEPTED), outages=(outage,))
    payer = settle(payer, 45_000, DURATIONS)
    assert only_record(payer).ring_until == START + RING_MS + 30_000


def test_free_time_holds_no_credit() -> None:
    record = replace(new_record(tariff=minute_tariff(free_seconds=60)), starts=Starts.ACCEPTED)
    payer = meter.start(payer_with(0), record, START, DURATIONS)
    assert payer.available_at(START) == 0
    assert only_record(payer).is_requested
