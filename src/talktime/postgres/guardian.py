"""Cleans up after a program that is killed: no temporary server or folder outlives the program that made it.

A server is a process of its own, and a killed program cannot stop it. So a guardian process runs beside the program and
waits at the other end of a pipe. However the program ends, the kernel closes the pipe. Then the guardian kills the
processes that it guards, stops the servers on the folders that it guards, and removes the folders. A program that ends
normally has done this itself, and leaves nothing for the guardian to do.
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
START_TOLERANCE_SECONDS = 5.0
"""How much two reports of one start may differ: the system reports the start to about 10 ms, and the value moves
when the system's clock is corrected."""


class Guardian:
    """The guardian process. All methods may be called from any thread.

    To start it takes about a tenth of a second, the start of Python.
    """

    def __init__(self) -> None:
        # A session of its own keeps signals to the program's terminal or process group away from the guardian.
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def guard_folder(self, data_dir: Path) -> None:
        """When this program is gone, stop the server on the folder, and remove the folder."""
        self._send({"folder": str(data_dir)})

    def guard_process(self, pid: int) -> None:
        """When this program is gone, kill this child process."""
        self._send({"pid": pid, "start": psutil.Process(pid).create_time()})

    def close(self) -> None:
        """Clean up now, and end the guardian."""
        assert self._process.stdin is not None  # noqa: S101  a pipe was asked for
        self._process.stdin.close()
        self._process.wait()

    def _send(self, task: dict[str, object]) -> None:
        assert self._process.stdin is not None  # noqa: S101  a pipe was asked for
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()


def _guard(pipe: IO[str]) -> None:
    """The main function of the guardian process."""
    tasks = [json.loads(line) for line in pipe]  # ends when the pipe is closed
    for task in tasks:
        if "pid" in task:
            _kill(task["pid"], task["start"])
    folders = [Path(task["folder"]) for task in tasks if "folder" in task]
    for folder in folders:
        _stop_server(folder / "database")
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _kill(pid: int, start: float) -> None:
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - start) < START_TOLERANCE_SECONDS:
            process.kill()
    except psutil.Error:
        pass  # the process has ended already


def _stop_server(database: Path) -> None:
    try:
        server = psutil.Process(int((database / "postmaster.pid").read_text().split()[0]))
        # The working directory of a server is its data folder. Another process may have the same number by accident.
        if database.samefile(server.cwd()):
            server.send_signal(signal.SIGQUIT)  # without a checkpoint, because the data is removed next
            _await_end(server)
    except (OSError, IndexError, ValueError, psutil.Error):
        pass  # no server runs on the folder


def _await_end(process: psutil.Process) -> None:
    """Wait a limited time. In many containers nobody reaps a process, so a zombie has ended too."""
    give_up_at = time.monotonic() + _STOP_SECONDS_MAX
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < give_up_at:
        time.sleep(0.02)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _guard(sys.stdin)
