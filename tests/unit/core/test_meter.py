"""A payer's records and everything that happens to them by itself: exact, whenever somebody looks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core import meter
from talktime.core.credit import add, debit
from talktime.core.cuts import find_cuts
from talktime.core.errors import Conflict, InsufficientCredit
from talktime.core.events import EntryPosted, TimerStarted, TimerStopped
from talktime.core.money import parse_credits
from talktime.core.payer import Payer, Rules
from talktime.core.price import price
from talktime.core.record import AWAY, Party, Reason, State
from talktime.core.tariff import Tariff
from tests.unit.builders import (
    BEGIN,
    LONG,
    LONG_LEASES,
    MINUTE,
    RULES,
    charged,
    only,
    payer,
    purchase,
    records_ended,
    started,
    tariff,
    timers_stopped,
)


def topped_up(payer: Payer, credit: str, now: int, rules: Rules = LONG_LEASES) -> Payer:
    """Credit arrives at `now`."""
    return add(meter.settle(payer, now, rules), purchase(credit, now), rules)


STEPS = st.lists(
    st.tuples(st.sampled_from(["pause", "checkpoint", "switch", "settle"]), st.integers(0, 200_000)), max_size=12
)
SORTS = st.sampled_from(
    [
        tariff(),
        tariff("0.333333", 0.001),
        tariff("2.5", 7, boundary="begun", connect_fee="0.4"),
        tariff("1.11", 6, free_seconds=90, grace_seconds=5, minimum_charge="3"),
        tariff("3", 1, max_cost="4"),
        tariff("0.07", 1, rounding={"places": 1, "mode": "half_up"}),
    ]
)


@given(SORTS, STEPS)
def test_the_path_does_not_matter(what: Tariff, steps: list[tuple[str, int]]) -> None:
    now, ran = BEGIN, 0
    state = started(payer("10000"), what)
    for number, (step, duration) in enumerate(steps):
        now, ran = now + duration, ran + duration
        state = meter.settle(state, now, LONG_LEASES)
        record = only(state)
        if step == "pause":
            state = meter.pause(state, record, now)
            now += 1_234
            state = meter.settle(state, now, LONG_LEASES)
            state = meter.resume(state, only(state), now, LONG_LEASES, Party.USER)
        elif step == "checkpoint":
            state = meter.checkpoint(state, now)
        elif step == "switch":
            state = meter.track(state, record, f"chat {number}", now, LONG_LEASES)
    state = meter.stop(state, only(state), now)
    assert charged(state) == price(what, ran).cost
    assert state.balance == parse_credits("10000") - price(what, ran).cost
    segments = [event for event in state.events if isinstance(event, TimerStopped)]
    assert sum(event.at - event.since for event in segments) == ran


@pytest.mark.parametrize(("boundary", "last"), [("ceil", 120_000), ("begun", 119_999)])
def test_the_credit_ends_at_its_instant(boundary: str, last: int) -> None:
    state = started(payer("2.00"), tariff(boundary=boundary))
    assert find_cuts(state)["record"] == (BEGIN + last, Reason.OUT_OF_CREDIT)
    state = meter.settle(state, BEGIN + last + 50_000, LONG_LEASES)
    assert timers_stopped(state) == [(BEGIN + last, Reason.OUT_OF_CREDIT)]
    assert (state.balance, only(state).state, only(state).elapsed_ms) == (0, State.PAUSED, last)


@pytest.mark.parametrize("late", [0, 1, 86_400_000])
def test_a_day_late_is_the_same_bill(late: int) -> None:
    over = BEGIN + 120_000 + LONG_LEASES.recharge_ms
    state = meter.settle(started(payer("2.50"), tariff()), over + late, LONG_LEASES)
    assert records_ended(state) == [(BEGIN + 120_000, Reason.OUT_OF_CREDIT)]
    assert (state.balance, charged(state)) == (parse_credits("0.50"), parse_credits("2.00"))


@given(st.lists(st.integers(0, 1_000_000), max_size=8))
def test_looking_more_often_changes_nothing(looks: list[int]) -> None:
    first = started(payer("3.10"), tariff("1.00", 1), rules=replace(LONG_LEASES, lease_ms=150_000))
    state = first
    for look in sorted(looks):
        state = meter.settle(state, BEGIN + look, LONG_LEASES)
    late = meter.settle(first, BEGIN + 1_000_000, LONG_LEASES)
    assert meter.settle(state, BEGIN + 1_000_000, LONG_LEASES) == late


def test_the_maximum_stops_the_record_without_a_window() -> None:
    what = tariff(max_cost="3", at_max_cost="stop")
    state = meter.settle(started(payer("3.00"), what), BEGIN + LONG // 2, LONG_LEASES)
    assert records_ended(state) == [(BEGIN + 3 * MINUTE, Reason.MAX_COST)]
    assert state.balance == 0


def test_free_time_runs_without_credit_and_then_is_cut() -> None:
    state = started(payer("0"), tariff(free_seconds=180), free_ms_before=60_000)
    assert find_cuts(state)["record"] == (BEGIN + 120_000, Reason.OUT_OF_CREDIT)
    state = meter.settle(state, BEGIN + 130_000, LONG_LEASES)
    assert timers_stopped(state) == [(BEGIN + 120_000, Reason.OUT_OF_CREDIT)]
    assert only(state).waiting_since == BEGIN + 120_000


def test_what_cannot_be_paid_does_not_start() -> None:
    with pytest.raises(InsufficientCredit) as caught:
        started(payer("0.999999"), tariff())
    assert (caught.value.required, caught.value.available) == (parse_credits("1"), parse_credits("0.999999"))


def test_the_second_session_on_one_unit_is_refused() -> None:
    with pytest.raises(InsufficientCredit):
        started(started(payer("1.00"), tariff(), record_id="one"), tariff(), record_id="two")


def test_committed_credit_cannot_be_spent() -> None:
    state = started(payer("1.50"), tariff())
    with pytest.raises(InsufficientCredit):
        debit(state, EntryPosted(-parse_credits("0.500001"), "debit", BEGIN))
    assert debit(state, EntryPosted(-parse_credits("0.50"), "debit", BEGIN)).balance == parse_credits("1.00")


@pytest.mark.parametrize("checked", [False, True])
def test_available_does_not_depend_on_a_checkpoint(checked: bool) -> None:
    state = meter.settle(started(payer("5.00"), tariff()), BEGIN + 90_000, LONG_LEASES)
    state = meter.checkpoint(state, BEGIN + 90_000) if checked else state
    assert state.available_at(BEGIN + 90_000) == parse_credits("3.00")


@pytest.mark.parametrize("away", [Party.USER, Party.ADVISOR])
def test_a_lease_that_ends_pauses_at_its_instant(away: Party) -> None:
    state = started(payer("9.00"), tariff("1.00", 1), rules=RULES)
    other = Party.ADVISOR if away is Party.USER else Party.USER
    state = meter.prove(state, only(state), other, BEGIN + LONG, BEGIN + 1_000, RULES)
    state = meter.settle(state, BEGIN + 40_000, RULES)
    assert timers_stopped(state) == [(BEGIN + 30_000, AWAY[away])]
    assert charged(state) == parse_credits("0.50")
    back = meter.prove(state, only(state), away, BEGIN + 70_000, BEGIN + 40_000, RULES)
    assert only(back).running_since == BEGIN + 40_000
    assert only(back).elapsed_ms == 30_000


def test_both_leases_at_once_are_the_users() -> None:
    state = meter.settle(started(payer("9.00"), tariff(), rules=RULES), BEGIN + 31_000, RULES)
    assert timers_stopped(state) == [(BEGIN + 30_000, Reason.USER_AWAY)]


def test_one_that_is_back_alone_still_waits() -> None:
    state = meter.settle(started(payer("9.00"), tariff(), rules=RULES), BEGIN + 31_000, RULES)
    state = meter.prove(state, only(state), Party.USER, BEGIN + 61_000, BEGIN + 31_000, RULES)
    assert not only(state).is_running


def test_the_abandoned_ended_when_its_time_stopped() -> None:
    state = started(payer("9.00"), tariff(), rules=RULES)
    early = meter.settle(state, BEGIN + 30_000 + RULES.abandon_ms - 1, RULES)
    assert only(early).state is State.PAUSED
    state = meter.settle(state, BEGIN + 30_000 + RULES.abandon_ms, RULES)
    assert records_ended(state) == [(BEGIN + 30_000, Reason.ABANDONED)]


def test_the_pause_of_an_away_record_is_a_persons() -> None:
    state = meter.settle(started(payer("9.00"), tariff(), rules=RULES), BEGIN + 31_000, RULES)
    state = meter.pause(state, only(state), BEGIN + 100_000)
    for party in Party:
        state = meter.prove(state, only(state), party, BEGIN + 200_000, BEGIN + 100_000, RULES)
    assert (only(state).state, only(state).reason) == (State.PAUSED, Reason.PAUSED)
    assert only(meter.settle(state, BEGIN + 699_999, RULES)).state is State.PAUSED
    assert records_ended(meter.settle(state, BEGIN + 700_000, RULES)) == [(BEGIN + 30_000, Reason.ABANDONED)]


def test_the_advisor_resumes_only_with_the_user_there() -> None:
    state = started(payer("9.00"), tariff(), rules=RULES)
    state = meter.pause(state, only(state), BEGIN + 1_000)
    there = meter.resume(state, only(state), BEGIN + 29_999, RULES, Party.ADVISOR)
    assert only(there).is_running
    with pytest.raises(Conflict):
        meter.resume(state, only(state), BEGIN + 30_000, RULES, Party.ADVISOR)


def test_a_top_up_in_the_last_moment_of_the_window() -> None:
    cut = BEGIN + 120_000
    state = started(payer("2.00"), tariff())
    saved = topped_up(state, "1.00", cut + LONG_LEASES.recharge_ms - 1)
    assert only(saved).running_since == cut + LONG_LEASES.recharge_ms - 1
    assert find_cuts(saved)["record"].at == cut + LONG_LEASES.recharge_ms - 1 + MINUTE
    late = topped_up(state, "1.00", cut + LONG_LEASES.recharge_ms)
    assert records_ended(late) == [(cut, Reason.OUT_OF_CREDIT)]
    assert late.balance == parse_credits("1.00")


def test_a_top_up_finds_the_people_gone() -> None:
    state = started(payer("1.00"), tariff(), rules=replace(LONG_LEASES, lease_ms=90_000))
    state = topped_up(state, "5.00", BEGIN + 100_000)
    assert (only(state).reason, only(state).waiting_since) == (Reason.USER_AWAY, BEGIN + 100_000)


def test_a_top_up_too_small_resumes_nothing() -> None:
    state = topped_up(started(payer("1.00"), tariff()), "0.99", BEGIN + 70_000)
    assert only(state).reason is Reason.OUT_OF_CREDIT


def test_exactly_one_of_several_is_cut() -> None:
    state = started(payer("5.00"), tariff("1.00"), record_id="slow")
    state = started(state, tariff("2.00"), record_id="fast", now=BEGIN + 1)
    assert find_cuts(state)["fast"].at == BEGIN + 1 + MINUTE
    state = meter.settle(state, BEGIN + 1 + MINUTE, LONG_LEASES)
    assert not state.records["fast"].is_running
    assert state.records["slow"].is_running
    assert find_cuts(state)["slow"] == (BEGIN + 3 * MINUTE, Reason.OUT_OF_CREDIT)
    state = meter.settle(state, BEGIN + 4 * MINUTE, LONG_LEASES)
    assert state.balance == 0
    assert (charged(state, "slow"), charged(state, "fast")) == (parse_credits("3.00"), parse_credits("2.00"))


def test_the_oldest_cut_resumes_first() -> None:
    state = started(payer("3.00"), tariff(), record_id="early")
    state = started(state, tariff(), record_id="late", now=BEGIN)
    state = meter.settle(state, BEGIN + 2 * MINUTE, LONG_LEASES)
    cuts = {e.record.record_id: e.at for e in state.events if isinstance(e, TimerStopped)}
    assert cuts == {"late": BEGIN + MINUTE, "early": BEGIN + 2 * MINUTE}
    state = topped_up(state, "1.00", BEGIN + 2 * MINUTE + 1)
    assert state.records["late"].is_running
    assert not state.records["early"].is_running


@given(
    st.lists(st.tuples(SORTS, st.integers(0, 90_000)), min_size=1, max_size=4),
    st.integers(0, 12_000_000),
    st.lists(st.integers(0, 900_000), max_size=4),
)
def test_never_below_zero(sorts: list[tuple[Tariff, int]], credit: int, looks: list[int]) -> None:
    state, now = replace(payer("0"), balance=credit), BEGIN
    for number, (what, wait) in enumerate(sorts):
        now += wait
        state = meter.settle(state, now, LONG_LEASES)
        try:
            state = started(state, what, record_id=str(number), now=now)
        except InsufficientCredit:
            continue
    for look in sorted(looks):
        state = meter.checkpoint(meter.settle(state, now + look, LONG_LEASES), now + look)
        assert state.balance >= 0
    state = meter.settle(state, now + 900_000, LONG_LEASES)
    assert state.balance >= 0
    assert state.balance == credit + sum(e.amount for e in state.events if isinstance(e, EntryPosted))


def test_switching_happens_at_one_instant() -> None:
    state = started(payer("9.00"), tariff())
    state = meter.track(state, only(state), "other", BEGIN + 10_000, LONG_LEASES)
    opened = [event.at for event in state.events if isinstance(event, TimerStarted)]
    assert timers_stopped(state) == [(BEGIN + 10_000, Reason.SWITCHED)]
    assert opened == [BEGIN, BEGIN + 10_000]
    assert meter.track(state, only(state), "other", BEGIN + 20_000, LONG_LEASES) is state


def test_who_goes_on_within_grace_cuts_nobody_else() -> None:
    """One that can't pay its second minute goes on while its grace lasts; looking meanwhile must not cut the other."""
    long_grace = tariff("1.00", grace_seconds=180)
    state = started(payer("2.40"), tariff("0.25"), record_id="paying")
    state = started(state, long_grace, record_id="graceful", now=BEGIN + 1)
    looked = meter.settle(state, BEGIN + 100_000, LONG_LEASES)  # 0.50 and 2.00 are begun, and only 2.40 is there
    assert looked.records["paying"].is_running
    assert find_cuts(state)["graceful"] == find_cuts(looked)["graceful"] == (BEGIN + 180_001, Reason.OUT_OF_CREDIT)
    # What it held is free again from there on.
    assert find_cuts(state)["paying"] == find_cuts(looked)["paying"] == (BEGIN + 9 * MINUTE, Reason.OUT_OF_CREDIT)


def test_what_one_in_its_grace_did_not_owe_pays_for_another_that_is_in_its() -> None:
    """The cut that is told is the one that comes: at the end of the first one's grace the second can pay again."""
    state = started(payer("3.40"), tariff("2.00", grace_seconds=90), record_id="short")
    state = started(state, tariff("1.00", grace_seconds=100), record_id="long", now=BEGIN + 1)
    told = find_cuts(state)
    assert told["short"] == (BEGIN + 90_000, Reason.OUT_OF_CREDIT)
    assert told["long"] == (BEGIN + 1 + 3 * MINUTE, Reason.OUT_OF_CREDIT)
    assert find_cuts(meter.settle(state, BEGIN + 90_000, LONG_LEASES))["long"] == told["long"]
    assert timers_stopped(meter.settle(state, BEGIN + 9 * MINUTE, LONG_LEASES))[-1] == told["long"]


def test_one_that_leaves_for_nothing_takes_nothing_along() -> None:
    """To the last micro-credit: the other's first paid minute takes all there is."""
    state = started(payer("1.50"), tariff("1.00", grace_seconds=90), record_id="graceful")
    state = started(state, tariff("1.50", free_seconds=600), record_id="free")
    assert find_cuts(state) == {
        "graceful": (BEGIN + 90_000, Reason.OUT_OF_CREDIT),
        "free": (BEGIN + 660_000, Reason.OUT_OF_CREDIT),
    }
