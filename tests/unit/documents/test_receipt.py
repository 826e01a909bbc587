"""What a receipt says, to the letter, of records made by hand. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.instants import format_instant
from talktime.core.record import Reason, Record, State
from talktime.core.roles import Role
from talktime.core.starts import Starts
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.documents.account import Entry
from talktime.documents.receipt import (
    HOW_TO_RECOMPUTE,
    Cause,
    Receipt,
    SegmentView,
    SharedEntry,
    cause_of,
    gaps,
    lapses,
    receipt,
    totals,
)
from talktime.documents.verification import verify

TEN: Final = 1_767_607_200_000
TARIFF: Final = Tariff.parse({"tiers": [{"rate": "0.60"}], "free_seconds": 30})
TERMS: Final = Terms.parse({"share_percent": 50, "fee_per_session": "0.10"})
SEGMENTS: Final = (
    SegmentView("first", TEN + 2_000, TEN + 32_000, 30_000, Reason.SWITCHED),
    SegmentView("second", TEN + 32_000, TEN + 62_000, 30_000, Reason.PAUSED, Cause.ADVISOR),
    SegmentView("second", TEN + 70_000, TEN + 80_000, 10_000, Reason.STOPPED, Cause.USER),
)
ENTRIES: Final = (
    Entry("1", -200_000, -200_000, EntryKind.CHARGE, TEN + 32_000, "r"),
    Entry("2", -300_000, -300_000, EntryKind.CHARGE, TEN + 62_000, "r"),
    Entry("3", -100_000, -70_000, EntryKind.CHARGE, TEN + 80_000, "r"),
    Entry("4", 50_000, 20_000, EntryKind.REFUND, TEN + 90_000, "r", reason="Late"),
)
SHARED: Final = (
    SharedEntry("1", TEN + 32_000, EntryKind.CHARGE, -200_000, 50_000, 150_000, 100_000),
    SharedEntry("2", TEN + 62_000, EntryKind.CHARGE, -300_000, 150_000, 150_000, 0),
    SharedEntry("3", TEN + 80_000, EntryKind.CHARGE, -100_000, 50_000, 50_000, 0),
    SharedEntry("4", TEN + 90_000, EntryKind.REFUND, 50_000, -50_000, 0, 0, BorneBy.ADVISOR),
)


def record(**more: Any) -> Record:
    """A record that began at ten, with 10 of its 30 free seconds left over from earlier ones."""
    facts: dict[str, Any] = {"state": State.ENDED, "reason": Reason.STOPPED, "ended_at": TEN + 80_000}
    facts |= {"elapsed_ms": 70_000, "charged": 600_000, "earned": 250_000} | more
    return Record("r", "u", "a", "second", TARIFF, 7, 20_000, TEN, TEN + 80_000, terms=TERMS, **facts)


def told(now: int, what: Record | None = None) -> Receipt:
    """Its receipt."""
    return receipt(what or record(), now, ("Ulla", "Anna"), SEGMENTS, ENTRIES, SHARED)


def test_a_whole_receipt() -> None:
    document = told(TEN + 100_000).document()
    fingerprint = document.pop("fingerprint")
    assert len(fingerprint) == 64
    assert document == {
        "server_time": "2026-01-05T10:01:40.000Z",
        "record": {
            **document["record"],
            "id": "r",
            "state": "ended",
            "reason": "stopped",
            "current_chat_id": "second",
            "started_at": "2026-01-05T10:00:00.000Z",
            "ended_at": "2026-01-05T10:01:20.000Z",
        },
        "user_name": "Ulla",
        "advisor_name": "Anna",
        "tariff": TARIFF.document(),
        "tariff_version": 7,
        "free_ms_before": 20_000,
        "seller": None,
        "currency": None,
        "grace_used_at": None,
        "segments": [
            {
                "chat_id": "first",
                "started_at": "2026-01-05T10:00:02.000Z",
                "ended_at": "2026-01-05T10:00:32.000Z",
                "duration_ms": 30_000,
                "reason": "switched",
                "caused_by": None,
            },
            {
                "chat_id": "second",
                "started_at": "2026-01-05T10:00:32.000Z",
                "ended_at": "2026-01-05T10:01:02.000Z",
                "duration_ms": 30_000,
                "reason": "paused",
                "caused_by": "advisor",
            },
            {
                "chat_id": "second",
                "started_at": "2026-01-05T10:01:10.000Z",
                "ended_at": "2026-01-05T10:01:20.000Z",
                "duration_ms": 10_000,
                "reason": "stopped",
                "caused_by": "user",
            },
        ],
        "gaps": [
            {
                "started_at": "2026-01-05T10:00:00.000Z",
                "ended_at": "2026-01-05T10:00:02.000Z",
                "duration_ms": 2_000,
                "reason": "timer_failed",
                "caused_by": "service",
            },
            {
                "started_at": "2026-01-05T10:01:02.000Z",
                "ended_at": "2026-01-05T10:01:10.000Z",
                "duration_ms": 8_000,
                "reason": "paused",
                "caused_by": "advisor",
            },
        ],
        "leases": [],
        "elapsed_ms": 70_000,
        "billed_ms": 60_000,
        "cost": "0.60",
        "lines": [
            {"text": document["lines"][0]["text"], "amount": "0.00"},
            {"text": document["lines"][1]["text"], "amount": "0.60"},
        ],
        "entries": [entry.document() for entry in ENTRIES],
        "unposted": "0.00",
        "totals": {"charged": "0.60", "refunded": "0.05", "paid": "0.55", "gift": "0.55", "bought": "0.00"},
        "how_to_recompute": HOW_TO_RECOMPUTE,
        "shares": {
            "terms": {"share_percent": 50, "fee_per_minute": "0.00", "fee_per_session": "0.10"},
            "advisor": "0.25",
            "fees": "0.10",
            "platform": "0.35",
            "entries": [
                {
                    "id": "1",
                    "at": "2026-01-05T10:00:32.000Z",
                    "kind": "charge",
                    "amount": "-0.20",
                    "advisor_amount": "0.05",
                    "platform_amount": "0.15",
                    "fees": "0.10",
                    "borne_by": None,
                },
                *(entry.document() for entry in SHARED[1:]),
            ],
        },
    }
    assert document["shares"]["entries"][-1]["borne_by"] == "advisor"
    assert [check for check in verify(told(TEN + 100_000).document()) if not check.holds] == []
    users = told(TEN + 100_000).document(with_shares=False)
    assert "shares" not in users
    assert users["fingerprint"] != fingerprint
    assert [check for check in verify(users) if not check.holds] == []


@pytest.mark.parametrize(
    ("after", "state", "reason", "by", "elapsed", "cost", "entries", "chat"),
    [
        (0, "paused", "timer_failed", None, 0, 0, 0, "second"),
        (1_999, "paused", "timer_failed", None, 0, 0, 0, "second"),
        (2_000, "running", None, None, 0, 0, 0, "first"),
        (31_999, "running", None, None, 29_999, 200_000, 0, "first"),
        (32_000, "running", None, None, 30_000, 200_000, 1, "second"),
        (61_999, "running", None, None, 59_999, 500_000, 1, "second"),
        (62_000, "paused", "paused", "advisor", 60_000, 500_000, 2, "second"),
        (69_999, "paused", "paused", "advisor", 60_000, 500_000, 2, "second"),
        (70_000, "running", None, None, 60_000, 500_000, 2, "second"),
        (79_999, "running", None, None, 69_999, 600_000, 2, "second"),
        (80_000, "ended", "stopped", None, 70_000, 600_000, 3, "second"),
        (89_999, "ended", "stopped", None, 70_000, 600_000, 3, "second"),
        (90_000, "ended", "stopped", None, 70_000, 600_000, 4, "second"),
    ],
)
def test_a_receipt_as_of_an_instant(
    after: int, state: str, reason: str | None, by: str | None, elapsed: int, cost: int, entries: int, chat: str
) -> None:
    then = told(TEN + after)
    assert (then.record.state, then.record.reason, then.record.paused_by) == (state, reason, by)
    assert (then.elapsed_ms, then.cost, len(then.entries), len(then.shared_entries)) == (
        *(elapsed, cost),
        *(entries, entries),
    )
    assert then.record.current_chat_id == chat
    assert (then.record.ended_at is None) == (after < 80_000)
    assert [check for check in verify(then.document()) if not check.holds] == []
    assert then.unposted == cost + sum(entry.amount for entry in ENTRIES[:entries] if entry.kind == "charge")
    paused_at = {"timer_failed": TEN, "paused": TEN + 62_000}.get(reason or "")
    assert then.record.paused_at == paused_at
    for segment in then.segments:
        if segment.ended_at is None:
            assert (segment.reason, segment.caused_by) == (None, None)
            assert segment.duration_ms == TEN + after - segment.started_at


@pytest.mark.parametrize(
    ("starts", "state", "reason"),
    [
        (Starts.ACCEPTED, "requested", None),
        (Starts.PRESENT, "paused", "advisor_away"),
        (Starts.AT_ONCE, "paused", "timer_failed"),
    ],
)
def test_what_a_record_waited_for_before_its_time_began(starts: Starts, state: str, reason: str | None) -> None:
    then = told(TEN + 1_000, record(starts=starts, ended_by=Role.USER, decline_reason="Busy")).record
    assert (then.state, then.reason, then.paused_by, then.current_chat_id) == (state, reason, None, "second")
    assert then.paused_at == (None if state == "requested" else TEN)
    assert (then.ended_at, then.ended_by, then.decline_reason) == (None, None, None)
    running = told(TEN + 3_000, record(starts=starts)).record
    assert (running.state, running.reason, running.paused_at) == ("running", None, None)


def test_a_record_that_was_paused_by_nobody_names_nobody() -> None:
    left = (replace(SEGMENTS[0], reason=Reason.USER_AWAY, caused_by=Cause.USER), SEGMENTS[2])
    then = receipt(record(), TEN + 50_000, ("Ulla", "Anna"), left, ENTRIES, SHARED).record
    assert (then.state, then.reason, then.paused_by, then.paused_at) == ("paused", "user_away", None, TEN + 32_000)


def test_a_record_that_had_ended_is_told_as_ended_whenever_its_account_was_settled() -> None:
    late = replace(record(ended_by=Role.USER), settled_at=TEN + 95_000)
    then = told(TEN + 80_000, late)
    assert (then.record, then.elapsed_ms) == (told(TEN + 100_000, late).record, 70_000)
    assert (then.record.ended_at, then.record.ended_by) == (TEN + 80_000, "user")


def test_a_record_that_ended_while_it_waited_was_paused_until_then() -> None:
    waited = record(ended_at=TEN + 95_000)
    assert (told(TEN + 94_999, waited).record.state, told(TEN + 95_000, waited).record.state) == ("paused", "ended")
    last = told(TEN + 100_000, waited).document()["gaps"][-1]
    assert (last["started_at"], last["ended_at"], last["duration_ms"]) == (
        *(format_instant(TEN + 80_000), format_instant(TEN + 95_000)),
        15_000,
    )


def test_a_receipt_of_a_record_that_runs() -> None:
    facts = {"state": State.RUNNING, "reason": None, "ended_at": None, "running_since": TEN + 80_000, "seller": "Shop"}
    runs = record(**facts, currency="EUR")
    then = told(TEN + 83_000, runs)
    assert (then.elapsed_ms, then.cost, then.seller, then.currency) == (73_000, 630_000, "Shop", "EUR")


@pytest.mark.parametrize(
    ("reason", "by", "cause"),
    [
        (Reason.USER_AWAY, None, "user"),
        (Reason.ADVISOR_AWAY, Role.USER, "advisor"),
        (Reason.OUT_OF_CREDIT, None, "user"),
        (Reason.PLATFORM, None, "platform"),
        (Reason.PAUSED, Role.OPERATOR, "operator"),
        (Reason.PAUSED, None, None),
        (Reason.SWITCHED, None, None),
    ],
)
def test_the_cause_of_the_end_of_a_segment(reason: Reason, by: Role | None, cause: str | None) -> None:
    assert cause_of(reason, by) == cause


def test_gaps_that_go_on_and_who_caused_each() -> None:
    def gap(reason: str, by: str | None = None, *, ended: bool = False) -> list[tuple[Any, ...]]:
        segment = {
            "started_at": format_instant(TEN),
            "ended_at": format_instant(TEN + 5),
            "reason": reason,
            "caused_by": by,
        }
        facts = {"started_at": format_instant(TEN), "ended_at": format_instant(TEN + 5) if ended else None}
        found = gaps(facts, [segment], format_instant(TEN + 9))
        return [(each["duration_ms"], each["ended_at"], each["reason"], each["caused_by"]) for each in found]

    assert gap("user_away") == [(4, None, "user_away", "user")]
    assert gap("advisor_away") == [(4, None, "advisor_away", "advisor")]
    assert gap("out_of_credit") == [(4, None, "out_of_credit", "user")]
    assert gap("switched") == [(4, None, "timer_failed", "service")]
    assert gap("paused") == [(4, None, "paused", None)]
    assert gap("paused", "operator") == [(4, None, "paused", "operator")]
    assert gap("stopped", "user", ended=True) == []
    running = {"started_at": format_instant(TEN + 1), "ended_at": None, "reason": None, "caused_by": None}
    assert [
        each["duration_ms"] for each in gaps({"started_at": format_instant(TEN), "ended_at": None}, [running], "")
    ] == [1]
    assert gaps({"started_at": format_instant(TEN), "ended_at": format_instant(TEN)}, [], format_instant(TEN + 9)) == []


def test_nobody_is_the_cause_while_a_request_rings() -> None:
    ended = {"ended_at": format_instant(TEN + 5), "reason": "advisor_away", "caused_by": "advisor"}
    segment = {"started_at": format_instant(TEN + 3), **ended}
    for starts, cause in (("accepted", None), ("present", "advisor")):
        facts = {"started_at": format_instant(TEN), "ended_at": None, "starts": starts}
        found = gaps(facts, [segment], format_instant(TEN + 9))
        assert [(each["reason"], each["caused_by"]) for each in found] == [
            ("advisor_away", cause),
            ("advisor_away", "advisor"),
        ]


def test_the_leases_that_ended_a_segment() -> None:
    segments = [
        {"reason": reason, "ended_at": f"at {number}"}
        for number, reason in enumerate(["user_away", "paused", "advisor_away", None])
    ]
    assert lapses(segments) == [{"party": "user", "ended_at": "at 0"}, {"party": "advisor", "ended_at": "at 2"}]


def test_totals_count_charges_and_refunds_and_nothing_else() -> None:
    lines = [
        ("charge", "-1.00", "-0.25"),
        ("charge", "-0.50", "0.00"),
        ("refund", "0.30", "0.10"),
        ("gift", "9.00", "9.00"),
    ]
    entries = [{"kind": kind, "amount": amount, "gift": gift} for kind, amount, gift in lines]
    assert totals(entries) == {"charged": "1.50", "refunded": "0.30", "paid": "1.20", "gift": "0.15", "bought": "1.05"}
    assert totals([]) == dict.fromkeys(("charged", "refunded", "paid", "gift", "bought"), "0.00")
