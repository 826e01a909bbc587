"""`talktime demo` on the machine of a person: its port, its log, the browser, and a second start."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from talktime.postgres.guardian import Guardian
from tests.services import PROGRAM, START_SECONDS_MAX, environment, port_in

USUAL = 8700


def surroundings(data_dir: Path, **variables: str) -> dict[str, str]:
    """The environment of a demo: no display unless a test gives one, and a browser that only writes."""
    browser = data_dir / "browser"
    browser.write_text('#!/bin/sh\necho "$1" >>"$0.opened"\n')
    browser.chmod(0o755)
    kept = {name: value for name, value in environment().items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    return kept | {"TALKTIME_DATA_DIR": str(data_dir), "BROWSER": f"{browser} %s", **variables}


@contextmanager
def demo(guardian: Guardian, data_dir: Path, *arguments: str, **variables: str) -> Iterator[list[str]]:
    """A demo that runs; the lines that it has printed."""
    with subprocess.Popen(
        [*PROGRAM, "demo", *arguments],
        env=surroundings(data_dir, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=data_dir,
    ) as process:
        guardian.guard_process(process.pid)
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline(), process.stdout.readline()]
            assert port_in(lines[0]), process.stderr and process.stderr.read()
            yield lines
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=START_SECONDS_MAX)
    assert errors == ""


def test_one_address_a_log_and_a_second_start(guardian: Guardian, data_dir: Path) -> None:
    with demo(guardian, data_dir, "--port", "0") as lines:
        port = port_in(lines[0])
        assert lines[0].count("http://") == 1
        assert lines[1] == f"Its log is in {data_dir}/demo.log\n"
        assert '"database_started"' in (data_dir / "demo.log").read_text()
        again = subprocess.run(
            [*PROGRAM, "demo"], env=surroundings(data_dir), capture_output=True, text=True, check=True, cwd=data_dir
        )
        assert again.stdout == f"The demo runs already on {data_dir}: http://127.0.0.1:{port}\n"
        assert again.stderr == ""
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    with demo(guardian, data_dir, "--port", "0") as lines:  # what the first one has left behind stops nothing
        assert port_in(lines[0])


def test_a_port_that_is_taken_is_passed_over_unless_it_was_chosen(guardian: Guardian, data_dir: Path) -> None:
    with taken_from(USUAL), demo(guardian, data_dir) as lines:
        port = port_in(lines[0])
        assert port is not None
        assert USUAL < port < USUAL + 20
        for arguments, variables in ((["--port", str(port)], {}), ([], {"TALKTIME_PORT": str(port)})):
            other = data_dir / "other"
            other.mkdir(exist_ok=True)
            refused = subprocess.run(
                [*PROGRAM, "demo", *arguments],
                env=surroundings(other, **variables),
                capture_output=True,
                text=True,
                check=False,
                cwd=other,
            )
            assert refused.returncode == 2
            assert f"can't listen on 127.0.0.1, port {port}: Address already in use" in refused.stderr


@contextmanager
def taken_from(port: int) -> Iterator[None]:
    """A program listens on the port, perhaps one that was there before."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
            one.listen()
        except OSError:
            socket.create_connection(("127.0.0.1", port)).close()
        yield


@pytest.mark.parametrize(
    ("arguments", "display", "opens"), [([], ":99", True), (["--no-browser"], ":99", False), ([], "", False)]
)
def test_the_browser_opens_where_there_is_a_display(
    guardian: Guardian, data_dir: Path, arguments: list[str], display: str, opens: bool
) -> None:
    opened = data_dir / "browser.opened"
    with demo(guardian, data_dir, "--port", "0", *arguments, DISPLAY=display) as lines:
        address = f"http://127.0.0.1:{port_in(lines[0])}"
        give_up_at = time.monotonic() + START_SECONDS_MAX
        while opens and not (opened.exists() and opened.read_text()):
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
    assert (opened.read_text() if opened.exists() else "") == (f"{address}\n" if opens else "")
