"""The questions of every day, each by one command: who, which records, which entries, and what to pay."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from talktime import Talktime, Tariff, Terms, parse_credits
from talktime.core.instants import format_instant
from tests.cli.conftest import Cli
from tests.nodes import node_on
from tests.services import BY_THE_SECOND


@pytest.fixture
async def cut(database_url: str) -> tuple[str, int]:
    """Alice's record with Maya, which was cut at zero and topped up afterwards; and the instant of the cut."""
    async with node_on(database_url, test_clock=True) as talktime:
        terms = Terms.parse({"share_percent": 33.3})
        await talktime.put_advisor("maya", "Maya", Tariff.parse(BY_THE_SECOND), terms, starts="at_once")
        await talktime.put_user("alice", "Alice")
        await talktime.put_user("bob", "Bob")
        await talktime.add_credit("alice", parse_credits("1.05"), reference="=1+1")
        snapshot, _ = await talktime.create_chat("alice", "maya", "first")
        await talktime.advance_clock(20_000)
        (found,) = (await talktime.record_page(reason="out_of_credit")).items
        assert found.stopped_at is not None
        await talktime.add_credit("alice", parse_credits("5"))
        await talktime.stop("first")
        return snapshot.record.id, found.stopped_at


def test_the_records_that_were_cut_are_listed_by_one_command(cli: Cli, cut: tuple[str, int]) -> None:
    record_id, at = cut
    listed = cli.document("record", "list", "--reason", "out_of_credit", "--since", "last week")
    assert [record["id"] for record in listed["records"]] == [record_id]
    assert (listed["records"][0]["state"], listed["records"][0]["stopped_at"]) == ("ended", format_instant(at))
    assert listed["next"] is None
    assert format_instant(at) in cli("record", "list", "--reason", "out_of_credit", "--since", "1 hour ago")
    assert cli.document("record", "list", "--reason", "out_of_credit", "--to", format_instant(at))["records"] == []
    for options, count in (
        (("--user", "alice", "--advisor", "maya", "--state", "ended"), 1),
        (("--user", "bob"), 0),
        (("--query", "first"), 1),
        (("--month", "1999-12"), 0),
        (("--from", "yesterday", "--to", "now"), 1),
    ):
        assert len(cli.document("record", "list", *options)["records"]) == count, options


def test_a_charge_of_yesterday_leads_to_its_receipt(cli: Cli, cut: tuple[str, int]) -> None:
    record_id, _ = cut
    entries = cli.document("user", "entries", "alice", "--since", "yesterday")["entries"]
    assert [entry["kind"] for entry in entries] == ["charge", "purchase", "charge", "purchase"]
    assert record_id in cli("user", "entries", "alice", "--since", "yesterday")
    assert cli.document("receipt", entries[2]["record_id"])["record"]["id"] == record_id
    assert cli.document("user", "entries", "alice", "--to", "last year")["entries"] == []


def test_the_ledger_is_exported_in_three_forms(cli: Cli, cut: tuple[str, int]) -> None:
    month = format_instant(cut[1])[:7]
    rows = list(csv.DictReader(io.StringIO(cli("entries", "--month", month, "--csv"))))
    lines = [json.loads(line) for line in cli("entries", "--month", month, "--jsonl").splitlines()]
    whole = cli.document("entries", "--month", month)["entries"]
    assert [row["id"] for row in rows] == [entry["id"] for entry in whole] == [entry["id"] for entry in lines]
    assert lines == whole
    assert (rows[0]["reference"], whole[0]["reference"]) == ("'=1+1", "=1+1")
    assert rows[0]["user_amount"] == "1.05"
    charges = csv.DictReader(io.StringIO(cli("entries", "--kind", "charge", "--csv")))
    assert [row["kind"] for row in charges] == ["charge", "charge"]
    assert cli.document("entries", "--month", "1999-12")["entries"] == []
    table = cli("entries", "--advisor", "maya")
    assert "charge" in table
    assert "purchase" not in table
    assert "More follow" in cli("entries", "--limit", "1")


def test_what_an_advisor_gets_for_a_month_is_one_command(cli: Cli, cut: tuple[str, int]) -> None:
    month = format_instant(cut[1])[:7]
    statement = cli.document("advisor", "statement", "maya", "--month", month)
    assert (statement["total"]["net"], statement["payable"], statement["carried"]) == ("0.3663", "0.36", "0.0063")
    assert "To pay: 0.36 " in cli("advisor", "statement", "maya", "--month", month)
    coins = cli.document("advisor", "statement", "maya", "--month", month, "--places", "0")
    assert (coins["payable"], coins["carried"]) == ("0.00", "0.3663")


def test_people_are_found_by_the_beginning_of_a_name(cli: Cli, cut: tuple[str, int]) -> None:
    assert [user["user_id"] for user in cli.document("user", "list", "--query", "AL")["users"]] == ["alice"]
    assert [advisor["id"] for advisor in cli.document("advisor", "list", "--query", "ma")["advisors"]] == ["maya"]
    assert cli.document("advisor", "list", "--query", "x")["advisors"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("entries", "--csv", "--json"), "Use one of --csv, --json and --jsonl."),
        (("entries", "--month", "2026-13"), "--month must be a month, such as 2026-10"),
        (("entries", "--tz", "Atlantis"), "--tz must be the name of a time zone"),
        (("entries", "--month", "2026-10", "--since", "today"), "Use either --month, or"),
        (("entries", "--from", "today", "--since", "today"), "Use either --since or --from."),
        (("entries", "--from", "today", "--to", "yesterday"), "--to must be after --from"),
        (("record", "list", "--since", "tomorrow"), "--since must be a date, an instant, “3 days ago”, or one of:"),
        (("report", "--from", "today"), "Say which period: --month 2026-10, or --from and --to."),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    ended = cli.run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_refund_says_whether_it_was_a_dry_run(cli: Cli, cut: tuple[str, int]) -> None:
    refund = ("record", "refund", cut[0], "--amount", "0.05", "--reason", "the line", "--borne-by", "platform")
    tried, given = cli.document(*refund, "--dry-run"), cli.document(*refund)
    assert (tried["dry_run"], given["dry_run"]) == (True, False)
    assert tried["refunded"] == given["refunded"] == "0.05"


def test_a_refusal_of_the_library_names_the_option(cli: Cli, cut: tuple[str, int]) -> None:
    assert cut
    for arguments, said in (
        (("advisor", "statement", "maya", "--from", "2020-01-01", "--to", "2026-01-01"), ": --to must be later than"),
        (("advisor", "set", "maya", "--ring-seconds", "0"), ": --ring-seconds must be from 1 second to 1 hour"),
    ):
        ended = cli.run(*arguments)
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err


async def test_months_are_those_of_the_time_zone(cli: Cli, database_url: str) -> None:
    async with Talktime.connect(database_url, work=False) as talktime:
        await talktime.put_user("alice", "Alice")
    document: Any = cli.document("report", "--month", "2026-10", "--tz", "Europe/Berlin")
    assert (document["from"], document["to"]) == ("2026-09-30T22:00:00.000Z", "2026-10-31T23:00:00.000Z")
