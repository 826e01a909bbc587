"""Every command, by every way it can end: exit codes 0, 1, 2, 3 and 4, and lists page by page.

One process runs them all, one after the other: starting Python for each would take longer than everything else.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest
import typer.main

from talktime import Talktime, Tariff, parse_credits
from talktime.cli.app import app
from talktime.cli.receipts import print_receipt
from talktime.core.entries import EntryKind
from talktime.core.money import AMOUNT_MAX, BALANCE_MAX, format_credits
from talktime.core.starts import Starts
from tests.cli.conftest import Cli
from tests.services import BY_THE_MINUTE
from tests.unit.documents.samples import RECEIPT, TEN

RUNNING: Final = "the id of the running record"
OVER: Final = "the id of the record that is over"
TOO_LONG: Final = "x" * 129

ROWS: Final[tuple[tuple[int | str, ...], ...]] = (
    (0, "user", "list"),
    (2, "user", "list", "--limit", "0"),
    (2, "user", "list", "--limit", "1001"),
    (0, "user", "add", "carl", "--name", "Carl"),
    (2, "user", "add", TOO_LONG),
    (2, "user", "add", "carl", "--name", ""),
    (2, "user", "add", "carl", "--name", "a\nb"),
    (0, "user", "forget", "carl", "--yes"),
    (2, "user", "forget", "carl"),
    (3, "user", "forget", "nobody", "--yes"),
    (2, "user", "forget", "a\nb", "--yes"),
    (0, "user", "show", "alice"),
    (3, "user", "show", "nobody"),
    (2, "user", "show", "a\nb"),
    (0, "user", "credit", "alice", "5", "--kind", "gift"),
    (1, "user", "debit", "alice", "1000"),
    (2, "user", "credit", "alice", "0"),
    (2, "user", "credit", "alice", "--", "-1"),
    (2, "user", "credit", "alice", "5", "--kind", "bribe"),
    (2, "user", "credit", "alice", "5", "--reference", "x" * 201),
    (3, "user", "credit", "nobody", "5"),
    (4, "user", "credit", "rich", "10000000000"),
    (0, "user", "debit", "alice", "1", "--reference", "tea"),
    (2, "user", "debit", "alice", "much"),
    (3, "user", "debit", "nobody", "1"),
    (0, "user", "entries", "alice"),
    (2, "user", "entries", "alice", "--before", "x"),
    (3, "user", "entries", "nobody"),
    (0, "user", "chats", "alice"),
    (3, "user", "chats", "nobody"),
    (0, "advisor", "list"),
    (0, "advisor", "set", "maya", "--tariff", "tariff.json"),
    (0, "advisor", "set", "maya"),
    (2, "advisor", "set", "nobody"),
    (2, "advisor", "set", "maya", "--free", "3m"),
    (2, "advisor", "set", "maya", "--tariff", "missing.json"),
    (2, "advisor", "set", "maya", "--tariff", "bad.json"),
    (2, "advisor", "set", "maya", "--tariff", "no.json"),
    (2, "advisor", "set", "", "--tariff", "tariff.json"),
    (0, "advisor", "show", "maya"),
    (3, "advisor", "show", "nobody"),
    (0, "advisor", "chats", "maya"),
    (3, "advisor", "chats", "nobody"),
    (0, "advisor", "set", "maya", "--tariff", "tariff.json", "--share-percent", "49", "--fee-per-minute", "0.40"),
    (0, "advisor", "set", "maya", "--tariff", "tariff.json", "--fee-per-minute", "0.40"),
    (2, "advisor", "set", "nobody", "--tariff", "tariff.json", "--fee-per-minute", "0.40"),
    (2, "advisor", "set", "maya", "--tariff", "tariff.json", "--share-percent", "149"),
    (0, "advisor", "statement", "maya", "--from", "2026-01-01T00:00:00Z", "--to", "2026-12-31T00:00:00Z"),
    (2, "advisor", "statement", "maya", "--from", "2026-01-01T00:00:00Z", "--to", "2025-12-31T00:00:00Z"),
    (2, "advisor", "statement", "maya", "--from", "yesterday", "--to", "2025-12-31T00:00:00Z"),
    (3, "advisor", "statement", "nobody", "--from", "2026-01-01T00:00:00Z", "--to", "2026-12-31T00:00:00Z"),
    (0, "user", "credit", "alice", "5", "--kind", "gift", "--expires-at", "2099-01-01T00:00:00Z"),
    (2, "user", "credit", "alice", "5", "--kind", "gift", "--expires-at", "soon"),
    (0, "record", "list"),
    (2, "record", "list", "--state", "lost"),
    (0, "record", "show", RUNNING),
    (3, "record", "show", "nothing"),
    (0, "record", "stop", OVER),
    (0, "record", "stop", RUNNING),
    (3, "record", "stop", "nothing"),
    (4, "record", "refund", OVER, "--reason", "why", "--borne-by", "shared", "--amount", "1000"),
    (0, "record", "refund", RUNNING, "--reason", "why", "--borne-by", "shared", "--seconds", "60"),
    (2, "record", "refund", RUNNING, "--reason", "why", "--borne-by", "shared"),
    (2, "record", "refund", RUNNING, "--reason", "why", "--borne-by", "nobody", "--amount", "1"),
    (2, "record", "refund", RUNNING, "--reason", " ", "--borne-by", "shared", "--amount", "1"),
    (3, "record", "refund", "nothing", "--reason", "why", "--borne-by", "shared", "--amount", "1"),
    (0, "receipt", RUNNING),
    (0, "receipt", RUNNING, "--verify"),
    (0, "receipt", RUNNING, "--at", "2099-01-01T00:00:00Z"),
    (2, "receipt", RUNNING, "--at", "2001-01-01T00:00:00Z"),
    (2, "receipt"),
    (3, "receipt", "nothing"),
    (0, "user", "show", "alice", "--at", "2001-01-01T00:00:00Z"),
    (2, "user", "show", "alice", "--at", "then"),
    (0, "entries"),
    (0, "entries", "--since", "yesterday", "--jsonl"),
    (2, "entries", "--month", "October"),
    (2, "entries", "--csv", "--limit", "5"),
    (0, "record", "list", "--reason", "out_of_credit", "--since", "last week"),
    (2, "record", "list", "--reason", "tired"),
    (0, "report", "--from", "2001-01-01T00:00:00Z", "--to", "2099-01-01T00:00:00Z"),
    (0, "report", "--from", "2001-01-01T00:00:00Z", "--to", "2099-01-01T00:00:00Z", "--of", "user", "--csv"),
    (2, "report", "--from", "2001-01-01T00:00:00Z", "--to", "2001-01-01T00:00:00Z"),
    (2, "report", "--from", "2001-01-01T00:00:00Z", "--to", "2099-01-01T00:00:00Z", "--of", "mine"),
    (0, "replay", "--tariff", "tariff.json", "--from", "2001-01-01T00:00:00Z", "--to", "2099-01-01T00:00:00Z"),
    (2, "replay", "--tariff", "bad.json", "--from", "2001-01-01T00:00:00Z", "--to", "2099-01-01T00:00:00Z"),
    (0, "price", "--tariff", "tariff.json", "--seconds", "90"),
    (2, "price", "--tariff", "bad.json", "--seconds", "90"),
    (2, "price", "--tariff", "tariff.json", "--seconds", "nan"),
    (2, "price", "--tariff", "tariff.json"),
    (0, "token", "create", "--role", "user", "--subject", "alice"),
    (2, "token", "create", "--role", "king", "--subject", "alice"),
    (2, "token", "create", "--role", "user", "--subject", ""),
    (2, "token", "create", "--role", "user", "--subject", "alice", "--ttl", "0"),
    (0, "key", "create", "--name", "shop"),
    (4, "key", "create", "--name", "shop"),
    (2, "key", "create", "--name", "shop", "--scope", "everything"),
    (2, "key", "create", "--name", ""),
    (0, "key", "list"),
    (0, "open", "user", "alice", "--page", "/account", "--print"),
    (2, "open", "user"),
    (2, "open", "service", "shop"),
    (2, "open", "user", "alice", "--page", "//evil"),
    (0, "key", "revoke", "shop"),
    (0, "key", "revoke", "shop"),
    (3, "key", "revoke", "nothing"),
    (2, "key", "revoke", "a\nb"),
    (0, "webhook", "create", "https://shop.example/events", "--types", "record.ended"),
    (2, "webhook", "create", "https://shop.example/events", "--types", "record.vanished"),
    (2, "webhook", "create", "http://shop.example/events"),
    (0, "webhook", "list"),
    (3, "webhook", "show", "nothing"),
    (3, "webhook", "change", "nothing", "--enable"),
    (2, "webhook", "change", "nothing", "--types", "record.vanished"),
    (3, "webhook", "deliveries", "nothing"),
    (2, "webhook", "deliveries", "nothing", "--state", "lost"),
    (3, "webhook", "ping", "nothing"),
    (3, "webhook", "replay", "nothing", "--after", "0"),
    (2, "webhook", "replay", "nothing", "--after", "yesterday"),
    (3, "webhook", "delete", "nothing"),
    (2, "import", "users.csv", "--as-of", "2026-01-01T00:00:00Z"),
    (2, "import", "users.csv"),
    (2, "shadow", "nothing.csv"),
    (0, "config", "show"),
    (2, "config", "show", "all"),
    (0, "events"),
    (0, "events", "--json", "--types", "record.ended,credit.added", "--user", "bob"),
    (2, "events", "--user", ""),
    (2, "events", "--forward", "shop.example"),
    (2, "events", "--types", "record.vanished"),
    (2, "events", "--after", "yesterday"),
    (0, "doctor"),
    (0, "migrate"),
    (0, "bench"),
    (2, "bench", "nothing"),
    (2, "serve", "--port", "70000"),
    (2, "demo", "--host", "0.0.0.0"),
    (2, "dance"),
)
"""Commands with their exit codes, in the order in which they are run. `RUNNING` and `OVER` stand for ids."""


async def _people(database_url: str) -> tuple[str, str]:
    """Alice with a running record, Bob with one that ended, Rich with all that an account holds; the records' ids."""
    async with Talktime.connect(database_url, work=False) as talktime:
        for user_id in ("alice", "bob", "rich"):
            await talktime.put_user(user_id, user_id.title())
            await talktime.add_credit(user_id, parse_credits("10.00"))
        for advisor_id in ("ben", "maya", "zoe"):
            await talktime.put_advisor(advisor_id, advisor_id.title(), Tariff.parse(BY_THE_MINUTE), starts="at_once")
        running = await talktime.initialize_time_tracking_for_chat("alice", "maya", "c1")
        ended = await talktime.initialize_time_tracking_for_chat("bob", "maya", "c2")
        await talktime.stop("c2")
        for _ in range(BALANCE_MAX // AMOUNT_MAX - 1):
            await talktime.add_credit("rich", AMOUNT_MAX)
        return running.record.id, ended.record.id


async def test_every_command_ends_as_it_says(cli: Cli, database_url: str) -> None:
    running, over = await _people(database_url)
    cli.write("tariff.json", json.dumps(BY_THE_MINUTE))
    cli.write("bad.json", '{"tiers": [{"rate": "-1"}], "free": 3}')
    cli.write("no.json", "tiers")
    ids = {RUNNING: running, OVER: over}
    for code, *words in ROWS:
        arguments = [ids.get(word, word) for word in map(str, words)]
        ended = cli.run(*arguments)
        assert ended.code == code, (arguments, ended)
    tried = {row[1] for row in ROWS} | {f"{row[1]} {row[2]}" for row in ROWS if len(row) > 2}
    assert set(_every_command()) <= tried
    refused = cli.run("advisor", "set", "maya", "--tariff", "bad.json").err
    assert "tiers[0].rate must not be negative" in refused
    assert "free is not a field of a tariff" in refused


def _every_command() -> Iterator[str]:
    for name, command in typer.main.get_group(app).commands.items():
        below = getattr(command, "commands", None)
        yield from [name] if below is None else (f"{name} {inner}" for inner in below)


async def test_lists_come_page_by_page(cli: Cli, database_url: str) -> None:
    await _people(database_url)
    for name, ids, key in (
        ("user", ["alice", "bob", "rich"], "user_id"),
        ("advisor", ["ben", "maya", "zoe"], "id"),
    ):
        first = cli.document(name, "list", "--limit", "2")
        assert ([row[key] for row in first[f"{name}s"]], first["next"]) == (ids[:2], ids[1])
        second = cli.document(name, "list", "--limit", "2", "--after", first["next"])
        assert ([row[key] for row in second[f"{name}s"]], second["next"]) == (ids[2:], None)
        said = cli.run(name, "list", "--limit", "2").out
        assert f"More follow {ids[1]}." in said
        assert ids[2] not in said
    alice = cli.document("user", "list", "--limit", "1")["users"][0]
    assert (alice["balance"], alice["committed"], alice["available"]) == ("10.00", "1.00", "9.00")
    newest = cli.document("user", "entries", "rich", "--limit", "1")
    older = cli.document("user", "entries", "rich", "--limit", "1000", "--before", newest["next"])
    assert len(newest["entries"]) == 1
    assert len(older["entries"]) == BALANCE_MAX // AMOUNT_MAX - 1
    assert older["next"] is None


async def test_a_key_on_the_command_line_is_a_key_of_the_library(cli: Cli, database_url: str) -> None:
    running, _ = await _people(database_url)
    order = ("user", "credit", "alice", "5", "--reference", "4711", "--key", "order 4711", "--json")
    first, again = (json.loads(cli.run(*order).out) for _ in range(2))
    assert (again, first["balance"]) == (first, "15.00")
    async with Talktime.connect(database_url, work=False) as talktime:
        account = await talktime.add_credit("alice", parse_credits("5"), reference="4711", key="order 4711")
        assert account.balance == parse_credits("15")
        await talktime.advance_clock(1)
        await talktime.stop_record(running)
    refund = ("record", "refund", running, "--reason", "Late", "--borne-by", "platform", "--amount", "0.10")
    assert cli.run(*refund, "--key", "k").out == cli.run(*refund, "--key", "k").out
    assert cli.run("user", "debit", "alice", "1", "--key", "k").code == 0
    other = cli.run("user", "debit", "alice", "2", "--key", "k")
    assert other.code == 2
    assert other.err.endswith("key was used before with other arguments: use those again, or take a new key\n")
    assert cli.run("user", "debit", "alice", "2", "--key", "ü").code == 2


async def test_stopping_a_record_stops_that_one_alone(cli: Cli, database_url: str) -> None:
    """Bob's first record has ended, and its chat goes on with another: the first one's id must not stop the second."""
    _, first = await _people(database_url)
    async with Talktime.connect(database_url, work=False) as talktime:
        second = (await talktime.track("c2")).record.id
    assert second != first
    before = cli.document("record", "show", first)
    assert cli.document("record", "stop", first) == {**before, "changed": False}
    said = cli.run("record", "stop", first)
    assert (said.code, said.out) == (0, f"{first} unchanged: it had ended already (stopped)\n")
    assert cli.document("record", "show", second)["state"] == "running"
    stopped = cli.document("record", "stop", second)
    assert (stopped["state"], stopped["reason"], stopped["changed"]) == ("ended", "stopped", True)
    assert cli.run("record", "stop", second).out.endswith("unchanged: it had ended already (stopped)\n")


async def test_the_past_in_figures(cli: Cli, database_url: str) -> None:
    await _people(database_url)
    period = ("--from", "2001-01-01T00:00:00Z", "--to", "2099-01-01T00:00:00Z")
    report = cli.document("report", *period)
    for column in ("opening", "purchase", "charge", "closing"):
        assert sum(Decimal(book[column]) for book in report["books"]) == 0
    (alice,) = [book for book in report["books"] if book["owner"] == "alice"]
    assert alice["closing"] == cli.document("user", "show", "alice")["balance"]
    lines = list(csv.DictReader(cli.run("report", *period, "--of", "user", "--csv").out.splitlines()))
    assert {line["owner"]: line["closing"] for line in lines}["alice"] == alice["closing"]
    assert {line["book"] for line in lines} == {"user"}
    cli.run("user", "add", "alice", "--name", "=1+1")
    named = list(csv.DictReader(cli.run("report", *period, "--of", "user", "--csv").out.splitlines()))
    assert {line["owner"]: line["name"] for line in named}["alice"] == "'=1+1"  # not a formula in a spreadsheet
    assert cli.run("report", *period, "--csv").out.count("'") == 1  # amounts below zero stay amounts
    assert "alice" in (said := cli.run("report", *period).out)  # by her id: names may be alike
    assert "outside" in said
    assert "expiry" not in said  # there was none
    cli.write("tariff.json", json.dumps(BY_THE_MINUTE))
    replay = cli.document("replay", "--tariff", "tariff.json", *period)
    assert replay["total"]["sessions"] == len(replay["sessions"]) > 0
    rows = cli.run("replay", "--tariff", "tariff.json", *period, "--csv").out.splitlines()
    assert len(rows) == 1 + len(replay["sessions"])
    assert rows[0].startswith("record_id,started_at,")
    assert f"all {replay['total']['sessions']} " in cli.run("replay", "--tariff", "tariff.json", *period).out


def test_a_printed_receipt_says_what_was_given_back_and_what_each_side_gets_after_that(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_receipt(RECEIPT, RECEIPT.document())
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    (refund,) = [entry for entry in RECEIPT.entries if entry.kind is EntryKind.REFUND]
    assert f"given back on 2026-01-05: {refund.reason} -{format_credits(refund.amount)}" in printed
    (shared,) = [entry for entry in RECEIPT.shared_entries if entry.kind is EntryKind.REFUND]
    for_advisor = RECEIPT.shared.advisor + shared.advisor_amount
    assert f"for the advisor {format_credits(for_advisor)}" in printed
    paid = RECEIPT.cost - refund.amount
    assert f"for the platform {format_credits(paid - for_advisor)}" in printed


def test_a_printed_receipt_says_why_the_record_has_no_grace(capsys: pytest.CaptureFixture[str]) -> None:
    for used_at, says in ((None, False), (TEN, True)):
        receipt = replace(RECEIPT, grace_used_at=used_at)
        print_receipt(receipt, receipt.document())
        printed = " ".join(capsys.readouterr().out.split())
        assert ("without grace: the record that started at 2026-01-05T10:00:00.000Z had" in printed) is says


@pytest.mark.parametrize(
    ("starts", "says"),
    [(Starts.ACCEPTED, "0:05, ringing"), (Starts.PRESENT, "0:05, advisor_away, by advisor")],
)
def test_a_printed_receipt_says_that_a_call_rang(capsys: pytest.CaptureFixture[str], starts: Starts, says: str) -> None:
    record = replace(RECEIPT.record, starts=starts, started_at=RECEIPT.segments[0].started_at - 5_000)
    receipt = replace(RECEIPT, record=record)
    print_receipt(receipt, receipt.document())
    assert says in " ".join(capsys.readouterr().out.split())
