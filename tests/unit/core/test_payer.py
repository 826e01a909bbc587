"""A payer: the leases of both parties, the order in which records pay, and the available credit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talktime.core import meter
from talktime.core.money import MICRO
from talktime.core.payer import Presence
from talktime.core.posting import post_all
from talktime.core.record import Party, State
from talktime.core.starts import Starts
from talktime.core.steps import DurationAdded
from tests.unit.builders import (
    DURATIONS,
    MINUTE,
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
    payer = with_sockets(start(payer_with(10), durations=DURATIONS), START + 50_000, Party.USER)
    record = only_record(payer)
    assert payer.present_until(record, Party.USER) == START + 50_000
    assert payer.present_until(record, Party.ADVISOR) == START + 30_000
    assert payer.lease_until(record) == START + 30_000
    shorter = with_sockets(payer, START + 5_000, Party.USER)
    assert shorter.present_until(record, Party.USER) == START + 30_000


def test_both_leases_hold_until_the_earlier_of_their_ends() -> None:
    payer = start(payer_with(10), durations=DURATIONS)
    for user_until, advisor_until in ((START + 1_000, START + 30_000), (START + 30_000, START + 1_000)):
        record = replace(only_record(payer), user_lease_until=user_until, advisor_lease_until=advisor_until)
        assert payer.lease_until(record) == START + 1_000


def test_a_lease_no_longer_holds_at_the_instant_of_its_end() -> None:
    payer = with_sockets(start(payer_with(10), durations=DURATIONS), START + 50_000, Party.USER)
    record = only_record(payer)
    assert payer.is_present(record, Party.USER, START + 49_999)
    assert not payer.is_present(record, Party.USER, START + 50_000)


def test_a_lease_is_renewed_while_a_live_node_renews_it() -> None:
    payer = start(payer_with(10), durations=DURATIONS)
    renewed = with_sockets(payer, START + 50_000, Party.USER)
    assert renewed.is_lease_renewed(only_record(renewed), Party.USER)
    assert not renewed.is_lease_renewed(only_record(renewed), Party.ADVISOR)
    silent = with_sockets(payer, START + 50_000, Party.USER, is_renewed=False)
    assert not silent.is_lease_renewed(only_record(silent), Party.USER)


def test_only_sockets_on_the_current_chat_count() -> None:
    payer = with_sockets(start(payer_with(10), durations=DURATIONS), START + 90_000, *Party, chat="elsewhere")
    assert payer.lease_until(only_record(payer)) == START + 30_000
    assert not payer.is_lease_renewed(only_record(payer), Party.USER)


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
    payer = post_all(payer, START + 90_000) if is_posted else payer
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
    assert changed.steps == (*payer.steps, DurationAdded("chat", 5))
    assert payer.with_record(replace(paused, ended_at=START)).records == {}
    assert payer.records["record"].is_running


def test_credit_is_added_to_the_balance() -> None:
    assert add_credit(payer_with(1), 2).balance == 3 * MICRO


def test_who_is_present_and_until_when_that_is_certain() -> None:
    payer = start(payer_with(10), durations=DURATIONS)
    record = only_record(payer)
    assert payer.presence(record, START) == (True, True, START + 30_000)
    assert payer.presence(record, START + 30_000) == (False, False, None)
    proved = with_sockets(payer, START + 50_000, Party.USER)
    assert proved.presence(record, START + 40_000) == (True, False, None)
    silent = with_sockets(payer, START + 50_000, Party.USER, is_renewed=False)
    assert silent.presence(record, START + 40_000) == (True, False, START + 50_000)


def test_a_renewal_of_presence_is_no_news() -> None:
    told = Presence(user=True, advisor=True, until=START)
    assert not told.is_news_after(told)
    assert not Presence(user=True, advisor=True, until=START + 1).is_news_after(told)
    assert not Presence(user=True, advisor=True, until=None).is_news_after(told)
    assert Presence(user=True, advisor=True, until=START - 1).is_news_after(told)
    assert told.is_news_after(Presence(user=True, advisor=True, until=None))
    assert Presence(user=True, advisor=False, until=START).is_news_after(told)


def test_after_a_switch_the_party_who_shows_the_other_chat_is_awaited() -> None:
    payer = with_sockets(start(payer_with(10), durations=DURATIONS), START + 9_000, *Party)
    payer = payer.with_record(replace(only_record(payer), starts=Starts.PRESENT, advisor_lease_until=START))
    assert payer.awaited(only_record(payer), DURATIONS.lease_ms) == set()
    payer = meter.track(payer, only_record(payer), "second", START + 1_000, DURATIONS)
    record = only_record(payer)
    assert record.is_running
    assert payer.awaited(record, DURATIONS.lease_ms) == {Party.ADVISOR}  # the user has acted
    assert with_sockets(payer, START + 9_000, Party.ADVISOR, chat="second").awaited(record, DURATIONS.lease_ms) == set()
    silent = with_sockets(payer, START + 9_000, Party.ADVISOR, is_renewed=False)
    assert silent.awaited(record, DURATIONS.lease_ms) == set()


def test_an_advisor_who_is_given_time_to_arrive_is_awaited() -> None:
    payer = start(payer_with(10), durations=DURATIONS)
    record = only_record(payer)
    assert record.starts is Starts.AT_ONCE
    assert payer.awaited(record, DURATIONS.lease_ms) == {Party.ADVISOR}
    watched = with_sockets(payer, START + 9_000, Party.ADVISOR)
    assert watched.awaited(record, DURATIONS.lease_ms) == set()
    proved = meter.prove(payer, record, Party.ADVISOR, START + 35_000, START + 5_000)
    assert proved.awaited(only_record(proved), DURATIONS.lease_ms) == set()
