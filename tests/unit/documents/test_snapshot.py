"""What a screen shows at given instants: the vectors that the browser's client is held to as well."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from talktime.core import meter
from talktime.core.cuts import find_cuts
from talktime.core.money import format_credits, parse_credits
from talktime.core.payer import Durations, Payer
from talktime.core.price import begun_cost
from talktime.core.record import Reason, Record, State
from talktime.core.steps import DurationAdded, RecordEnded
from talktime.core.tariff import Tariff
from talktime.documents.snapshot import snapshot
from tests.vectors import display

VECTORS: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "display.json").read_text("utf-8")
)
DURATIONS: Final = Durations(30_000, display.RECHARGE_MS, display.ABANDON_MS)


def instant(text: str | None) -> int:
    """Milliseconds since 1970; 0 of none."""
    return 0 if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


def payer(facts: dict[str, Any]) -> Payer:
    """The account and its only record, as the snapshot tells them."""
    record, timer = facts["record"], facts["timer"]
    tariff = Tariff.parse(facts["tariff"])
    runs, now, cost = timer["running"], instant(facts["server_time"]), parse_credits(facts["cost"])
    owed = begun_cost(tariff, facts["elapsed_ms"], facts["allowance_ms"]) - cost if runs else 0
    the_record = Record(
        record_id=record["id"],
        user_id=record["user_id"],
        advisor_id=record["advisor_id"],
        chat_id=record["current_chat_id"],
        tariff=tariff,
        tariff_version=1,
        free_ms_before=tariff.free_ms - facts["allowance_ms"],
        started_at=instant(record["started_at"]),
        settled_at=now,
        state=State(record["state"]),
        reason=None if record["reason"] is None else Reason(record["reason"]),
        elapsed_ms=facts["elapsed_ms"],
        charged=cost,
        running_since=instant(timer["since"]) if runs else None,
        waiting_since=now if record["state"] == "paused" else None,
        ended_at=None if record["ended_at"] is None else instant(record["ended_at"]),
        user_lease_until=instant(timer["lease_until"]),
        advisor_lease_until=instant(timer["lease_until"]),
    )
    return Payer("user", parse_credits(facts["balance"]) + owed, now, {record["id"]: the_record}, {})


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_the_numbers_at_an_instant(vector: dict[str, Any]) -> None:
    facts = vector["snapshot"]
    first = payer(facts)
    for expected in vector["shown"]:
        at = instant(expected["at"])
        now = meter.settle(first, at, DURATIONS)
        over = next((e.record for e in now.steps if isinstance(e, RecordEnded)), None)
        record = over or now.records["record"]
        chat_ms = facts["chat"]["duration_ms"] + sum(e.duration_ms for e in now.steps if isinstance(e, DurationAdded))
        shown = snapshot(now, record, DURATIONS, at, "chat", chat_ms, 1, find_cuts(now))
        assert {
            "at": expected["at"],
            "state": shown.record.state.value,
            "reason": shown.record.reason and shown.record.reason.value,
            "elapsed_ms": shown.elapsed_ms,
            "chat_elapsed_ms": shown.chat_duration_ms,
            "free_ms": shown.free_remaining_ms,
            "billed_ms": shown.billed_ms,
            "cost": format_credits(shown.cost),
            "credits": format_credits(shown.balance or 0),
        } == expected


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_the_credit_ends_at_the_instant_that_was_shown(vector: dict[str, Any]) -> None:
    facts = vector["snapshot"]
    if facts["timer"]["running"]:
        first = payer(facts)
        at = instant(facts["server_time"])
        told = snapshot(first, first.records["record"], DURATIONS, at, "chat", 0, 1, find_cuts(first))
        assert (told.timer.cut_at or 0) == instant(facts["timer"]["cut_at"])


def test_the_vectors_are_those_of_the_oracle() -> None:
    assert [display.case(scene) for scene in display.SCENES] == VECTORS
