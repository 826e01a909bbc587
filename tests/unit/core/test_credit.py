"""Credit arrives and resumes records, or is spent elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talktime.core import credit, gifts, meter
from talktime.core.cuts import find_cuts
from talktime.core.entries import EntryKind
from talktime.core.errors import InsufficientCredit
from talktime.core.gifts import Gift
from talktime.core.money import MICRO, parse_credits
from talktime.core.payer import Durations, Payer
from talktime.core.record import Party, Reason
from talktime.core.steps import EntryPosted, WaitBegan
from tests.unit.builders import (
    LONG,
    LONG_LEASES,
    MINUTE,
    START,
    add_credit,
    charged,
    debit,
    ends,
    entries,
    minute_tariff,
    only_record,
    paid_by_gifts,
    payer_with,
    settle,
    start,
    stop,
    timer_stops_by_record,
)


def topped_up(payer: Payer, amount: str, after_ms: int, durations: Durations = LONG_LEASES) -> Payer:
    """The payer settled to an instant, after credit was bought there."""
    now = START + after_ms
    entry = EntryPosted(parse_credits(amount), EntryKind.PURCHASE, now)
    return credit.add(meter.settle(payer, now, durations), entry)


# Credit that arrives.


def test_credit_resumes_a_record_up_to_the_last_millisecond_of_the_recharge_window() -> None:
    cut_ms = 2 * MINUTE
    payer = start(payer_with(2))
    in_time = topped_up(payer, "1.00", cut_ms + LONG_LEASES.recharge_ms - 1)
    assert only_record(in_time).running_since == START + cut_ms + LONG_LEASES.recharge_ms - 1
    assert find_cuts(in_time)["record"].at == START + cut_ms + LONG_LEASES.recharge_ms - 1 + MINUTE
    late = topped_up(payer, "1.00", cut_ms + LONG_LEASES.recharge_ms)
    assert ends(late) == [(START + cut_ms, Reason.OUT_OF_CREDIT)]
    assert late.balance == MICRO


def test_credit_that_pays_for_no_increment_resumes_nothing() -> None:
    payer = topped_up(start(payer_with(1)), "0.99", 70_000)
    assert only_record(payer).reason is Reason.OUT_OF_CREDIT
    assert only_record(payer).waiting_since == START + MINUTE


def test_a_record_whose_party_has_left_meanwhile_waits_for_the_party() -> None:
    payer = topped_up(start(payer_with(1), durations=replace(LONG_LEASES, lease_ms=90_000)), "5.00", 100_000)
    record = only_record(payer)
    assert (record.reason, record.waiting_since) == (Reason.USER_AWAY, START + 100_000)
    assert payer.steps[-1] == WaitBegan(record, START + 100_000)


def test_a_record_whose_advisor_alone_has_left_waits_for_the_advisor() -> None:
    durations = replace(LONG_LEASES, lease_ms=90_000)
    payer = start(payer_with(1), durations=durations)
    payer = meter.prove(payer, only_record(payer), Party.USER, START + LONG, START)
    assert only_record(topped_up(payer, "5.00", 100_000)).reason is Reason.ADVISOR_AWAY


def test_the_record_that_was_cut_first_resumes_first() -> None:
    payer = start(start(payer_with(3), record_id="early"), record_id="late")
    payer = settle(payer, 2 * MINUTE)
    stops = {record_id: at for record_id, at, _ in timer_stops_by_record(payer)}
    assert stops == {"late": START + MINUTE, "early": START + 2 * MINUTE}
    payer = topped_up(payer, "1.00", 2 * MINUTE + 1)
    assert payer.records["late"].is_running
    assert not payer.records["early"].is_running


def test_credit_resumes_no_record_that_a_person_has_paused() -> None:
    payer = start(payer_with(1))
    payer = meter.pause(payer, only_record(payer), START)
    assert only_record(topped_up(payer, "5.00", 1_000)).reason is Reason.PAUSED


def test_a_gift_resumes_a_record_too() -> None:
    payer = settle(start(payer_with(1)), 70_000)
    assert not only_record(payer).is_running
    assert only_record(add_credit(payer, 1, "gift", START + LONG)).is_running


def test_before_a_gift_arrives_the_running_records_are_posted() -> None:
    payer = settle(start(payer_with(5)), 90_000)
    assert charged(add_credit(payer, 5)) == 0
    assert charged(add_credit(payer, 5, "gift")) == 2 * MICRO
    assert add_credit(payer, 5, "gift", START + LONG).gifts == (Gift(5 * MICRO, START + LONG),)


# Credit that is spent elsewhere.


def test_committed_credit_cannot_be_spent_elsewhere() -> None:
    payer = start(payer_with(1.50))
    with pytest.raises(InsufficientCredit) as caught:
        debit(payer, 0.500001)
    assert (caught.value.required, caught.value.available) == (500_001, 500_000)
    spent = debit(payer, 0.50)
    assert spent.balance == MICRO
    assert [entry.amount for entry in entries(spent, "debit")] == [-500_000]


def test_a_debit_spends_gifts_first() -> None:
    payer = add_credit(add_credit(payer_with(3), 1, "gift"), 1, "gift", START + MINUTE)
    payer = debit(payer, 3)
    assert (entries(payer, "debit")[0].gift, payer.balance, payer.gifts) == (-2 * MICRO, 2 * MICRO, ())


def test_a_debit_does_not_take_the_gift_that_running_time_has_spent() -> None:
    payer = settle(start(add_credit(payer_with(5), 1, "gift")), 30_000)
    payer = stop(debit(payer, 1))
    assert (entries(payer, "debit")[0].gift, paid_by_gifts(payer, "record")) == (0, MICRO)


def test_a_debit_leaves_a_gift_that_is_held_after_its_expiry() -> None:
    payer = settle(start(add_credit(payer_with(3), 2, "gift", START + MINUTE)), MINUTE)
    assert gifts.total(payer.gifts) == MICRO
    spent = debit(payer, 3)
    assert entries(spent, "debit")[0].gift == 0
    assert spent.gifts == payer.gifts
    with pytest.raises(InsufficientCredit):
        debit(spent, 0.000001)


def test_a_debit_of_all_available_credit_leaves_the_cut_where_the_committed_credit_ends() -> None:
    payer = start(payer_with(5), minute_tariff())
    assert find_cuts(payer)["record"].at == START + 5 * MINUTE
    assert find_cuts(debit(payer, 4))["record"].at == START + MINUTE
