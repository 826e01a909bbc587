"""What a host is told of the steps of a payer: one event for each fact, in order, at the instant of the fact."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from talktime.core import meter
from talktime.core.outages import pass_over
from talktime.core.payer import Outage, Payer
from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.core.starts import Starts
from talktime.documents.event import PartyData, PostingData, RecordData
from talktime.documents.event_stories import Story, stories
from tests.unit.builders import (
    DURATIONS,
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
    stop,
)

BY_THE_SECOND = minute_tariff("1.00", 1)


def told(payer: Payer, loaded: Payer) -> list[Story]:
    return list(stories(loaded, payer.steps, count(1)))


def lines(payer: Payer, loaded: Payer) -> list[tuple[str, int]]:
    """The type of each event, and its instant after `START`."""
    return [(story.type.value, story.occurred_at - START) for story in told(payer, loaded)]


def later(payer: Payer) -> Payer:
    """The payer as a later transaction loads it."""
    return replace(payer, steps=())


def test_a_record_that_runs_at_once_is_started() -> None:
    bought = payer_with(10)
    assert lines(start(bought, BY_THE_SECOND), bought) == [("record.started", 0)]


def test_a_pause_and_a_resume() -> None:
    running = later(settle(start(payer_with(10), BY_THE_SECOND), MINUTE))
    paused = meter.pause(running, only_record(running), START + MINUTE, Role.ADVISOR)
    charge, pause = told(paused, running)
    assert isinstance(charge.data, PostingData)
    assert (charge.data.amount, charge.data.balance) == (-1_000_000, 9_000_000)
    assert isinstance(pause.data, RecordData)
    assert (pause.data.by, pause.data.reason, pause.data.elapsed_ms) == (Role.ADVISOR, "paused", MINUTE)
    paused = later(settle(paused, 2 * MINUTE))
    resumed = meter.resume(paused, only_record(paused), START + 2 * MINUTE, LONG_LEASES, Party.ADVISOR)
    assert lines(resumed, paused) == [("record.resumed", 2 * MINUTE)]


def test_a_switch_is_one_fact() -> None:
    running = later(settle(start(payer_with(10), BY_THE_SECOND), MINUTE))
    switched = meter.track(running, only_record(running), "another chat", START + MINUTE, LONG_LEASES)
    assert lines(switched, running) == [("charge.posted", MINUTE), ("record.switched", MINUTE)]
    story = told(switched, running)[-1]
    assert isinstance(story.data, RecordData)
    assert (story.chat_id, story.data.previous_chat_id) == ("another chat", "chat of record")


def test_a_paused_record_that_moves_is_switched_and_resumed() -> None:
    running = settle(start(payer_with(10), BY_THE_SECOND), MINUTE)
    paused = later(meter.pause(running, only_record(running), START + MINUTE))
    moved = meter.track(paused, only_record(paused), "another chat", START + MINUTE, LONG_LEASES)
    assert [kind for kind, _ in lines(moved, paused)] == ["record.switched", "record.resumed"]


def test_a_stop_is_an_end_alone() -> None:
    running = later(settle(start(payer_with(10), BY_THE_SECOND), MINUTE))
    assert lines(stop(running), running) == [("charge.posted", MINUTE), ("record.ended", MINUTE)]


def test_a_lapse_a_return_and_an_abandonment() -> None:
    running = later(start(payer_with(10), BY_THE_SECOND, durations=DURATIONS))
    away = settle(running, 30_000, DURATIONS)
    assert lines(away, running) == [("charge.posted", 30_000), ("party.left", 30_000), ("record.paused", 30_000)]
    away = later(away)
    back = away
    for party in Party:
        back = meter.prove(back, only_record(back), party, START + 90_000, START + 30_000)
    assert [kind for kind, _ in lines(back, away)] == ["party.returned", "record.resumed"]
    assert told(back, away)[0].data == PartyData(Party.USER)
    # The advisor has left meanwhile: the user, who is back, waits for the advisor.
    waiting = later(meter.prove(away, only_record(away), Party.USER, START + 90_000, START + 40_000))
    both = meter.prove(waiting, only_record(waiting), Party.ADVISOR, START + 90_000, START + 50_000)
    assert lines(both, waiting) == [("party.returned", 50_000), ("record.resumed", 50_000)]
    assert told(both, waiting)[0].data == PartyData(Party.ADVISOR)
    assert lines(settle(away, 10 * MINUTE + 30_000, DURATIONS), away) == [("record.ended", 30_000)]


def test_credit_that_ends_and_comes_back() -> None:
    running = later(start(payer_with(1), BY_THE_SECOND))
    cut = settle(running, MINUTE)
    assert lines(cut, running) == [
        ("charge.posted", MINUTE),
        ("credit.exhausted", MINUTE),
        ("record.paused", MINUTE),
    ]
    cut = later(cut)
    assert [kind for kind, _ in lines(add_credit(cut, 5), cut)] == ["credit.added", "record.resumed"]


def test_a_start_that_waits_is_requested_and_started_once() -> None:
    bought = payer_with(10)
    record = replace(new_record(tariff=BY_THE_SECOND), starts=Starts.PRESENT)
    waiting = meter.start(bought, record, START, LONG_LEASES)
    assert lines(waiting, bought) == [("record.requested", 0)]
    waiting = later(waiting)
    begun = meter.prove(waiting, only_record(waiting), Party.ADVISOR, START + MINUTE, START + 5)
    assert lines(begun, waiting) == [("record.started", 5)]


def test_a_ring_that_is_over_is_missed_and_no_end() -> None:
    bought = payer_with(10)
    record = replace(new_record(tariff=BY_THE_SECOND), starts=Starts.ACCEPTED)
    ringing = meter.start(bought, record, START, LONG_LEASES, ring_ms=MINUTE)
    assert lines(settle(ringing, MINUTE), bought) == [("record.requested", 0), ("record.missed", MINUTE)]


def test_a_timer_that_can_not_start_is_told() -> None:
    bought = replace(payer_with(10), can_start_timers=False)
    assert [kind for kind, _ in lines(start(bought, BY_THE_SECOND), bought)] == ["record.requested", "timer.failed"]


def test_an_outage_is_a_pause_of_the_platform() -> None:
    running = later(settle(start(payer_with(10), BY_THE_SECOND), MINUTE))
    over = pass_over(running, Outage(START + MINUTE, START + 2 * MINUTE))
    assert lines(over, running) == [
        ("charge.posted", MINUTE),
        ("record.paused", MINUTE),
        ("record.resumed", 2 * MINUTE),
    ]
    assert isinstance(told(over, running)[1].data, RecordData)
