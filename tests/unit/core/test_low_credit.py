"""Credit that ends soon is told of once for each crossing, at its own instant, also if nobody looked at that time."""

from __future__ import annotations

from dataclasses import replace

from talktime.core.cuts import find_cuts
from talktime.core.deadlines import next_deadline
from talktime.core.money import MICRO
from talktime.core.payer import Payer
from talktime.core.steps import CreditLow
from tests.unit.builders import LONG_LEASES, MINUTE, START, add_credit, minute_tariff, payer_with, settle, start

LOW = replace(LONG_LEASES, low_ms=2 * MINUTE)
BY_THE_SECOND = minute_tariff("1.00", 1)


def told(payer: Payer) -> list[int]:
    """The instants, after `START`, at which low credit was told."""
    return [event.at - START for event in payer.steps if isinstance(event, CreditLow)]


def due(payer: Payer) -> int | None:
    """The next deadline, after `START`."""
    at = next_deadline(payer, LOW, find_cuts(payer))
    return None if at is None else at - START


def test_the_instant_is_a_deadline_and_told_once() -> None:
    payer = start(payer_with(10), BY_THE_SECOND, durations=LOW)
    assert due(payer) == 8 * MINUTE
    assert told(settle(payer, 8 * MINUTE - 1, LOW)) == []
    payer = settle(payer, 8 * MINUTE, LOW)
    assert told(payer) == [8 * MINUTE]
    assert due(payer) == 10 * MINUTE
    assert told(settle(payer, 9 * MINUTE, LOW)) == [8 * MINUTE]


def test_who_looks_a_day_later_tells_the_same_instant() -> None:
    payer = start(payer_with(10), BY_THE_SECOND, durations=LOW)
    assert told(settle(payer, 24 * 60 * MINUTE, LOW)) == [8 * MINUTE]


def test_credit_in_time_withdraws_the_instant() -> None:
    payer = settle(start(payer_with(10), BY_THE_SECOND, durations=LOW), 7 * MINUTE, LOW)
    payer = add_credit(payer, 5)
    assert due(payer) == 13 * MINUTE
    assert told(settle(payer, 14 * MINUTE, LOW)) == [13 * MINUTE]


def test_each_crossing_is_told() -> None:
    payer = settle(start(payer_with(10), BY_THE_SECOND, durations=LOW), 9 * MINUTE, LOW)
    payer = add_credit(payer, 5)
    assert due(payer) == 13 * MINUTE
    assert told(settle(payer, 13 * MINUTE, LOW)) == [8 * MINUTE, 13 * MINUTE]


def test_a_small_credit_is_no_crossing() -> None:
    payer = settle(start(payer_with(10), BY_THE_SECOND, durations=LOW), 9 * MINUTE, LOW)
    payer = add_credit(payer, 0.5)
    assert told(settle(payer, 10 * MINUTE, LOW)) == [8 * MINUTE]


def test_credit_that_comes_and_goes_is_a_crossing() -> None:
    payer = settle(start(payer_with(10), BY_THE_SECOND, durations=LOW), 9 * MINUTE, LOW)
    payer = settle(add_credit(payer, 5), 9 * MINUTE + 1, LOW)
    payer = replace(payer, balance=payer.balance - 5 * MICRO)
    assert told(settle(payer, 9 * MINUTE + 1, LOW)) == [8 * MINUTE, 9 * MINUTE + 1]


def test_credit_that_lasts_no_longer_is_low_from_the_start() -> None:
    payer = start(payer_with(1), BY_THE_SECOND, durations=LOW)
    assert due(payer) == 0
    assert told(settle(payer, 1, LOW)) == [0]


def test_a_maximum_that_ends_the_record_is_no_lack_of_credit() -> None:
    tariff = minute_tariff("1.00", 1, max_cost="3.00", at_max_cost="stop")
    payer = start(payer_with(10), tariff, durations=LOW)
    assert told(settle(payer, 3 * MINUTE, LOW)) == []


def test_without_a_setting_nothing_is_told() -> None:
    payer = start(payer_with(1), BY_THE_SECOND)
    assert told(settle(payer, MINUTE)) == []
