"""Gifts: spent first, the soonest expiry before the others, and gone at their instant as far as nobody owes them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core import gifts, meter
from talktime.core.credit import add, debit
from talktime.core.cuts import find_cuts
from talktime.core.deadlines import next_deadline
from talktime.core.errors import InsufficientCredit
from talktime.core.events import EntryPosted, TimerStopped
from talktime.core.gifts import Gift
from talktime.core.money import MICRO
from talktime.core.payer import Payer, Rules
from talktime.core.record import Reason
from tests.unit.builders import (
    BEGIN,
    LONG,
    LONG_PAUSES,
    MINUTE,
    gift,
    payer,
    posted,
    purchase,
    started,
    tariff,
    timers_stopped,
)


def account(bought: int, *lots: tuple[int, int | None]) -> Payer:
    """A payer with bought credits, and gifts: how many credits, and how long after the beginning they expire."""
    holder = added(payer(), bought, "purchase") if bought else payer()
    for amount, expires_after in lots:
        holder = added(holder, amount, "gift", None if expires_after is None else BEGIN + expires_after)
    return holder


def added(payer: Payer, amount: int, kind: str, expires_at: int | None = None) -> Payer:
    """The payer with whole credits that arrive now."""
    now = payer.settled_at
    entry = purchase(str(amount), now) if kind == "purchase" else gift(str(amount), now, expires_at)
    return add(payer, entry, LONG_PAUSES)


def at(payer: Payer, after: int, rules: Rules = LONG_PAUSES) -> Payer:
    """So long after the beginning."""
    return meter.settle(payer, BEGIN + after, rules)


def stopped(payer: Payer, name: str = "record") -> Payer:
    """The record ends now."""
    return meter.stop(payer, payer.records[name], payer.settled_at)


def stops_by_record(payer: Payer) -> list[tuple[str, int, Reason]]:
    """Which records' timers stopped, when, and why."""
    stops = [event for event in payer.events if isinstance(event, TimerStopped)]
    return [(stop.record.record_id, stop.at, stop.reason) for stop in stops]


def gift_spent(payer: Payer, record_id: str) -> int:
    """How much of a record's charges was gift."""
    return -sum(entry.gift for entry in posted(payer, "charge", record_id))


def test_the_soonest_to_expire_is_spent_first_and_bought_credit_last() -> None:
    payer = account(5, (2, None), (1, 90 * MINUTE), (1, 60 * MINUTE))
    lots = (Gift(MICRO, BEGIN + 60 * MINUTE), Gift(MICRO, BEGIN + 90 * MINUTE), Gift(2 * MICRO))
    assert payer.gifts == lots
    payer = started(payer, tariff())
    spent = [gifts.total(stopped(at(payer, minutes * MINUTE)).gifts) // MICRO for minutes in (1, 2, 4, 6)]
    assert spent == [3, 2, 0, 0]
    assert stopped(at(payer, MINUTE)).gifts == lots[1:]
    last = stopped(at(payer, 6 * MINUTE))
    assert gift_spent(last, "record") == 4 * MICRO
    assert last.balance == 3 * MICRO


def test_a_gift_expires_at_its_instant_whenever_somebody_looks() -> None:
    payer = account(1, (3, MINUTE))
    assert next_deadline(payer, LONG_PAUSES, {}) == BEGIN + MINUTE
    assert at(payer, MINUTE - 1).balance == 4 * MICRO
    for look in (MINUTE, MINUTE + 1, 500 * MINUTE):
        late = at(payer, look)
        assert (late.balance, late.gifts) == (MICRO, ())
        (expiry,) = posted(late, "expiry")
        assert (expiry.amount, expiry.gift, expiry.at) == (-3 * MICRO, -3 * MICRO, BEGIN + MINUTE)
    assert at(at(payer, MINUTE - 1), MINUTE).balance == MICRO
    assert next_deadline(at(payer, MINUTE), LONG_PAUSES, {}) is None


def test_what_is_spent_and_committed_does_not_expire() -> None:
    payer = started(account(0, (5, 90_000)), tariff())
    late = at(payer, 90_000)
    # Two minutes have begun by then: both are posted, and three credits are gone.
    assert (late.balance, late.gifts) == (0, ())
    assert [entry.amount for entry in posted(late, "expiry")] == [-3 * MICRO]
    assert posted(late, "charge")[0].amount == -2 * MICRO
    assert find_cuts(payer)["record"] == (BEGIN + 2 * MINUTE, Reason.OUT_OF_CREDIT)


def test_the_increment_that_begins_at_the_expiry_is_still_paid_by_the_gift() -> None:
    payer = started(account(0, (5, MINUTE)), tariff())
    assert find_cuts(payer)["record"].at == BEGIN + 2 * MINUTE
    late = at(payer, MINUTE)
    assert (late.balance, late.gifts) == (MICRO, (Gift(MICRO, BEGIN + MINUTE),))
    assert at(late, 90_000).available_at(BEGIN + 90_000) == 0
    done = stopped(at(late, 90_000))
    assert (done.balance, gift_spent(done, "record")) == (0, 2 * MICRO)


def test_what_was_kept_for_time_that_was_not_used_expires_after_all() -> None:
    late = at(started(account(0, (5, MINUTE)), tariff()), MINUTE)
    done = stopped(late)
    assert (done.balance, done.gifts, gift_spent(done, "record")) == (0, (), MICRO)
    assert [entry.amount for entry in posted(done, "expiry")] == [-3 * MICRO, -MICRO]


def test_what_was_kept_through_a_grace_that_was_enough_expires_after_all() -> None:
    what = tariff("6.00", 1, grace_seconds=30)
    payer = at(started(account(1, (9, 10_000)), what), 10_000)
    assert payer.balance == MICRO + gifts.total(payer.gifts)
    assert gifts.total(payer.gifts) == payer.committed_at(BEGIN + 10_000)
    done = stopped(at(payer, 20_000))
    assert (done.balance, done.gifts) == (MICRO, ())


def test_what_is_kept_is_kept_once() -> None:
    payer = started(account(0, (2, 10_000), (2, 20_000)), tariff(grace_seconds=30))
    assert at(payer, 10_000).gifts == (Gift(MICRO, BEGIN + 10_000), Gift(2 * MICRO, BEGIN + 20_000))
    assert at(payer, 20_000).gifts == (Gift(MICRO, BEGIN + 10_000),)


def test_a_debit_leaves_alone_what_is_kept() -> None:
    payer = at(started(account(3, (2, MINUTE)), tariff()), MINUTE)
    assert gifts.total(payer.gifts) == MICRO
    spent = debit(payer, EntryPosted(-3 * MICRO, "debit", payer.settled_at))
    assert posted(spent, "debit")[0].gift == 0
    assert spent.gifts == payer.gifts
    with pytest.raises(InsufficientCredit):
        debit(spent, EntryPosted(-1, "debit", payer.settled_at))


def test_a_debit_spends_gifts_first() -> None:
    payer = debit(account(3, (1, None), (1, MINUTE)), EntryPosted(-3 * MICRO, "debit", BEGIN))
    assert (posted(payer, "debit")[0].gift, payer.balance, payer.gifts) == (-2 * MICRO, 2 * MICRO, ())


def test_a_debit_does_not_take_what_was_spent_before() -> None:
    payer = at(started(account(5, (1, None)), tariff()), 30_000)
    payer = stopped(debit(payer, EntryPosted(-MICRO, "debit", payer.settled_at)))
    assert (posted(payer, "debit")[0].gift, gift_spent(payer, "record")) == (0, MICRO)


def test_a_gift_that_comes_later_does_not_pay_for_what_was_before() -> None:
    payer = at(started(account(5), tariff()), 90_000)
    payer = stopped(at(added(payer, 5, "gift", BEGIN + LONG), 170_000))
    assert gift_spent(payer, "record") == MICRO
    assert payer.gifts == (Gift(4 * MICRO, BEGIN + LONG),)


def test_a_gift_resumes_what_ran_out() -> None:
    payer = at(started(account(1), tariff()), 70_000)
    assert not payer.records["record"].is_running
    assert added(payer, 1, "gift", BEGIN + LONG).records["record"].is_running


def test_the_cut_counts_with_the_expiry() -> None:
    payer = started(account(3, (60, 5 * MINUTE)), tariff("1.00", 1))
    # Five minutes and a second by gift, then three of what was bought.
    cut = find_cuts(payer)["record"]
    assert cut == (BEGIN + 8 * MINUTE + 1_000, Reason.OUT_OF_CREDIT)
    late = at(payer, 100 * MINUTE)
    assert [(event.at, event.reason) for event in late.events if isinstance(event, TimerStopped)] == [cut]
    assert late.balance == 0


def test_the_cut_counts_with_one_expiry_after_another() -> None:
    state = started(account(1, (3, 90_000), (2, 150_000)), tariff())
    # Of the first three 2 are owed by then, of the 4 that are kept with the next two 3: two of six go.
    assert find_cuts(state)["record"] == (BEGIN + 4 * MINUTE, Reason.OUT_OF_CREDIT)
    assert timers_stopped(at(state, 9 * MINUTE)) == [(BEGIN + 4 * MINUTE, Reason.OUT_OF_CREDIT)]


def test_what_a_cut_record_has_spent_does_not_expire_for_the_other() -> None:
    payer = started(started(account(0, (3, 90_000)), tariff(), "first"), tariff(), "second")
    shown = {name: cut.at - BEGIN for name, cut in find_cuts(payer).items()}
    assert shown == {"first": 2 * MINUTE, "second": MINUTE}
    late = at(payer, 30 * MINUTE)
    assert {name: stop - BEGIN for name, stop, _ in stops_by_record(late)} == shown
    assert (late.balance, posted(late, "expiry")) == (0, [])


def test_which_of_two_records_a_gift_paid_for_is_decided_by_time() -> None:
    payer = started(started(account(100, (3, None)), tariff("1.00", 1), "slow"), tariff("2.00", 1), "fast")
    once = stopped(stopped(at(payer, 2 * MINUTE), "slow"), "fast")
    assert (gift_spent(once, "slow"), gift_spent(once, "fast")) == (MICRO, 2 * MICRO)
    assert gift_spent(stopped(stopped(at(payer, 2 * MINUTE), "fast"), "slow"), "fast") == 2 * MICRO


HISTORY = st.lists(
    st.tuples(
        st.sampled_from(["checkpoint", "buy", "give", "debit", "start", "start", "stop"]), st.integers(0, 150_000)
    ),
    max_size=10,
)
TARIFFS = (
    tariff("1.00", 1),
    tariff("0.70", 30, boundary="begun", grace_seconds=20),
    tariff("1.30", 60, connect_fee="0.2", free_seconds=40),
)


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.one_of(st.none(), st.integers(1, 600_000))),
        max_size=4,
    ),
    HISTORY,
    st.lists(st.integers(0, 1_500_000), max_size=6),
)
def test_looking_and_posting_more_often_changes_nothing(
    lots: list[tuple[int, int | None]], history: list[tuple[str, int]], looks: list[int]
) -> None:
    plain, often = (lived(account(3, *lots), history, times) for times in ([], sorted(looks)))
    plain, often = (meter.checkpoint(payer, payer.settled_at) for payer in (plain, often))
    assert (plain.balance, plain.gifts, plain.settled_at) == (often.balance, often.gifts, often.settled_at)
    assert 0 <= gifts.total(plain.gifts) <= plain.balance
    posted = [event for event in plain.events if isinstance(event, EntryPosted)]
    assert sum(entry.amount for entry in posted) == plain.balance
    assert sum(entry.gift for entry in posted) == gifts.total(plain.gifts)
    for number in range(len(history)):
        name = str(number)
        assert gift_spent(plain, name) == gift_spent(often, name)
    told = [(entry.kind, entry.gift, entry.at, entry.expires_at) for entry in posted]
    assert gifts.replay(told) == plain.gifts
    assert stops_by_record(plain) == stops_by_record(often)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 600_000)), max_size=4), HISTORY)
def test_the_cut_that_is_shown_is_the_cut_that_comes(
    lots: list[tuple[int, int]], history: list[tuple[str, int]]
) -> None:
    payer = lived(account(3, *lots), history, [])
    shown = {name: cut for name, cut in find_cuts(payer).items() if cut.reason is Reason.OUT_OF_CREDIT}
    before = len(payer.events)
    late = meter.settle(payer, BEGIN + LONG // 2, replace(LONG_PAUSES, recharge_ms=LONG))
    came = {e.record.record_id: e.at for e in late.events[before:] if isinstance(e, TimerStopped)}
    assert came == {name: cut.at for name, cut in shown.items()}
    assert late.balance >= 0


def lived(payer: Payer, history: list[tuple[str, int]], looks: list[int]) -> Payer:
    """What becomes of an account; `looks` are when somebody looks and posts in between."""
    now = BEGIN
    rest = list(looks)
    for number, (step, wait) in enumerate(history):
        now += wait
        while rest and BEGIN + rest[0] <= now:
            look = BEGIN + rest.pop(0)
            payer = meter.checkpoint(meter.settle(payer, look, LONG_PAUSES), look)
        payer = meter.settle(payer, now, LONG_PAUSES)
        running = payer.running()
        try:
            if step == "checkpoint":
                payer = meter.checkpoint(payer, now)
            elif step == "buy":
                payer = added(payer, 1, "purchase")
            elif step == "give":
                payer = added(payer, 1, "gift", now + 90_000)
            elif step == "debit":
                payer = debit(payer, EntryPosted(-MICRO // 2, "debit", now))
            elif step == "start":
                payer = started(payer, TARIFFS[number % 3], str(number))
            elif step == "stop" and running:
                payer = stopped(payer, running[-1].record_id)
        except InsufficientCredit:
            continue
    return payer
