"""Commands that arrive together share a transaction.

A transaction costs round trips and a commit, however few commands it holds. So commands that arrive together, or while
a transaction is under way, form a batch. Commands are dealt out evenly to the free lanes, so that one batch is decided
while another batch waits for the database. Within a batch each command is decided on the state that the command before
it left. A refused command changes nothing and disturbs no other command. If the database refuses a whole batch, each of
its commands is tried alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

import asyncpg
import structlog

from talktime.core.errors import NotFound, Repeated, TalktimeError, Unavailable
from talktime.database.pool import UNREACHABLE, unavailable
from talktime.database.saving import ChatTakenError, TimerStartError
from talktime.engine.idempotency import KeptAnswer, is_kept, keep_answers, load_answers, refuse_repeat
from talktime.engine.transaction import Loaded, Lock, Needs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from talktime.core.payer import Rules
    from talktime.database.payer_transaction import PayerTransaction
    from talktime.database.pool import Connection
    from talktime.engine.command import Answer, Command
    from talktime.engine.idempotency import Key
    from talktime.engine.transaction import Transactions

log = structlog.get_logger()

BATCH_MAX: Final = 64
LANES: Final = 2
_ATTEMPTS: Final = 3

T = TypeVar("T")


@dataclass(slots=True)
class _Job:
    """A command that waits for its turn, and its outcome."""

    command: Command[object]
    done: asyncio.Future[object]
    decided: PayerTransaction | None = None
    answer: Answer[object] | None = None
    error: Exception | None = None
    is_commit_sent: bool = False
    """Everything is written and the commit is sent. If the confirmation is lost, the outcome is unknown."""

    @property
    def may_have_effect_twice(self) -> bool:
        """Whether another attempt could have the command's effect a second time."""
        return self.is_commit_sent and self.command.has_effect_each_time and self.command.repeat is None

    def decide(self, loaded: Loaded, kept: Mapping[Key, KeptAnswer]) -> None:
        """Decide the command on its payer, or note why it is refused."""
        command = self.command
        payer = loaded.payers.get(command.user_id)
        try:
            if command.repeat is not None:
                refuse_repeat(command.repeat, kept.get(command.repeat.name))
            if payer is None:
                raise NotFound("user")
            command.decide(
                payer, None if command.advisor_to_load is None else loaded.advisors.get(command.advisor_to_load)
            )
        except (TalktimeError, Repeated) as error:
            self.error = error
        else:
            self.decided = payer

    def kept_answer(self) -> KeptAnswer | None:
        """What is kept for the command's key, None if nothing is."""
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
    """The queue of commands, and the lanes in which batches run."""

    def __init__(self, transactions: Transactions, rules: Rules) -> None:
        self._transactions = transactions
        self._rules = rules
        self._waiting: deque[_Job] = deque()
        self._busy_users: set[str] = set()
        self._lanes: set[asyncio.Task[None]] = set()
        self._is_start_scheduled = False
        self.commands_done: dict[str, int] = {}

    async def run(self, command: Command[T]) -> T:
        """The result of the command, once the command is committed. Raises as `Engine.run`."""
        job = _Job(command, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._schedule_start()
        return cast("T", await job.done)

    async def close(self) -> None:
        """Finish all commands."""
        while self._lanes or self._is_start_scheduled:
            await (asyncio.wait(self._lanes) if self._lanes else asyncio.sleep(0))

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
            lane = asyncio.create_task(self._run_batch(batch))
            self._lanes.add(lane)
            lane.add_done_callback(partial(self._free_lane, users))

    def _free_lane(self, users: set[str], lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        self._busy_users -= users
        self._schedule_start()

    def _take(self, size: int) -> list[_Job]:
        """At most `size` of the next commands whose payers no lane works on: others would only wait for the lock.

        Two commands with one idempotency key never share a batch, so that the second finds the answer of the first.
        """
        batch: list[_Job] = []
        kept_back: deque[_Job] = deque()
        keys: set[Key] = set()
        while self._waiting and len(batch) < min(size, BATCH_MAX):
            job = self._waiting.popleft()
            repeat = job.command.repeat
            if job.command.user_id in self._busy_users or (repeat is not None and repeat.name in keys):
                kept_back.append(job)
                continue
            batch.append(job)
            if repeat is not None:
                keys.add(repeat.name)
        self._waiting.extendleft(reversed(kept_back))
        return batch

    async def _run_batch(self, batch: list[_Job]) -> None:
        try:
            await self._attempt(batch, self._rules)
        except Exception as error:  # noqa: BLE001  each command gets another chance and an answer of its own
            if len(batch) > 1:
                log.warning("engine.batch_split", commands=len(batch), cause=repr(error))
            for job in batch:
                if job.may_have_effect_twice:
                    job.answer, job.error = None, Unavailable("The answer was lost: it may have been done, or not.")
                else:
                    await self._run_alone(job)
        for job in batch:
            job.resolve()

    async def _run_alone(self, job: _Job) -> None:
        rules, timer_failure = self._rules, None
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._attempt([job], rules, timer_failure)
            except TimerStartError as error:
                # The chat goes on without its timer. The health check starts the timer later.
                rules, timer_failure = replace(rules, timer_starts=False), str(error)
                job.error = Unavailable("The time record could not be stored. Try again.")
            except (
                asyncpg.SerializationError,
                asyncpg.DeadlockDetectedError,
                asyncpg.UniqueViolationError,
                ChatTakenError,
            ) as error:
                job.error = Unavailable("Too much at once. Try again.")
                log.warning("engine.retry", command=job.command.name, attempt=attempt, cause=repr(error))
            except (*UNREACHABLE, asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError, TimeoutError) as error:
                job.error = unavailable()
                log.warning("engine.unreachable", command=job.command.name, cause=repr(error))
                return
            except Exception as error:  # noqa: BLE001  the caller gets the error
                job.error = error
                return
            else:
                return

    async def _attempt(self, batch: list[_Job], rules: Rules, timer_failure: str | None = None) -> None:
        for job in batch:
            job.decided = job.answer = job.error = None
        work = _BatchWork(batch)
        lock = Lock.accounts([job.command.user_id for job in batch])
        await self._transactions.run(lock, work, rules, timer_failure)
        for job in batch:
            name = job.command.name
            self.commands_done[name] = self.commands_done.get(name, 0) + 1


@dataclass(slots=True)
class _BatchWork:
    """A batch of commands, as the work of one transaction."""

    jobs: Sequence[_Job]

    @property
    def needs(self) -> Needs:
        """What the commands look at."""
        commands = [job.command for job in self.jobs]
        return Needs(
            chat_ids=tuple(chat_id for command in commands for chat_id in command.chat_ids),
            pairs=tuple((c.user_id, c.advisor_to_load) for c in commands if c.advisor_to_load is not None),
            records_to_sum=tuple(c.record_to_sum for c in commands if c.record_to_sum is not None),
        )

    async def decide(self, connection: Connection, loaded: Loaded) -> None:
        """Decide each command on the state that the command before it left."""
        repeats = [job.command.repeat for job in self.jobs if job.command.repeat is not None]
        kept = await load_answers(connection, repeats)
        for job in self.jobs:
            job.decide(loaded, kept)

    async def conclude(self, connection: Connection, loaded: Loaded) -> None:
        """Build the answers, and keep those of commands with a key."""
        for job in self.jobs:
            if job.decided is not None:
                job.answer = job.command.answer(job.decided)
        now = max((payer.now for payer in loaded.payers.values()), default=None)
        await keep_answers(connection, filter(None, (job.kept_answer() for job in self.jobs)), now)
        for job in self.jobs:
            job.is_commit_sent = job.error is None
