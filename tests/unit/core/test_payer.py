"""A payer: the leases of both parties, the order in which records pay, and the available credit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talktime.core import meter
from talktime.core.events import DurationAdded
from talktime.core.money import MICRO
from talktime.core.record import Party, State
from tests.unit.builders import (
    MINUTE,
    RULES,
    START,
    add_credit,
    new_record,
    only_record,
    payer_with,
    settle,
    start,
    with_sockets,
)


def test_the_later_of_a_socket_and_a_heartbeat_is_the_end_of_the_lease() -> None:
    payer = with_sockets(start(payer_with(10), rules=RULES), START + 50_000, Party.USER)
    record = only_record(payer)
    assert payer.present_until(record, Party.USER) == START + 50_000
    assert payer.present_until(record, Party.ADVISOR) == START + 30_000
    assert payer.lease_until(record) == START + 30_000
    shorter = with_sockets(payer, START + 5_000, Party.USER)
    assert shorter.present_until(record, Party.USER) == START + 30_000


def test_both_leases_hold_until_the_earlier_of_their_ends() -> None:
    payer = start(payer_with(10), rules=RULES)
    for user_until, advisor_until in ((START + 1_000, START + 30_000), (START + 30_000, START + 1_000)):
        record = replace(only_record(payer), user_lease_until=user_until, advisor_lease_until=advisor_until)
        assert payer.lease_until(record) == START + 1_000


def test_a_lease_no_longer_holds_at_the_instant_of_its_end() -> None:
    payer = with_sockets(start(payer_with(10), rules=RULES), START + 50_000, Party.USER)
    record = only_record(payer)
    assert payer.is_present(record, Party.USER, START + 49_999)
    assert not payer.is_present(record, Party.USER, START + 50_000)


def test_a_lease_is_held_while_a_node_renews_it() -> None:
    payer = start(payer_with(10), rules=RULES)
    held = with_sockets(payer, START + 50_000, Party.USER)
    assert held.is_held(only_record(held), Party.USER)
    assert not held.is_held(only_record(held), Party.ADVISOR)
    silent = with_sockets(payer, START + 50_000, Party.USER, held=False)
    assert not silent.is_held(only_record(silent), Party.USER)


def test_only_sockets_on_the_current_chat_count() -> None:
    payer = with_sockets(start(payer_with(10), rules=RULES), START + 90_000, *Party, chat="elsewhere")
    assert payer.lease_until(only_record(payer)) == START + 30_000
    assert not payer.is_held(only_record(payer), Party.USER)


def test_running_records_pay_in_the_order_of_their_starts_and_then_of_their_ids() -> None:
    payer = payer_with(10)
    for record_id, after_ms in (("b", 1), ("c", 0), ("a", 1), ("paused", 0)):
        payer = start(payer, record_id=record_id, now=START + after_ms)
    payer = meter.pause(payer, payer.records["paused"], START + 1)
    assert [record.record_id for record in payer.running()] == ["c", "a", "b"]


def test_the_active_record_with_an_advisor() -> None:
    payer = start(start(payer_with(10), record_id="one"), record_id="two")
    assert payer.active_with("advisor of two") == payer.records["two"]
    assert payer.active_with("nobody") is None


def test_committed_adds_up_over_the_running_records() -> None:
    payer = start(start(payer_with(10), record_id="one"), record_id="two")
    paused = meter.pause(payer, payer.records["two"], START)
    assert payer.committed_at(START + MINUTE) == 4 * MICRO
    assert paused.committed_at(START + MINUTE) == 2 * MICRO


@pytest.mark.parametrize("is_posted", [False, True])
def test_available_does_not_depend_on_what_is_posted(is_posted: bool) -> None:
    payer = settle(start(payer_with(5)), 90_000)
    payer = meter.checkpoint(payer, START + 90_000) if is_posted else payer
    assert payer.available_at(START + 90_000) == 3 * MICRO


def test_available_is_never_below_zero() -> None:
    record = new_record()
    payer = replace(payer_with(0.5), records={"record": record})
    assert (payer.committed_at(START), payer.available_at(START)) == (MICRO, 0)


def test_a_changed_record_replaces_its_earlier_state_and_an_ended_record_is_left_out() -> None:
    payer = start(payer_with(10))
    paused = replace(only_record(payer), state=State.PAUSED)
    changed = payer.with_record(paused, DurationAdded("chat", 5))
    assert changed.records == {"record": paused}
    assert changed.events == (*payer.events, DurationAdded("chat", 5))
    assert payer.with_record(replace(paused, ended_at=START)).records == {}
    assert payer.records["record"].is_running


def test_credit_is_added_to_the_balance() -> None:
    assert add_credit(payer_with(1), 2).balance == 3 * MICRO
