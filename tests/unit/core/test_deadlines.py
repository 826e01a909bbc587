"""Deadlines: which of them there are, which comes first, and which of them a worker has to wake for."""

from __future__ import annotations

from dataclasses import replace

from talktime.core.cuts import Cut, find_cuts
from talktime.core.deadlines import Deadline, find_deadlines, next_deadline
from talktime.core.payer import Durations, Payer
from talktime.core.posting import post_all
from talktime.core.record import Party, Reason
from tests.unit.builders import (
    DURATIONS,
    LONG,
    LONG_LEASES,
    MINUTE,
    START,
    add_credit,
    minute_tariff,
    new_record,
    only_record,
    payer_with,
    settle,
    start,
    timer_stops,
    with_sockets,
)


def deadlines(payer: Payer, durations: Durations, *, with_renewed: bool = True) -> list[tuple[int, Reason]]:
    """The deadlines in their order, as time after `START` and reason."""
    found = find_deadlines(payer, durations, find_cuts(payer), with_renewed=with_renewed)
    return [(deadline.at - START, deadline.reason) for deadline in sorted(found, key=lambda d: d.order)]


def test_a_running_record_has_its_cut_and_the_ends_of_both_leases() -> None:
    payer = start(payer_with(2), durations=DURATIONS)
    assert deadlines(payer, DURATIONS) == [
        (30_000, Reason.USER_AWAY),
        (30_000, Reason.ADVISOR_AWAY),
        (2 * MINUTE, Reason.OUT_OF_CREDIT),
    ]


def test_a_record_without_credit_waits_for_the_recharge_window_and_others_for_the_abandon_time() -> None:
    away = settle(start(payer_with(10), durations=DURATIONS), 31_000, DURATIONS)
    assert deadlines(away, DURATIONS) == [(30_000 + DURATIONS.abandon_ms, Reason.ABANDONED)]
    assert next_deadline(away, DURATIONS, {}) == START + 30_000 + DURATIONS.abandon_ms
    unpaid = settle(start(payer_with(1)), 61_000)
    assert only_record(unpaid).reason is Reason.OUT_OF_CREDIT
    assert deadlines(unpaid, LONG_LEASES) == [(60_000 + LONG_LEASES.recharge_ms, Reason.OUT_OF_CREDIT)]
    assert next_deadline(unpaid, LONG_LEASES, {}) == START + 60_000 + LONG_LEASES.recharge_ms


def test_in_one_millisecond_the_maximum_comes_first_then_credit_then_the_user_then_the_advisor() -> None:
    record = new_record()
    reasons = [Reason.ABANDONED, Reason.ADVISOR_AWAY, Reason.USER_AWAY, Reason.OUT_OF_CREDIT, Reason.MAX_COST]
    ordered = sorted((Deadline(START, reason, record) for reason in reasons), key=lambda deadline: deadline.order)
    assert [deadline.reason for deadline in ordered] == reasons[::-1]
    earlier = Deadline(START - 1, Reason.ABANDONED, record)
    assert min([*ordered, earlier], key=lambda deadline: deadline.order) == earlier


def test_of_two_cuts_in_one_millisecond_the_first_that_could_not_pay_comes_first() -> None:
    older, younger = new_record("older", at=START), new_record("younger", at=START + 1)
    cuts = {"younger": Cut(START + 9, Reason.OUT_OF_CREDIT), "older": Cut(START + 9, Reason.OUT_OF_CREDIT)}
    payer = replace(payer_with(1), records={"older": older, "younger": younger})
    found = [d for d in find_deadlines(payer, LONG_LEASES, cuts, with_renewed=True) if d.reason is Reason.OUT_OF_CREDIT]
    assert [d.record.record_id for d in sorted(found, key=lambda d: d.order)] == ["younger", "older"]


def test_other_deadlines_in_one_millisecond_come_in_the_order_of_starts_and_ids() -> None:
    records = [new_record("b", at=START), new_record("a", at=START), new_record("c", at=START - 1)]
    due = sorted((Deadline(START, Reason.USER_AWAY, record) for record in records), key=lambda d: d.order)
    assert [deadline.record.record_id for deadline in due] == ["c", "a", "b"]


def test_a_lapse_that_is_noticed_after_a_posting_stops_the_record_at_the_posting() -> None:
    payer = start(payer_with(10), durations=DURATIONS)
    posted = post_all(payer, START + 40_000)
    assert (30_000, Reason.USER_AWAY) in deadlines(payer, DURATIONS)
    assert (40_000, Reason.USER_AWAY) in deadlines(posted, DURATIONS)


def test_a_lease_that_a_node_renews_is_no_deadline_of_the_account() -> None:
    payer = start(payer_with(1000), durations=DURATIONS)
    cuts = find_cuts(payer)
    assert next_deadline(payer, DURATIONS, cuts) == START + 30_000
    one = with_sockets(payer, START + 20_000_000, Party.USER)
    assert next_deadline(one, DURATIONS, cuts) == START + 30_000
    both = with_sockets(payer, START + 20_000_000, *Party)
    assert next_deadline(both, DURATIONS, cuts) == cuts["record"].at == START + 60_000_000
    assert next_deadline(both, DURATIONS, {}) is None


def test_a_lease_that_no_node_renews_any_more_is_a_deadline() -> None:
    payer = start(payer_with(1000), durations=DURATIONS)
    silent = with_sockets(payer, START + 40_000, *Party, is_renewed=False)
    assert next_deadline(silent, DURATIONS, find_cuts(payer)) == START + 40_000
    # A node that has stopped renewing leases may be dead, so settling counts their ends.
    renewed = with_sockets(payer, START + 20_000_000, *Party)
    assert timer_stops(settle(renewed, 20_000_000, DURATIONS)) == [(START + 20_000_000, Reason.USER_AWAY)]


def test_the_expiry_of_a_gift_is_a_deadline() -> None:
    payer = add_credit(payer_with(1), 1, "gift", START + LONG)
    assert next_deadline(payer, LONG_LEASES, {}) == START + LONG
    running = start(payer, minute_tariff("0"))
    assert next_deadline(running, replace(LONG_LEASES, lease_ms=7), find_cuts(running)) == START + LONG
    assert next_deadline(payer_with(1), LONG_LEASES, {}) is None
