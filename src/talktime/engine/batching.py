"""Commands that arrive together share a transaction.

A transaction costs round trips and a commit, however few commands it holds. So commands that arrive together, or while
a transaction is under way, form a batch. Commands are dealt out evenly to the free lanes, so that one batch is decided
while another batch waits for the database. Within a batch each command is decided on the state that the command before
it left. A refused command changes nothing and disturbs no other command. If the database refuses a whole batch, each of
its commands is tried alone.

A batch waits for no lock. The commands of a payer that somebody else has locked are taken out of the batch, and wait
for the lock in a transaction of their own, so that a lock delays only the commands of its payer.

A batch belongs to no request: it runs in a context of its own, and each step knows its request.

Nobody waits longer for a command than its deadline. A command that has not begun by then, or whose caller is gone, does
nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

import asyncpg
import structlog

from talktime.core.errors import NotFound, Repeated, TalktimeError, Unavailable
from talktime.database.failures import Contention, DatabaseUnavailable, LockWait
from talktime.database.queries import SQL
from talktime.database.saving import ChatTakenError, TimerStartError
from talktime.engine.event_log import request_id
from talktime.engine.idempotency import KeptAnswer, is_kept, keep_answers, load_answers, refuse_repeat
from talktime.engine.transaction import Loaded, Lock, Needs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from talktime.database.payer_transaction import PayerTransaction
    from talktime.database.pool import Connection
    from talktime.engine.command import Answer, Command
    from talktime.engine.idempotency import Key
    from talktime.engine.transaction import Transactions

log = structlog.get_logger()

BATCH_MAX: Final = 64
LANES: Final = 2

LOCK_WAITS_MAX: Final = 4
"""How many payers whose locks somebody else holds are waited for at once. Each wait takes a connection."""

LOCK_TURN: Final = "1s"
"""How long one wait for a lock lasts. Then it is the turn of the next locked payer."""

CLOSE_SECONDS: Final = 3.0

_ATTEMPTS: Final = 3

_NOT_BEGUN: Final = "The database is too slow right now, and nothing was done. Try again."
_LOCKED: Final = "Somebody else works on this account, and nothing was done. Try again."
_LOST: Final = "The answer was lost: it may have been done, or not."

T = TypeVar("T")


@dataclass(slots=True)
class _Job:
    """A command that waits for its turn, and its outcome."""

    command: Command[object]
    done: asyncio.Future[object]
    deadline: float
    """When nobody waits for the command any more, on the clock of the event loop."""
    request_id: str | None = None
    is_begun: bool = False
    decided: PayerTransaction | None = None
    answer: Answer[object] | None = None
    error: Exception | None = None
    is_locked_out: bool = False
    """Another transaction has locked the payer, so the command was left out."""
    waits_for_lock: bool = False
    """The command waits for the lock of its payer, so it has done nothing yet."""
    is_commit_sent: bool = False
    """Everything is written and the commit is sent. If the confirmation is lost, the outcome is unknown."""

    @property
    def may_have_effect_twice(self) -> bool:
        """Whether another attempt could have the command's effect a second time."""
        return self.is_commit_sent and self.command.has_effect_each_time and self.command.repeat is None

    def too_late(self) -> Unavailable:
        """The error for a caller whose command is not through in time."""
        if self.waits_for_lock:
            return LockWait(_LOCKED)
        return DatabaseUnavailable(_LOST if self.is_begun else _NOT_BEGUN)

    def is_wanted(self, now: float) -> bool:
        """Whether somebody still waits for the command."""
        return not self.done.done() and now < self.deadline

    def begin(self) -> None:
        """Forget the attempt before."""
        self.is_begun = True
        self.decided = self.answer = self.error = None
        self.is_locked_out = False

    def fail(self, error: Exception) -> None:
        """The attempt failed, and what it decided is void."""
        self.decided = self.answer = None
        self.is_locked_out = False
        if self.may_have_effect_twice:
            self.error = Unavailable(_LOST)
        elif self.waits_for_lock and isinstance(error, DatabaseUnavailable):
            self.error = LockWait(_LOCKED)
        else:
            self.error = error

    def decide(self, loaded: Loaded, kept: Mapping[Key, KeptAnswer]) -> None:
        """Decide the command on its payer, or note why it is refused."""
        command = self.command
        payer = loaded.payers.get(command.user_id)
        try:
            if command.repeat is not None:
                refuse_repeat(command.repeat, kept.get(command.repeat.name))
            if payer is None:
                raise NotFound("user")
            payer.begin_request(self.request_id)
            command.decide(
                payer, None if command.advisor_to_load is None else loaded.advisors.get(command.advisor_to_load)
            )
        except (TalktimeError, Repeated) as error:
            self.error = error
        else:
            self.decided = payer

    def kept_answer(self) -> KeptAnswer | None:
        """The answer to keep for the command's key, None if there is no answer to keep."""
        repeat, error = self.command.repeat, self.error
        if repeat is None:
            return None
        if self.answer is not None and self.answer.document is not None:
            return KeptAnswer(repeat, self.answer.status, self.answer.document.document())
        if isinstance(error, TalktimeError) and is_kept(error):
            return KeptAnswer(repeat, int(error.status), error.problem())
        return None

    def resolve(self) -> None:
        """Hand the outcome to the caller."""
        if self.done.done():  # the caller is gone
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        elif self.answer is not None:
            self.done.set_result(self.answer.result)


class Batches:
    """The queue of commands, and the lanes in which batches run. `seconds` is how long a caller waits for a command."""

    def __init__(self, transactions: Transactions, seconds: float) -> None:
        self._transactions = transactions
        self._seconds = seconds
        self._waiting: deque[_Job] = deque()
        self._busy_users: set[str] = set()
        self._lanes: set[asyncio.Task[None]] = set()
        self._lock_waits: dict[str, asyncio.Task[None]] = {}
        self._lock_turns = asyncio.Semaphore(LOCK_WAITS_MAX)
        self._is_start_scheduled = False
        self.commands_done: dict[str, int] = {}

    async def run(self, command: Command[T]) -> T:
        """The result of the command, once the command is committed. Raises as `Engine.run`."""
        loop = asyncio.get_running_loop()
        job = _Job(command, loop.create_future(), loop.time() + self._seconds, request_id())
        self._waiting.append(job)
        self._schedule_start()
        # When the time is over, `done` is cancelled, and a job that has not begun is dropped at its turn.
        try:
            async with asyncio.timeout_at(job.deadline):
                return cast("T", await job.done)
        except TimeoutError:
            raise job.too_late() from None

    async def close(self) -> None:
        """Finish all commands, but give up those that take longer than a few seconds."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while tasks := {*self._lanes, *self._lock_waits.values()} or self._is_start_scheduled:
                    await (asyncio.wait(tasks) if isinstance(tasks, set) else asyncio.sleep(0))
        except TimeoutError:
            for task in (*self._lanes, *self._lock_waits.values()):
                task.cancel()

    def _schedule_start(self) -> None:
        """Start batches after everything else that is ready to run, because that may bring more commands."""
        if not self._is_start_scheduled:
            self._is_start_scheduled = True
            asyncio.get_running_loop().call_soon(self._start_batches)

    def _start_batches(self) -> None:
        self._is_start_scheduled = False
        while (free := LANES - len(self._lanes)) and (batch := self._take(-(-len(self._waiting) // free))):
            users = {job.command.user_id for job in batch}
            self._busy_users |= users
            lane = asyncio.create_task(self._run_batch(batch), context=Context())
            self._lanes.add(lane)
            lane.add_done_callback(partial(self._free_lane, users))

    def _free_lane(self, users: set[str], lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        self._busy_users -= users
        self._schedule_start()

    def _take(self, size: int) -> list[_Job]:
        """At most `size` of the next commands whose payers nothing works on: others would only wait for the lock.

        Two commands with one idempotency key never share a batch, so that the second finds the answer of the first.
        """
        now = asyncio.get_running_loop().time()
        batch: list[_Job] = []
        kept_back: deque[_Job] = deque()
        keys: set[Key] = set()
        while self._waiting and len(batch) < min(size, BATCH_MAX):
            job = self._waiting.popleft()
            if not job.is_wanted(now):
                continue
            user_id, repeat = job.command.user_id, job.command.repeat
            job.waits_for_lock = user_id in self._lock_waits
            if job.waits_for_lock or user_id in self._busy_users or (repeat is not None and repeat.name in keys):
                kept_back.append(job)
                continue
            batch.append(job)
            if repeat is not None:
                keys.add(repeat.name)
        self._waiting.extendleft(reversed(kept_back))
        return batch

    async def _run_batch(self, batch: list[_Job]) -> None:
        try:
            await self._attempt(batch, self._free(batch))
        except Exception as error:  # noqa: BLE001  each command gets an answer of its own
            await self._recover(batch, error)
        locked: dict[str, list[_Job]] = {}
        for job in batch:
            if job.is_locked_out or isinstance(job.error, LockWait):
                locked.setdefault(job.command.user_id, []).append(job)
            else:
                job.resolve()
        for user_id, jobs in locked.items():
            wait = asyncio.create_task(self._wait_for_lock(user_id, jobs), context=Context())
            self._lock_waits[user_id] = wait
            wait.add_done_callback(partial(self._end_lock_wait, user_id))

    async def _recover(self, batch: list[_Job], error: Exception) -> None:
        """Give each command of a batch that failed another chance, or the error as its outcome."""
        if len(batch) > 1:
            log.warning("engine.batch_split", commands=len(batch), cause=repr(error))
        now = asyncio.get_running_loop().time()
        for job in batch:
            job.fail(error)
        again = [job for job in batch if job.is_wanted(now) and not job.may_have_effect_twice]
        if isinstance(error, DatabaseUnavailable) and not isinstance(error, Contention | LockWait):
            # A lost connection says nothing about the next one. What fails twice would fail for each command alone.
            try:
                await self._attempt(again, self._free(again))
            except Exception as second:  # noqa: BLE001  the callers get the error
                log.warning("engine.unreachable", commands=len(again), cause=repr(second))
                for job in again:
                    job.fail(second)
            return
        for job in again:
            await self._run_alone(job, self._free([job]))

    async def _run_alone(self, job: _Job, lock: Lock) -> None:
        timer_failure: str | None = None
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._attempt([job], lock, timer_failure)
            except TimerStartError as error:
                # The chat goes on without its timer. The health check starts the timer later.
                timer_failure = str(error)
                job.error = Unavailable("The time record could not be stored. Try again.")
            except (Contention, asyncpg.UniqueViolationError, ChatTakenError) as error:
                job.error = Unavailable("Too much at once. Try again.")
                log.warning("engine.retry", command=job.command.name, attempt=attempt, cause=repr(error))
            except Exception as error:  # noqa: BLE001  the caller gets the error
                job.fail(error)
                return
            else:
                return

    async def _wait_for_lock(self, user_id: str, jobs: list[_Job]) -> None:
        """Run commands whose payer is locked, once the lock is free. The locked payers wait in turns."""
        loop, lock = asyncio.get_running_loop(), Lock.accounts([user_id], wait=LOCK_TURN)
        for job in jobs:
            job.waits_for_lock = True
        while jobs := [job for job in jobs if job.is_wanted(loop.time())]:
            async with self._lock_turns:
                for job in jobs:
                    await self._run_alone(job, lock)
                    if isinstance(job.error, LockWait):
                        break
                    job.resolve()

    def _end_lock_wait(self, user_id: str, _wait: asyncio.Task[None]) -> None:
        del self._lock_waits[user_id]
        self._schedule_start()

    def _free(self, jobs: list[_Job]) -> Lock:
        return Lock.free_accounts(job.command.user_id for job in jobs)

    async def _attempt(self, batch: list[_Job], lock: Lock, timer_failure: str | None = None) -> None:
        """Run a batch in one transaction. What its jobs hold counts only if this returns."""
        if not batch:
            return
        for job in batch:
            job.begin()
        seconds = max(job.deadline for job in batch) - asyncio.get_running_loop().time()
        await self._transactions.run(lock, _BatchWork(batch), timer_failure, seconds)
        for job in batch:
            if job.decided is not None or job.error is not None:
                name = job.command.name
                self.commands_done[name] = self.commands_done.get(name, 0) + 1


@dataclass(slots=True)
class _BatchWork:
    """A batch of commands, as the work of one transaction."""

    jobs: Sequence[_Job]

    @property
    def needs(self) -> Needs:
        """The rows to load for the commands, besides the payers."""
        commands = [job.command for job in self.jobs]
        return Needs(
            chat_ids=tuple(chat_id for command in commands for chat_id in command.chat_ids),
            pairs=tuple((c.user_id, c.advisor_to_load) for c in commands if c.advisor_to_load is not None),
            records_to_sum=tuple(c.record_to_sum for c in commands if c.record_to_sum is not None),
        )

    async def decide(self, connection: Connection, loaded: Loaded) -> None:
        """Decide each command on the state that the command before it left."""
        missing = {job.command.user_id for job in self.jobs} - loaded.payers.keys()
        if missing:
            rows = await connection.fetch(SQL["existing_accounts"], sorted(missing))
            locked = {row["user_id"] for row in rows}
            for job in self.jobs:
                job.is_locked_out = job.command.user_id in locked
        repeats = [job.command.repeat for job in self.jobs if job.command.repeat is not None]
        kept = await load_answers(connection, repeats)
        now = asyncio.get_running_loop().time()
        for job in self.jobs:
            if not job.is_locked_out and job.is_wanted(now):
                job.waits_for_lock = False
                job.decide(loaded, kept)

    async def conclude(self, connection: Connection, loaded: Loaded) -> None:
        """Build the answers, and keep those of commands with a key."""
        for job in self.jobs:
            if job.decided is not None:
                job.answer = job.command.answer(job.decided)
        now = max((payer.now for payer in loaded.payers.values()), default=None)
        await keep_answers(connection, filter(None, (job.kept_answer() for job in self.jobs)), now)
        for job in self.jobs:
            job.is_commit_sent = job.decided is not None
