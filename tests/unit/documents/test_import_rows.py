"""Rows of another system: what is read, and what each mistake says."""

from __future__ import annotations

import csv
from zoneinfo import ZoneInfo

import pytest

from talktime.core.entries import CreditKind
from talktime.core.instants import parse_instant
from talktime.core.starts import Starts
from talktime.core.terms import Terms
from talktime.documents.import_rows import csv_cells, json_cells, read_events, read_rows
from talktime.documents.old_rows import (
    BadRow,
    OldAdvisor,
    OldBalance,
    OldChat,
    OldEvent,
    OldEventType,
    OldSession,
    OldUser,
    RowKind,
    SourceEvent,
    SourceRow,
)

START = parse_instant("2026-01-05T10:00:00Z")
SESSION = {"id": "s", "user_id": "a", "advisor_id": "m", "started_at": "2026-01-05T10:00:00Z", "duration_seconds": 60}


def read(row_kind: RowKind, /, **cells: object) -> object:
    """The row, or the reason why it is bad."""
    (found,) = read_rows(row_kind, "file", [(2, cells)])
    return found.row if isinstance(found, SourceRow) else found.reason


def test_a_user_without_a_name_is_called_by_the_id() -> None:
    assert read(RowKind.USERS, id="alice", name="Alice") == OldUser("alice", "Alice")
    assert read(RowKind.USERS, id="alice", name="") == OldUser("alice", "alice")
    assert read(RowKind.USERS, id=7) == OldUser("7", "7")


def test_an_advisor_has_a_tariff_of_one_tier_or_a_whole_one() -> None:
    flat = read(RowKind.ADVISORS, id="maya", rate="0.60", increment_seconds=60, free_seconds="180", starts="at_once")
    whole = read(
        RowKind.ADVISORS,
        id="maya",
        tariff='{"free_seconds": 180, "tiers": [{"rate": "0.60", "increment_seconds": 60}]}',
        share_percent=49.5,
    )
    assert isinstance(flat, OldAdvisor)
    assert isinstance(whole, OldAdvisor)
    assert flat.tariff == whole.tariff
    assert (flat.starts, flat.terms, whole.starts) == (Starts.AT_ONCE, None, None)
    assert whole.terms == Terms(share_ppm=495_000)


def test_a_balance_is_bought_credit_unless_the_row_says_otherwise() -> None:
    assert read(RowKind.BALANCES, user_id="a", amount=1.5) == OldBalance("a", "a", CreditKind.PURCHASE, 1_500_000, None)
    gift = read(RowKind.BALANCES, id="g", user_id="a", amount="2", kind="gift", expires_at="2026-01-05 10:00:00+00")
    assert gift == OldBalance("g", "a", CreditKind.GIFT, 2_000_000, START)


def test_a_session_ends_after_its_duration_unless_the_row_says_otherwise() -> None:
    session = OldSession("s", "a", "m", None, START, START + 60_000, 60_000, 0, 1_000_000)
    assert read(RowKind.SESSIONS, **SESSION, cost="1") == session
    ended = read(RowKind.SESSIONS, **SESSION, cost="1", ended_at="2026-01-05T10:05:00.5Z", chat_id="c")
    assert isinstance(ended, OldSession)
    assert (ended.ended_at, ended.chat_id) == (START + 300_500, "c")


def test_an_instant_without_an_offset_is_one_of_the_zone() -> None:
    cells = {**SESSION, "started_at": "2026-01-05 11:00:00", "cost": "1"}
    (found,) = read_rows(RowKind.SESSIONS, "file", [(2, cells)], ZoneInfo("Europe/Berlin"))
    assert isinstance(found, SourceRow)
    assert isinstance(found.row, OldSession)
    assert found.row.started_at == START


def test_a_chat_and_an_event_are_read() -> None:
    assert read(RowKind.CHATS, id="c", user_id="a", advisor_id="m", duration_seconds="1.5") == OldChat(
        "c", "a", "m", 1_500
    )
    cells = {"session_id": "s", "type": "stop", "at": "2026-01-05T10:00:00Z", "cost": "1.00", "duration_seconds": 15}
    (event,) = read_events("file", [(2, cells)])
    assert isinstance(event, SourceEvent)
    assert event.event == OldEvent("s", OldEventType.STOP, START, None, None, 15_000, 1_000_000)
    (bad,) = read_events("file", [(3, {"session_id": "s", "type": "tick"})])
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.id) == (3, "s")
    assert bad.reason.count("type must be one of") == 2
    assert "at is needed" in bad.reason


@pytest.mark.parametrize(
    ("kind", "cells", "reason"),
    [
        (RowKind.USERS, {}, "is empty: remove it"),
        (RowKind.USERS, {"name": "Alice"}, "id is needed"),
        (RowKind.USERS, {"id": "x" * 129}, "id must have 1 to 128 characters"),
        (RowKind.USERS, {"id": True}, "id must be a text"),
        (RowKind.USERS, {"id": "a", "name": " "}, "name must have 1 to 200 characters"),
        (RowKind.USERS, {"id": "a", "email": "x"}, "email is not one of the columns id, name"),
        (RowKind.USERS, {"id": "a", "": ["x"]}, "has more cells than the heading"),
        (RowKind.ADVISORS, {"id": "m"}, "tariff or rate is needed"),
        (RowKind.ADVISORS, {"id": "m", "rate": "1", "tariff": "{}"}, "tariff or rate is needed"),
        (RowKind.ADVISORS, {"id": "m", "rate": "much"}, "tiers[0].rate must be a decimal string"),
        (RowKind.ADVISORS, {"id": "m", "tariff": "{"}, "tariff is not JSON"),
        (RowKind.ADVISORS, {"id": "m", "rate": "1", "share_percent": 101}, "share_percent must be from 0 to 100"),
        (RowKind.ADVISORS, {"id": "m", "rate": "1", "starts": "soon"}, "starts must be one of: present"),
        (RowKind.BALANCES, {"user_id": "a"}, "amount is needed"),
        (RowKind.BALANCES, {"user_id": "a", "amount": "-1.00"}, "amount must not be negative"),
        (RowKind.BALANCES, {"user_id": "a", "amount": "1", "kind": "loan"}, "kind must be one of: purchase, gift"),
        (RowKind.BALANCES, {"user_id": "a", "amount": "1", "expires_at": "2026-01-05"}, "expires_at is for gifts only"),
        (RowKind.SESSIONS, SESSION | {"cost": "1", "free_seconds": 61}, "free_seconds is more than duration_seconds"),
        (
            RowKind.SESSIONS,
            SESSION | {"cost": "1", "ended_at": "2026-01-05T09:00:00Z"},
            "ended_at is before started_at",
        ),
        (RowKind.SESSIONS, SESSION | {"cost": "1", "started_at": "soon"}, "started_at must be an instant after 1970"),
        (RowKind.SESSIONS, SESSION | {"cost": "1", "started_at": "1969-01-01"}, "started_at must be an instant"),
        (RowKind.SESSIONS, SESSION | {"cost": "1", "duration_seconds": "1.2345"}, "must have at most 3 decimals"),
    ],
)
def test_a_mistake_is_named(kind: RowKind, cells: dict[str, object], reason: str) -> None:
    found = read(kind, **cells)
    assert isinstance(found, str)
    assert reason in found


def test_all_mistakes_of_a_row_are_named_with_its_line_and_id() -> None:
    text = ["id,user_id,amount,kind\n", "b1,a,1.00,\n", "b2,,x,loan\n", "b3,a,1.00,gift,more\n"]
    good, bad, long = read_rows(RowKind.BALANCES, "balances.csv", csv_cells(text))
    assert isinstance(good, SourceRow)
    assert good.place == ("balances.csv", 2)
    assert isinstance(bad, BadRow)
    assert (bad.source, bad.line, bad.id, bad.reason.count(";")) == ("balances.csv", 3, "b2", 2)
    assert isinstance(long, BadRow)
    assert (long.line, long.reason) == (4, "has more cells than the heading")


def test_a_file_with_semicolons_is_told_to_have_commas() -> None:
    with pytest.raises(csv.Error, match="must be separated by commas"):
        list(csv_cells(["id;name\n", "a;Alice\n"]))
    assert list(csv_cells(["id\n", "a;b\n"])) == [(2, {"id": "a;b"})]
    assert list(csv_cells([])) == []


def test_lines_that_are_no_json_objects_are_named() -> None:
    text = ['{"id": "a"}\n', "\n", "[]\n", "{\n", '{"id": "a", "id": "b"}\n']
    found = list(read_rows(RowKind.USERS, "users.jsonl", json_cells(text)))
    bad = [each for each in found if isinstance(each, BadRow)]
    assert [each.line for each in bad] == [3, 4, 5]
    assert bad[0].reason == "is no JSON object; id is needed"
    assert "is not JSON" in bad[1].reason
    assert "is named more than once" in bad[2].reason
