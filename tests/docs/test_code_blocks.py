"""Every block of code in a document works: it is run, type-checked, or compared with what it talks about."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
import typer.main
from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator
from standardwebhooks import Webhook

from scripts.docsite.pages import ROOT
from talktime import Talktime, Terms, parse_credits
from talktime.asgi import Tokens, create_app
from talktime.cli.app import app
from talktime.core.roles import Role
from talktime.core.tariff import Tariff
from talktime.settings import Settings
from talktime.testing import talk
from tests.docs.blocks import Block, blocks
from tests.nodes import node_on
from tests.services import environment

LANGUAGES = {"sh", "python", "json", "http", "html", "js", "ts", "sql", "text", "toml"}
OTHER_PROGRAMS = {"cd", "curl", "export", "git", "make", "npm"}
OTHER_PROGRAMS |= {"createdb", "openssl", "pg_basebackup", "pg_dump", "pg_restore", "psql", "patronictl"}


def test_every_block_says_its_language() -> None:
    assert {block.language for block in blocks()} <= LANGUAGES


# Python.


def test_python_passes_the_type_checker(tmp_path: Path) -> None:
    found = blocks("python")
    assert len(found) >= 4
    write_program(tmp_path)
    for number, block in enumerate(found):
        (tmp_path / f"block_{number}.py").write_text(f"# {block}\n{block.code}")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml", "--cache-dir"]
    checked = subprocess.run(
        [*command, str(ROOT / ".mypy_cache"), *map(str, sorted(tmp_path.glob("*.py")))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("block", [b for b in blocks("python") if "asyncio.run(" in b.code], ids=str)
async def test_a_python_program_runs(block: Block, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(block.code)
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "program.py",
        cwd=tmp_path,
        env=os.environ | {"TALKTIME_DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await program.communicate()
    assert program.returncode == 0, errors.decode()
    assert output.decode().strip() in {"True", "1.00", "0.00"}


def block_with(part: str) -> Block:
    """The one block of Python that contains `part`."""
    (block,) = [block for block in blocks("python") if part in block.code]
    return block


def write_program(folder: Path) -> None:
    """Write the module that tests of the documents import: a function that asks `talktime serve`."""
    (folder / "books.py").write_text(block_with("\ndef month_as_csv").code)


@pytest.mark.parametrize("block", [b for b in blocks("python") if "def test_" in b.code], ids=str)
def test_a_python_test_passes(block: Block, tmp_path: Path) -> None:
    """The test of a document passes beside the settings, `conftest.py` and programs of the documents."""
    (settings,) = blocks("toml")
    (tmp_path / "pyproject.toml").write_text(settings.code)
    (tmp_path / "conftest.py").write_text(block_with('os.environ["WEBHOOK_SECRET"] = ').code)
    (tmp_path / "test_it.py").write_text(block.code)
    write_program(tmp_path)
    data_dir = tmp_path / "data"
    env = environment(secret=None, outage_seconds=None, data_dir=data_dir)
    env["PYTHONPATH"] = str(ROOT / "examples" / "fastapi")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in run.stdout, run.stdout + run.stderr
    assert "loop_scope" not in run.stdout + run.stderr
    assert not data_dir.exists()  # a test leaves no secret in the folder of the developer


def run_on(database_url: str, part: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the one block that contains `part`, with a database; what it has defined."""
    block = block_with(part)
    monkeypatch.setenv("TALKTIME_DATABASE_URL", database_url)
    monkeypatch.setenv("TALKTIME_SECRET", "a secret for a test, long enough to sign")
    names: dict[str, Any] = {}
    exec(compile(block.code, str(block), "exec"), names)
    return names


async def test_the_application_in_an_application_answers(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_on(database_url, "app.mount(", monkeypatch)
    host = names["app"]
    async with (
        host.router.lifespan_context(host),
        httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://host") as client,
    ):
        assert (await client.get("/talktime/readyz")).status_code == 200


async def test_the_service_makes_the_people_of_its_host(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_on(database_url, "while_open=", monkeypatch)
    host, service = FastAPI(), names["service"]
    names["answer_refusals"](host)

    @host.get("/name")
    async def name_of_maya() -> str:
        return str((await service.state.talktime.advisor("maya")).display_name)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://host") as client:
        assert (await client.get("/name")).status_code == 503
        async with service.router.lifespan_context(service):
            assert (await client.get("/name")).json() == "Maya"


async def test_the_month_of_a_mounted_service_comes_as_csv(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = run_on(database_url, "async def month_as_csv", monkeypatch)
    settings = Settings(database_url=database_url, data_dir=tmp_path, secret="a secret for a test, long enough to sign")
    service = create_app(settings)
    async with service.router.lifespan_context(service):
        talktime = service.state.talktime
        await talktime.put_user("alice", "Alice")
        await talktime.add_credit("alice", parse_credits("10.00"), reference="=1+1")
        month = datetime.fromtimestamp(await talktime.now() / 1000, ZoneInfo("Europe/Berlin")).strftime("%Y-%m")
        answer = await names["month_as_csv"](service, month)
        heading, line = answer.body.decode().splitlines()
        refused = await names["month_as_csv"](service, "October")
    assert answer.media_type.startswith("text/csv")
    assert heading.startswith("id,")
    assert ",'=1+1," in line
    assert (refused.status_code, refused.media_type) == (422, "application/problem+json")
    assert json.loads(refused.body)["detail"] == "month must be a month, such as 2026-10"


async def test_what_to_pay_all_advisors_is_written_as_csv(database_url: str) -> None:
    names: dict[str, Any] = {}
    block = block_with("def write_payments")
    exec(compile(block.code, str(block), "exec"), names)
    assert datetime.fromtimestamp(names["OCTOBER"][0] / 1000, UTC).isoformat() == "2026-09-30T22:00:00+00:00"
    by_the_minute = Tariff.parse({"tiers": [{"rate": "1.00"}]})
    async with node_on(database_url) as talktime:
        await talktime.put_user("alice", "Alice")
        await talktime.add_credit("alice", parse_credits("100.00"))
        # More advisors than a page has; the last one has earned.
        for number in range(100):
            await talktime.put_advisor(f"a{number:03}", "A", by_the_minute)
        await talktime.put_advisor("maya", "Maya", by_the_minute, Terms.parse({"share_percent": 49.25}))
        await talktime.create_chat("alice", "maya", "chat 1")
        begin = await talktime.now()
        await talk(talktime, "chat 1", minutes=1)
        file = io.StringIO()
        await names["write_payments"](talktime, begin, await talktime.now() + 1, file)
    heading, *lines, last = file.getvalue().splitlines()
    assert heading == "advisor_id,payable"
    assert lines == [f"a{number:03},0.00" for number in range(100)]
    assert last == "maya,0.49"


def test_the_settings_of_django_reach_talktime(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    block = block_with("django.conf import settings")
    secret = "a secret that the settings of Django have alone"
    given = SimpleNamespace(TALKTIME_DATABASE_URL=database_url, TALKTIME_ADDRESS="https://shop.example/talktime")
    given.TALKTIME_SECRET = secret
    monkeypatch.setattr("django.conf.settings", given)
    monkeypatch.setenv("TALKTIME_PRESENCE_LEASE_SECONDS", "5")
    monkeypatch.setenv("TALKTIME_NAME", "The shop")
    names: dict[str, Any] = {}
    exec(compile(block.code, str(block), "exec"), names)
    assert Tokens(secret).read(names["tokens"].make(Role.USER, "alice")).subject == "alice"
    with names["talktime"] as talktime:
        talktime.put_user("alice", "Alice")
        talktime.put_advisor("maya", "Maya", Tariff.parse({"tiers": [{"rate": "0"}]}), starts="at_once")
        assert talktime.create_link("user", "alice").address.startswith("https://shop.example/talktime/")
        snapshot, _ = talktime.create_chat("alice", "maya")
        # The block names the seller, and the environment has the rest.
        assert snapshot.timer.lease_until == snapshot.server_time + 5_000
        assert talktime.receipt(snapshot.record.id).seller == "Tutors & Friends"


def test_a_test_signs_the_end_of_a_record_as_talktime_does(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_on(database_url, "def message_of_an_end", monkeypatch)
    with Talktime.blocking(database_url, work=False) as talktime:
        talktime.put_user("alice", "Alice")
        talktime.put_advisor("maya", "Maya", Tariff.parse({"tiers": [{"rate": "0"}]}))
        talktime.create_chat("alice", "maya", "chat 1")
        talktime.stop("chat 1")
        body, headers = names["message_of_an_end"](talktime)
    Webhook(names["secret"]).verify(body, headers)
    assert (json.loads(body)["type"], json.loads(body)["id"]) == ("record.ended", headers["webhook-id"])


def test_a_mounted_service_logs_to_standard_error_from_its_first_line_on(tmp_path: Path) -> None:
    host = """
import logging, os
from talktime.asgi import create_app
create_app()
logging.getLogger("talktime").setLevel(logging.ERROR)
create_app()
"""
    env = os.environ | {"TALKTIME_DATA_DIR": str(tmp_path), "TALKTIME_ADRESS": "https://shop.example"}
    run = subprocess.run(
        [sys.executable, "-c", host], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert (json.loads(line)["event"], json.loads(line)["level"]) == ("settings.misspelt_variable", "warning")


def test_the_logs_of_talktime_reach_the_handlers_of_the_host(tmp_path: Path) -> None:
    block = block_with("LoggerFactory")
    host = """
import logging
from talktime.node import clock
logging.basicConfig(format="%(name)s %(levelname)s %(message)s")
exec('log.warning("clock.corrected", token="abc")', vars(clock))
exec('log.info("below the level")', vars(clock))
"""
    command = [sys.executable, "-c", block.code + host]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    expected = 'talktime.node.clock WARNING {"token": "[redacted]", "event": "clock.corrected"}'
    assert (run.stderr.strip(), run.stdout) == (expected, "")


# The shell.


def commands_in(code: str) -> Iterator[list[str]]:
    """The commands of a shell script, one by one; a quoted text is one word."""
    code = re.sub(r"^\s*#.*", "", code, flags=re.MULTILINE).replace("\\\n", " ")
    code = re.sub(r"^call\(\) .*", "", code, flags=re.MULTILINE)  # a function of the script itself
    code = re.sub(r"\$\(([^()]*)\)", lambda match: f"substituted; {match[1]}", code)
    for line in code.splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars="&|;>")
        words.whitespace_split = True
        command: list[str] = []
        for word in [*words, ";"]:
            if not set(word) <= set("&|;"):
                command.append(word)
            elif command:
                yield [word for word in command if not re.fullmatch(r"[A-Z]+=.*", word)] or ["export"]
                command = []


def check_talktime(words: list[str]) -> None:
    """That `talktime` has this command, with these options and as many arguments."""
    if ">" in words:
        words = words[: words.index(">")]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        while words and words[0].startswith("--"):
            assert words[0] in {name for option in command.params for name in option.opts}, words
            words = words[2:] if words[0] != "--debug" else words[1:]
        assert words, f"{command.name} needs a command"
        name, *words = words
        assert name in command.commands, name
        command = command.commands[name]
    parser = command.make_parser(command.context_class(command))
    try:
        values, left, _order = parser.parse_args(list(words))
    except Exception as error:
        raise AssertionError(f"{command.name} {words}: {error!r}") from error
    assert not left, left
    for parameter in command.params:
        if parameter.required:
            # What is missing is None here, or a mark of the parser's own.
            assert isinstance(values.get(parameter.name), str | list | tuple), f"{command.name} needs {parameter.name}"


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_every_command_exists_with_its_options(block: Block) -> None:
    makefile = (ROOT / "Makefile").read_text()
    package = json.loads((ROOT / "client" / "package.json").read_text())
    for program, *words in commands_in(block.code):
        if program in {"talktime", ".venv/bin/talktime"}:
            check_talktime(words)
            continue
        assert program in OTHER_PROGRAMS | {"call"}, program
        if program == "make":
            assert re.search(rf"^{words[0]}:", makefile, re.MULTILINE), words
        if program == "npm":
            assert words == ["install", package["name"]]


def test_the_check_of_commands_notices_a_wrong_one() -> None:
    for wrong in ("user shwo alice", "user show", "user show alice --no-such-option", "token create --role user"):
        with pytest.raises(AssertionError):
            check_talktime(wrong.split())


@pytest.mark.parametrize("path", ["README.md", "docs/how-to/embed.md", "docs/tutorial.md"])
def test_commands_in_prose_exist(path: str) -> None:
    for command in re.findall(r"`talktime ([a-z][^`]*)`", (ROOT / path).read_text(encoding="utf-8")):
        check_talktime(shlex.split(command))


async def test_the_calls_of_a_backend_work(database_url: str, tmp_path: Path) -> None:
    """The script of `embed.md`, with its address and its curl in our hand."""
    (block,) = [block for block in blocks("sh") if "call -X PUT" in block.code]
    settings = Settings(database_url=database_url, data_dir=tmp_path, secret="a secret for a test, long enough to sign")
    service = create_app(settings)
    token = service.state.tokens.make(Role.SERVICE, "shop")
    transport = httpx.ASGITransport(service)
    calls = [
        words for words in commands_in(block.code.replace("$API", "http://127.0.0.1:8700/v1")) if words[0] == "call"
    ]
    assert len(calls) == 7
    async with (
        service.router.lifespan_context(service),
        httpx.AsyncClient(transport=transport, headers={"Authorization": f"Bearer {token}"}) as client,
    ):
        for _, *words in calls:
            options = dict(itertools.pairwise(words))
            (address,) = [word for word in words if word.startswith("http")]
            header, _, value = options.get("-H", "").partition(": ")
            answer = await client.request(
                options.get("-X", "GET"),
                address,
                content=options.get("-d"),
                headers={"Content-Type": "application/json"} | ({header: value} if header else {}),
            )
            assert answer.is_success, (words, answer.text)
    assert answer.json()["record"]["state"] == "ended"


# JSON, HTTP and SQL.


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    document: dict[str, Any] = create_app(Settings(secret="x" * 32)).openapi()
    return document


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_what_it_seems_to_be(block: Block, openapi: dict[str, Any]) -> None:
    document = json.loads(block.code)
    if "tiers" in document:
        Tariff.parse(document)
        return
    assert document["type"].startswith("urn:talktime:problem:")
    Draft202012Validator({"$ref": "#/components/schemas/Problem", **openapi}).validate(document)


@pytest.mark.parametrize("block", blocks("http"), ids=str)
def test_a_request_is_one_that_the_service_takes(block: Block, openapi: dict[str, Any]) -> None:
    head, _, rest = block.code.partition("\n")
    method, address = head.split()
    body = json.loads(rest[rest.index("{") :])
    for path, operations in openapi["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), address) and method.lower() in operations:
            operation = operations[method.lower()]
            break
    else:
        pytest.fail(f"no such call: {head}")
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": openapi["components"]}).validate(body)
    named = {parameter["name"] for parameter in operation.get("parameters", ())}
    assert set(re.findall(r"^([A-Za-z-]+): ", rest[: rest.index("{")], re.MULTILINE)) <= named


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
async def test_sql_runs(block: Block, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        for statement in filter(str.strip, block.code.split(";")):
            await connection.fetch(statement)
    finally:
        await transaction.rollback()  # a role would outlive the database
        await connection.close()


# What runs in browsers.


class Markup(HTMLParser):
    """The scripts of a page, the attributes of its elements, and whether every element is closed."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.timers: list[set[str]] = []
        self._open: list[str] = []
        self.feed(code)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        if tag == "talk-time":
            self.timers.append({name for name, _ in attributes})

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"] and data.strip():
            self.scripts.append(data)


def test_html_is_whole_and_knows_the_element() -> None:
    found = blocks("html")
    assert found
    reference = (ROOT / "docs" / "reference" / "element.md").read_text(encoding="utf-8")
    attributes = set(re.findall(r"attribute `([a-z-]+)`", reference))
    for block in found:
        for timer in Markup(block.code).timers:
            assert timer <= attributes | {"id"}, block


def test_scripts_for_browsers_pass_the_type_checker(tmp_path: Path) -> None:
    client = ROOT / "client"
    files: dict[str, str] = {}
    for number, block in enumerate(blocks("js", "ts")):
        files[f"block{number}.ts"] = f"// {block}\n{block.code}\nexport {{}};\n"
    for number, block in enumerate(blocks("html")):
        for place, script in enumerate(Markup(block.code).scripts):
            # A script in a page knows that the element is there.
            sure = re.sub(r'querySelector\("talk-(time|chat)"\)', r"\g<0>!", script)
            imports = "import '@talktime/client';\nimport '@talktime/client/talk/element';"
            files[f"page{number}_{place}.ts"] = f"// {block}\n{imports}\n{sure}\nexport {{}};\n"
    assert len(files) >= 4
    for name, code in files.items():
        served = r'from "https?://[^"]*/static/talktime.js"'
        (tmp_path / name).write_text(re.sub(served, 'from "@talktime/client"', code))
    options = {
        "extends": str(client / "tsconfig.json"),
        "compilerOptions": {
            "paths": {
                "@talktime/client": [str(client / "src" / "index.ts")],
                "@talktime/client/*": [str(client / "src" / "*.ts")],
            },
            "noUnusedLocals": False,
        },
        "include": ["*.ts"],
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps(options))
    command = [str(ROOT / "scripts" / "npm"), "exec", "--", "tsc", "--noEmit", "-p", str(tmp_path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
