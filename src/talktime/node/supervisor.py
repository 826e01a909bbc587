"""Runs the workers of a process, for ever.

A worker is a small piece of work that is done again and again: `wait` returns when there is something to do, and `work`
does it once. The supervisor does the rest, for all workers alike. After any error, also one that nobody foresaw, the
worker goes on: at first almost at once, then after growing pauses. Only `stop` ends a worker. Work that takes longer
than the worker's limit is cancelled, which counts as an error.

The supervisor knows how each worker is doing. A worker that has not succeeded for longer than it may take is `late`:
then the process is not ready.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from talktime.core.errors import TalktimeError
from talktime.database.failures import is_own_cancellation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

log = structlog.get_logger()

PAUSE_SECONDS_MIN: Final = 0.1
PAUSE_SECONDS_MAX: Final = 2.0
LOG_SECONDS: Final = 30.0
"""How often the failures of one worker are logged while it keeps failing."""

_STOP_SECONDS: Final = 1.0
_STOP_TRIES: Final = 3


async def _at_once() -> None:
    """There is always something to do."""


def every(seconds: float) -> Callable[[], Awaitable[None]]:
    """Waits this long."""

    async def wait() -> None:
        await asyncio.sleep(seconds)

    return wait


@dataclass
class Worker:
    """Work that a process does again and again.

    Attributes:
        name: what metrics, logs and `/readyz` call the worker.
        work: does the work once.
        wait: returns when there is something to do. Waiting is no failure, however long it takes.
        limit_seconds: how long the work may take once.
        late_seconds: how long the worker may fail, or work, before the process is not ready.
    """

    name: str
    work: Callable[[], Awaitable[object]]
    wait: Callable[[], Awaitable[object]] = _at_once
    limit_seconds: float = 30.0
    late_seconds: float = 30.0
    restarts: int = field(default=0, init=False)
    succeeded_at: float = field(default_factory=time.monotonic, init=False)
    """When the work last succeeded, or the worker began, in seconds of the monotonic clock."""
    troubled_since: float | None = field(default=None, init=False)
    """Since when the worker has worked without success; None while it waits for work, or after success."""

    def late_for(self, now: float) -> float:
        """For how many seconds the worker has not succeeded, if that is longer than it may be; otherwise 0."""
        if self.troubled_since is None or now - self.troubled_since <= self.late_seconds:
            return 0.0
        return now - self.troubled_since


class WorkerReport(NamedTuple):
    """How a worker is doing: how often it went on after an error, and how many seconds ago it last succeeded."""

    name: str
    restarts: int
    success_age_seconds: float


class Supervisor:
    """The workers of one process."""

    def __init__(self) -> None:
        self.workers: list[Worker] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._hurry = asyncio.Event()

    def start(self, workers: Iterable[Worker]) -> None:
        """Start these workers."""
        for worker in workers:
            self.workers.append(worker)
            self._tasks.add(asyncio.create_task(self._run(worker), name=f"talktime {worker.name}"))

    async def stop(self) -> None:
        """End all workers, whatever they are doing."""
        self._is_stopping = True
        for _ in range(_STOP_TRIES):
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
            self._tasks = {task for task in self._tasks if not task.done()}
            if not self._tasks:
                return
        log.error("workers.not_stopped", workers=sorted(task.get_name() for task in self._tasks))

    def hurry(self) -> None:
        """End the pauses of the workers that failed, because what they need may be back."""
        self._hurry.set()
        self._hurry = asyncio.Event()

    def late(self) -> dict[str, float]:
        """The workers that have not succeeded for too long, each with the seconds."""
        now = time.monotonic()
        return {worker.name: seconds for worker in self.workers if (seconds := worker.late_for(now))}

    def report(self) -> list[WorkerReport]:
        """How each worker is doing."""
        now = time.monotonic()
        return [WorkerReport(worker.name, worker.restarts, now - worker.succeeded_at) for worker in self.workers]

    async def _run(self, worker: Worker) -> None:
        pauses = _Pauses()
        logged_at: float | None = None
        while not self._is_stopping:
            try:
                await self._do(worker)
            except asyncio.CancelledError as error:
                if is_own_cancellation():
                    raise
                cause: BaseException = error
            except Exception as error:  # noqa: BLE001  a worker goes on after any error
                cause = error
            else:
                pauses, logged_at = _Pauses(), None
                continue
            worker.restarts += 1
            if worker.troubled_since is None:
                worker.troubled_since = time.monotonic()
            if logged_at is None or time.monotonic() - logged_at >= LOG_SECONDS:
                logged_at = time.monotonic()
                _log_failure(worker, cause)
            await self._pause(pauses.next_seconds())

    async def _do(self, worker: Worker) -> None:
        await worker.wait()
        if worker.troubled_since is None:
            worker.troubled_since = time.monotonic()
        async with asyncio.timeout(worker.limit_seconds):
            await worker.work()
        worker.troubled_since = None
        worker.succeeded_at = time.monotonic()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return


class _Pauses:
    """Growing pauses. They differ at random, so that the nodes of a database do not all come back in one instant."""

    def __init__(self) -> None:
        self._seconds = PAUSE_SECONDS_MIN

    def next_seconds(self) -> float:
        """The next pause."""
        seconds = self._seconds * random.uniform(0.5, 1.5)  # noqa: S311  nothing is secret about a pause
        self._seconds = min(PAUSE_SECONDS_MAX, self._seconds * 2)
        return seconds


def _log_failure(worker: Worker, cause: BaseException) -> None:
    is_foreseen = isinstance(cause, TalktimeError | TimeoutError)
    log.warning(
        "worker.failed",
        worker=worker.name,
        restarts=worker.restarts,
        cause=repr(cause),
        exc_info=None if is_foreseen else cause,
    )
