"""What makes the command line pleasant: examples, options anywhere, quiet commands, errors that name the person."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from talktime import cli as cli_module
from talktime.cli.app import app
from talktime.cli.examples import EXAMPLES
from talktime.cli.global_options import with_global_options_first, words_of
from tests.cli.conftest import Cli
from tests.docs.blocks import text_of
from tests.services import PROGRAM

GROUP = typer.main.get_command(app)


def commands(group: object = GROUP, words: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{words} {name}".strip())
        else:
            yield f"{words} {name}".strip(), command


def test_every_command_has_an_example_in_its_help() -> None:
    assert {name for name, _ in commands()} == set(EXAMPLES)
    assert {name: command.epilog for name, command in commands()} == {
        name: f"Example: {example}" for name, example in EXAMPLES.items()
    }


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "bench"])
def test_an_example_can_be_typed(name: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each word and each option of the example is known, and no argument is missing."""
    monkeypatch.chdir(str(tmp_path))
    for file in ("new.json", "tariff.json", "users.csv", "balances.csv", "events.csv"):
        with open(file, "w", encoding="utf-8") as tariff:  # noqa: PTH123  in the working directory
            tariff.write("{}")
    words = shlex.split(EXAMPLES[name])
    assert words[: 1 + len(name.split())] == ["talktime", *name.split()]
    command = dict(commands())[name]
    command.make_context(name, words[1 + len(name.split()) :], resilient_parsing=False)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("user show alice --debug", "--debug user show alice"),
        ("user --data-dir x show alice", "--data-dir x user show alice"),
        ("user show alice --database-url=postgresql://x", "--database-url=postgresql://x user show alice"),
        ("user credit alice --debug -- -1 --debug", "--debug user credit alice -- -1 --debug"),
        ("--debug bench start --debug", "--debug bench start --debug"),
        ("user show --data-dir", "user show --data-dir"),
    ],
)
def test_global_options_may_stand_anywhere(typed: str, read: str) -> None:
    assert with_global_options_first(typed.split()) == read.split()


def test_a_command_reads_a_global_option_behind_its_name(cli: Cli) -> None:
    cli("user", "add", "alice")
    del cli.environment["TALKTIME_DATABASE_URL"]
    cli.environment["TALKTIME_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    assert cli.run("user", "show", "alice").code == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["user", "show", "alice"], "user show alice"),
        (["user", "debit", "alice", "5", "--reference", "secret"], "user debit alice 5"),
        (["--database-url", "postgresql://a:b@c/d", "doctor"], "doctor"),
        (["user", "show", "a\x1b[2Jb"], "user show a?[2Jb"),
    ],
)
def test_errors_begin_with_what_was_typed(typed: list[str], words: str) -> None:
    assert words_of(typed) == words


def test_an_error_says_whom_it_is_about(cli: Cli) -> None:
    assert cli.run("user", "show", "nobody").err == "talktime user show nobody: There is no such user here.\n"


def test_a_short_command_logs_nothing(cli: Cli) -> None:
    cli("advisor", "set", "maya", "--rate", "0.60", "--free", "3m", "--starts", "at_once")
    cli("user", "add", "alice")
    assert cli.run("user", "credit", "alice", "10").err == ""


def test_an_advisor_needs_no_file(cli: Cli) -> None:
    document = cli.document("advisor", "set", "maya", "--rate", "0.60", "--free", "3", "--increment", "60")
    assert document["tariff"]["free_seconds"] == 3  # as the help says
    assert "a number alone is seconds" in " ".join(cli("advisor", "set", "--help").replace("│", " ").split())
    document = cli.document("advisor", "set", "maya", "--rate", "0.60", "--free", "3m", "--increment", "1m")
    assert document["tariff"]["free_seconds"] == 180
    assert document["tariff"]["tiers"] == [
        {"from_seconds": 0, "rate": "0.60", "per_seconds": 60, "increment_seconds": 60}
    ]
    for wrong in (("--rate", "x"), ("--rate", "1", "--free", "soon"), ("--rate", "1", "--tariff", "t.json")):
        cli.write("t.json", "{}")
        assert cli.run("advisor", "set", "maya", *wrong).code == 2, wrong


def test_config_shows_where_a_value_comes_from_and_no_secret(cli: Cli) -> None:
    cli.write("talktime.toml", "leave_seconds = 7\n")
    cli.environment["TALKTIME_SECRET"] = "a secret that must never be shown anywhere"
    cli.environment["TALKTIME_DATABASE_URL"] = "postgresql://talk:word@127.0.0.1/talk"
    rows = {row["setting"]: row for row in cli.document("--data-dir", ".", "config", "show")["settings"]}
    assert rows["TALKTIME_LEAVE_SECONDS"] == {
        "setting": "TALKTIME_LEAVE_SECONDS",
        "value": "7",
        "source": "talktime.toml",
    }
    assert rows["TALKTIME_DATABASE_URL"]["value"] == "postgresql://talk:…@127.0.0.1/talk"
    assert rows["TALKTIME_DATA_DIR"]["source"] == "command line"
    assert rows["TALKTIME_SECRET"]["source"] == "environment"
    assert rows["TALKTIME_PORT"]["source"] in {"default", "environment"}
    assert "never be shown" not in str(rows)


def test_no_color_is_heeded(cli: Cli) -> None:
    """On a terminal, help and tables have colours, unless NO_COLOR says otherwise."""
    for added, has_colours in (({}, True), ({"NO_COLOR": "1"}, False)):
        ours, theirs = pty.openpty()
        environment = {**cli.environment, "TERM": "xterm-256color", **added}
        with subprocess.Popen([*PROGRAM, "--help"], env=environment, stdout=theirs, stderr=theirs) as process:
            process.wait(60)
        os.close(theirs)
        said = os.read(ours, 1 << 16)
        os.close(ours)
        # Bold is no colour: what NO_COLOR forbids begins with 3.
        assert (re.search(rb"\x1b\[(\d;)?3\d", said) is not None) == has_colours


@pytest.mark.parametrize(
    ("typed", "offered"), [("talktime web", ["webhook"]), ("talktime webhook de", ["deliveries", "delete"])]
)
def test_the_shell_completes_commands(typed: str, offered: list[str]) -> None:
    """As the script asks that `talktime --install-completion` installs."""
    asked = {"_TALKTIME_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    program = Path(sys.executable).with_name("talktime")
    ended = subprocess.run([program], env=os.environ | asked, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == offered


def test_the_version_is_printed(cli: Cli) -> None:
    assert cli.run_alone("--version").out == "0.1.0\n"


def test_a_dry_run_shows_what_would_come_and_changes_nothing(cli: Cli) -> None:
    cli("user", "add", "alice")
    dry = cli.run("user", "credit", "alice", "10.00", "--key", "order 1", "--dry-run", "--json")
    assert json.loads(dry.out)["balance"] == "10.00"
    assert "dry run" in dry.err
    assert cli.document("user", "show", "alice")["balance"] == "0.00"
    # The key is still free.
    assert cli.document("user", "credit", "alice", "4.00", "--key", "order 1")["balance"] == "4.00"
    assert cli.document("user", "debit", "alice", "1.00", "--dry-run")["balance"] == "3.00"
    assert cli.run("user", "debit", "alice", "5.00", "--dry-run").code == 1
    assert cli.run("user", "debit", "nobody", "5.00", "--dry-run").code == 3
    assert cli.document("user", "show", "alice")["balance"] == "4.00"
    assert len(cli.document("user", "entries", "alice")["entries"]) == 1
    assert [event["type"] for event in map(json.loads, cli("events", "--json").splitlines())] == ["credit.added"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("open", "admin"), "ROLE must be one of: operator, user, advisor"),
        (("open", "operator", "--address", "shop"), "--address must be an address such as https://"),
        (("key", "create", "--name", ""), "--name must have 1 to 128 characters"),
        (("receipt", "--verify", "twice.json"), "twice.json is a file: talktime receipt --offline twice.json"),
        (("advisor", "set", "maya", "--tariff", "twice.json"), "the field tiers is named more than once"),
        (("webhook", "replay", "w", "--after", "x"), "must be the id of an event"),
    ],
)
def test_a_wrong_argument_is_answered_with_what_to_type(cli: Cli, typed: tuple[str, ...], says: str) -> None:
    (cli.folder / "twice.json").write_text('{"tiers": [{"rate": "1"}], "tiers": [{"rate": "2"}]}')
    ended = cli.run(*typed)
    assert ended.code != 0
    assert says in " ".join(ended.err.split())
    assert ended.err.startswith(f"talktime {words_of(typed)}: ")


def test_a_replay_is_not_offered_latest_which_it_refuses(cli: Cli) -> None:
    assert "latest" not in cli.run("webhook", "replay", "w", "--after", "x").err
    assert "latest" in cli.run("events", "--after", "x").err


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("record", "list", "--state", "foo"), "Invalid value for '--state': 'foo' is not one of 'requested'"),
        (("user", "credit", "alice", "5", "--kind", "bribe"), "Invalid value for '--kind': 'bribe' is not one of"),
        (("key", "create", "--name", "a", "--scope", "all"), "Invalid value for '--scope': 'all' is not one of"),
    ],
)
def test_a_value_that_is_none_of_those_allowed_is_refused_in_plain_words(
    cli: Cli, typed: tuple[str, ...], says: str
) -> None:
    ended = cli.run(*typed)
    assert (ended.code, ended.out) == (2, "")
    assert says in " ".join(ended.err.replace("│", " ").split())
    assert "Usage: talktime " in ended.err


def test_each_list_has_the_field_that_the_documents_name(cli: Cli) -> None:
    section = text_of("docs/reference/commands.md").partition("## Lists as JSON")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (`talktime .*) \|$", section, re.MULTILINE)
    cli("user", "add", "alice")
    cli("advisor", "set", "maya", "--rate", "1.00")
    cli("webhook", "create", "https://shop.example/events")
    ids = {"user": "alice", "advisor": "maya", "webhook": cli.document("webhook", "list")["webhooks"][0]["id"]}
    listed = set()
    for field, typed in rows:
        for command in re.findall(r"`talktime ([^`]*)`", typed):
            words = command.split()
            arguments = [ids[words[0]] if word == "ID" else word for word in words]
            document = cli.document(*arguments)
            assert isinstance(document.pop(field), list), command
            assert set(document) <= {"next"}, command
            assert document.get("next") is None
            listed.add(" ".join(words[:2]))
    assert {"user list", "entries", "webhook deliveries", "key list"} < listed
    source = "".join(file.read_text("utf-8") for file in Path(cli_module.__file__).parent.glob("*.py"))
    names = set(re.findall(r'print_(?:page|table)\(\n?\s*"(\w+)", .*as_json\)', source))
    assert names - {"totals", "sessions"} <= {field for field, _ in rows}


def test_the_doctor_says_which_database_is_well(cli: Cli) -> None:
    assert "talktime doctor: the database is postgresql://" in cli.run("doctor").err
