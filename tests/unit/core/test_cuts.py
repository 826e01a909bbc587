"""Cuts: exactly the record that can't pay is cut, at the instant that was shown before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from talktime.core import meter
from talktime.core.cuts import Cut, find_cuts
from talktime.core.instants import INSTANT_MAX
from talktime.core.money import parse_credits
from talktime.core.payer import Payer
from talktime.core.price import price
from talktime.core.record import Reason, Record
from talktime.core.tariff import Tariff
from tests.unit.builders import (
    MINUTE,
    START,
    charged,
    entries,
    minute_tariff,
    only_record,
    payer_with,
    settle,
    start,
    timer_stops,
)
from tests.unit.stories import RECORDS_MAX, Step, Story
from tests.unit.tariffs import allowances, amounts, documents

AHEAD_MS: Final = 250
TEN_YEARS_MS: Final = 10 * 365 * 86_400_000


@pytest.mark.parametrize(("boundary", "last_ms"), [("ceil", 120_000), ("begun", 119_999)])
def test_the_cut_is_the_last_millisecond_that_the_credit_pays(boundary: str, last_ms: int) -> None:
    payer = start(payer_with(2), minute_tariff(boundary=boundary))
    assert find_cuts(payer) == {"record": Cut(START + last_ms, Reason.OUT_OF_CREDIT)}
    late = settle(payer, last_ms + 50_000)
    assert timer_stops(late) == [(START + last_ms, Reason.OUT_OF_CREDIT)]
    assert (late.balance, only_record(late).elapsed_ms) == (0, last_ms)


def test_a_record_that_costs_nothing_is_never_cut() -> None:
    assert find_cuts(start(payer_with(0), minute_tariff("0"))) == {}


def test_a_paused_record_has_no_cut() -> None:
    payer = start(payer_with(2))
    assert find_cuts(meter.pause(payer, only_record(payer), START)) == {}


def test_a_cut_beyond_the_year_9999_is_shown_in_the_year_9999() -> None:
    payer = start(payer_with(900_000_000), minute_tariff("0.0001", 1, rounding={"places": 6, "mode": "up"}))
    assert find_cuts(payer) == {"record": Cut(INSTANT_MAX, Reason.OUT_OF_CREDIT)}


def test_free_time_runs_without_credit_and_the_cut_is_its_end() -> None:
    payer = start(payer_with(0), minute_tariff(free_seconds=180), free_ms_before=60_000)
    assert find_cuts(payer)["record"] == (START + 120_000, Reason.OUT_OF_CREDIT)
    payer = settle(payer, 130_000)
    assert timer_stops(payer) == [(START + 120_000, Reason.OUT_OF_CREDIT)]
    assert only_record(payer).waiting_since == START + 120_000


def test_a_maximum_with_stop_is_a_cut_and_comes_before_the_end_of_credit() -> None:
    payer = start(payer_with(3), minute_tariff(max_cost="3", at_max_cost="stop"))
    assert find_cuts(payer)["record"] == (START + 3 * MINUTE, Reason.MAX_COST)


def test_of_several_records_exactly_one_is_cut() -> None:
    payer = start(payer_with(5), minute_tariff("1.00"), "slow")
    payer = start(payer, minute_tariff("2.00"), "fast", now=START + 1)
    assert find_cuts(payer)["fast"].at == START + 1 + MINUTE
    payer = settle(payer, 1 + MINUTE)
    assert not payer.records["fast"].is_running
    assert payer.records["slow"].is_running
    assert find_cuts(payer)["slow"] == (START + 3 * MINUTE, Reason.OUT_OF_CREDIT)
    payer = settle(payer, 4 * MINUTE)
    assert payer.balance == 0
    assert (charged(payer, "slow"), charged(payer, "fast")) == (parse_credits("3.00"), parse_credits("2.00"))


def test_a_record_that_goes_on_within_its_grace_cuts_no_other_record() -> None:
    """The record can't pay its second minute, and goes on for nothing. Settling meanwhile must not cut the other."""
    payer = start(payer_with(2.40), minute_tariff("0.25"), "paying")
    payer = start(payer, minute_tariff("1.00", grace_seconds=180), "in grace", now=START + 1)
    settled = settle(payer, 100_000)  # the records have begun 0.50 and 2.00, and only 2.40 is there
    assert settled.records["paying"].is_running
    assert find_cuts(payer)["in grace"] == find_cuts(settled)["in grace"] == (START + 180_001, Reason.OUT_OF_CREDIT)
    # The credit that was held for the record in its grace is available again from there on.
    expected = (START + 9 * MINUTE, Reason.OUT_OF_CREDIT)
    assert find_cuts(payer)["paying"] == find_cuts(settled)["paying"] == expected


def test_credit_that_was_held_for_one_grace_pays_for_a_record_in_another_grace() -> None:
    """At the end of the first grace the second record, which could not pay, can pay again. The cut shows this."""
    payer = start(payer_with(3.40), minute_tariff("2.00", grace_seconds=90), "short")
    payer = start(payer, minute_tariff("1.00", grace_seconds=100), "long", now=START + 1)
    shown = find_cuts(payer)
    assert shown["short"] == (START + 90_000, Reason.OUT_OF_CREDIT)
    assert shown["long"] == (START + 1 + 3 * MINUTE, Reason.OUT_OF_CREDIT)
    assert find_cuts(settle(payer, 90_000))["long"] == shown["long"]
    assert timer_stops(settle(payer, 9 * MINUTE))[-1] == shown["long"]


def test_a_record_that_stops_within_its_grace_takes_no_credit_with_it() -> None:
    """The first paid minute of the other record takes all the credit, to the last micro-credit."""
    payer = start(payer_with(1.50), minute_tariff("1.00", grace_seconds=90), "in grace")
    payer = start(payer, minute_tariff("1.50", free_seconds=600), "free")
    assert find_cuts(payer) == {
        "in grace": (START + 90_000, Reason.OUT_OF_CREDIT),
        "free": (START + 660_000, Reason.OUT_OF_CREDIT),
    }


steps = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.tuples(documents(costs=True), allowances)),
        st.tuples(st.just("start"), st.tuples(documents(), allowances)),
        st.tuples(st.just("wait"), st.integers(0, 60)),
        st.tuples(st.just("wait"), st.integers(0, 60)),
        st.tuples(st.sampled_from(["pause", "resume", "stop"]), st.integers(0, RECORDS_MAX - 1)),
        st.tuples(st.sampled_from(["credit", "debit"]), st.integers(1, 5_000_000)),
        st.tuples(st.sampled_from(["look", "post"]), st.none()),
    ),
    max_size=10,
)


@settings(max_examples=2 * settings().max_examples)  # two records rarely meet, so more examples are needed
@given(amounts, steps)
def test_the_meter_agrees_with_the_reference_that_plays_every_millisecond(balance: int, taken: list[Step]) -> None:
    story = Story(balance)
    story.play([*taken, ("wait", 50), ("look", None)])
    payer, charges = story.payer, story.charged()
    moved = sum(entry.amount for entry in entries(payer) if entry.kind != "charge")
    assert sum(charges.values()) == balance + moved - payer.balance
    assert charges == {str(r.number): r.charged for r in story.reference.records if r.charged}


@settings(max_examples=settings().max_examples // 2)  # each example plays a quarter of a second
@given(amounts, steps, st.integers(0, 30))
def test_the_cut_that_is_shown_is_the_cut_that_comes(balance: int, taken: list[Step], later_ms: int) -> None:
    story = Story(balance)
    story.play([*taken, ("wait", later_ms), ("look", None)])
    shown, shown_at = find_cuts(story.payer), story.reference.now
    note(f"shown at {shown_at}: {shown}")
    for _ in range(AHEAD_MS):
        before = {record.number for record in story.reference.running}
        story.reference.wait(1)
        for number in before - {record.number for record in story.reference.running}:
            record = story.reference.records[number]
            assert shown.pop(str(number)) == (story.reference.now, record.reason)
    assert all(cut.at > shown_at + AHEAD_MS for cut in shown.values())


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("boundary", ["ceil", "begun"])
def test_a_balance_for_ten_years_takes_no_more_steps_than_a_balance_for_a_minute(count: int, boundary: str) -> None:
    document = {
        "connect_fee": "0.40",
        "free_seconds": 30,
        "tiers": [{"rate": "0.60", "increment_seconds": 0.001}, {"rate": "0.30", "from_seconds": 20}],
        "boundary": boundary,
    }

    def steps_for(lasting_ms: int) -> int:
        """The lines of Python that find the cuts of a balance that lasts about this long."""
        tariff = Tariff.parse(document)
        balance = count * price(tariff, 30_000 + lasting_ms).cost
        records = {
            name: Record(name, "user", name, name, tariff, 1, 0, 0, 0, running_since=0) for name in "abc"[:count]
        }
        payer = Payer("user", balance, 0, records, {})
        return lines_run(lambda: find_cuts(payer))

    # The search over several records halves a century, so it may take a step or two more or less.
    assert steps_for(TEN_YEARS_MS) <= 1.5 * steps_for(60_000)
    assert steps_for(TEN_YEARS_MS) < 1500 * count**2


def lines_run(work: Callable[[], object]) -> int:
    """The lines of Python that `work` runs: a measure that no busy machine disturbs."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
