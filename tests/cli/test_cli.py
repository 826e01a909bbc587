"""The command line as people run it: what it prints, and with which code it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from talktime.core.roles import Role
from talktime.service.tokens import Tokens
from tests.cli.conftest import Cli
from tests.services import BY_THE_MINUTE, PROGRAM, SECRET, port_in


@pytest.fixture(autouse=True)
def _tariff(cli: Cli) -> None:
    cli.write("tariff.json", json.dumps(BY_THE_MINUTE))


def test_people_and_their_credit(cli: Cli) -> None:
    assert cli.document("user", "add", "alice", "--name", "Alice")["created"]
    assert cli.document("advisor", "set", "maya", "--tariff", "tariff.json")["tariff_version"] == 1
    assert cli.document("user", "credit", "alice", "12.50")["balance"] == "12.50"
    assert cli.document("user", "debit", "alice", "2.5", "--reference", "tea")["balance"] == "10.00"
    assert [entry["amount"] for entry in cli.document("user", "entries", "alice")["entries"]] == ["-2.50", "12.50"]
    assert "10.00" in cli("user", "show", "alice")
    assert cli.document("user", "chats", "alice") == {"chats": []}
    assert cli.document("record", "list") == {"records": [], "next": None}
    doctor = cli.document("doctor")
    assert doctor.pop("lately").keys() == {"clock_corrections", "clock_held_seconds", "outages", "outage_seconds"}
    assert doctor == {
        "broken": [],
        "schema_faults": [],
        "checked": {"accounts": 1, "records": 0, "entries": 2},
    }
    assert cli.document("migrate") == {"applied": []}


def test_what_people_are_called_is_printed_as_it_is(cli: Cli) -> None:
    """A name may look like a terminal's markup, and what is piped on is not broken into lines of 80."""
    name = "[/b] [red]Rose[/red] :rose: of a street with a very long name, on the third floor, at the left"
    cli("user", "add", "[bold]", "--name", name)
    (line,) = [line for line in cli("user", "list").splitlines() if "[bold]" in line]
    assert name in line
    assert name in cli("user", "show", "[bold]")
    assert "[/]" in cli("advisor", "set", "[/]", "--tariff", "tariff.json")
    cli("user", "show", "[/i]", code=3)


def test_exit_codes(cli: Cli) -> None:
    cli("user", "show", "nobody", code=3)
    cli("record", "show", "nothing", code=3)
    cli("receipt", "nothing", code=3)
    cli("dance", code=2)
    cli("price", "--tariff", "missing.json", "--seconds", "1", code=2)
    cli("price", "--tariff", "tariff.json", "--seconds", "-1", code=2)
    cli("user", "credit", "alice", "much", code=2)
    cli("token", "create", "--role", "king", "--subject", "x", code=2)
    cli("token", "create", "--role", "user", "--subject", "a\nb", code=2)
    cli("demo", "--host", "0.0.0.0", code=2)
    cli.write("tariff.json", '{"tiers": []}')
    cli("advisor", "set", "maya", "--tariff", "tariff.json", code=2)
    cli.environment["TALKTIME_PORT"] = "many"
    cli("user", "show", "nobody", code=2)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, "price --tariff tariff.json --seconds 1"),
        (1, "receipt another --offline receipt.json"),
        (2, "dance"),
        (3, "user show nobody"),
    ],
)
def test_a_process_of_its_own_ends_with_the_code_of_its_command(cli: Cli, code: int, arguments: str) -> None:
    cli.write("receipt.json", json.dumps(_a_receipt()))
    assert cli.run_alone(*arguments.split()).code == code


def test_a_database_that_is_not_there(cli: Cli) -> None:
    cli.environment["TALKTIME_DATABASE_URL"] = "postgresql://somebody:hush-hush@127.0.0.1:1/nothing"
    for command in (("doctor",), ("migrate",), ("user", "show", "alice")):
        assert not cli(*command, code=1)


def test_a_place_to_listen_that_is_not_there(cli: Cli) -> None:
    cli.environment["TALKTIME_HOST"] = "no such place"
    ended = cli.run_alone("serve", "--port", "0")
    assert (ended.code, ended.out) == (1, "")


def test_a_schema_that_is_behind(cli: Cli, empty_database_url: str) -> None:
    cli.environment["TALKTIME_DATABASE_URL"] = empty_database_url
    cli("doctor", code=1)
    migrated = cli.run("migrate")
    assert migrated.out.startswith("applied 0001\n")
    assert re.fullmatch(r"talktime migrate: the database is postgresql://\S+\n", migrated.err)
    assert cli.document("migrate") == {"applied": []}
    assert cli("doctor").startswith("Every rule holds: 0 accounts, 0 records, 0 entries.\n")


def test_a_command_does_not_complain_that_no_node_ran_before(cli: Cli, server: Any, database_url: str) -> None:
    cli("user", "add", "alice")
    server.ask(database_url, "update talktime.engine_clock set renewed_at = renewed_at - interval '1 minute'")
    assert cli.run("user", "show", "alice").err == ""
    assert float(server.ask(database_url, "select count(*) from talktime.outages")) == 1


def test_the_doctor_says_that_deadlines_are_overdue(cli: Cli, server: Any, database_url: str) -> None:
    cli("user", "add", "alice")
    (line,) = cli.run("doctor").err.splitlines()
    assert line.startswith("talktime doctor: the database is postgresql://")
    server.ask(database_url, "update talktime.accounts set due_at = talktime.engine_now() - interval '1 minute'")
    ended = cli.run("doctor")
    assert "the oldest deadline is overdue by 6" in ended.err
    server.ask(database_url, "update talktime.accounts set due_at = null")


def test_the_doctor_says_which_workers_fail_and_that_a_node_died(cli: Cli, server: Any, database_url: str) -> None:
    server.ask(
        database_url,
        "insert into talktime.nodes values ('dead.1', 'epoch'), ('here.1', talktime.engine_now() + interval '1 hour')",
    )
    server.ask(database_url, "update talktime.nodes set late_workers = '{deliver,listen}'")
    ended = cli.run("doctor")
    assert ended.code == 0
    assert "nodes that say nothing any more, and whose leases no other node has ended: 1" in ended.err
    for worker in ("deliver", "listen"):
        assert f"nodes whose worker {worker} has failed for long: 1" in ended.err


def test_the_doctor_says_that_the_database_may_lose_commits(cli: Cli, server: Any, database_url: str) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    server.execute(f"alter database {name} set synchronous_commit = off")
    ended = cli.run("doctor")
    assert ended.code == 0
    assert "synchronous_commit is off" in ended.err


def test_the_doctor_ends_when_the_database_does_not_answer(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cli.environment["TALKTIME_DATABASE_URL"] = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/talktime"
        cli.environment["TALKTIME_CONNECT_SECONDS"] = "0.5"
        began = time.monotonic()
        ended = cli.run("doctor")
    assert ended.code == 1
    assert "The database can't be reached" in ended.err
    assert time.monotonic() - began < 5


def test_the_doctor_says_what_is_wrong_and_mends_it(cli: Cli, server: Any, database_url: str) -> None:
    cli("user", "add", "alice")
    cli("user", "credit", "alice", "5")
    server.ask(database_url, "update talktime.accounts set balance = 7000000")
    said = cli("doctor", code=1)
    for part in (
        "Rule 5 is broken once",
        "alice",
        "stored: 7000000 millionths; from the facts: 5000000 millionths",
        "--repair",
        "Checked: 1 accounts",
    ):
        assert part in said
    assert cli("doctor", "--repair").startswith("Every rule holds: 1 accounts")
    assert cli.document("user", "show", "alice")["balance"] == "5.00"


def test_a_key_is_printed_alone_and_only_once(cli: Cli) -> None:
    made = cli.run("key", "create", "--name", "shop", "--scope", "read")
    secret = made.out.removesuffix("\n")
    assert re.fullmatch("tt_[0-9a-f]{64}", secret)
    assert "of the scope read" in made.err
    assert secret not in made.err
    (key,) = cli.document("key", "list")["keys"]
    assert (key["name"], key["scope"], key["used_at"], key["revoked_at"]) == ("shop", "read", None, None)
    assert secret not in cli("key", "list") + cli("key", "list", "--json")
    first = cli.run("key", "revoke", "shop", "--json")
    revoked = json.loads(first.out)
    assert (first.err, revoked["revoked_at"] is None) == ("", False)
    assert cli.document("key", "list")["keys"] == [revoked]
    for name in ("shop", key["id"]):
        again = cli.run("key", "revoke", name, "--json")
        assert (again.code, json.loads(again.out)) == (0, revoked)
        assert again.err == f"talktime: this key was revoked already, at {revoked['revoked_at']}\n"
    assert cli.run("key", "revoke", "till").code == 3


def test_a_link_is_printed_alone(cli: Cli) -> None:
    printed = cli("open", "operator", "--print")
    assert re.fullmatch(r"http://127\.0\.0\.1:8700/sign-in#[\w-]{43}\n", printed)
    (link,) = [cli.document("open", "operator", "--address", "https://shop.example/talk/", "--page", "/chat/c1")]
    assert link["address"].startswith("https://shop.example/talk/sign-in#")
    assert (link["role"], link["page"]) == ("operator", "/chat/c1")
    assert link["subject"].startswith("terminal:")
    cli.environment |= {"TALKTIME_ADDRESS": "https://talk.example", "TALKTIME_PORT": "0"}
    assert cli("open", "operator", "--print").startswith("https://talk.example/sign-in#")
    assert cli.run("open", "advisor", "nobody", "--print").err.endswith("There is no such advisor here.\n")
    del cli.environment["TALKTIME_ADDRESS"]
    assert "--address" in cli.run("open", "operator", "--print").err


def test_what_a_change_does_not_name_stays_as_it_was(cli: Cli) -> None:
    first = cli.document("advisor", "set", "vera", "--name", "Vera", "--rate", "0.60", "--free", "3m")
    assert (first["display_name"], first["terms"]["share_percent"]) == ("Vera", 0)
    assert "--share-percent" in cli.run("advisor", "set", "vera", "--fee-per-minute", "0.10").err
    fees = cli.document("advisor", "set", "vera", "--share-percent", "40", "--fee-per-minute", "0.10")
    share = cli.document("advisor", "set", "vera", "--share-percent", "50.5")
    rate = cli.document("advisor", "set", "vera", "--rate", "0.70")
    assert fees["terms"] == {"share_percent": 40, "fee_per_minute": "0.10", "fee_per_session": "0.00"}
    assert share["terms"] == rate["terms"] == {**fees["terms"], "share_percent": 50.5}
    assert first["tariff"] == fees["tariff"] == share["tariff"]
    assert (first["tariff_version"], share["tariff_version"], rate["tariff_version"]) == (1, 1, 2)
    assert {document["display_name"] for document in (fees, share, rate)} == {"Vera"}
    cli("user", "add", "zoe", "--name", "Zoe")
    assert cli.document("user", "add", "zoe")["display_name"] == "Zoe"


def test_a_negative_amount_is_a_wrong_amount_and_no_option(cli: Cli) -> None:
    for command in ("credit", "debit"):
        refused = cli.run("user", command, "alice", "-5")
        assert (refused.code, "AMOUNT must not be negative" in refused.err) == (2, True)
    assert "--refrence" in cli.run("user", "credit", "alice", "5", "--refrence", "4711").err


def test_a_link_is_opened_where_there_is_a_browser(cli: Cli, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    cli.environment |= {"BROWSER": str(browser), "DISPLAY": ":7"}
    printed = cli.run_alone("open", "operator")
    assert (printed.code, opened.read_text()) == (0, printed.out)
    for environment in ({"DISPLAY": ""}, {"WAYLAND_DISPLAY": ":7"}):
        cli.environment |= environment
        cli.run_alone("open", "operator", "--print")
    cli.environment |= {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
    cli.run_alone("open", "operator")
    assert opened.read_text() == printed.out


def test_tokens_are_printed_alone(cli: Cli) -> None:
    made = cli.run("token", "create", "--role", "user", "--subject", "alice", "--ttl", "60")
    assert re.fullmatch(r"talktime: valid for 1 minute, until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z\n", made.err)
    printed = made.out
    assert re.fullmatch(r"[\w.-]+\n", printed)
    caller = Tokens(SECRET).read(printed.strip())
    assert (caller.role, caller.subject) == (Role.USER, "alice")


def test_prices(cli: Cli) -> None:
    assert cli.document("price", "--tariff", "tariff.json", "--seconds", "60.001") == {
        "cost": "2.00",
        "billed_seconds": 120,
    }
    assert cli("price", "--tariff", "tariff.json", "--seconds", "60") == "1.00 for 60 billed seconds\n"


def test_a_served_conversation_gives_a_receipt(cli: Cli) -> None:
    """A whole conversation over HTTP, looked at from the command line; and a clean end."""
    cli("user", "add", "alice")
    cli("advisor", "set", "maya", "--tariff", "tariff.json", "--starts", "at_once")
    cli("user", "credit", "alice", "5")
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0"], env=cli.environment, cwd=cli.folder, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = f"http://127.0.0.1:{port_in(process.stdout.readline())}"
        token = Tokens(SECRET).make(Role.SERVICE, "host")
        request = urllib.request.Request(
            f"{address}/v1/chats",
            json.dumps({"user_id": "alice", "advisor_id": "maya", "chat_id": "c"}).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            record_id = json.load(response)["record"]["id"]
        running = cli.document("record", "list", "--state", "running")["records"]
        assert [record["id"] for record in running] == [record_id]
        assert cli.document("record", "stop", record_id)["state"] == "ended"
        receipt = cli.document("receipt", record_id)
        assert receipt["cost"] == "1.00"
        assert [entry["amount"] for entry in receipt["entries"]] == ["-1.00"]
        bill = cli("receipt", record_id)
        assert "1.00" in bill
        (segment,) = receipt["segments"]
        day, began = segment["started_at"].rstrip("Z").split("T")
        assert f"{day} {began}  {segment['ended_at'].rstrip('Z').split('T')[1]}  c " in bill, "whole on 80 columns"
        assert cli.document("receipt", record_id, "--verify")["holds"]
        assert cli.document("doctor")["broken"] == []
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_receipt_is_proved_without_a_database(cli: Cli) -> None:
    cli.environment["TALKTIME_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nowhere"
    receipt = _a_receipt()
    cli.write("receipt.json", json.dumps(receipt))
    record_id = receipt["record"]["id"]
    assert "is right: all" in cli("receipt", "--offline", "receipt.json")
    assert cli.document("receipt", record_id, "--offline", "receipt.json")["holds"]
    cli("receipt", "another", "--offline", "receipt.json", code=1)
    cli.write("receipt.json", json.dumps({**receipt, "cost": "0.75"}))
    told = cli("receipt", "--offline", "receipt.json", code=1)
    assert "cost: the price of the time\n  stated: 0.75\n  from the facts: 0.755" in told
    # Where a file names a field twice, a person may read another figure than a program.
    twice = json.dumps(receipt).replace('"cost": ', '"cost": "0.01", "cost": ', 1)
    for unreadable in ("{}", twice):
        cli.write("receipt.json", unreadable)
        cli("receipt", "--offline", "receipt.json", code=2)
    cli("receipt", code=2)


def _a_receipt() -> Any:
    return json.loads((Path(__file__).parents[1] / "vectors" / "receipts.json").read_text("utf-8"))[0]
