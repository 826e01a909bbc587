"""`talktime serve --workers N`: several processes at one address, each of them a node.

    the parent    listens, keeps the embedded database, starts a worker again that has ended, and hands signals on
    a worker      serves; at SIGTERM it drains as a service of one process does
                  ends also when the parent is gone, however the parent ended

The parent forks before there is an event loop or a thread. All workers accept from the sockets of the parent, so the
system gives each connection to one of them.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from talktime.service.serving import address, serve
from talktime.service.sockets import bind

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from types import FrameType

    from fastapi import FastAPI

    from talktime.settings import Settings

AGAIN_SECONDS: Final = 1.0
"""How long a worker that has ended is not started again. So a worker that always fails is not a load."""

_POLL_SECONDS: Final = 0.05
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

log = structlog.get_logger()


class Workers:
    """The parent of the workers. `run` returns when all of them have ended."""

    def __init__(
        self, make: Callable[[], FastAPI], settings: Settings, announce: Callable[[str], None], count: int
    ) -> None:
        self._make = make
        self._settings = settings
        self._announce = announce
        self._count = count
        self._pids: list[int] = []
        self._start_again: list[float] = []  # when, on the monotonic clock
        self._stop_signals = 0
        # The system closes the writing end when the parent ends, and so tells every worker.
        self._parent_lives, self._parent = os.pipe()
        self._ready, self._is_ready = os.pipe()
        os.set_blocking(self._ready, False)

    def run(self) -> bool:
        """Serve until SIGINT or SIGTERM.

        Returns:
            False if a worker could not start.

        Raises:
            SettingsError: the address can't be used.
        """
        sockets = bind(self._settings)
        for number in _SIGNALS:
            signal.signal(number, self._stop)
        self._pids = [self._fork(sockets) for _ in range(self._count)]
        has_started = self._await_start()
        if has_started:
            self._announce(address(self._settings.host, sockets[0].getsockname()[1]))
            while not self._stop_signals:
                self._look_after(sockets)
                time.sleep(_POLL_SECONDS)
        for one in sockets:
            one.close()
        self._end()
        return has_started

    def _await_start(self) -> bool:
        """Wait until every worker listens. False if a worker has ended instead, or the service is to stop."""
        listening = 0
        while listening < self._count:
            if self._stop_signals or any(self._has_ended(pid) for pid in self._pids):
                return False
            with suppress(BlockingIOError):
                listening += len(os.read(self._ready, self._count))
            time.sleep(_POLL_SECONDS)
        return True

    def _look_after(self, sockets: Sequence[socket.socket]) -> None:
        """Start workers again that have ended."""
        for pid in [pid for pid in self._pids if self._has_ended(pid)]:
            self._pids.remove(pid)
            self._start_again.append(time.monotonic() + AGAIN_SECONDS)
            log.error("worker.ended", pid=pid, again_in_seconds=AGAIN_SECONDS)
        for due in [due for due in self._start_again if due <= time.monotonic()]:
            self._start_again.remove(due)
            self._pids.append(self._fork(sockets))
            log.info("worker.started", pid=self._pids[-1])

    def _end(self) -> None:
        """Let every worker drain. A second signal cuts the draining short."""
        told = 0
        while self._pids:
            self._pids = [pid for pid in self._pids if not self._has_ended(pid)]
            if told < max(1, self._stop_signals):
                told += 1
                for pid in self._pids:
                    os.kill(pid, signal.SIGTERM if told == 1 else signal.SIGINT)
            time.sleep(_POLL_SECONDS)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_signals += 1

    def _has_ended(self, pid: int) -> bool:
        # Not every child of this process is a worker: the embedded database may be one, too.
        try:
            return os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:
            return True

    def _fork(self, sockets: Sequence[socket.socket]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            os._exit(0 if self._work(sockets) else 1)
        except BaseException:
            log.exception("worker.failed")
            os._exit(1)

    def _work(self, sockets: Sequence[socket.socket]) -> bool:
        """The main function of a worker."""
        os.close(self._parent)
        os.setpgid(0, 0)  # Ctrl-C in a terminal reaches the parent alone, which hands it on
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        threading.Thread(target=self._await_end_of_parent, name="parent", daemon=True).start()
        return serve(self._make(), self._settings, lambda _address: self._tell_parent(), list(sockets))

    def _tell_parent(self) -> None:
        os.write(self._is_ready, b"r")

    def _await_end_of_parent(self) -> None:
        os.read(self._parent_lives, 1)
        os.kill(os.getpid(), signal.SIGTERM)
