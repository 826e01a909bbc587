"""The advisor's share: a function of the record's whole time, however the time is divided."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core import meter
from talktime.core.money import MICRO, parse_credits
from talktime.core.posting import post_all
from talktime.core.price import price
from talktime.core.record import Party
from talktime.core.tariff import Tariff
from talktime.core.terms import NO_TERMS, Terms, TermsError, share
from tests.unit.builders import LONG_LEASES, MINUTE, START, entries, minute_tariff, only_record, payer_with, start


def terms(percent: float, per_minute: str = "0", per_session: str = "0") -> Terms:
    """The terms of these fields."""
    return Terms.parse({"share_percent": percent, "fee_per_minute": per_minute, "fee_per_session": per_session})


@pytest.mark.parametrize(
    ("rate", "fee", "percent", "earned", "fees"),
    [("2.00", "0.40", 49, "7.84", "4.00"), ("4.99", "0.19", 36, "17.28", "1.90")],
)
def test_published_shares(rate: str, fee: str, percent: int, earned: str, fees: str) -> None:
    divided = share(terms(percent, fee), minute_tariff(rate), 10 * MINUTE, 0)
    assert divided == (parse_credits(earned), parse_credits(fees))


def test_without_terms_the_platform_gets_the_whole_cost() -> None:
    assert share(NO_TERMS, minute_tariff(), 10 * MINUTE, 0) == (0, 0)


def test_fees_are_never_more_than_the_cost() -> None:
    assert share(terms(50, "3.00"), minute_tariff(), 5 * MINUTE, 0) == (0, parse_credits("5"))
    assert share(terms(50, "0", "2.00"), minute_tariff(free_seconds=60), MINUTE, MINUTE) == (0, 0)


def test_fees_are_rounded_up_and_earnings_down() -> None:
    assert share(terms(50, "0.000001"), minute_tariff("0.60", 1), 1_000, 0) == (4_999, 1)


def test_a_fee_per_session_is_taken_once() -> None:
    assert share(terms(50, "0.10", "1.00"), minute_tariff(), 4 * MINUTE, 0) == (parse_credits("1.30"), 1_400_000)


def test_time_that_the_maximum_makes_free_bears_no_fee() -> None:
    tariff = minute_tariff(max_cost="3")
    at_the_maximum = share(terms(100, "0.20"), tariff, 3 * MINUTE, 0)
    assert at_the_maximum == (parse_credits("2.40"), parse_credits("0.60"))
    assert share(terms(100, "0.20"), tariff, 300 * MINUTE, 0) == at_the_maximum


def test_a_maximum_below_the_connect_fee_leaves_no_fee_per_minute() -> None:
    tariff = minute_tariff(connect_fee="5", max_cost="3")
    assert share(terms(100, "0.20"), tariff, 9 * MINUTE, 0) == (parse_credits("3"), 0)


def test_a_maximum_that_the_connect_fee_reaches_leaves_no_fee_for_time_at_rate_zero() -> None:
    tiers = [{"rate": "0"}, {"from_seconds": 120, "rate": "1.00"}]
    tariff = Tariff.parse({"tiers": tiers, "connect_fee": "3", "max_cost": "3"})
    assert share(terms(100, "0.20"), tariff, 9 * MINUTE, 0) == (parse_credits("3"), 0)


def test_minutes_under_a_minimum_charge_bear_their_fees() -> None:
    tariff = minute_tariff("0.50", minimum_charge="3")
    assert [share(terms(100, "0.20"), tariff, minutes * MINUTE, 0).advisor for minutes in (1, 6, 7)] == [
        parse_credits("2.80"),
        parse_credits("1.80"),
        parse_credits("2.10"),
    ]


TARIFFS = st.sampled_from(
    [
        minute_tariff("1.00"),
        minute_tariff("0.333333", 0.001),
        minute_tariff("2.5", 7, boundary="begun", connect_fee="0.4"),
        minute_tariff("1.11", 6, free_seconds=90, grace_seconds=5, minimum_charge="3"),
        minute_tariff("3", 1, max_cost="4", rounding={"places": 1, "mode": "half_up"}),
        Tariff.parse({"tiers": [{"rate": "2"}, {"from_seconds": 60, "rate": "0"}, {"from_seconds": 120, "rate": "1"}]}),
    ]
)
TERMS = st.builds(Terms, st.integers(0, 1_000_000), st.integers(0, 2 * MICRO), st.integers(0, 2 * MICRO))


@given(TARIFFS, TERMS, st.integers(0, 3_600_000))
def test_earnings_and_fees_are_parts_of_the_cost(tariff: Tariff, advisor_terms: Terms, elapsed_ms: int) -> None:
    divided = share(advisor_terms, tariff, elapsed_ms, tariff.free_ms)
    cost = price(tariff, elapsed_ms).cost
    assert 0 <= divided.advisor <= cost - divided.fees
    assert 0 <= divided.fees <= cost


@given(
    TARIFFS,
    TERMS,
    st.lists(st.tuples(st.sampled_from(["pause", "post", "switch"]), st.integers(0, 200_000)), max_size=12),
)
def test_the_posted_earnings_add_up_to_the_share_however_the_time_is_divided(
    tariff: Tariff, advisor_terms: Terms, steps: list[tuple[str, int]]
) -> None:
    now, ran_ms = START, 0
    payer = start(payer_with(1_000_000), tariff, terms=advisor_terms)
    for number, (step, duration_ms) in enumerate(steps):
        now, ran_ms = now + duration_ms, ran_ms + duration_ms
        payer = meter.settle(payer, now, LONG_LEASES)
        record = only_record(payer)
        if step == "pause":
            payer = meter.pause(payer, record, now)
            payer = meter.resume(payer, only_record(payer), now, LONG_LEASES, Party.USER)
        elif step == "switch":
            payer = meter.track(payer, record, f"chat {number}", now, LONG_LEASES)
        else:
            payer = post_all(payer, now)
        posted = entries(payer)
        divided = share(advisor_terms, tariff, ran_ms, tariff.free_ms)
        assert sum(entry.advisor_amount for entry in posted) == only_record(payer).earned == divided.advisor
        assert sum(entry.fees for entry in posted) == divided.fees
        assert -sum(entry.amount for entry in posted) == price(tariff, ran_ms).cost
        assert all((entry.kind == "charge") == (entry.amount < 0) for entry in posted)
        assert {entry.advisor_id for entry in posted} <= {"advisor of record"}


def test_a_host_that_makes_terms_by_hand_is_told_of_each_mistake() -> None:
    with pytest.raises(TermsError) as refused:
        Terms(share_ppm=cast("int", 0.49), fee_per_minute=-1, fee_per_session=10**30)
    assert [field for field, _ in refused.value.errors] == ["share_ppm", "fee_per_minute", "fee_per_session"]
    with pytest.raises(TermsError, match="share_ppm: must be a whole number from 0 to 1000000"):
        Terms(share_ppm=2_000_000)
    assert Terms(1_000_000).share_ppm == 1_000_000


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ([], ["terms"]),
        ({}, ["share_percent"]),
        ({"share_percent": 101, "fee_per_minute": "-1", "more": 1}, ["more", "share_percent", "fee_per_minute"]),
        ({"share_percent": True}, ["share_percent"]),
        ({"share_percent": "1e1"}, ["share_percent"]),
        ({"share_percent": "nan"}, ["share_percent"]),
        ({"share_percent": 33.33333}, ["share_percent"]),
    ],
)
def test_each_mistake_names_its_field(document: Any, fields: list[str]) -> None:
    with pytest.raises(TermsError) as caught:
        Terms.parse(document)
    assert [field for field, _ in caught.value.errors] == fields


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "terms: must be an object"),
        ({}, "share_percent: is required"),
        ({"share_percent": True}, "share_percent: must be a number of percent, such as 49"),
        ({"share_percent": "1e1"}, "share_percent: must be a number of percent, such as 49"),
        ({"share_percent": "4-9"}, "share_percent: must be a number of percent, such as 49"),
        ({"share_percent": "1" * 21}, "share_percent: must be a number of percent, such as 49"),
        ({"share_percent": -1}, "share_percent: must be from 0 to 100"),
        ({"share_percent": 100.5}, "share_percent: must be from 0 to 100"),
        ({"share_percent": "0.00001"}, "share_percent: must have at most 4 decimals"),
        (
            {"share_percent": 1, "fee_per_minute": "-1", "fee_per_session": 1, "x" * 90: 0},
            "; ".join(
                [
                    f"{'x' * 80}: is not a field of an advisor's terms",
                    "fee_per_minute: must not be negative",
                    'fee_per_session: must be a decimal string such as "8.75"',
                ]
            ),
        ),
    ],
)
def test_a_document_that_is_no_terms_is_refused_in_words_for_its_author(document: object, message: str) -> None:
    with pytest.raises(TermsError) as caught:
        Terms.parse(document)
    assert str(caught.value) == message


@pytest.mark.parametrize(("percent", "shown"), [(49, 49), ("62.5", 62.5), ("33.3333", 33.3333), (100, 100), (0, 0)])
def test_the_document_of_terms_gives_the_same_terms(percent: Any, shown: float) -> None:
    parsed = Terms.parse({"share_percent": percent, "fee_per_minute": "0.4"})
    assert parsed.document() == {"share_percent": shown, "fee_per_minute": "0.40", "fee_per_session": "0.00"}
    assert Terms.parse(parsed.document()) == parsed


def test_a_share_in_percent_is_read_as_parts_per_million() -> None:
    parsed = [Terms.parse({"share_percent": percent}) for percent in (0, "49.5", 100, 0.0001, "0" * 18 + "12")]
    assert [advisor_terms.share_ppm for advisor_terms in parsed] == [0, 495_000, 1_000_000, 1, 120_000]
    assert [advisor_terms.document()["share_percent"] for advisor_terms in parsed] == [0, 49.5, 100, 0.0001, 12]
    assert Terms.parse({"share_percent": 1, "fee_per_minute": "0.5", "fee_per_session": "2"}).document() == {
        "share_percent": 1,
        "fee_per_minute": "0.50",
        "fee_per_session": "2.00",
    }
