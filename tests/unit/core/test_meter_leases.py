"""Leases that sockets hold, records that wait, and the next instant at which something happens by itself. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talktime.core import meter
from talktime.core.cuts import find_cuts
from talktime.core.deadlines import next_deadline
from talktime.core.errors import Conflict, InsufficientCredit
from talktime.core.events import KeptPaused, RecordEnded, TimerStarted, TimerStopped
from talktime.core.money import MICRO
from talktime.core.payer import Payer, Rules, SocketLease
from talktime.core.record import Party, Reason, Record, State
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from tests.unit.builders import BEGIN, RULES, only, tariff, timers_stopped


def started(credit: int = 10, rules: Rules = RULES, chat: str = "chat") -> Payer:
    """Somebody with one record, running since the beginning."""
    record = Record("record", "user", "advisor", chat, tariff(), 1, 0, BEGIN, BEGIN)
    return meter.start(Payer("user", credit * MICRO, BEGIN, {}, {}), record, BEGIN, rules)


def held(payer: Payer, until: int, *parties: Party, chat: str = "chat", alive: bool = True) -> Payer:
    """With sockets of these parties on a chat."""
    return replace(payer, sockets={(chat, party): SocketLease(until, alive) for party in parties})


def test_a_socket_keeps_the_lease_and_a_heartbeat_too_whichever_lasts_longer() -> None:
    payer = held(started(), BEGIN + 50_000, Party.USER)
    record = only(payer)
    assert payer.present_until(record, Party.USER) == BEGIN + 50_000
    assert payer.present_until(record, Party.ADVISOR) == BEGIN + 30_000
    assert payer.lease_until(record) == BEGIN + 30_000
    shorter = held(started(), BEGIN + 5_000, Party.USER)
    assert shorter.present_until(only(shorter), Party.USER) == BEGIN + 30_000
    assert payer.is_present(record, Party.USER, BEGIN + 49_999)
    assert not payer.is_present(record, Party.USER, BEGIN + 50_000)
    assert payer.is_held(record, Party.USER)
    assert not payer.is_held(record, Party.ADVISOR)
    silent = held(started(), BEGIN + 50_000, Party.USER, alive=False)
    assert not silent.is_held(only(silent), Party.USER)


def test_only_sockets_on_the_current_chat_count() -> None:
    payer = held(started(), BEGIN + 90_000, *Party, chat="elsewhere")
    assert payer.lease_until(only(payer)) == BEGIN + 30_000
    assert timers_stopped(meter.settle(payer, BEGIN + 60_000, RULES)) == [(BEGIN + 30_000, Reason.USER_AWAY)]


def test_what_live_sockets_hold_is_no_deadline_and_what_silent_ones_proved_is() -> None:
    payer = started(credit=1000)
    ends = find_cuts(payer)
    assert next_deadline(payer, RULES, ends) == BEGIN + 30_000
    one = held(payer, BEGIN + 20_000_000, Party.USER)
    assert next_deadline(one, RULES, ends) == BEGIN + 30_000
    both = held(payer, BEGIN + 20_000_000, *Party)
    assert next_deadline(both, RULES, ends) == ends["record"].at == BEGIN + 60_000_000
    silent = held(payer, BEGIN + 40_000, *Party, alive=False)
    assert next_deadline(silent, RULES, ends) == BEGIN + 40_000
    assert next_deadline(both, RULES, {}) is None
    # In time even a held lease ends, when its process has not renewed it.
    assert timers_stopped(meter.settle(both, BEGIN + 20_000_000, RULES)) == [(BEGIN + 20_000_000, Reason.USER_AWAY)]


def test_what_waits_has_the_end_of_its_patience_for_a_deadline() -> None:
    away = meter.settle(started(), BEGIN + 31_000, RULES)
    assert next_deadline(away, RULES, {}) == BEGIN + 30_000 + RULES.abandon_ms
    poor = meter.settle(held(started(1), BEGIN + 10**6, *Party), BEGIN + 61_000, RULES)
    assert only(poor).reason is Reason.OUT_OF_CREDIT
    assert next_deadline(poor, RULES, {}) == BEGIN + 60_000 + RULES.recharge_ms


def test_a_switch_keeps_what_was_proved_and_gives_an_advisor_who_is_not_there_one_lease() -> None:
    payer = held(started(), BEGIN + 45_000, *Party)
    moved = meter.track(payer, only(payer), "other", BEGIN + 20_000, RULES)
    record = only(moved)
    assert (record.chat_id, record.user_lease_until, record.advisor_lease_until) == (
        "other",
        BEGIN + 50_000,  # acting is a proof
        BEGIN + 45_000,  # what the socket had proved, and no more
    )
    late = meter.settle(started(), BEGIN + 40_000, RULES)
    back = meter.track(late, only(late), "other", BEGIN + 40_000, RULES)
    assert only(back).advisor_lease_until == only(back).user_lease_until == BEGIN + 70_000
    assert [event.reason for event in back.events if isinstance(event, TimerStarted)] == [None, Reason.USER_AWAY]


def test_a_paused_record_moves_only_if_it_can_pay() -> None:
    payer = meter.settle(held(started(1), BEGIN + 10**6, *Party), BEGIN + 61_000, RULES)
    with pytest.raises(InsufficientCredit) as caught:
        meter.track(payer, only(payer), "other", BEGIN + 61_000, RULES)
    assert (caught.value.required, caught.value.available) == (MICRO, 0)
    with pytest.raises(InsufficientCredit):
        meter.resume(payer, only(payer), BEGIN + 61_000, RULES, Party.USER)


def test_who_comes_back_resumes_if_both_are_there_and_it_can_be_paid() -> None:
    away = meter.settle(started(), BEGIN + 31_000, RULES)
    now, record = BEGIN + 40_000, only(away)
    alone = meter.prove(away, record, Party.USER, now + 30_000, now, RULES)
    assert only(alone).state is State.PAUSED
    both = meter.prove(alone, only(alone), Party.ADVISOR, now + 30_000, now, RULES)
    assert (only(both).state, only(both).running_since) == (State.RUNNING, now)
    assert both.events[-1] == TimerStarted(only(both), now, Reason.USER_AWAY)
    needy = replace(only(alone), elapsed_ms=60_000, charged=MICRO)
    spent = replace(alone.with_record(needy), balance=MICRO - 1)
    poor = meter.prove(spent, needy, Party.ADVISOR, now + 30_000, now, RULES)
    assert (only(poor).reason, only(poor).waiting_since) == (Reason.OUT_OF_CREDIT, now)
    just = replace(spent, balance=MICRO)
    assert only(meter.prove(just, needy, Party.ADVISOR, now + 30_000, now, RULES)).is_running


def test_a_person_s_pause_is_resumed_by_no_presence() -> None:
    payer = meter.pause(started(), only(started()), BEGIN + 1_000)
    assert not only(meter.prove(payer, only(payer), Party.USER, BEGIN + 9**9, BEGIN + 2_000, RULES)).is_running
    wanted = meter.resume_present(payer, only(payer), BEGIN + 2_000, RULES, frozenset({Reason.PAUSED}))
    assert only(wanted).is_running
    assert meter.resume_present(wanted, only(wanted), BEGIN + 3_000, RULES) is wanted


def test_leaving_keeps_what_was_proved() -> None:
    payer = meter.leave(started(), only(started()), Party.ADVISOR, BEGIN + 99_000)
    assert (only(payer).advisor_lease_until, only(payer).user_lease_until) == (BEGIN + 99_000, BEGIN + 30_000)
    earlier = meter.leave(payer, only(payer), Party.USER, BEGIN + 1)
    assert only(earlier).user_lease_until == BEGIN + 30_000


def test_an_advisor_who_resumes_is_given_a_lease_and_gives_the_user_none() -> None:
    payer = meter.pause(held(started(), BEGIN + 10**6, Party.USER), only(started()), BEGIN + 1_000)
    back = meter.resume(payer, only(payer), BEGIN + 40_000, RULES, Party.ADVISOR)
    record = only(back)
    assert (record.user_lease_until, record.advisor_lease_until) == (BEGIN + 30_000, BEGIN + 70_000)
    gone = replace(payer, sockets={})
    with pytest.raises(Conflict) as caught:
        meter.resume(gone, only(gone), BEGIN + 40_000, RULES, Party.ADVISOR)
    assert caught.value.members == {"state": "paused", "allowed": ["pause", "stop"]}
    assert str(caught.value) == "The user is not here, so the advisor can't resume. It resumes when the user is back."


def test_a_timer_that_can_not_start_waits_from_the_first_time_on() -> None:
    broken = replace(RULES, timer_starts=False)
    payer = started(rules=broken)
    record = only(payer)
    assert (record.state, record.reason, record.waiting_since, record.paused_at) == (
        *(State.PAUSED, Reason.TIMER_FAILED),
        *(BEGIN, BEGIN),
    )
    assert payer.events == (KeptPaused(record, BEGIN),)
    again = meter.resume(payer, record, BEGIN + 5_000, broken, Party.USER)
    assert (only(again).waiting_since, len(again.events)) == (BEGIN, 1)
    moved = meter.track(payer, record, "other", BEGIN + 5_000, broken)
    assert (only(moved).chat_id, only(moved).waiting_since, len(moved.events)) == ("other", BEGIN, 2)
    works = meter.resume(moved, only(moved), BEGIN + 9_000, RULES, Party.USER)
    assert (only(works).running_since, only(works).reason, only(works).paused_at) == (
        *(BEGIN + 9_000, None),
        None,
    )


def test_a_pause_counts_from_when_the_time_stopped() -> None:
    away = meter.settle(started(), BEGIN + 31_000, RULES)
    paused = meter.pause(away, only(away), BEGIN + 100_000)
    record = only(paused)
    assert (record.paused_at, record.waiting_since, record.reason) == (
        *(BEGIN + 30_000, BEGIN + 100_000),
        Reason.PAUSED,
    )
    assert meter.pause(paused, record, BEGIN + 200_000) is paused
    stopped = meter.stop(started(), only(started()), BEGIN + 1_000, "advisor")
    assert [event.by for event in stopped.events if isinstance(event, TimerStopped)] == ["advisor"]
    paused = meter.pause(started(), only(started()), BEGIN + 1_000, "user")
    assert [(event.by, event.reason) for event in paused.events if isinstance(event, TimerStopped)] == [
        ("user", Reason.PAUSED)
    ]


def test_a_record_begins_when_it_starts_whatever_was_written_on_it() -> None:
    written = Record("record", "user", "advisor", "chat", tariff(), 1, 0, 5, 7)
    record = only(meter.start(Payer("user", MICRO, BEGIN, {}, {}), written, BEGIN, RULES))
    assert (record.started_at, record.settled_at, record.running_since) == (BEGIN, BEGIN, BEGIN)


def test_resuming_by_tracking_or_by_the_user_is_the_user_s_proof() -> None:
    payer = meter.pause(held(started(), BEGIN + 10**6, Party.ADVISOR), only(started()), BEGIN + 1_000)
    now = BEGIN + 20_000
    for back in (
        meter.track(payer, only(payer), "chat", now, RULES),
        meter.resume(payer, only(payer), now, RULES, Party.USER),
    ):
        record = only(back)
        assert (record.is_running, record.paused_by, record.waiting_since) == (True, None, None)
        assert (record.user_lease_until, record.advisor_lease_until) == (now + 30_000, BEGIN + 30_000)
        assert back.events[-1] == TimerStarted(record, now, Reason.PAUSED)


def test_a_switch_keeps_the_user_s_socket_s_proof_too() -> None:
    payer = held(started(), BEGIN + 90_000, Party.USER)
    record = only(meter.track(payer, only(payer), "other", BEGIN + 1_000, RULES))
    assert (record.user_lease_until, record.advisor_lease_until) == (BEGIN + 90_000, BEGIN + 30_000)


def test_what_another_record_has_begun_to_owe_is_not_there_for_this_one() -> None:
    payer = held(started(credit=3), BEGIN + 10**6, *Party)
    other = Record("other", "user", "zoe", "chat", tariff(), 1, 0, BEGIN, BEGIN)
    both = meter.start(payer, other, BEGIN, RULES)
    paused = meter.pause(both, both.records["other"], BEGIN + 1_000, "user")
    now = BEGIN + 61_000
    late = meter.settle(paused, now, RULES)  # the first has begun its second minute: nothing is left
    mine = late.records["other"]
    # Its first minute is paid and not over, so going on costs nothing more.
    assert meter.resume(late, mine, now, RULES, Party.USER).records["other"].is_running
    needy = replace(mine, elapsed_ms=60_000)
    poor = late.with_record(needy)
    with pytest.raises(InsufficientCredit):
        meter.resume(poor, needy, now, RULES, Party.USER)
    with pytest.raises(InsufficientCredit):
        meter.track(poor, needy, "elsewhere", now, RULES)
    away = replace(needy, reason=Reason.USER_AWAY)
    waits = meter.resume_present(poor.with_record(away), away, now, RULES)
    assert waits.records["other"].reason is Reason.OUT_OF_CREDIT


def test_an_advisor_alone_resumes_nothing() -> None:
    away = meter.settle(started(), BEGIN + 31_000, RULES)
    alone = meter.prove(away, only(away), Party.ADVISOR, BEGIN + 90_000, BEGIN + 40_000, RULES)
    assert only(alone).state is State.PAUSED
    gone = meter.leave(started(), only(started()), Party.USER, BEGIN + 77_000)
    assert (only(gone).user_lease_until, only(gone).advisor_lease_until) == (BEGIN + 77_000, BEGIN + 30_000)
    assert gone.lease_until(only(gone)) == BEGIN + 30_000
    early = replace(only(gone), user_lease_until=BEGIN + 1_000)
    assert gone.lease_until(early) == BEGIN + 1_000


def test_who_paused_is_known_until_it_goes_on() -> None:
    away = meter.settle(started(), BEGIN + 31_000, RULES)
    paused = meter.pause(away, only(away), BEGIN + 40_000, "advisor")
    assert (only(paused).paused_by, only(paused).running_since) == ("advisor", None)
    assert paused.events[-1] == KeptPaused(only(paused), BEGIN + 40_000)
    directly = meter.pause(started(), only(started()), BEGIN + 1_000, "user")
    assert (only(directly).paused_by, only(directly).running_since) == ("user", None)
    (closing,) = [event for event in directly.events if isinstance(event, TimerStopped)]
    assert (closing.chat_id, closing.since, closing.at) == ("chat", BEGIN, BEGIN + 1_000)
    over = meter.stop(directly, only(directly), BEGIN + 2_000)
    (ended,) = [event.record for event in over.events if isinstance(event, RecordEnded)]
    assert (ended.paused_by, ended.waiting_since, ended.ended_at) == (None, None, BEGIN + 2_000)


def test_one_that_never_ran_ended_when_it_began() -> None:
    broken = replace(RULES, timer_starts=False)
    never = started(rules=broken)
    bare = replace(only(never), paused_at=None)
    over = meter.settle(never.with_record(bare), BEGIN + RULES.abandon_ms, broken)
    (ended,) = [event.record for event in over.events if isinstance(event, RecordEnded)]
    assert (ended.ended_at, ended.reason) == (BEGIN, Reason.ABANDONED)


def test_what_it_costs_and_who_gets_it_counts_with_what_is_left_of_the_free_time() -> None:
    free = Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}], "free_seconds": 90})
    record = Record("r", "u", "a", "c", free, 1, 60_000, BEGIN, BEGIN, terms=Terms.parse({"share_percent": 50}))
    assert (record.allowance_ms, record.cost_at(BEGIN + 30_000), record.cost_at(BEGIN + 30_001)) == (30_000, 0, MICRO)
    assert record.share_at(BEGIN + 60_000).advisor == MICRO // 2
    assert replace(record, free_ms_before=200_000).allowance_ms == 0
