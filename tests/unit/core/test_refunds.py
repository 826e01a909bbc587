"""Refunds: never more than was charged, by whoever bears them, and the same however they are divided."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core import credit, meter
from talktime.core.errors import Conflict
from talktime.core.events import EntryPosted
from talktime.core.gifts import Gift
from talktime.core.money import MICRO, parse_credits
from talktime.core.payer import Payer
from talktime.core.price import price
from talktime.core.record import Reason, Record
from talktime.core.refunds import BorneBy, EntryTotals, RefundRequest, refund
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from tests.unit.builders import BEGIN, LONG_PAUSES, MINUTE, gift, only, payer, purchase, started, tariff

TERMS = Terms.parse({"share_percent": 40})


def after(
    duration_ms: int,
    what: Tariff | None = None,
    *,
    bought: int = 100,
    given: int = 0,
    free_ms_before: int = 0,
    stop: bool = True,
) -> Payer:
    """Somebody after a session of so long, who had so many credits bought and so many given."""
    holder = payer()
    if bought:
        holder = credit.add(holder, purchase(str(bought), BEGIN), LONG_PAUSES)
    if given:
        holder = credit.add(holder, gift(str(given), BEGIN, BEGIN + duration_ms + 1), LONG_PAUSES)
    holder = started(holder, what or tariff(), free_ms_before=free_ms_before, terms=TERMS)
    holder = meter.settle(holder, BEGIN + duration_ms, LONG_PAUSES)
    return meter.stop(holder, only(holder), holder.settled_at) if stop else holder


def ended(payer: Payer) -> Record:
    """The record that is over, or runs."""
    found = [event.record for event in payer.events if hasattr(event, "record") and event.record.record_id == "record"]
    return payer.records.get("record") or found[-1]


def refunded(
    payer: Payer, what: str | int, borne_by: BorneBy = BorneBy.SHARED
) -> tuple[Payer, EntryPosted, EntryTotals]:
    """So many credits given back (text), or so many milliseconds."""
    wish = (
        RefundRequest("why", borne_by, parse_credits(what))
        if isinstance(what, str)
        else RefundRequest("why", borne_by, duration_ms=what)
    )
    return refund(payer, ended(payer), EntryTotals(), wish, payer.settled_at, LONG_PAUSES)


@pytest.mark.parametrize(
    ("borne_by", "advisor"), [(BorneBy.PLATFORM, "0"), (BorneBy.ADVISOR, "2.50"), (BorneBy.SHARED, "1.00")]
)
def test_who_bears_it(borne_by: BorneBy, advisor: str) -> None:
    payer, entry, tally = refunded(after(5 * MINUTE), "2.50", borne_by)
    assert (entry.amount, -entry.advisor_amount) == (parse_credits("2.50"), parse_credits(advisor))
    assert (tally.refunded, tally.refundable) == (parse_credits("2.50"), parse_credits("2.50"))
    assert payer.balance == parse_credits("97.50")
    assert ended(payer).charged == parse_credits("5")
    assert (entry.advisor_id, entry.reason, entry.borne_by) == ("advisor of record", "why", borne_by)


def test_the_smallest_amount_and_each_shared_one_by_itself() -> None:
    payer, entry, _ = refunded(after(5 * MINUTE), "0.000001")
    assert (entry.amount, entry.advisor_amount) == (1, 0)
    for _ in range(2):
        payer, entry, _ = refunded(payer, "1")
        assert -entry.advisor_amount == parse_credits("0.40")


@pytest.mark.parametrize(
    ("what", "elapsed_ms", "duration_ms", "amount"),
    [
        (tariff(), 5 * MINUTE, MINUTE, "1"),
        (tariff(), 330_000, MINUTE, "1"),
        (tariff(), 330_000, 30_000, None),
        (tariff(), 330_000, 360_000, "6"),
        (tariff(boundary="begun"), 4 * MINUTE, MINUTE, "1"),
        (tariff(boundary="begun"), 4 * MINUTE, 5 * MINUTE, "5"),
        (tariff(free_seconds=180), 5 * MINUTE, MINUTE, "1"),
        (tariff(connect_fee="0.5"), 5 * MINUTE, 5 * MINUTE, "5.5"),
        (tariff(connect_fee="0.5"), 5 * MINUTE, 4 * MINUTE, "4"),
        (tariff(minimum_charge="4"), 5 * MINUTE, 4 * MINUTE, "1"),
        (tariff(grace_seconds=90), 2 * MINUTE, MINUTE, "2"),
    ],
)
def test_by_time(what: Tariff, elapsed_ms: int, duration_ms: int, amount: str | None) -> None:
    payer = after(elapsed_ms, what)
    if amount is None:
        with pytest.raises(Conflict):
            refunded(payer, duration_ms)
    else:
        assert refunded(payer, duration_ms)[1].amount == parse_credits(amount)


def test_the_next_seconds_are_those_before() -> None:
    what = Tariff.parse({"tiers": [{"rate": "3"}, {"from_seconds": 60, "rate": "1"}]})
    payer, first, _ = refunded(after(2 * MINUTE, what), MINUTE)
    payer, second, tally = refunded(payer, MINUTE)
    assert (first.amount, second.amount, tally.refundable) == (MICRO, 3 * MICRO, 0)


def test_the_time_before_an_amount_is_not_shifted_by_it() -> None:
    payer, _, _ = refunded(after(2 * MINUTE, tariff(increment=1)), "0.000001")
    with pytest.raises(Conflict):
        refunded(payer, 999)


def test_by_time_where_the_free_time_of_the_pair_was_used_before() -> None:
    what = tariff(free_seconds=180)
    assert refunded(after(5 * MINUTE, what, free_ms_before=180_000), 5 * MINUTE)[1].amount == 5 * MICRO


def test_more_time_than_was_billed() -> None:
    with pytest.raises(Conflict, match="Only 2:00 was billed") as caught:
        refunded(after(90_000), 120_001)
    assert caught.value.members == {"state": "ended", "allowed": ["refunds"], "refundable": "2.00"}
    with pytest.raises(Conflict, match="Only 0:00 was billed") as caught:
        refunded(refunded(after(90_000), 120_000)[0], 1)
    assert caught.value.members == {"state": "ended", "allowed": [], "refundable": "0.00"}


def test_more_than_is_left() -> None:
    payer, _, _ = refunded(after(5 * MINUTE), "4")
    with pytest.raises(Conflict, match=r"1\.00 was charged") as caught:
        refunded(payer, "1.000001")
    assert caught.value.members["refundable"] == "1.00"
    assert refunded(payer, "1")[2].refundable == 0


def test_bought_comes_back_before_gifts_and_gifts_for_good() -> None:
    payer = after(5 * MINUTE, given=2)
    payer, first, _ = refunded(payer, "4")
    assert (first.gift, payer.gifts) == (MICRO, (Gift(MICRO),))
    payer, second, _ = refunded(payer, "1")
    assert (second.gift, payer.gifts) == (MICRO, (Gift(2 * MICRO),))


def test_a_running_record_gives_back_what_it_has_come_to() -> None:
    payer = after(90_000, stop=False)
    payer, entry, _ = refunded(payer, "2")
    assert entry.amount == 2 * MICRO
    with pytest.raises(Conflict):
        refunded(payer, "0.000001")
    later = meter.settle(payer, BEGIN + 150_000, LONG_PAUSES)
    assert refunded(later, "1")[2].refundable == 0
    assert meter.checkpoint(later, later.settled_at).records["record"].charged == 3 * MICRO


def test_it_resumes_what_ran_out() -> None:
    payer = after(2 * MINUTE, bought=1, stop=False)
    assert payer.records["record"].reason is Reason.OUT_OF_CREDIT
    payer, _, _ = refunded(payer, MINUTE, BorneBy.PLATFORM)
    assert payer.records["record"].is_running


TARIFFS = st.sampled_from(
    [
        tariff("1.00"),
        tariff("0.37", 7, boundary="begun", connect_fee="0.4"),
        tariff("1.11", 6, free_seconds=90, minimum_charge="3"),
        tariff("3", 1, max_cost="4", rounding={"places": 1, "mode": "half_up"}),
        Tariff.parse({"tiers": [{"rate": "2"}, {"from_seconds": 61, "rate": "1", "increment_seconds": 7}]}),
    ]
)


@given(
    TARIFFS,
    st.integers(0, 900_000),
    st.integers(0, 3),
    st.lists(
        st.one_of(
            st.tuples(st.just("amount"), st.integers(1, 9 * MICRO), st.sampled_from(BorneBy)),
            st.tuples(st.just("time"), st.integers(1, 900_000), st.sampled_from(BorneBy)),
        ),
        max_size=6,
    ),
)
def test_never_more_than_was_charged(
    what: Tariff, elapsed_ms: int, given_credits: int, wishes: list[tuple[str, int, BorneBy]]
) -> None:
    payer = after(elapsed_ms, what, given=given_credits)
    record, before = ended(payer), payer.balance
    cost = price(what, elapsed_ms).cost
    given_back = 0
    for kind, size, borne_by in wishes:
        wish = (
            RefundRequest("why", borne_by, size)
            if kind == "amount"
            else RefundRequest("why", borne_by, duration_ms=size)
        )
        try:
            payer, entry, tally = refund(payer, record, EntryTotals(), wish, payer.settled_at, LONG_PAUSES)
        except Conflict:
            continue
        given_back += entry.amount
        assert 0 <= -entry.advisor_amount <= entry.amount
        assert 0 <= tally.refunded_gift <= tally.gift
        assert 0 <= tally.shared_by_advisor <= record.earned
        assert tally.shared_by_advisor == tally.shared * record.earned // record.charged
        assert (tally.refunded, tally.refundable) == (given_back, cost - given_back)
    assert payer.balance == before + given_back
    if given_back < cost:
        payer, _, tally = refunded(payer, f"{(cost - given_back) // MICRO}.{(cost - given_back) % MICRO:06}")
        assert (tally.refundable, tally.refunded_gift) == (0, tally.gift)
        with pytest.raises(Conflict):
            refunded(payer, "0.000001")


@given(TARIFFS, st.integers(0, 900_000))
def test_all_the_time_is_all_the_cost(what: Tariff, elapsed_ms: int) -> None:
    payer = after(elapsed_ms, what)
    billed_ms, cost = price(what, elapsed_ms).billed_ms, price(what, elapsed_ms).cost
    if cost:
        assert refunded(payer, billed_ms)[1].amount == cost
