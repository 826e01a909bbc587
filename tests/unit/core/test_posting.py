"""Posting: charges, earnings and the expiry of gifts reach the ledger, the same however often somebody posts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from talktime.core import gifts, meter
from talktime.core.cuts import find_cuts
from talktime.core.deadlines import next_deadline
from talktime.core.entries import EntryKind
from talktime.core.errors import InsufficientCredit
from talktime.core.gifts import Gift
from talktime.core.money import MICRO
from talktime.core.payer import Payer
from talktime.core.posting import expire_gifts, next_expiry, post, post_all
from talktime.core.record import Reason
from talktime.core.steps import DurationAdded, EntryPosted
from talktime.core.terms import Terms
from tests.unit.builders import (
    LONG,
    LONG_LEASES,
    MINUTE,
    START,
    add_credit,
    debit,
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


def payer_with_gifts(bought: int, *given_credits: tuple[int, int | None]) -> Payer:
    """A payer with credits that were bought, and with gifts: credits, and the time from `START` to the expiry."""
    payer = add_credit(payer_with(), bought) if bought else payer_with()
    for amount, expires_after_ms in given_credits:
        payer = add_credit(payer, amount, "gift", None if expires_after_ms is None else START + expires_after_ms)
    return payer


# Charges.


def test_posting_adds_the_time_to_the_chat_and_enters_the_charge() -> None:
    payer = start(payer_with(9), terms=Terms(share_ppm=500_000, fee_per_minute=100_000))
    posted = post(payer, only_record(payer), START + 90_000)
    assert posted.steps[len(payer.steps) :] == (
        DurationAdded("chat of record", 90_000),
        EntryPosted(
            -2 * MICRO,
            EntryKind.CHARGE,
            START + 90_000,
            "record",
            advisor_id="advisor of record",
            advisor_amount=900_000,
            fees=200_000,
        ),
    )
    record = only_record(posted)
    assert (posted.balance, record.charged, record.earned) == (7 * MICRO, 2 * MICRO, 900_000)
    assert (record.elapsed_ms, record.settled_at, record.is_running) == (90_000, START + 90_000, True)


def test_posting_twice_at_one_instant_posts_once() -> None:
    payer = start(payer_with(9))
    posted = post(payer, only_record(payer), START + 90_000)
    assert post(posted, only_record(posted), START + 90_000) == posted


def test_time_within_one_increment_adds_duration_and_no_entry() -> None:
    payer = start(payer_with(9))
    posted = post(payer, only_record(payer), START + 10_000)
    again = post(posted, only_record(posted), START + 50_000)
    assert again.steps[len(posted.steps) :] == (DurationAdded("chat of record", 40_000),)


def test_fees_under_a_minimum_charge_are_an_entry_between_advisor_and_platform() -> None:
    tariff = minute_tariff("0.50", minimum_charge="3")
    payer = start(payer_with(9), tariff, terms=Terms(share_ppm=1_000_000, fee_per_minute=200_000))
    posted = post(payer, only_record(payer), START + MINUTE)
    later = post(posted, only_record(posted), START + 2 * MINUTE)
    (entry,) = entries(later, "share")
    assert (entry.amount, entry.advisor_amount, entry.fees, entry.gift) == (0, -200_000, 200_000, 0)
    assert entry.follows_from_time
    assert later.balance == posted.balance == 6 * MICRO


def test_post_all_posts_running_records_and_no_others() -> None:
    payer = start(start(payer_with(9), record_id="running"), record_id="paused")
    payer = meter.pause(payer, payer.records["paused"], START)
    posted = post_all(payer, START + MINUTE)
    assert [entry.record_id for entry in entries(posted, "charge")] == ["running"]
    assert posted.records["paused"] == payer.records["paused"]


# Which charges gifts pay.


def test_the_gift_that_expires_first_is_spent_first_and_bought_credit_last() -> None:
    payer = payer_with_gifts(5, (2, None), (1, 90 * MINUTE), (1, 60 * MINUTE))
    expected = (Gift(MICRO, START + 60 * MINUTE), Gift(MICRO, START + 90 * MINUTE), Gift(2 * MICRO))
    assert payer.gifts == expected
    payer = start(payer)
    left = [gifts.total(stop(settle(payer, minutes * MINUTE)).gifts) // MICRO for minutes in (1, 2, 4, 6)]
    assert left == [3, 2, 0, 0]
    assert stop(settle(payer, MINUTE)).gifts == expected[1:]
    last = stop(settle(payer, 6 * MINUTE))
    assert paid_by_gifts(last, "record") == 4 * MICRO
    assert last.balance == 3 * MICRO


def test_time_decides_which_of_two_records_a_gift_pays() -> None:
    """The example in the module: the gift is used up after one minute, whichever record stops first."""
    payer = start(payer_with_gifts(100, (3, None)), minute_tariff("1.00", 1), "slow")
    payer = settle(start(payer, minute_tariff("2.00", 1), "fast"), 2 * MINUTE)
    for order in (("slow", "fast"), ("fast", "slow")):
        stopped = stop(stop(payer, order[0]), order[1])
        assert (paid_by_gifts(stopped, "slow"), paid_by_gifts(stopped, "fast")) == (MICRO, 2 * MICRO)


def test_the_record_that_started_first_is_paid_first_at_the_instant_at_which_gifts_end() -> None:
    payer = start(payer_with_gifts(9, (1, None)), record_id="first")
    payer = settle(start(payer, record_id="second"), MINUTE)
    stopped = stop(stop(payer, "second"), "first")
    assert (paid_by_gifts(stopped, "first"), paid_by_gifts(stopped, "second")) == (MICRO, 0)


def test_a_later_gift_does_not_pay_for_earlier_time() -> None:
    payer = settle(start(payer_with_gifts(5)), 90_000)
    payer = stop(settle(add_credit(payer, 5, "gift", START + LONG), 170_000))
    assert paid_by_gifts(payer, "record") == MICRO
    assert payer.gifts == (Gift(4 * MICRO, START + LONG),)


# The expiry of gifts.


def test_the_next_expiry_is_that_of_a_gift_that_has_not_expired() -> None:
    payer = payer_with_gifts(1, (1, MINUTE), (1, 2 * MINUTE), (1, None))
    assert next_expiry(payer) == START + MINUTE
    assert next_expiry(replace(payer, settled_at=START + MINUTE)) == START + 2 * MINUTE
    assert next_expiry(replace(payer, settled_at=START + 2 * MINUTE)) is None
    assert next_expiry(payer_with(5)) is None


def test_a_gift_expires_at_its_instant_however_late_somebody_looks() -> None:
    payer = payer_with_gifts(1, (3, MINUTE))
    assert next_deadline(payer, LONG_LEASES, {}) == START + MINUTE
    assert settle(payer, MINUTE - 1).balance == 4 * MICRO
    for looked_after_ms in (MINUTE, MINUTE + 1, 500 * MINUTE):
        late = settle(payer, looked_after_ms)
        assert (late.balance, late.gifts) == (MICRO, ())
        (expiry,) = entries(late, "expiry")
        assert (expiry.amount, expiry.gift, expiry.at) == (-3 * MICRO, -3 * MICRO, START + MINUTE)
        assert expiry.expires_at == START + MINUTE
    assert settle(settle(payer, MINUTE - 1), MINUTE).balance == MICRO
    assert next_deadline(settle(payer, MINUTE), LONG_LEASES, {}) is None


def test_without_an_expired_gift_nothing_is_posted() -> None:
    payer = start(payer_with_gifts(0, (5, MINUTE)))
    assert expire_gifts(payer, START + MINUTE - 1) is payer


def test_what_is_spent_or_committed_of_a_gift_does_not_expire() -> None:
    payer = start(payer_with_gifts(0, (5, 90_000)))
    late = settle(payer, 90_000)
    # Two minutes have begun by then and are posted, so three credits expire.
    assert (late.balance, late.gifts) == (0, ())
    assert [entry.amount for entry in entries(late, "expiry")] == [-3 * MICRO]
    assert entries(late, "charge")[0].amount == -2 * MICRO
    assert find_cuts(payer)["record"] == (START + 2 * MINUTE, Reason.OUT_OF_CREDIT)


def test_the_gift_still_pays_for_the_increment_that_begins_at_its_expiry() -> None:
    payer = start(payer_with_gifts(0, (5, MINUTE)))
    assert find_cuts(payer)["record"].at == START + 2 * MINUTE
    late = settle(payer, MINUTE)
    assert (late.balance, late.gifts) == (MICRO, (Gift(MICRO, START + MINUTE),))
    assert settle(late, 90_000).available_at(START + 90_000) == 0
    stopped = stop(settle(late, 90_000))
    assert (stopped.balance, paid_by_gifts(stopped, "record")) == (0, 2 * MICRO)


def test_credit_that_was_held_for_an_increment_that_never_began_expires_in_the_end() -> None:
    late = settle(start(payer_with_gifts(0, (5, MINUTE))), MINUTE)
    stopped = stop(late)
    assert (stopped.balance, stopped.gifts, paid_by_gifts(stopped, "record")) == (0, (), MICRO)
    assert [entry.amount for entry in entries(stopped, "expiry")] == [-3 * MICRO, -MICRO]


def test_credit_that_was_held_for_a_grace_expires_if_the_record_stops_within_the_grace() -> None:
    tariff = minute_tariff("6.00", 1, grace_seconds=30)
    payer = settle(start(payer_with_gifts(1, (9, 10_000)), tariff), 10_000)
    assert payer.balance == MICRO + gifts.total(payer.gifts)
    assert gifts.total(payer.gifts) == payer.committed_at(START + 10_000)
    stopped = stop(settle(payer, 20_000))
    assert (stopped.balance, stopped.gifts) == (MICRO, ())


def test_the_same_committed_credit_is_held_from_one_gift_only() -> None:
    payer = start(payer_with_gifts(0, (2, 10_000), (2, 20_000)), minute_tariff(grace_seconds=30))
    assert settle(payer, 10_000).gifts == (Gift(MICRO, START + 10_000), Gift(2 * MICRO, START + 20_000))
    assert settle(payer, 20_000).gifts == (Gift(MICRO, START + 10_000),)


# Cuts of records that gifts pay.


def test_the_cut_takes_a_coming_expiry_into_account() -> None:
    payer = start(payer_with_gifts(3, (60, 5 * MINUTE)), minute_tariff("1.00", 1))
    # The gift pays for five minutes and one second, bought credit for the next three minutes.
    cut = find_cuts(payer)["record"]
    assert cut == (START + 8 * MINUTE + 1_000, Reason.OUT_OF_CREDIT)
    late = settle(payer, 100 * MINUTE)
    assert timer_stops_by_record(late) == [("record", *cut)]
    assert late.balance == 0


def test_the_cut_takes_one_expiry_after_another_into_account() -> None:
    payer = start(payer_with_gifts(1, (3, 90_000), (2, 150_000)))
    # Of the first gift 2 are owed by its expiry, so 1 is lost. Of 4 that are then kept 3 are owed, so 1 more is lost.
    assert find_cuts(payer)["record"] == (START + 4 * MINUTE, Reason.OUT_OF_CREDIT)
    assert timer_stops_by_record(settle(payer, 9 * MINUTE)) == [("record", START + 4 * MINUTE, Reason.OUT_OF_CREDIT)]


def test_what_a_cut_record_has_spent_of_a_gift_does_not_expire_for_another_record() -> None:
    payer = start(start(payer_with_gifts(0, (3, 90_000)), record_id="first"), record_id="second")
    shown = {name: cut.at - START for name, cut in find_cuts(payer).items()}
    assert shown == {"first": 2 * MINUTE, "second": MINUTE}
    late = settle(payer, 30 * MINUTE)
    assert {name: at - START for name, at, _ in timer_stops_by_record(late)} == shown
    assert (late.balance, entries(late, "expiry")) == (0, [])


# Random stories.

HISTORY = st.lists(
    st.tuples(st.sampled_from(["post", "buy", "give", "debit", "start", "start", "stop"]), st.integers(0, 150_000)),
    max_size=10,
)
TARIFFS = (
    minute_tariff("1.00", 1),
    minute_tariff("0.70", 30, boundary="begun", grace_seconds=20),
    minute_tariff("1.30", 60, connect_fee="0.2", free_seconds=40),
)


def played(payer: Payer, history: list[tuple[str, int]], looks: list[int]) -> Payer:
    """The payer after the steps of the history. In between, somebody settles and posts at each of `looks`."""
    now = START
    remaining = list(looks)
    for number, (step, wait_ms) in enumerate(history):
        now += wait_ms
        while remaining and START + remaining[0] <= now:
            look = START + remaining.pop(0)
            payer = post_all(meter.settle(payer, look, LONG_LEASES), look)
        payer = meter.settle(payer, now, LONG_LEASES)
        running = payer.running()
        try:
            if step == "post":
                payer = post_all(payer, now)
            elif step == "buy":
                payer = add_credit(payer, 1)
            elif step == "give":
                payer = add_credit(payer, 1, "gift", now + 90_000)
            elif step == "debit":
                payer = debit(payer, 0.5)
            elif step == "start":
                payer = start(payer, TARIFFS[number % 3], str(number))
            elif step == "stop" and running:
                payer = stop(payer, running[-1].record_id)
        except InsufficientCredit:
            continue
    return payer


@given(
    st.lists(st.tuples(st.integers(1, 4), st.one_of(st.none(), st.integers(1, 600_000))), max_size=4),
    HISTORY,
    st.lists(st.integers(0, 1_500_000), max_size=6),
)
def test_settling_and_posting_more_often_changes_nothing(
    given_credits: list[tuple[int, int | None]], history: list[tuple[str, int]], looks: list[int]
) -> None:
    seldom, often = (played(payer_with_gifts(3, *given_credits), history, times) for times in ([], sorted(looks)))
    seldom, often = (post_all(payer, payer.settled_at) for payer in (seldom, often))
    assert (seldom.balance, seldom.gifts, seldom.settled_at) == (often.balance, often.gifts, often.settled_at)
    assert 0 <= gifts.total(seldom.gifts) <= seldom.balance
    posted = entries(seldom)
    assert sum(entry.amount for entry in posted) == seldom.balance
    assert sum(entry.gift for entry in posted) == gifts.total(seldom.gifts)
    for number in range(len(history)):
        assert paid_by_gifts(seldom, str(number)) == paid_by_gifts(often, str(number))
    stored = [(entry.kind, entry.gift, entry.at, entry.expires_at) for entry in posted]
    assert gifts.gifts_after(stored) == seldom.gifts
    assert timer_stops_by_record(seldom) == timer_stops_by_record(often)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 600_000)), max_size=4), HISTORY)
def test_with_gifts_that_expire_the_cut_that_is_shown_is_the_cut_that_comes(
    given_credits: list[tuple[int, int]], history: list[tuple[str, int]]
) -> None:
    payer = played(payer_with_gifts(3, *given_credits), history, [])
    shown = {name: cut.at for name, cut in find_cuts(payer).items() if cut.reason is Reason.OUT_OF_CREDIT}
    late = meter.settle(payer, START + LONG // 2, replace(LONG_LEASES, recharge_ms=LONG))
    came = {name: at for name, at, _ in timer_stops_by_record(late)[len(timer_stops_by_record(payer)) :]}
    assert came == shown
    assert late.balance >= 0
