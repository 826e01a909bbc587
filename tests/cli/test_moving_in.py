"""The page about moving in: its files are imported by its commands, and its report is what the program prints."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import asyncpg
import pytest

from scripts.docsite.pages import DOCS
from tests.cli.conftest import Cli

PAGE = (DOCS / "how-to" / "move-in.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w.-]+)`:\n\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


OLD_TABLES = """
create table users (id text, name text, password text, credits numeric(12, 2));
insert into users values ('alice', 'Alice, née O''Hara', 'secret', 12.5), ('bob', null, 'secret', 0);
create table "giftCredit" (id int, "userId" text, amount numeric(12, 2), "expiresAt" timestamptz);
insert into "giftCredit" values (7, 'alice', 5, '2099-01-01');
create table advisors (id text, name text, "pricePerMinute" numeric(12, 2));
insert into advisors values ('maya', 'Maya', 1);
create table "conversationTimeRecord" (
    id int, "userId" text, "advisorId" text, "createdAt" timestamp, time int, cost numeric(12, 2), "isActive" boolean
);
insert into "conversationTimeRecord" values
    (4711, 'alice', 'maya', '2026-01-05 10:00:00.123', 300, 5, false),
    (4712, 'alice', 'maya', '2026-01-31', 15, 1, true);
create table chat (id text, "userId" text, "advisorId" text, duration int);
insert into chat values ('c1', 'alice', 'maya', 300), ('c2', 'alice', 'maya', 30);
"""


def command(beginning: str) -> list[str]:
    """The words of a command of the page."""
    (line,) = re.findall(rf"^talktime ({re.escape(beginning)}.*)$", PAGE, re.MULTILINE)
    return shlex.split(line)


@pytest.fixture
def files(cli: Cli) -> Path:
    for name, text in FILES.items():
        cli.write(name, text)
    return cli.folder


def test_the_files_of_the_page_are_imported_as_the_page_shows(cli: Cli, files: Path) -> None:
    words = command("import users.csv")
    assert {path.name for path in files.glob("*.csv")} >= {word for word in words if word.endswith(".csv")}
    printed = cli(*words)
    assert without_margins(printed) == without_margins(
        PAGE.partition("```text\n kind ")[2].partition("```")[0], " kind "
    )
    words.remove("--dry-run")
    assert cli(*words).splitlines()[-1] == "The new rows are imported."
    assert cli(*words).splitlines()[-1] == "The new rows are imported."
    assert cli.document("user", "show", "alice")["balance"] == "17.50"
    cli("doctor")


def test_the_shadow_run_of_the_page_prints_what_the_page_shows(cli: Cli, files: Path) -> None:
    words = command("shadow events.csv")
    shown = PAGE.partition("```text\n session_id ")[2].partition("```")[0]
    assert without_margins(cli(*words)) == without_margins(shown, " session_id ")
    sessions = json.loads(cli(*words, "--json"))["sessions"]
    assert (sessions[0]["session_id"], sessions[0]["rule"]) == ("4711", "the same")
    lines = cli(*words, "--csv").splitlines()
    assert (len(lines), lines[0].partition(",")[0]) == (4, "session_id")
    assert "Say which tariff" in cli.run("shadow", "events.csv").err
    bad = cli.write("bad.csv", "session_id,type,at\n1,start,never\n")
    assert "at must be an instant" in cli("shadow", bad, "--advisors", "advisors.csv")


async def test_the_tables_of_the_page_are_imported_with_its_mapping(
    cli: Cli, files: Path, empty_database_url: str
) -> None:
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(OLD_TABLES)
    await connection.close()
    words = command("import old.toml")
    words[words.index("--source") + 1] = empty_database_url
    tried = json.loads(cli(*words, "--json"))
    words.remove("--dry-run")
    report = json.loads(cli(*words, "--json"))
    assert tried["columns"] == report["columns"]
    assert {column["difference"] for column in report["columns"]} == {"0", "0.00"}
    assert [(each["id"], each["reason"].partition(":")[0]) for each in report["differences"]] == [
        ("c1, c2", "the chats of alice and maya have 330 seconds, their sessions 300")
    ]
    alice = cli.document("user", "show", "alice")
    assert (alice["display_name"], alice["balance"], alice["gift"]) == ("Alice, née O'Hara", "17.50", "5.00")
    assert cli.document("advisor", "show", "maya")["tariff"]["tiers"][0]["increment_seconds"] == 60
    again = json.loads(cli(*words, "--json"))
    assert {kind["new"] for kind in again["kinds"]} == {0}


async def test_a_table_that_can_not_be_read_is_named(cli: Cli, files: Path, another_database_url: str) -> None:
    ended = cli.run("import", "old.toml", "--source", another_database_url, "--as-of", "2026-02-01T00:00:00Z")
    assert (ended.code, 'users (users) can\'t be read: relation "users" does not exist' in ended.err) == (1, True)
    ended = cli.run("import", "old.toml", "--as-of", "2026-02-01T00:00:00Z")
    assert (ended.code, "belong together" in ended.err) == (2, True)
    writes = cli.write("writes.toml", '[users]\nquery = "delete from talktime.accounts returning user_id as id"\n')
    ended = cli.run("import", writes, "--source", another_database_url, "--as-of", "2026-02-01T00:00:00Z")
    assert (ended.code, "read-only transaction" in ended.err) == (1, True)


def without_margins(text: str, before: str = "") -> list[str]:
    return [line.strip() for line in (before + text).splitlines()]
