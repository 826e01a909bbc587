"""The command line: many commands in one process, since starting Python for each would take longer than all of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.services import PROGRAM, SECRET, environment

_COMMANDS_IN_TURN = """
import contextlib, io, json, os, sys
from talktime.cli import main
for line in sys.stdin:
    arguments, folder, environment = json.loads(line)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["talktime", *arguments]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class Cli:
    """Runs `talktime` with settings of its own, in a folder of its own."""

    def __init__(self, process: subprocess.Popen[str], database_url: str, folder: Path) -> None:
        self._process = process
        self.folder = folder
        self.environment = environment(database_url=database_url, data_dir=folder)

    def run(self, *arguments: str) -> Ended:
        """Run a command in the process that all tests share."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([arguments, str(self.folder), self.environment]) + "\n")
        self._process.stdin.flush()
        return self._checked(Ended(*json.loads(self._process.stdout.readline())), arguments)

    def run_alone(self, *arguments: str) -> Ended:
        """Run a command as people do, in a process of its own."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return self._checked(Ended(done.returncode, done.stdout, done.stderr), arguments)

    def _checked(self, ended: Ended, arguments: tuple[str, ...]) -> Ended:
        assert "Traceback" not in ended.err
        assert SECRET not in ended.out + ended.err
        if ended.code:
            # Whatever is logged, the person who typed the command is told something.
            assert re.search(r"^(talktime\b|Usage: )", ended.err, re.MULTILINE), (arguments, ended)
            assert not ended.out or arguments[0] in {"doctor", "events", "import"} or "--offline" in arguments
        return ended

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """The output of a command, which must end with `code`."""
        ended = self.run(*arguments)
        assert ended.code == code, (arguments, ended)
        return ended.out

    def document(self, *arguments: str) -> Any:
        """The JSON that a command prints."""
        return json.loads(self(*arguments, "--json"))

    def write(self, name: str, text: str) -> str:
        """Write a file that commands can be given; its name."""
        (self.folder / name).write_text(text, "utf-8")
        return name


@pytest.fixture(scope="session")
def _commands_in_turn() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _COMMANDS_IN_TURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


@pytest.fixture
def cli(_commands_in_turn: subprocess.Popen[str], database_url: str, tmp_path: Path) -> Cli:
    return Cli(_commands_in_turn, database_url, tmp_path)
