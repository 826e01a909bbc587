"""Refunds: never more than was charged, and the same however they are divided."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core import meter
from talktime.core.entries import BorneBy, EntryKind
from talktime.core.errors import Conflict
from talktime.core.gifts import Gift
from talktime.core.money import MICRO, format_credits, parse_credits
from talktime.core.payer import Payer
from talktime.core.posting import post_all
from talktime.core.price import price
from talktime.core.record import Reason, Record
from talktime.core.refunds import EntryTotals, RefundRequest, refund
from talktime.core.steps import EntryPosted, RecordEnded
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from tests.unit.builders import LONG_LEASES, MINUTE, START, add_credit, minute_tariff, payer_with, settle, start, stop

TERMS = Terms(share_ppm=400_000)


def after_record(
    duration_ms: int,
    tariff: Tariff | None = None,
    *,
    bought: int = 100,
    given_credits: int = 0,
    free_ms_before: int = 0,
    stopped: bool = True,
) -> Payer:
    """A payer after a record of this duration, which runs on with `stopped=False`. The gift expires soon after."""
    payer = add_credit(payer_with(), bought)
    if given_credits:
        payer = add_credit(payer, given_credits, "gift", START + duration_ms + 1)
    payer = settle(start(payer, tariff, free_ms_before=free_ms_before, terms=TERMS), duration_ms)
    return stop(payer) if stopped else payer


def record_of(payer: Payer) -> Record:
    """The record, active or ended."""
    ended = [event.record for event in payer.steps if isinstance(event, RecordEnded)]
    return payer.records.get("record") or ended[-1]


def refunded(payer: Payer, request: RefundRequest) -> tuple[Payer, EntryPosted, EntryTotals]:
    """The payer after the refund, the entry, and the totals."""
    return refund(payer, record_of(payer), EntryTotals(), request, payer.settled_at)


def of_amount(amount: str, borne_by: BorneBy = BorneBy.SHARED) -> RefundRequest:
    """A request for credits."""
    return RefundRequest("why", borne_by, amount=parse_credits(amount))


def of_time(duration_ms: int, borne_by: BorneBy = BorneBy.SHARED) -> RefundRequest:
    """A request for billed time."""
    return RefundRequest("why", borne_by, duration_ms=duration_ms)


# Who bears a refund.


@pytest.mark.parametrize(
    ("borne_by", "by_advisor"), [(BorneBy.PLATFORM, "0"), (BorneBy.ADVISOR, "2.50"), (BorneBy.SHARED, "1.00")]
)
def test_a_refund_is_borne_by_platform_by_advisor_or_by_both(borne_by: BorneBy, by_advisor: str) -> None:
    payer, entry, totals = refunded(after_record(5 * MINUTE), of_amount("2.50", borne_by))
    assert (entry.amount, -entry.advisor_amount) == (parse_credits("2.50"), parse_credits(by_advisor))
    assert (totals.refunded, totals.refundable) == (parse_credits("2.50"), parse_credits("2.50"))
    assert payer.balance == parse_credits("97.50")
    assert record_of(payer).charged == parse_credits("5")
    assert (entry.advisor_id, entry.reason, entry.borne_by) == ("advisor of record", "why", borne_by)


def test_shared_refunds_are_rounded_on_their_sum() -> None:
    payer, entry, _ = refunded(after_record(5 * MINUTE), of_amount("0.000001"))
    assert (entry.amount, entry.advisor_amount) == (1, 0)
    for _ in range(2):
        payer, entry, _ = refunded(payer, of_amount("1"))
        assert -entry.advisor_amount == parse_credits("0.40")


def test_the_example_of_the_module_costs_the_advisor_its_amounts() -> None:
    payer, first, _ = refunded(after_record(5 * MINUTE), of_amount("1"))
    payer, second, _ = refunded(payer, of_amount("1.50"))
    assert (-first.advisor_amount, -second.advisor_amount) == (parse_credits("0.40"), parse_credits("0.60"))


@pytest.mark.parametrize(
    ("tariff", "terms", "later_ms", "first", "second"),
    [
        # Under the minimum charge the advisor has earned 2.80 of 3.00, and then, by more fees, 1.80 of 3.00.
        (minute_tariff("0.50", minimum_charge="3"), Terms(1_000_000, fee_per_minute=200_000), 6 * MINUTE, 933_333, 0),
        # After the fee for the record the advisor has earned 0.10 of 1.00, and then 9.10 of 10.00.
        (minute_tariff(), Terms(1_000_000, fee_per_session=900_000), 10 * MINUTE, 100_000, 1),
    ],
)
def test_if_the_proportion_changes_a_shared_refund_neither_pays_the_advisor_nor_takes_more_than_the_refund(
    tariff: Tariff, terms: Terms, later_ms: int, first: int, second: int
) -> None:
    payer = settle(start(payer_with(100), tariff, terms=terms), MINUTE)
    payer, entry, _ = refunded(payer, of_amount("1"))
    assert -entry.advisor_amount == first
    _, entry, _ = refunded(settle(payer, later_ms), of_amount("0.000001"))
    assert -entry.advisor_amount == second


# Refunds by time.


@pytest.mark.parametrize(
    ("tariff", "elapsed_ms", "duration_ms", "amount"),
    [
        (minute_tariff(), 5 * MINUTE, MINUTE, "1"),
        (minute_tariff(), 330_000, MINUTE, "1"),
        (minute_tariff(), 330_000, 30_000, None),
        (minute_tariff(), 330_000, 360_000, "6"),
        (minute_tariff(boundary="begun"), 4 * MINUTE, MINUTE, "1"),
        (minute_tariff(boundary="begun"), 4 * MINUTE, 5 * MINUTE, "5"),
        (minute_tariff(free_seconds=180), 5 * MINUTE, MINUTE, "1"),
        (minute_tariff(connect_fee="0.5"), 5 * MINUTE, 5 * MINUTE, "5.5"),
        (minute_tariff(connect_fee="0.5"), 5 * MINUTE, 4 * MINUTE, "4"),
        (minute_tariff(minimum_charge="4"), 5 * MINUTE, 4 * MINUTE, "1"),
        (minute_tariff(grace_seconds=90), 2 * MINUTE, MINUTE, "2"),
    ],
)
def test_a_refund_by_time_is_the_price_of_the_last_billed_time(
    tariff: Tariff, elapsed_ms: int, duration_ms: int, amount: str | None
) -> None:
    payer = after_record(elapsed_ms, tariff)
    if amount is None:
        with pytest.raises(Conflict, match="That time has cost nothing"):
            refunded(payer, of_time(duration_ms))
    else:
        assert refunded(payer, of_time(duration_ms))[1].amount == parse_credits(amount)


def test_a_second_refund_by_time_gives_back_the_time_before() -> None:
    tariff = Tariff.parse({"tiers": [{"rate": "3"}, {"from_seconds": 60, "rate": "1"}]})
    payer, first, _ = refunded(after_record(2 * MINUTE, tariff), of_time(MINUTE))
    payer, second, totals = refunded(payer, of_time(MINUTE))
    assert (first.amount, second.amount, totals.refundable) == (MICRO, 3 * MICRO, 0)


def test_a_refund_by_amount_gives_back_no_time() -> None:
    payer, _, _ = refunded(after_record(2 * MINUTE, minute_tariff(increment_seconds=1)), of_amount("0.000001"))
    with pytest.raises(Conflict):
        refunded(payer, of_time(999))


def test_a_refund_by_time_counts_with_the_free_time_that_was_left() -> None:
    payer = after_record(5 * MINUTE, minute_tariff(free_seconds=180), free_ms_before=180_000)
    assert refunded(payer, of_time(5 * MINUTE))[1].amount == 5 * MICRO


def test_more_time_than_was_billed_is_refused() -> None:
    with pytest.raises(Conflict, match="Only 2:00 was billed") as caught:
        refunded(after_record(90_000), of_time(120_001))
    assert caught.value.members == {"state": "ended", "allowed": ["refunds"], "refundable": "2.00"}
    with pytest.raises(Conflict, match="Only 0:00 was billed") as caught:
        refunded(refunded(after_record(90_000), of_time(120_000))[0], of_time(1))
    assert caught.value.members == {"state": "ended", "allowed": [], "refundable": "0.00"}


# What comes back, and how much.


def test_more_than_was_charged_and_not_given_back_is_refused() -> None:
    payer, _, _ = refunded(after_record(5 * MINUTE), of_amount("4"))
    with pytest.raises(Conflict, match=r"1\.00 was charged") as caught:
        refunded(payer, of_amount("1.000001"))
    assert caught.value.members["refundable"] == "1.00"
    assert refunded(payer, of_amount("1"))[2].refundable == 0


def test_bought_credit_comes_back_before_gifts_and_gifts_come_back_without_expiry() -> None:
    payer = after_record(5 * MINUTE, given_credits=2)
    payer, first, _ = refunded(payer, of_amount("4"))
    assert (first.gift, payer.gifts) == (MICRO, (Gift(MICRO),))
    payer, second, _ = refunded(payer, of_amount("1"))
    assert (second.gift, payer.gifts) == (MICRO, (Gift(2 * MICRO),))


def test_a_running_record_gives_back_what_it_costs_up_to_now() -> None:
    payer = after_record(90_000, stopped=False)
    payer, entry, _ = refunded(payer, of_amount("2"))
    assert entry.amount == 2 * MICRO
    with pytest.raises(Conflict):
        refunded(payer, of_amount("0.000001"))
    later = meter.settle(payer, START + 150_000, LONG_LEASES)
    assert refunded(later, of_amount("1"))[2].refundable == 0
    assert post_all(later, later.settled_at).records["record"].charged == 3 * MICRO


def test_a_refund_resumes_a_record_that_is_out_of_credit() -> None:
    payer = after_record(2 * MINUTE, bought=1, stopped=False)
    assert payer.records["record"].reason is Reason.OUT_OF_CREDIT
    payer, _, _ = refunded(payer, of_time(MINUTE, BorneBy.PLATFORM))
    assert payer.records["record"].is_running


def test_the_totals_count_only_entries_of_the_record() -> None:
    entries = [
        EntryPosted(-5, EntryKind.CHARGE, START, "record", gift=-2),
        EntryPosted(-9, EntryKind.CHARGE, START, "other"),
        EntryPosted(0, EntryKind.SHARE, START, "record", advisor_amount=1),
        EntryPosted(
            3, EntryKind.REFUND, START, "record", advisor_amount=-1, gift=1, borne_by=BorneBy.SHARED, refunded_ms=7
        ),
        EntryPosted(1, EntryKind.REFUND, START, "record", advisor_amount=-1, borne_by=BorneBy.ADVISOR),
    ]
    totals = EntryTotals().after(entries, "record")
    assert totals == EntryTotals(
        charged=5, gift=2, refunded=4, refunded_gift=1, refunded_ms=7, shared=3, shared_by_advisor=1
    )
    assert totals.refundable == 1


# Random refunds.

TARIFFS = st.sampled_from(
    [
        minute_tariff("1.00"),
        minute_tariff("0.37", 7, boundary="begun", connect_fee="0.4"),
        minute_tariff("1.11", 6, free_seconds=90, minimum_charge="3"),
        minute_tariff("3", 1, max_cost="4", rounding={"places": 1, "mode": "half_up"}),
        Tariff.parse({"tiers": [{"rate": "2"}, {"from_seconds": 61, "rate": "1", "increment_seconds": 7}]}),
    ]
)
REQUESTS = st.builds(
    RefundRequest, st.just("why"), st.sampled_from(BorneBy), amount=st.integers(1, 9 * MICRO)
) | st.builds(RefundRequest, st.just("why"), st.sampled_from(BorneBy), duration_ms=st.integers(1, 900_000))


@given(TARIFFS, st.integers(0, 900_000), st.integers(0, 3), st.lists(REQUESTS, max_size=6))
def test_refunds_are_never_more_than_was_charged(
    tariff: Tariff, elapsed_ms: int, given_credits: int, requests: list[RefundRequest]
) -> None:
    payer = after_record(elapsed_ms, tariff, given_credits=given_credits)
    record, balance_before = record_of(payer), payer.balance
    cost = price(tariff, elapsed_ms).cost
    given_back = 0
    for request in requests:
        try:
            payer, entry, totals = refunded(payer, request)
        except Conflict:
            continue
        given_back += entry.amount
        assert 0 <= -entry.advisor_amount <= entry.amount
        assert 0 <= totals.refunded_gift <= totals.gift
        assert 0 <= totals.shared_by_advisor <= record.earned
        assert totals.shared_by_advisor == totals.shared * record.earned // record.charged
        assert (totals.refunded, totals.refundable) == (given_back, cost - given_back)
    assert payer.balance == balance_before + given_back
    if given_back < cost:
        payer, _, totals = refunded(payer, of_amount(format_credits(cost - given_back)))
        assert (totals.refundable, totals.refunded_gift) == (0, totals.gift)
        with pytest.raises(Conflict):
            refunded(payer, of_amount("0.000001"))


@given(TARIFFS, st.integers(0, 900_000))
def test_a_refund_of_all_billed_time_gives_back_the_whole_cost(tariff: Tariff, elapsed_ms: int) -> None:
    payer = after_record(elapsed_ms, tariff)
    total = price(tariff, elapsed_ms)
    if total.cost:
        assert refunded(payer, of_time(total.billed_ms))[1].amount == total.cost
