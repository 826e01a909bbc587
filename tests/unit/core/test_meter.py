"""The meter: what people do with a payer's records, and what happens to the records by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core import meter
from talktime.core.cuts import find_cuts
from talktime.core.errors import Conflict, InsufficientCredit
from talktime.core.money import MICRO, parse_credits
from talktime.core.payer import Payer
from talktime.core.posting import post_all
from talktime.core.price import price
from talktime.core.record import AWAY, Party, Reason, State
from talktime.core.roles import Role
from talktime.core.steps import TimerStarted, TimerStopped, WaitBegan, WaitExtended
from talktime.core.tariff import Tariff
from tests.unit.builders import (
    DURATIONS,
    LONG,
    LONG_LEASES,
    MINUTE,
    START,
    charged,
    ended_records,
    ends,
    entries,
    minute_tariff,
    new_record,
    only_record,
    payer_with,
    settle,
    start,
    timer_stops,
    with_sockets,
)


def timer_starts(payer: Payer) -> list[tuple[int, Reason | None]]:
    """When timers started, and the reason of the pause before."""
    return [(event.at, event.reason) for event in payer.steps if isinstance(event, TimerStarted)]


def running(bought: float = 10) -> Payer:
    """A payer with one running record and short leases."""
    return start(payer_with(bought), durations=DURATIONS)


def away() -> Payer:
    """A payer whose record has paused because both leases have lapsed."""
    return settle(running(), 31_000, DURATIONS)


# Random stories.

STEPS = st.lists(
    st.tuples(st.sampled_from(["pause", "post", "switch", "settle"]), st.integers(0, 200_000)), max_size=12
)
TARIFFS = st.sampled_from(
    [
        minute_tariff(),
        minute_tariff("0.333333", 0.001),
        minute_tariff("2.5", 7, boundary="begun", connect_fee="0.4"),
        minute_tariff("1.11", 6, free_seconds=90, grace_seconds=5, minimum_charge="3"),
        minute_tariff("3", 1, max_cost="4"),
        minute_tariff("0.07", 1, rounding={"places": 1, "mode": "half_up"}),
    ]
)


@given(TARIFFS, STEPS)
def test_the_charges_add_up_to_the_price_of_the_whole_time_however_it_is_divided(
    tariff: Tariff, steps: list[tuple[str, int]]
) -> None:
    now, ran_ms = START, 0
    payer = start(payer_with(10_000), tariff)
    for number, (step, duration_ms) in enumerate(steps):
        now, ran_ms = now + duration_ms, ran_ms + duration_ms
        payer = meter.settle(payer, now, LONG_LEASES)
        record = only_record(payer)
        if step == "pause":
            payer = meter.pause(payer, record, now)
            now += 1_234
            payer = meter.settle(payer, now, LONG_LEASES)
            payer = meter.resume(payer, only_record(payer), now, LONG_LEASES, Party.USER)
        elif step == "post":
            payer = post_all(payer, now)
        elif step == "switch":
            payer = meter.track(payer, record, f"chat {number}", now, LONG_LEASES)
    payer = meter.stop(payer, only_record(payer), now)
    assert charged(payer) == price(tariff, ran_ms).cost
    assert payer.balance == parse_credits("10000") - price(tariff, ran_ms).cost
    segments = [event for event in payer.steps if isinstance(event, TimerStopped)]
    assert sum(event.at - event.since for event in segments) == ran_ms


@given(st.lists(st.integers(0, 1_000_000), max_size=8))
def test_settling_more_often_changes_nothing(looks: list[int]) -> None:
    first = start(payer_with(3.10), minute_tariff("1.00", 1), durations=replace(LONG_LEASES, lease_ms=150_000))
    payer = first
    for look in sorted(looks):
        payer = settle(payer, look)
    assert settle(payer, 1_000_000) == settle(first, 1_000_000)


@given(
    st.lists(st.tuples(TARIFFS, st.integers(0, 90_000)), min_size=1, max_size=4),
    st.integers(0, 12_000_000),
    st.lists(st.integers(0, 900_000), max_size=4),
)
def test_the_balance_is_never_below_zero(starts: list[tuple[Tariff, int]], balance: int, looks: list[int]) -> None:
    payer, now = replace(payer_with(), balance=balance), START
    for number, (tariff, wait_ms) in enumerate(starts):
        now += wait_ms
        payer = meter.settle(payer, now, LONG_LEASES)
        try:
            payer = start(payer, tariff, str(number), now=now)
        except InsufficientCredit:
            continue
    for look in sorted(looks):
        payer = post_all(meter.settle(payer, now + look, LONG_LEASES), now + look)
        assert payer.balance >= 0
    payer = meter.settle(payer, now + 900_000, LONG_LEASES)
    assert payer.balance >= 0
    assert payer.balance == balance + sum(entry.amount for entry in entries(payer))


# Settling.


@pytest.mark.parametrize("late_ms", [0, 1, 86_400_000])
def test_a_worker_that_is_a_day_late_posts_the_same_charge(late_ms: int) -> None:
    payer = settle(start(payer_with(2.50)), 120_000 + LONG_LEASES.recharge_ms + late_ms)
    assert ends(payer) == [(START + 120_000, Reason.OUT_OF_CREDIT)]
    assert (payer.balance, charged(payer)) == (parse_credits("0.50"), parse_credits("2.00"))


def test_a_record_without_credit_is_paused_at_its_cut() -> None:
    payer = settle(start(payer_with(2.00)), 170_000)
    assert timer_stops(payer) == [(START + 120_000, Reason.OUT_OF_CREDIT)]
    assert (payer.balance, only_record(payer).state, only_record(payer).elapsed_ms) == (0, State.PAUSED, 120_000)


def test_a_maximum_ends_the_record_without_a_recharge_window() -> None:
    payer = settle(start(payer_with(3), minute_tariff(max_cost="3", at_max_cost="stop")), LONG // 2)
    assert ends(payer) == [(START + 3 * MINUTE, Reason.MAX_COST)]
    assert payer.balance == 0


@pytest.mark.parametrize("absent", [Party.USER, Party.ADVISOR])
def test_a_lapse_pauses_the_record_at_its_instant_and_both_leases_resume_it(absent: Party) -> None:
    payer = start(payer_with(9), minute_tariff("1.00", 1), durations=DURATIONS)
    present = Party.ADVISOR if absent is Party.USER else Party.USER
    payer = meter.prove(payer, only_record(payer), present, START + LONG, START + 1_000)
    payer = settle(payer, 40_000, DURATIONS)
    assert timer_stops(payer) == [(START + 30_000, AWAY[absent])]
    assert charged(payer) == parse_credits("0.50")
    back = meter.prove(payer, only_record(payer), absent, START + 70_000, START + 40_000)
    assert only_record(back).running_since == START + 40_000
    assert only_record(back).elapsed_ms == 30_000


def test_if_both_leases_lapse_at_once_the_user_is_away() -> None:
    assert timer_stops(away()) == [(START + 30_000, Reason.USER_AWAY)]


def test_only_sockets_on_the_current_chat_keep_a_record_running() -> None:
    payer = with_sockets(running(), START + 90_000, *Party, chat="elsewhere")
    assert timer_stops(settle(payer, 60_000, DURATIONS)) == [(START + 30_000, Reason.USER_AWAY)]


def test_an_abandoned_record_ended_when_its_time_stopped() -> None:
    payer = start(payer_with(9), durations=DURATIONS)
    early = settle(payer, 30_000 + DURATIONS.abandon_ms - 1, DURATIONS)
    assert only_record(early).state is State.PAUSED
    payer = settle(payer, 30_000 + DURATIONS.abandon_ms, DURATIONS)
    assert ends(payer) == [(START + 30_000, Reason.ABANDONED)]


# Starting.


def test_record_and_timer_begin_at_the_instant_of_the_start_whatever_the_record_says() -> None:
    written = replace(new_record(), started_at=5, settled_at=7)
    record = only_record(meter.start(payer_with(1), written, START, DURATIONS))
    assert (record.started_at, record.settled_at, record.running_since) == (START, START, START)


def test_a_start_gives_each_party_one_lease() -> None:
    record = only_record(running())
    assert (record.user_lease_until, record.advisor_lease_until) == (START + 30_000, START + 30_000)


def test_a_start_that_the_credit_cannot_pay_is_refused() -> None:
    with pytest.raises(InsufficientCredit) as caught:
        start(payer_with(0.999999))
    assert (caught.value.required, caught.value.available) == (parse_credits("1"), parse_credits("0.999999"))


def test_credit_that_one_record_holds_starts_no_other_record() -> None:
    with pytest.raises(InsufficientCredit):
        start(start(payer_with(1), record_id="one"), record_id="two")


# Switching and tracking.


def test_a_switch_stops_and_starts_the_timer_at_one_instant() -> None:
    payer = start(payer_with(9))
    payer = meter.track(payer, only_record(payer), "other", START + 10_000, LONG_LEASES)
    assert timer_stops(payer) == [(START + 10_000, Reason.SWITCHED)]
    assert timer_starts(payer) == [(START, None), (START + 10_000, None)]


def test_tracking_the_current_chat_of_a_running_record_changes_nothing() -> None:
    payer = start(payer_with(9))
    assert meter.track(payer, only_record(payer), "chat of record", START + 20_000, LONG_LEASES) is payer


def test_a_switch_keeps_what_sockets_have_proved_and_is_a_proof_of_the_user() -> None:
    payer = with_sockets(running(), START + 45_000, *Party)
    record = only_record(meter.track(payer, only_record(payer), "other", START + 20_000, DURATIONS))
    assert record.chat_id == "other"
    assert record.user_lease_until == START + 50_000  # the act is a proof
    assert record.advisor_lease_until == START + 45_000  # what the socket has proved, and no more


def test_a_switch_never_shortens_the_lease_that_the_user_s_socket_has_proved() -> None:
    payer = with_sockets(running(), START + 90_000, Party.USER)
    record = only_record(meter.track(payer, only_record(payer), "other", START + 1_000, DURATIONS))
    assert (record.user_lease_until, record.advisor_lease_until) == (START + 90_000, START + 30_000)


def test_a_switch_of_a_paused_record_resumes_it_and_gives_an_absent_advisor_one_lease() -> None:
    payer = settle(running(), 40_000, DURATIONS)
    back = meter.track(payer, only_record(payer), "other", START + 40_000, DURATIONS)
    record = only_record(back)
    assert record.advisor_lease_until == record.user_lease_until == START + 70_000
    assert timer_starts(back) == [(START, None), (START + 40_000, Reason.USER_AWAY)]


def test_a_paused_record_neither_moves_nor_resumes_without_credit() -> None:
    payer = settle(with_sockets(running(1), START + LONG, *Party), 61_000, DURATIONS)
    with pytest.raises(InsufficientCredit) as caught:
        meter.track(payer, only_record(payer), "other", START + 61_000, DURATIONS)
    assert (caught.value.required, caught.value.available) == (MICRO, 0)
    with pytest.raises(InsufficientCredit):
        meter.resume(payer, only_record(payer), START + 61_000, DURATIONS, Party.USER)


# Pausing and resuming.


def test_a_pause_by_a_person_names_the_caller_until_the_record_resumes_or_ends() -> None:
    payer = running()
    paused = meter.pause(payer, only_record(payer), START + 1_000, Role.USER)
    assert (only_record(paused).paused_by, only_record(paused).running_since) == ("user", None)
    (closed,) = [event for event in paused.steps if isinstance(event, TimerStopped)]
    assert (closed.by, closed.reason) == ("user", Reason.PAUSED)
    assert (closed.chat_id, closed.since, closed.at) == ("chat of record", START, START + 1_000)
    over = meter.stop(paused, only_record(paused), START + 2_000)
    (record,) = ended_records(over)
    assert (record.paused_by, record.waiting_since, record.ended_at) == (None, None, START + 2_000)


def test_a_pause_of_an_away_record_counts_the_abandon_time_from_the_pause() -> None:
    paused = meter.pause(away(), only_record(away()), START + 100_000, Role.ADVISOR)
    record = only_record(paused)
    assert (record.reason, record.paused_by, record.running_since) == (Reason.PAUSED, Role.ADVISOR, None)
    assert (record.paused_at, record.waiting_since) == (START + 30_000, START + 100_000)
    assert paused.steps[-1] == WaitBegan(record, START + 100_000)
    assert only_record(settle(paused, 699_999, DURATIONS)).state is State.PAUSED
    assert ends(settle(paused, 700_000, DURATIONS)) == [(START + 30_000, Reason.ABANDONED)]


def test_a_second_pause_changes_nothing() -> None:
    paused = meter.pause(running(), only_record(running()), START + 1_000)
    assert meter.pause(paused, only_record(paused), START + 200_000) is paused


def test_no_presence_resumes_a_record_that_a_person_has_paused() -> None:
    for payer in (running(), away()):
        paused = meter.pause(payer, only_record(payer), START + 31_000)
        for party in Party:
            paused = meter.prove(paused, only_record(paused), party, START + LONG, START + 32_000)
        assert (only_record(paused).state, only_record(paused).reason) == (State.PAUSED, Reason.PAUSED)


def test_a_resume_by_the_user_is_a_proof_of_the_user() -> None:
    payer = meter.pause(with_sockets(running(), START + LONG, Party.ADVISOR), only_record(running()), START + 1_000)
    now = START + 20_000
    for resumed in (
        meter.track(payer, only_record(payer), "chat of record", now, DURATIONS),
        meter.resume(payer, only_record(payer), now, DURATIONS, Party.USER),
    ):
        record = only_record(resumed)
        assert (record.is_running, record.paused_by, record.waiting_since) == (True, None, None)
        assert (record.user_lease_until, record.advisor_lease_until) == (now + 30_000, START + 30_000)
        assert resumed.steps[-1] == TimerStarted(record, now, Reason.PAUSED)


def test_a_resume_of_a_running_record_changes_nothing() -> None:
    payer = running()
    assert meter.resume(payer, only_record(payer), START + 1_000, DURATIONS, Party.USER) is payer


def test_the_advisor_resumes_only_while_the_user_is_present() -> None:
    payer = meter.pause(running(), only_record(running()), START + 1_000, Role.ADVISOR)
    resumed = meter.resume(payer, only_record(payer), START + 29_999, DURATIONS, Party.ADVISOR)
    assert only_record(resumed).is_running
    with pytest.raises(Conflict) as caught:
        meter.resume(payer, only_record(payer), START + 30_000, DURATIONS, Party.ADVISOR)
    assert caught.value.members == {"state": "paused", "allowed": ["stop"]}
    assert str(caught.value) == "The user is absent. An advisor can resume a record only while the user is present."


@pytest.mark.parametrize("by", [Role.USER, Role.SERVICE, None])
def test_the_advisor_resumes_no_pause_of_somebody_else(by: Role | None) -> None:
    paused = meter.pause(running(), only_record(running()), START + 1_000, by)
    by_advisor = meter.pause(running(), only_record(running()), START + 1_000, Role.ADVISOR)
    taken_over = meter.pause(by_advisor, only_record(by_advisor), START + 2_000, by)
    for payer in (paused, taken_over):
        with pytest.raises(Conflict) as caught:
            meter.resume(payer, only_record(payer), START + 3_000, DURATIONS, Party.ADVISOR)
        assert caught.value.members == {"state": "paused", "allowed": ["stop"]}
        assert str(caught.value).startswith(f"The {by or 'user'} paused this record.")
        assert only_record(meter.resume(payer, only_record(payer), START + 3_000, DURATIONS, Party.USER)).is_running
    # The record does not wait longer because somebody else has paused it too.
    record = only_record(taken_over)
    assert (record.paused_at, record.waiting_since) == (START + 1_000, START + 1_000)


def test_the_advisor_can_not_take_over_a_pause_of_the_user() -> None:
    payer = meter.pause(running(), only_record(running()), START + 1_000, Role.USER)
    assert meter.pause(payer, only_record(payer), START + 2_000, Role.ADVISOR) is payer


def test_the_advisor_resumes_nothing_that_waits_for_presence_or_credit() -> None:
    out_of_credit = meter.settle(start(payer_with(1), durations=LONG_LEASES), START + 60_000, LONG_LEASES)
    for payer in (away(), out_of_credit):
        with pytest.raises(Conflict) as caught:
            meter.resume(payer, only_record(payer), payer.settled_at, DURATIONS, Party.ADVISOR)
        assert caught.value.members == {"state": "paused", "allowed": ["pause", "stop"]}
        assert str(caught.value).startswith("The advisor has not paused this record.")


def test_a_resume_by_the_advisor_gives_the_advisor_a_lease_and_the_user_none() -> None:
    watched = with_sockets(running(), START + LONG, Party.USER)
    payer = meter.pause(watched, only_record(watched), START + 1_000, Role.ADVISOR)
    record = only_record(meter.resume(payer, only_record(payer), START + 40_000, DURATIONS, Party.ADVISOR))
    assert (record.user_lease_until, record.advisor_lease_until) == (START + 30_000, START + 70_000)
    without_socket = replace(payer, sockets={})
    with pytest.raises(Conflict):
        meter.resume(without_socket, only_record(payer), START + 40_000, DURATIONS, Party.ADVISOR)


def test_a_stop_names_the_caller() -> None:
    stopped = meter.stop(running(), only_record(running()), START + 1_000, Role.ADVISOR)
    assert [event.by for event in stopped.steps if isinstance(event, TimerStopped)] == ["advisor"]
    assert ends(stopped) == [(START + 1_000, Reason.STOPPED)]


# Presence.


@pytest.mark.parametrize("party", list(Party))
def test_one_party_alone_resumes_nothing(party: Party) -> None:
    alone = meter.prove(away(), only_record(away()), party, START + 90_000, START + 40_000)
    assert only_record(alone).state is State.PAUSED


def test_the_second_party_that_returns_resumes_the_record() -> None:
    now = START + 40_000
    alone = meter.prove(away(), only_record(away()), Party.USER, now + 30_000, now)
    both = meter.prove(alone, only_record(alone), Party.ADVISOR, now + 30_000, now)
    assert (only_record(both).state, only_record(both).running_since) == (State.RUNNING, now)
    assert both.steps[-1] == TimerStarted(only_record(both), now, Reason.USER_AWAY)


def test_parties_who_return_without_credit_wait_for_exactly_the_credit_that_the_resume_needs() -> None:
    now = START + 40_000
    alone = meter.prove(away(), only_record(away()), Party.USER, now + 30_000, now)
    record = replace(only_record(alone), elapsed_ms=60_000, charged=MICRO)
    unpaid = replace(alone.with_record(record), balance=MICRO - 1)
    waiting = only_record(meter.prove(unpaid, record, Party.ADVISOR, now + 30_000, now))
    assert (waiting.reason, waiting.waiting_since) == (Reason.OUT_OF_CREDIT, now)
    paid = replace(unpaid, balance=MICRO)
    assert only_record(meter.prove(paid, record, Party.ADVISOR, now + 30_000, now)).is_running


def test_the_health_check_may_resume_records_that_are_paused_for_other_reasons() -> None:
    payer = meter.pause(running(), only_record(running()), START + 1_000)
    reasons = frozenset({Reason.PAUSED})
    resumed = meter.resume_present(payer, only_record(payer), START + 2_000, reasons)
    assert only_record(resumed).is_running
    assert meter.resume_present(resumed, only_record(resumed), START + 3_000) is resumed
    assert meter.resume_present(payer, only_record(payer), START + 2_000) is payer


def test_a_socket_that_leaves_keeps_what_it_has_proved() -> None:
    payer = meter.close_socket(running(), only_record(running()), Party.ADVISOR, START + 69_000, DURATIONS)
    record = only_record(payer)
    assert (record.advisor_lease_until, record.user_lease_until) == (START + 99_000, START + 30_000)
    earlier = meter.close_socket(payer, record, Party.USER, START - 29_999, DURATIONS)
    assert only_record(earlier).user_lease_until == START + 30_000
    later = meter.close_socket(running(), only_record(running()), Party.USER, START + 47_000, DURATIONS)
    assert (only_record(later).user_lease_until, only_record(later).advisor_lease_until) == (
        *(START + 77_000, START + 30_000),
    )


@pytest.mark.parametrize("party", list(Party))
def test_a_page_that_closes_ends_the_lease_soon(party: Party) -> None:
    payer = meter.leave(running(), only_record(running()), party, START + 10_000, DURATIONS)
    record = only_record(payer)
    assert (payer.present_until(record, party), record.left_at(party)) == (START + 15_000, START + 10_000)
    other = Party.ADVISOR if party is Party.USER else Party.USER
    assert (payer.present_until(record, other), record.left_at(other)) == (START + 30_000, None)
    gone = only_record(settle(payer, 15_000, DURATIONS))
    assert (gone.state, gone.reason, gone.elapsed_ms) == (State.PAUSED, AWAY[party], 15_000)
    # A lease that ends sooner stays as it is.
    late = meter.leave(running(), only_record(running()), party, START + 28_000, DURATIONS)
    assert late.present_until(only_record(late), party) == START + 30_000


def test_a_party_who_is_back_in_time_has_not_left() -> None:
    left = meter.leave(running(), only_record(running()), Party.USER, START + 10_000, DURATIONS)
    back = meter.prove(left, only_record(left), Party.USER, START + 44_000, START + 14_000)
    record = only_record(settle(back, 20_000, DURATIONS))
    assert (record.is_running, record.user_lease_until, record.user_left_at) == (True, START + 44_000, None)


def test_a_page_that_closes_changes_nothing_while_another_socket_proves_presence() -> None:
    watched = with_sockets(running(), START + LONG, Party.USER)
    left = meter.leave(watched, only_record(watched), Party.USER, START + 10_000, DURATIONS)
    assert left.present_until(only_record(left), Party.USER) == START + LONG
    assert only_record(left).user_lease_until == START + 30_000
    # The other socket proves presence later than this, so its end is no leave.
    closed = replace(left, sockets={})
    later = meter.close_socket(closed, only_record(closed), Party.USER, START + 20_000, DURATIONS)
    assert only_record(later).user_lease_until == START + 50_000


def test_a_socket_that_closes_after_its_page_has_left_proves_nothing_more() -> None:
    watched = with_sockets(running(), START + LONG, Party.USER)
    left = replace(meter.leave(watched, only_record(watched), Party.USER, START + 10_000, DURATIONS), sockets={})
    for proved_at in (START + 9_000, START + 10_000 + meter.OVERTAKING_MS):
        closed = meter.close_socket(left, only_record(left), Party.USER, proved_at, DURATIONS)
        assert only_record(closed).user_lease_until == START + 15_000
    # The page may say so on its socket alone.
    for payer in (running(), left):
        said = meter.close_socket(payer, only_record(payer), Party.USER, START + 12_000, DURATIONS, START + 12_000)
        assert only_record(said).user_lease_until == START + 17_000


def test_who_switches_is_back_and_the_other_party_is_not() -> None:
    left = meter.leave(running(), only_record(running()), Party.USER, START + 10_000, DURATIONS)
    left = meter.leave(left, only_record(left), Party.ADVISOR, START + 10_000, DURATIONS)
    moved = only_record(meter.track(left, only_record(left), "another", START + 11_000, DURATIONS))
    assert (moved.user_left_at, moved.advisor_left_at) == (None, START + 10_000)
    assert (moved.user_lease_until, moved.advisor_lease_until) == (START + 41_000, START + 15_000)
    assert moved.is_running  # who starts at once vouches for the advisor


def test_the_page_of_the_previous_chat_counts_until_the_party_has_come() -> None:
    moved = meter.track(running(), only_record(running()), "another", START + 10_000, DURATIONS)

    def left(payer: Payer, party: Party = Party.USER) -> int:
        payer = meter.leave_previous_chat(payer, only_record(payer), party, START + 12_000, DURATIONS)
        return payer.present_until(only_record(payer), party)

    assert (left(moved), left(moved, Party.ADVISOR)) == (START + 17_000, START + 17_000)
    proved = meter.prove(moved, only_record(moved), Party.USER, START + 41_000, START + 11_000)
    assert left(proved) == START + 41_000
    watching = with_sockets(moved, START + 9_000, Party.USER, chat="another")
    assert left(watching) == START + 40_000
    # A record that waits has no proof of its own: who is back says so within a moment.
    waiting = meter.pause(proved, only_record(proved), START + 11_500, Role.USER)
    assert left(waiting) == START + 17_000


def test_the_page_of_the_previous_chat_says_nothing_of_a_party_whose_socket_watches_the_new_one() -> None:
    moved = meter.track(running(), only_record(running()), "another", START + 10_000, DURATIONS)
    for here, away in ((Party.USER, Party.ADVISOR), (Party.ADVISOR, Party.USER)):
        watching = with_sockets(moved, START + 35_000, here, chat="another")
        assert meter.leave_previous_chat(watching, only_record(watching), here, START + 12_000, DURATIONS) == watching
        left = meter.leave_previous_chat(watching, only_record(watching), away, START + 12_000, DURATIONS)
        assert left.present_until(only_record(left), away) == START + 17_000


def test_a_record_waits_longer_for_somebody_who_pays_once_in_each_wait() -> None:
    cut = settle(start(payer_with(1)), MINUTE)
    usual = START + MINUTE + DURATIONS.recharge_ms

    def pays(payer: Payer, until: int, now: int = START + MINUTE + 5) -> Payer:
        return meter.wait_for_payment(replace(payer, steps=()), until, now, DURATIONS)

    assert pays(cut, usual) == replace(cut, steps=())
    longer = pays(cut, usual + 1)
    assert only_record(longer).recharge_until(DURATIONS.recharge_ms) == usual + 1
    assert longer.steps == (WaitExtended(only_record(longer), START + MINUTE + 5),)
    assert pays(longer, usual + 2).records == longer.records
    # Who pays while time still runs is told of an end that is as late.
    early = pays(pays(start(payer_with(1)), usual + 7, START), usual + 3, START)
    assert (only_record(early).paying_until, early.steps) == (usual + 7, ())
    assert only_record(settle(early, MINUTE)).recharge_until(DURATIONS.recharge_ms) == usual + 7


def test_credit_that_another_record_has_begun_to_owe_resumes_no_record() -> None:
    payer = with_sockets(running(3), START + LONG, *Party)
    both = start(payer, record_id="other", durations=DURATIONS)
    both = with_sockets(both, START + LONG, *Party, chat="chat of other")
    paused = meter.pause(both, both.records["other"], START + 1_000, Role.USER)
    now = START + 61_000
    late = meter.settle(paused, now, DURATIONS)  # the first record has begun its second minute: no credit is left
    record = late.records["other"]
    # Its first minute is paid and not over, so a resume costs nothing more.
    assert meter.resume(late, record, now, DURATIONS, Party.USER).records["other"].is_running
    used_up = replace(record, elapsed_ms=60_000)
    unpaid = late.with_record(used_up)
    with pytest.raises(InsufficientCredit):
        meter.resume(unpaid, used_up, now, DURATIONS, Party.USER)
    with pytest.raises(InsufficientCredit):
        meter.track(unpaid, used_up, "elsewhere", now, DURATIONS)
    waiting = replace(used_up, reason=Reason.USER_AWAY)
    resumed = meter.resume_present(unpaid.with_record(waiting), waiting, now)
    assert resumed.records["other"].reason is Reason.OUT_OF_CREDIT


# Postings while a record runs.


def test_a_posting_while_records_run_changes_no_cut() -> None:
    payer = settle(start(payer_with(5)), 90_000)
    posted = post_all(payer, START + 90_000)
    assert (only_record(posted).charged, only_record(posted).settled_at) == (2 * MICRO, START + 90_000)
    assert find_cuts(posted) == find_cuts(payer)
