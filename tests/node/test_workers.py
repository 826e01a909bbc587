"""Every worker of a node goes on after any error, at whichever of its waits for the database the error comes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import Context, ContextVar
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from talktime import Party, Talktime
from talktime.core.errors import Unavailable
from talktime.database.pool import Pool
from talktime.engine import batching
from talktime.node import presence, supervisor
from talktime.node.hints import Hint
from talktime.node.supervisor import Supervisor, Worker
from tests.nodes import LONG_SECONDS, Screen, add_alice_and_maya, node_on

ERRORS: list[Callable[[], BaseException]] = [
    lambda: asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    lambda: asyncpg.InternalClientError("got result for unknown protocol state 3"),
    lambda: asyncpg.InterfaceError("connection is closed"),
    lambda: asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    lambda: asyncpg.CannotConnectNowError("the database system is shutting down"),
    lambda: asyncpg.ProtocolViolationError("unexpected message"),
    lambda: asyncpg.DiskFullError("no space left on device"),
    lambda: asyncpg.InvalidCachedStatementError("cached statement plan is invalid"),
    lambda: ConnectionResetError("connection reset by peer"),
    TimeoutError,
    asyncio.CancelledError,
    lambda: asyncpg.RaiseError("nobody foresaw this"),
    lambda: RuntimeError("nobody foresaw this either"),
]

CALLS = [(asyncpg.Connection, name) for name in ("fetch", "fetchrow", "fetchval", "execute", "set_type_codec")]


class Faults:
    """Makes the n-th call of a task to the database fail, before the call reaches the database or after it."""

    def __init__(self, at: int, error: BaseException, *, after: bool) -> None:
        self._left = at
        self._error = error
        self._after = after
        self.hit = False

    async def call(self, call: Callable[[], Awaitable[Any]]) -> Any:
        self._left -= 1
        if self._left != 0:
            return await call()
        self.hit = True
        if self._after:
            await call()
        raise self._error


faults: ContextVar[Faults | None] = ContextVar("faults", default=None)


@pytest.fixture(autouse=True)
def _breakable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real connections whose calls can fail."""
    monkeypatch.setattr(supervisor, "PAUSE_SECONDS_MIN", 0.01)
    monkeypatch.setattr(presence, "_STORE_SECONDS", 0.02)  # no worker stores what the played worker waits for
    monkeypatch.setattr(batching, "Context", _context_with_faults)
    for owner, name in (*CALLS, (asyncpg.Pool, "_acquire"), (asyncpg, "connect")):
        monkeypatch.setattr(owner, name, _failing(getattr(owner, name)))


def _context_with_faults() -> Context:
    """A batch of commands takes nothing over from its first caller. Here it fails as the caller does."""
    context = Context()
    context.run(faults.set, faults.get())
    return context


def _failing(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(*arguments: Any, **options: Any) -> Any:
        fault = faults.get()
        if fault is None:
            return await real(*arguments, **options)
        return await fault.call(lambda: real(*arguments, **options))

    return call


class Stage:
    """A node whose workers are played one by one, and something to do for each of them."""

    def __init__(self, talktime: Talktime, database: Pool) -> None:
        self.talktime = talktime
        self.node = talktime.node
        self._database = database
        self.screens = {party: Screen(talktime) for party in Party}

    async def begin(self) -> None:
        await add_alice_and_maya(self.talktime, "10000")
        await self.talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
        for party, screen in self.screens.items():
            await self.node.feed.subscribe("first", screen)
            await self.node.presence.attach(screen, "first", party)
        await self.talktime.send_message("first", Party.USER, "hello", "message 1")

    async def prepare(self, name: str) -> None:
        """Give the worker something to do."""
        feed, seats = self.node.feed, self.node.presence
        if name == "send":
            feed.publish_typing("alice", "first", Party.USER)
        elif name == "listen":
            feed.fanout.close()
        elif name == "deliver":
            feed.hear([Hint("snapshot", "first", 1), Hint("message", "first", 1), Hint("clock", "", 0)], None)
        elif name in {"presence", "seats"}:
            other = Screen(self.talktime)
            await seats.attach(other, "first", Party.USER)
            seats.detach(other)
            seats._silent.add(("first", Party.ADVISOR))
            seats._returned.add(("first", Party.USER))
        elif name == "deadlines":
            await self.talktime.put_user("bob", "Bob")
            await self._database.execute("update accounts set due_at = settled_at where user_id = 'bob'")
            await self._database.execute("insert into nodes values ('dead.1', 'epoch') on conflict do nothing")
        elif name == "health":
            await self._database.execute("update accounts set due_at = null where user_id = 'alice'")
        elif name == "keys":
            key, secret = await self.talktime.create_key(f"key {await self.talktime.now()}")
            await self.talktime.use_key(secret)
            self.node.key_ring.add_socket(key.id, lambda: None)
            self.node.key_ring._uses_stored_at = -LONG_SECONDS  # the last uses are due to be stored
        else:
            assert name in {"heartbeat", "clock", "retention", "audit", "webhooks"}, f"a worker without a test: {name}"


@asynccontextmanager
async def stage_on(database_url: str, database: Pool) -> AsyncIterator[Stage]:
    quiet = ("health_seconds", "audit_seconds", "presence_lease_seconds")
    async with node_on(database_url, work=True, **dict.fromkeys(quiet, LONG_SECONDS)) as talktime:
        await talktime.node.supervisor.stop()
        stage = Stage(talktime, database)
        await stage.begin()
        yield stage
        for screen in stage.screens.values():
            talktime.node.presence.detach(screen)


async def play(worker: Worker, fault: Faults | None) -> Worker:
    """Run a worker, as a node does, until its work is done once."""
    done = asyncio.Event()

    async def work() -> None:
        await worker.work()
        done.set()

    async def wait() -> None:
        if done.is_set():
            await asyncio.sleep(LONG_SECONDS)

    played = replace(worker, work=work, wait=wait)
    workers = Supervisor()
    faults.set(fault)
    workers.start([played])
    faults.set(None)
    try:
        async with asyncio.timeout(15):
            await done.wait()
    finally:
        await workers.stop()
    return played


async def test_each_worker_goes_on_whichever_of_its_calls_fails(database_url: str, database: Pool) -> None:
    errors = itertools.cycle(ERRORS)
    async with stage_on(database_url, database) as stage:
        failures: dict[str, int] = {}
        for worker in stage.node._workers():
            for number in itertools.count(1):
                await stage.prepare(worker.name)
                fault = Faults(number, next(errors)(), after=number % 3 == 0)
                played = await play(worker, fault)
                assert played.troubled_since is None
                if not fault.hit:
                    break
                failures[worker.name] = number
        # Each worker that asks the database anything was made to fail.
        assert failures.keys() == {worker.name for worker in stage.node._workers()}, failures

        # And all of them still do their work.
        stage.node.supervisor = Supervisor()
        stage.node.supervisor.start(stage.node._workers())
        screen = stage.screens[Party.ADVISOR]
        screen.seen.clear()
        async with node_on(database_url, work=False) as other:
            await other.stop("first")
        async with asyncio.timeout(10):
            while not screen.seen:
                await asyncio.sleep(0.01)
        await stage.talktime.check()


@pytest.mark.parametrize("error", [make() for make in ERRORS], ids=lambda error: type(error).__name__)
async def test_a_worker_goes_on_after_any_error(error: BaseException) -> None:
    tries = 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise error

    assert (await play(Worker("some", work), None)).restarts == 2


async def test_work_that_hangs_is_ended_and_done_again() -> None:
    tries = 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await asyncio.sleep(LONG_SECONDS)

    assert (await play(Worker("some", work, limit_seconds=0.05), None)).restarts == 1


async def test_a_worker_that_fails_for_long_is_late_until_it_succeeds() -> None:
    is_broken = True

    async def work() -> None:
        if is_broken:
            raise Unavailable("broken")
        await asyncio.sleep(0.01)

    workers = Supervisor()
    workers.start([Worker("some", work, late_seconds=0.2), Worker("idle", work, lambda: asyncio.sleep(LONG_SECONDS))])
    try:
        await asyncio.sleep(0.1)
        assert workers.late() == {}
        async with asyncio.timeout(5):
            while not workers.late():
                await asyncio.sleep(0.01)
        assert workers.late().keys() == {"some"}
        is_broken = False
        workers.hurry()
        async with asyncio.timeout(1):
            while workers.late():
                await asyncio.sleep(0.01)
    finally:
        await workers.stop()


async def test_a_worker_ends_when_its_process_stops_or_its_loop_is_closed() -> None:
    async def work() -> None:
        with suppress(Unavailable):
            await asyncio.sleep(LONG_SECONDS)

    workers = Supervisor()
    workers.start([Worker("some", work, limit_seconds=LONG_SECONDS)])
    await asyncio.sleep(0.01)
    (task,) = workers._tasks
    task.cancel()
    async with asyncio.timeout(1):
        await asyncio.wait({task})
    assert task.cancelled()
