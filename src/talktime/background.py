"""An event loop in a thread of its own, for programs that have none: Django, Flask, Celery.

The loop holds one connected object, and any number of threads call it and wait. The thread starts with the first call,
so an object that is made while a module is imported works in every process that a server forks later. A process that
was forked from a connected one has the object without its thread, and is told so.

The thread is a daemon: it never keeps a program alive. What is still open when the program ends is closed by `atexit`.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager
    from typing import Any

T = TypeVar("T")
R = TypeVar("R")

CLOSE_SECONDS: Final = 20.0
"""How long closing waits for the thread. Disconnecting takes at most some seconds for each of its steps."""

_CLOSED: Final = "This connection was closed."


@dataclass(slots=True)
class _Running(Generic[T]):
    """A thread whose loop holds the connected object."""

    thread: threading.Thread
    loop: asyncio.AbstractEventLoop
    connected: T
    closing: asyncio.Event


class Background(Generic[T]):
    """Calls what `connect` gives, in an event loop in the background, from any thread."""

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._process: int | None = None
        self._running: _Running[T] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()  # the loop's alone
        self._is_closed = False

    def open(self) -> _Running[T]:
        """Connect, if this has not happened.

        Raises:
            RuntimeError: the object was closed; or it belongs to the process from which this one was forked.
        """
        # Before the lock: a thread of the other process may have held it when this process was forked.
        if self._process is not None and self._process != os.getpid():
            msg = (
                f"This connection belongs to process {self._process}, and process {os.getpid()} was forked from it."
                " A connection can't be shared: use it in the forked process first, or make one there."
            )
            raise RuntimeError(msg)
        running = self._running
        if running is not None:
            return running
        with self._lock:
            if self._is_closed:
                raise RuntimeError(_CLOSED)
            if self._running is None:
                self._process = os.getpid()
                try:
                    self._running = self._start()
                except BaseException:
                    self._process = None
                    raise
                atexit.register(self.close)
            return self._running

    def call(self, work: Callable[[T], Awaitable[R]]) -> R:
        """The result of `work` in the loop.

        Raises:
            RuntimeError: as `open`; the object is closed while the call waits; or this thread runs an event loop.
        """
        _refuse_event_loop()
        running = self.open()
        future = asyncio.run_coroutine_threadsafe(self._work(work, running.connected), running.loop)
        try:
            return future.result()
        except CancelledError:
            if self._is_closed:
                raise RuntimeError(_CLOSED) from None
            raise
        except BaseException:
            future.cancel()  # Ctrl-C, or a time limit of the caller: nobody waits any more
            raise

    def iterate(self, begin: Callable[[T], AsyncIterator[R]]) -> Iterator[R]:
        """The items of an asynchronous iterator. Raises as `call`."""
        stream: AsyncIterator[R] | None = None

        async def step(connected: T) -> tuple[R] | None:
            nonlocal stream
            if stream is None:
                stream = begin(connected)
            try:
                return (await anext(stream),)
            except StopAsyncIteration:
                return None

        try:
            while (item := self.call(step)) is not None:
                yield item[0]
        finally:
            self._forget(stream)

    def close(self) -> None:
        """Disconnect, and wait for that. Calls that wait end with an error. A second time does nothing."""
        if self._process is not None and self._process != os.getpid():
            return  # the thread and the connections are the other process's
        with self._lock:
            self._is_closed = True
            running, self._running = self._running, None
        if running is not None:
            atexit.unregister(self.close)
            running.loop.call_soon_threadsafe(running.closing.set)
            running.thread.join(CLOSE_SECONDS)

    def _start(self) -> _Running[T]:
        started: Future[_Running[T]] = Future()
        thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started, thread)), name="talktime", daemon=True
        )
        thread.start()
        return started.result()

    async def _serve(self, started: Future[_Running[T]], thread: threading.Thread) -> None:
        closing = asyncio.Event()
        try:
            async with self._connect() as connected:
                started.set_result(_Running(thread, asyncio.get_running_loop(), connected, closing))
                await closing.wait()
                for task in self._tasks:
                    task.cancel()
                if self._tasks:
                    await asyncio.wait(self._tasks)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _work(self, work: Callable[[T], Awaitable[R]], connected: T) -> R:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  this is a coroutine of the loop
        self._tasks.add(task)
        try:
            return await work(connected)
        finally:
            self._tasks.discard(task)

    def _forget(self, stream: AsyncIterator[R] | None) -> None:
        """Close an iterator. Nobody waits for that: it may be dropped in any thread, also in that of the loop."""
        running, end = self._running, getattr(stream, "aclose", None)
        if running is not None and end is not None and self._process == os.getpid():
            _later(running.loop, end)


def _later(loop: asyncio.AbstractEventLoop, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def finish() -> None:
        await end()

    asyncio.run_coroutine_threadsafe(finish(), loop)


def _refuse_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    msg = (
        "This thread runs an event loop, which a blocking call would stop: call the method in another thread, as in"
        ' `await asyncio.to_thread(talktime.account, "alice")`, or use `Talktime.connect`.'
    )
    raise RuntimeError(msg)
