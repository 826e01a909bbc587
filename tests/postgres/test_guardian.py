"""A killed test run leaves nothing behind: no server, no service, no folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests import conftest

_ROOT = Path(conftest.__file__).parent.parent
_GONE_SECONDS_MAX = 30

# A test that has a server, and a service of its own beside it, and then takes for ever.
_ENDLESS = """
import subprocess, sys, time
from pathlib import Path
import pytest

def test_endless(server, data_dir, guardian):
    service = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    guardian.guard_process(service.pid)
    sockets = Path(server.url.partition("host=")[2].replace("%2F", "/"))
    server_pid = (sockets.parent / "database" / "postmaster.pid").read_text().split()[0]
    print(f"\\nrunning {server_pid} {service.pid} {sockets.parent} {data_dir}", flush=True)
    time.sleep(600)
"""


def test_nothing_outlives_a_killed_test_run(tmp_path: Path) -> None:
    (tmp_path / "test_endless.py").write_text(_ENDLESS)
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "-p", "tests.conftest", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        try:
            said = next(line.split() for line in run.stdout if line.startswith("running"))
        finally:
            os.killpg(run.pid, signal.SIGKILL)
    processes = [int(pid) for pid in said[1:3]]
    folders = [Path(folder) for folder in said[3:]]
    give_up = time.monotonic() + _GONE_SECONDS_MAX
    while left := [pid for pid in processes if _runs(pid)] + [folder for folder in folders if folder.exists()]:
        assert time.monotonic() < give_up, f"still there: {left}"
        time.sleep(0.1)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
