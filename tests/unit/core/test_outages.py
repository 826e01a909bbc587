"""Outages: nothing is billed in them, and nothing runs out."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from talktime.core import meter
from talktime.core.cuts import find_cuts
from talktime.core.money import MICRO
from talktime.core.payer import Outage, Payer
from talktime.core.posting import post_all
from talktime.core.record import Party, Reason, State
from talktime.core.steps import TimerStarted
from tests.unit.builders import (
    DURATIONS,
    MINUTE,
    START,
    add_credit,
    charged,
    entries,
    minute_tariff,
    only_record,
    payer_with,
    settle,
    start,
    timer_stops,
)

MAYBE_MS: Final = st.integers(0, 10 * MINUTE)


def with_outage(payer: Payer, began_ms: int, ended_ms: int) -> Payer:
    """The payer with one more outage. Its ends are times after `START`."""
    return replace(payer, outages=(*payer.outages, Outage(START + began_ms, START + ended_ms)))


def by_second() -> Payer:
    """A payer with 10.00 whose record costs 1.00 a minute, by the second."""
    return start(payer_with(10), minute_tariff(increment_seconds=1))


def test_the_time_of_an_outage_is_not_billed() -> None:
    payer = settle(with_outage(by_second(), 60_000, 90_000), 120_000)
    assert only_record(payer).elapsed_at(payer.settled_at) == 90_000
    assert only_record(payer).cost_at(payer.settled_at) == 1.5 * MICRO
    assert timer_stops(payer) == [(START + 60_000, Reason.PLATFORM)]
    assert [e.at for e in payer.steps if isinstance(e, TimerStarted)] == [START, START + 90_000]
    assert only_record(payer).running_since == START + 90_000


def test_the_end_of_credit_comes_later_by_the_outage() -> None:
    before = find_cuts(by_second())["record"].at
    after = find_cuts(settle(with_outage(by_second(), 60_000, 90_000), 120_000))["record"].at
    assert after == before + 30_000


def test_a_lease_that_holds_when_the_outage_begins_lasts_longer() -> None:
    payer = with_outage(start(payer_with(10), durations=DURATIONS), 29_999, 3_600_000)
    payer = settle(payer, 3_600_000, DURATIONS)
    assert only_record(payer).is_running
    assert [payer.present_until(only_record(payer), party) for party in Party] == [START + 3_600_001] * 2
    assert timer_stops(settle(payer, 3_600_001, DURATIONS))[-1] == (START + 3_600_001, Reason.USER_AWAY)


def test_a_lease_that_ends_as_the_outage_begins_has_ended() -> None:
    payer = settle(with_outage(start(payer_with(10), durations=DURATIONS), 30_000, 60_000), 60_000, DURATIONS)
    assert timer_stops(payer) == [(START + 30_000, Reason.USER_AWAY)]
    assert only_record(payer).waiting_since == START + 60_000


def test_the_recharge_window_and_the_abandon_time_are_longer_by_the_outage() -> None:
    for loaded, lasts_ms, reason in [
        (start(payer_with(1)), MINUTE + DURATIONS.recharge_ms, Reason.OUT_OF_CREDIT),
        (start(payer_with(10), durations=DURATIONS), DURATIONS.lease_ms + DURATIONS.abandon_ms, Reason.ABANDONED),
    ]:
        payer = with_outage(loaded, 2 * MINUTE, 5 * MINUTE)
        waiting = settle(payer, lasts_ms + 3 * MINUTE - 1, DURATIONS)
        assert only_record(waiting).state is State.PAUSED, reason
        assert not settle(waiting, lasts_ms + 3 * MINUTE, DURATIONS).records, reason


def test_a_payer_who_changed_within_the_outage_has_the_rest_of_it() -> None:
    payer = settle(with_outage(settle(by_second(), 65_000), 60_000, 90_000), 90_000)
    assert only_record(payer).elapsed_at(payer.settled_at) == 65_000
    assert timer_stops(payer) == [(START + 65_000, Reason.PLATFORM)]


def test_an_outage_counts_once() -> None:
    payer = settle(with_outage(by_second(), 60_000, 90_000), 100_000)
    assert settle(payer, 120_000) == replace(payer, settled_at=START + 120_000)


def test_an_outage_that_is_not_over_counts_for_nothing_yet() -> None:
    assert only_record(settle(with_outage(by_second(), 60_000, 90_000), 89_999)).running_since == START


def test_a_gift_that_expires_in_an_outage_is_lost_at_its_end_except_for_what_is_held() -> None:
    payer = add_credit(payer_with(0), 3, "gift", START + 70_000)
    payer = start(payer, minute_tariff())  # the second minute has begun when the outage begins: 2.00 are held
    payer = settle(with_outage(payer, 61_000, 90_000), 90_000)
    (expiry,) = entries(payer, "expiry")
    assert (expiry.amount, expiry.at) == (-1 * MICRO, START + 90_000)
    assert payer.balance + charged(payer) == 2 * MICRO
    assert only_record(payer).is_running


def test_a_gift_that_has_expired_and_is_held_stays_held_through_an_outage() -> None:
    payer = add_credit(payer_with(0), 2, "gift", START + 70_000)
    payer = settle(with_outage(start(payer, minute_tariff()), 80_000, 90_000), 100_000)
    assert only_record(payer).is_running
    assert find_cuts(payer)["record"].at == START + 2 * MINUTE + 10_000


@given(st.lists(st.tuples(MAYBE_MS, MAYBE_MS), max_size=4), st.lists(MAYBE_MS, max_size=4))
def test_however_often_a_payer_is_settled_outages_take_the_same_time_away(
    outages: list[tuple[int, int]], instants: list[int]
) -> None:
    bounds = sorted({bound for outage in outages for bound in outage})
    pairs = list(zip(bounds[::2], bounds[1::2], strict=False))
    payer = by_second()
    for began_ms, ended_ms in pairs:
        payer = with_outage(payer, began_ms, ended_ms)
    inside = [at for at in instants if any(began < at < ended for began, ended in pairs)]
    often = payer
    for at in sorted(set(instants) - set(inside)):
        often = settle(often, at)
    end = 10 * MINUTE
    once, often = settle(payer, end), settle(often, end)
    lived_ms = end - sum(ended - began for began, ended in pairs)
    for settled in (once, often):
        record = only_record(settled)
        assert record.elapsed_at(settled.settled_at) == lived_ms
    assert post_all(once, once.settled_at).balance == post_all(often, often.settled_at).balance


def test_timers_that_can_not_start_stay_stopped_after_an_outage() -> None:
    payer = settle(replace(with_outage(by_second(), 60_000, 90_000), can_start_timers=False), 90_000)
    assert only_record(payer).reason is Reason.TIMER_FAILED


def test_an_outage_puts_off_every_end_and_keeps_who_has_left() -> None:
    payer = settle(by_second(), 5_000)
    payer = meter.pause(payer, only_record(payer), START + 5_000)
    record = replace(
        only_record(payer),
        user_lease_until=START + 10_000,
        advisor_lease_until=START + 100_000,
        user_left_at=START + 6_000,
        advisor_left_at=START + 7_000,
        paying_until=START + 200_000,
    )
    payer = payer.with_record(record)
    record = only_record(settle(with_outage(payer, 10_000, 40_000), 50_000))
    assert (record.user_lease_until, record.advisor_lease_until) == (START + 10_000, START + 130_000)
    assert (record.user_left_at, record.advisor_left_at) == (START + 36_000, START + 37_000)
    assert (record.waiting_since, record.paying_until) == (START + 35_000, START + 230_000)
