"""Clears up behind a program that is killed: nothing disposable that it has started outlives it.

Servers are processes of their own, and a killed program can't stop them. So a guardian is started beside the program,
which waits at the other end of a pipe: however the program ends, the kernel closes the pipe. Then it kills the
processes it was told of, stops the servers on the data folders it was told of, and removes the folders. A program that
ended well has done all that itself, and the guardian finds nothing to do.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Self

import psutil

_STOP_SECONDS_MAX = 10
_START_TOLERANCE_SECONDS = 5.0


class Guardian:
    """A process beside ours. `keep` and `accompany` may be called from any thread.

    It costs a start of Python, about a tenth of a second, once.
    """

    def __init__(self) -> None:
        # In a session of its own: what ends us from a terminal, or our whole process group, is not for it.
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def keep(self, data_dir: Path) -> None:
        """Stop the server on this folder, and remove the folder, if it is still there when we are gone."""
        self._tell({"folder": str(data_dir)})

    def accompany(self, pid: int) -> None:
        """Kill this process, a child of ours, if it still runs when we are gone."""
        self._tell({"pid": pid, "start": psutil.Process(pid).create_time()})

    def leave(self) -> None:
        """Ends it; what is still there of what it was told of goes now."""
        assert self._process.stdin is not None  # noqa: S101  it was asked for
        self._process.stdin.close()
        self._process.wait()

    def _tell(self, charge: dict[str, object]) -> None:
        assert self._process.stdin is not None  # noqa: S101  it was asked for
        self._process.stdin.write(json.dumps(charge) + "\n")
        self._process.stdin.flush()


def _watch(pipe: IO[str]) -> None:
    charges = [json.loads(line) for line in pipe]  # until the pipe is closed
    for charge in charges:
        if "pid" in charge:
            _kill(charge["pid"], charge["start"])
    folders = [Path(charge["folder"]) for charge in charges if "folder" in charge]
    for folder in folders:
        _stop_server(folder / "database")
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _kill(pid: int, start: float) -> None:
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - start) < _START_TOLERANCE_SECONDS:
            process.kill()
    except psutil.Error:
        pass  # it is gone, which is what was wanted


def _stop_server(database: Path) -> None:
    try:
        server = psutil.Process(int((database / "postmaster.pid").read_text().split()[0]))
        # A server lives in its data folder; any other process has the number by accident.
        if database.samefile(server.cwd()):
            server.send_signal(signal.SIGQUIT)  # at once: its data go next
            _await_end(server)
    except (OSError, IndexError, ValueError, psutil.Error):
        pass  # nothing runs on it


def _await_end(process: psutil.Process) -> None:
    """Not for ever. One that nobody reaps, as in many containers, has ended too."""
    give_up = time.monotonic() + _STOP_SECONDS_MAX
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < give_up:
        time.sleep(0.02)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _watch(sys.stdin)
