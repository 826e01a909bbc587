"""Moving in: what another system has kept becomes people, credit and past sessions, each once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from talktime import Tariff
from tests.cli.conftest import Cli
from tests.nodes import node_on

AS_OF = ("--as-of", "2026-02-01T00:00:00Z")
ADVISOR = {
    "id": "maya",
    "name": "Maya",
    "rate": "1.00",
    "increment_seconds": 60,
    "free_seconds": 180,
    "share_percent": 40,
}
SESSION = {
    "id": "s1",
    "user_id": "alice",
    "advisor_id": "maya",
    "started_at": "2026-01-05T10:00:00Z",
    "duration_seconds": 300,
    "free_seconds": 120,
    "cost": "3.00",
}


@pytest.fixture
def sources(cli: Cli) -> list[str]:
    """One file of each kind, in both forms."""
    return [
        cli.write("users.csv", "id,name\nalice,Alice\nbob,\n"),
        cli.write("advisors.jsonl", json.dumps(ADVISOR) + "\n"),
        cli.write(
            "balances-2026.csv",
            "id,user_id,amount,kind,expires_at\n"
            "b1,alice,12.50,,\n"
            "b2,alice,5.00,gift,9000-01-01T00:00:00Z\n"
            "b3,bob,0.00,purchase,\n",
        ),
        cli.write("sessions.jsonl", json.dumps(SESSION) + "\n"),
    ]


def columns(report: Any) -> dict[tuple[str, str], tuple[str, str, str]]:
    return {
        (each["kind"], each["column"]): (each["source"], each["talktime"], each["difference"])
        for each in report["columns"]
    }


def counts(report: Any) -> dict[str, tuple[int, int, int, int]]:
    return {each["kind"]: (each["rows"], each["new"], each["there"], each["bad"]) for each in report["kinds"]}


async def test_everything_is_imported_once_and_adds_up(cli: Cli, sources: list[str], database_url: str) -> None:
    expected = {
        ("users", "rows"): ("2", "2", "0"),
        ("advisors", "rows"): ("1", "1", "0"),
        ("balances", "rows"): ("3", "3", "0"),
        ("balances", "amount (purchase)"): ("12.50", "12.50", "0.00"),
        ("balances", "amount (gift)"): ("5.00", "5.00", "0.00"),
        ("sessions", "rows"): ("1", "1", "0"),
        ("sessions", "duration_seconds"): ("300", "300", "0"),
        ("sessions", "free_seconds"): ("120", "120", "0"),
        ("sessions", "cost"): ("3.00", "3.00", "0.00"),
    }
    tried = cli.document("import", *sources, *AS_OF, "--dry-run")
    assert (columns(tried), tried["is_done"]) == (expected, False)
    assert cli.document("user", "list")["users"] == []
    first = cli.document("import", *sources, *AS_OF)
    assert (columns(first), first["is_done"], first["bad"], first["differences"]) == (expected, True, [], [])
    assert counts(first) == counts(tried)
    assert counts(first) == {
        "users": (2, 2, 0, 0),
        "advisors": (1, 1, 0, 0),
        "balances": (3, 3, 0, 0),
        "sessions": (1, 1, 0, 0),
    }
    alice = cli.document("user", "show", "alice")
    assert (alice["balance"], alice["gift"]) == ("17.50", "5.00")
    entries = cli.document("user", "entries", "alice")["entries"]
    assert [entry["reference"] for entry in entries] == ["import:balances:b2", "import:balances:b1"]
    again = cli.document("import", *sources, *AS_OF)
    assert columns(again) == expected
    assert counts(again) == {
        "users": (2, 0, 2, 0),
        "advisors": (1, 0, 1, 0),
        "balances": (3, 0, 3, 0),
        "sessions": (1, 0, 1, 0),
    }
    assert cli.document("user", "show", "alice")["balance"] == "17.50"
    assert "The new rows are imported." in cli("import", *sources, *AS_OF)
    async with node_on(database_url, work=False) as talktime:
        (past,) = await talktime.past_sessions(user_id="alice")
        assert past.document() == {
            "id": "s1",
            "user_id": "alice",
            "advisor_id": "maya",
            "chat_id": None,
            "started_at": "2026-01-05T10:00:00.000Z",
            "ended_at": "2026-01-05T10:05:00.000Z",
            "duration_ms": 300_000,
            "free_ms": 120_000,
            "cost": "3.00",
        }
        assert await talktime.records() == []


def test_a_later_import_changes_nobody_who_exists(cli: Cli, sources: list[str]) -> None:
    cli("import", *sources, *AS_OF)
    cli("user", "add", "alice", "--name", "Alice B.")
    cli.write("tariff.json", json.dumps(Tariff.parse({"tiers": [{"rate": "9.00"}]}).document()))
    cli("advisor", "set", "maya", "--tariff", "tariff.json", "--name", "Dr. Maya")
    cli("import", *sources, *AS_OF)
    assert cli.document("user", "show", "alice")["display_name"] == "Alice B."
    advisor = cli.document("advisor", "show", "maya")
    assert (advisor["display_name"], advisor["tariff"]["tiers"][0]["rate"]) == ("Dr. Maya", "9.00")


def test_one_bad_row_keeps_all_rows_out_and_is_named(cli: Cli, sources: list[str]) -> None:
    bad = cli.write(
        "balances-bad.csv", "id,user_id,amount\nb4,alice,-1\nb5,nobody,1.00\nb1,bob,2.00\nb6,alice,1.234567891\n"
    )
    for options in ((), ("--dry-run",)):
        ended = cli.run("import", *sources, bad, *AS_OF, "--json", *options)
        assert ended.code == 1
        assert "4 rows can't be imported. Nothing was imported." in ended.err
        report = json.loads(ended.out)
        assert [(row["source"], row["line"], row["id"]) for row in report["bad"]] == [
            ("balances-bad.csv", 2, "b4"),
            ("balances-bad.csv", 3, "b5"),
            ("balances-bad.csv", 4, "b1"),
            ("balances-bad.csv", 5, "b6"),
        ]
        reasons = [row["reason"] for row in report["bad"]]
        assert reasons[0] == "amount must not be negative"
        assert reasons[1].startswith("the user nobody is in no row of users, and not in talktime")
        assert reasons[2] == "has the id of line 2 of balances-2026.csv: keep one of the two"
        assert columns(report)["balances", "amount (purchase)"] == ("15.50", "12.50", "-3.00")
    assert cli.document("user", "list")["users"] == []


def test_other_values_of_what_was_imported_are_bad_rows(cli: Cli, sources: list[str]) -> None:
    cli("import", *sources, *AS_OF)
    changed = [
        cli.write("balances.csv", "id,user_id,amount\nb1,alice,13.00\n"),
        cli.write("sessions.jsonl", json.dumps(SESSION | {"cost": "4.00"}) + "\n"),
    ]
    report = json.loads(cli("import", *changed, *AS_OF, "--json", code=1))
    assert [row["reason"].partition(":")[0] for row in report["bad"]] == [
        "was imported before as purchase 12.50 of alice",
        "was imported before with other values",
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("people.csv", "id\nalice\n", "must have names that begin with one of: users, advisors"),
        ("users.xml", "<users/>", "must end in .csv or .jsonl"),
        ("users.csv", 'id,name\nalice,"Alice\n', "is not CSV"),
    ],
)
def test_a_file_that_is_no_source_is_refused(cli: Cli, name: str, text: str, message: str) -> None:
    ended = cli.run("import", cli.write(name, text), *AS_OF)
    assert (ended.code, message in ended.err) == (2, True)


def test_an_instant_that_has_not_come_is_refused(cli: Cli, sources: list[str]) -> None:
    ended = cli.run("import", *sources, "--as-of", "9000-01-01T00:00:00Z")
    assert (ended.code, "as_of must not be in the future" in ended.err) == (2, True)
