"""Who gets what of a charge: a function of the totals, whatever the way there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talktime.core import meter
from talktime.core.events import EntryPosted
from talktime.core.money import MICRO, parse_credits
from talktime.core.payer import Payer
from talktime.core.price import price
from talktime.core.record import Party, Record
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms, TermsError, share
from tests.unit.builders import BEGIN, LONG_PAUSES, MINUTE, tariff


def terms(percent: float, per_minute: str = "0", per_session: str = "0") -> Terms:
    """An advisor's terms."""
    return Terms.parse({"share_percent": percent, "fee_per_minute": per_minute, "fee_per_session": per_session})


@pytest.mark.parametrize(
    ("rate", "fee", "percent", "earned", "fees"),
    [("2.00", "0.40", 49, "7.84", "4.00"), ("4.99", "0.19", 36, "17.28", "1.90")],
)
def test_published_examples(rate: str, fee: str, percent: int, earned: str, fees: str) -> None:
    found = share(terms(percent, fee), tariff(rate), 10 * MINUTE, 0)
    assert found == (parse_credits(earned), parse_credits(fees))


def test_fees_are_never_more_than_the_cost() -> None:
    assert share(terms(50, "3.00"), tariff("1.00"), 5 * MINUTE, 0) == (0, parse_credits("5"))
    assert share(terms(50, "0", "2.00"), tariff("1.00", free_seconds=60), MINUTE, MINUTE) == (0, 0)


def test_fees_are_shown_rounded_up_and_earnings_down() -> None:
    assert share(terms(50, "0.000001"), tariff("0.60", 1), 1_000, 0) == (4_999, 1)


def test_a_fee_per_session_is_taken_once() -> None:
    assert share(terms(50, "0.10", "1.00"), tariff("1.00"), 4 * MINUTE, 0) == (parse_credits("1.30"), 1_400_000)


def test_time_that_the_maximum_made_free_bears_no_fee() -> None:
    capped = tariff("1.00", max_cost="3")
    at_the_maximum = share(terms(100, "0.20"), capped, 3 * MINUTE, 0)
    assert at_the_maximum == (parse_credits("2.40"), parse_credits("0.60"))
    assert share(terms(100, "0.20"), capped, 300 * MINUTE, 0) == at_the_maximum


def test_a_maximum_below_the_connect_fee_bears_no_fee_by_the_minute() -> None:
    capped = tariff("1.00", connect_fee="5", max_cost="3")
    assert share(terms(100, "0.20"), capped, 9 * MINUTE, 0) == (parse_credits("3"), 0)


def test_minutes_under_a_minimum_bear_their_fees() -> None:
    what = tariff("0.50", minimum_charge="3")
    assert [share(terms(100, "0.20"), what, minutes * MINUTE, 0).advisor for minutes in (1, 6, 7)] == [
        parse_credits("2.80"),
        parse_credits("1.80"),
        parse_credits("2.10"),
    ]


TARIFFS = st.sampled_from(
    [
        tariff("1.00"),
        tariff("0.333333", 0.001),
        tariff("2.5", 7, boundary="begun", connect_fee="0.4"),
        tariff("1.11", 6, free_seconds=90, grace_seconds=5, minimum_charge="3"),
        tariff("3", 1, max_cost="4", rounding={"places": 1, "mode": "half_up"}),
        Tariff.parse({"tiers": [{"rate": "2"}, {"from_seconds": 60, "rate": "0"}, {"from_seconds": 120, "rate": "1"}]}),
    ]
)
TERMS = st.builds(Terms, st.integers(0, 1_000_000), st.integers(0, 2 * MICRO), st.integers(0, 2 * MICRO))


@given(TARIFFS, TERMS, st.integers(0, 3_600_000))
def test_the_parts_make_the_whole(what: Tariff, by: Terms, elapsed_ms: int) -> None:
    found = share(by, what, elapsed_ms, what.free_ms)
    cost = price(what, elapsed_ms).cost
    assert 0 <= found.advisor <= cost - found.fees
    assert 0 <= found.fees <= cost


@given(
    TARIFFS,
    TERMS,
    st.lists(st.tuples(st.sampled_from(["pause", "checkpoint", "switch"]), st.integers(0, 200_000)), max_size=12),
)
def test_the_path_does_not_matter(what: Tariff, by: Terms, steps: list[tuple[str, int]]) -> None:
    now, ran = BEGIN, 0
    record = Record("record", "user", "advisor", "chat", what, 1, 0, now, now, terms=by)
    payer = meter.start(Payer("user", 10**12, now, {}, {}), record, now, LONG_PAUSES)
    for number, (step, duration) in enumerate(steps):
        now, ran = now + duration, ran + duration
        payer = meter.settle(payer, now, LONG_PAUSES)
        record = payer.records["record"]
        if step == "pause":
            payer = meter.pause(payer, record, now)
            payer = meter.resume(payer, payer.records["record"], now, LONG_PAUSES, Party.USER)
        elif step == "switch":
            payer = meter.track(payer, record, f"chat {number}", now, LONG_PAUSES)
        else:
            payer = meter.checkpoint(payer, now)
        posted = [event for event in payer.events if isinstance(event, EntryPosted)]
        found = share(by, what, ran, what.free_ms)
        assert sum(entry.advisor_amount for entry in posted) == payer.records["record"].earned == found.advisor
        assert sum(entry.fees for entry in posted) == found.fees
        assert -sum(entry.amount for entry in posted) == price(what, ran).cost
        assert all((entry.kind == "charge") == (entry.amount < 0) for entry in posted)
        assert {entry.advisor_id for entry in posted} <= {"advisor"}


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
def test_terms_that_make_no_sense(document: Any, fields: list[str]) -> None:
    with pytest.raises(TermsError) as caught:
        Terms.parse(document)
    assert [field for field, _ in caught.value.errors] == fields


@pytest.mark.parametrize(("percent", "shown"), [(49, 49), ("62.5", 62.5), ("33.3333", 33.3333), (100, 100), (0, 0)])
def test_terms_are_shown_as_they_were_given(percent: Any, shown: float) -> None:
    given_terms = Terms.parse({"share_percent": percent, "fee_per_minute": "0.4"})
    assert given_terms.document() == {"share_percent": shown, "fee_per_minute": "0.40", "fee_per_session": "0.00"}
    assert Terms.parse(given_terms.document()) == given_terms
