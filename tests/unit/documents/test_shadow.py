"""A shadow run: each session costs the same, or differs by a rule that is named."""

from __future__ import annotations

import pytest

from talktime.core.money import parse_credits
from talktime.core.tariff import Tariff
from talktime.documents.old_rows import BadRow, OldEvent, OldEventType, RowKind, RowPlace, SourceEvent
from talktime.documents.shadow import SAME, UNEXPLAINED, ShadowRun, ShadowSession, shadow_run

BY_THE_MINUTE = Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}]})
DAY = 86_400_000
Steps = list[tuple[str, float]]


def tariff(**fields: object) -> Tariff:
    return Tariff.parse({"tiers": [{"rate": "1.00", "increment_seconds": 60}]} | fields)


def events(
    steps: Steps, cost: str | None, seconds: int | None = None, name: str = "s", at: int = DAY
) -> list[SourceEvent]:
    """The events of a session, in seconds from its start."""
    return [
        SourceEvent(
            RowPlace("events", number),
            OldEvent(
                name,
                OldEventType(kind),
                at + round(second * 1000),
                "alice",
                "maya",
                None if seconds is None else seconds * 1000,
                None if cost is None else parse_credits(cost),
            ),
        )
        for number, (kind, second) in enumerate(steps, 2)
    ]


def shadow(steps: Steps, cost: str, pricing: Tariff = BY_THE_MINUTE, seconds: int | None = None) -> ShadowSession:
    (session,) = shadow_run(events(steps, cost, seconds), {}, pricing).sessions
    return session


def test_the_same_cost_is_the_same() -> None:
    session = shadow([("start", 0), ("stop", 90)], "2.00")
    assert (session.rule, session.cost, session.elapsed_ms, session.difference) == (SAME, 2_000_000, 90_000, 0)


WHOLE = [("start", 0.0), ("stop", 90.0)]
AWAY = [("start", 0.0), ("away", 60.0), ("back", 120.0), ("stop", 180.0)]
PAUSED = [("start", 0.0), ("pause", 60.0), ("resume", 120.0), ("stop", 180.0)]


@pytest.mark.parametrize(
    ("steps", "cost", "pricing", "seconds", "rule"),
    [
        (WHOLE, "1.50", BY_THE_MINUTE, None, "increment: 1 second"),
        (
            WHOLE,
            "1.00",
            tariff(tiers=[{"rate": "1.00", "increment_seconds": 90}], rounding={"places": 0}),
            None,
            "rounding: down to 0 places",
        ),
        (AWAY, "3.00", BY_THE_MINUTE, None, "time counted while away"),
        (AWAY, "3.00", BY_THE_MINUTE, 180, "time counted while away"),
        (PAUSED, "3.00", BY_THE_MINUTE, None, "time counted while paused"),
        (WHOLE, "3.00", BY_THE_MINUTE, 135, "2 minutes 15 seconds counted"),
        (WHOLE, "2.00", tariff(free_seconds=60), None, "free time: not granted"),
        (WHOLE, "2.00", tariff(minimum_charge="5.00"), None, "minimum: none"),
        (WHOLE, "2.00", tariff(connect_fee="0.30"), None, "connect fee: none"),
        (WHOLE, "2.00", tariff(grace_seconds=90), None, "grace: none"),
        (WHOLE, "2.00", tariff(max_cost="1.50"), None, "maximum: none"),
        ([("start", 0.0), ("stop", 60.0)], "2.00", BY_THE_MINUTE, None, "boundary: begun"),
        (WHOLE, "1.50", tariff(connect_fee="0.50"), None, "increment: 1 second and connect fee: none"),
        (WHOLE, "7.77", BY_THE_MINUTE, None, UNEXPLAINED),
    ],
)
def test_a_difference_is_explained_by_its_rule(
    steps: Steps, cost: str, pricing: Tariff, seconds: int | None, rule: str
) -> None:
    assert shadow(steps, cost, pricing, seconds).rule == rule


def test_time_away_and_paused_time_are_not_counted() -> None:
    assert shadow(AWAY, "2.00").elapsed_ms == 120_000
    assert shadow(PAUSED, "2.00").elapsed_ms == 120_000
    assert shadow([("start", 0), ("away", 60), ("stop", 500)], "1.00").rule == SAME


def test_a_maximum_that_stops_ends_the_session() -> None:
    session = shadow([("start", 0), ("stop", 600)], "2.00", tariff(max_cost="2.00", at_max_cost="stop"))
    assert (session.rule, session.elapsed_ms) == (SAME, 120_000)


def test_free_time_and_grace_are_granted_to_a_pair_as_in_talktime() -> None:
    free = [*events(WHOLE, "0.00", name="a"), *events(WHOLE, "0.00", name="b", at=DAY + 200_000)]
    first, second = shadow_run(free, {"maya": tariff(free_seconds=90)}, None).sessions
    assert (first.rule, second.rule, second.cost) == (SAME, "free time: granted again", 2_000_000)
    grace = tariff(grace_seconds=90)
    days = [*free, *events(WHOLE, "0.00", name="c", at=3 * DAY)]
    assert [each.rule for each in shadow_run(days, {}, grace).sessions] == [SAME, "grace: granted again", SAME]


def test_the_totals_add_up_by_rule() -> None:
    run = shadow_run([*events(WHOLE, "2.00", name="a"), *events(WHOLE, "1.50", name="b")], {}, BY_THE_MINUTE)
    assert [(each["rule"], each["sessions"], each["difference"]) for each in run.document()["totals"]] == [
        (SAME, 1, "0.00"),
        ("increment: 1 second", 1, "0.50"),
        ("all", 2, "0.50"),
    ]


@pytest.mark.parametrize(
    ("steps", "cost", "reason"),
    [
        ([("start", 0.0)], "1.00", "needs one start and one stop"),
        ([("start", 0.0), ("stop", 1.0), ("stop", 2.0)], "1.00", "needs one start and one stop"),
        ([("pause", 0.0), ("start", 1.0), ("stop", 2.0)], "1.00", "has an event before its start"),
        (WHOLE, None, "needs user_id, advisor_id and cost"),
    ],
)
def test_a_session_that_can_not_be_played_is_named(steps: Steps, cost: str | None, reason: str) -> None:
    run = shadow_run(events(steps, cost), {}, BY_THE_MINUTE)
    assert (run.sessions, [row.reason.startswith(reason) for row in run.bad]) == ((), [True])


def test_a_session_without_a_tariff_or_with_a_bad_event_is_named() -> None:
    assert reasons(shadow_run(events(WHOLE, "2.00"), {"zoe": BY_THE_MINUTE}, None)) == [
        "the advisor maya has no tariff: add one with --advisors or --tariff"
    ]
    spoiled: list[SourceEvent | BadRow] = [
        *events(WHOLE, "2.00"),
        BadRow("events", 9, RowKind.EVENTS, "s", "at is needed"),
    ]
    assert reasons(shadow_run(spoiled, {}, BY_THE_MINUTE)) == ["has an event that can't be read", "at is needed"]


def reasons(run: ShadowRun) -> list[str]:
    return [row.reason for row in run.bad]
