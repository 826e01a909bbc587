"""Where commands meet the database. One transaction, always in this order:

    lock the payers' accounts → read the clock → load, in new statements → decide → save → commit → publish

Read the clock before the lock, and a segment may close before it opened; load in the locking statement, and a race
leaves you with what was true before it.

Commands that arrive together, or while a transaction is under way, share one: what costs is the round trips and the
commit, not the commands. They are dealt out evenly to the free lanes, so that one batch is decided while another waits
for the database. Deciding is pure and happens in memory, one command
after the other on the state the one before left; a refusal changes nothing and disturbs nobody. If the database
refuses the whole batch, each of its commands is tried alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

from talktime.core import meter
from talktime.core.errors import NotFound, Repeated, TalktimeError, Unavailable
from talktime.database.loading import Store
from talktime.database.payer_transaction import Unit
from talktime.database.queries import SQL
from talktime.database.saving import ChatTakenError, TimerStartError, save
from talktime.engine.event_log import write_journal
from talktime.engine.idempotency import Kept, is_kept, keep_answers, keep_refusal, load_answered, refuse_repeat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from talktime.core.payer import Rules
    from talktime.database.payer_transaction import AdvisorRow
    from talktime.database.saving import Told
    from talktime.engine.idempotency import Name, Repeat

log = structlog.get_logger()

BATCH_MAX: Final = 64
LANES: Final = 2
_TRIES: Final = 3
UNREACHABLE: Final = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    # How PostgreSQL refuses a connection to a database that is being moved, restored or closed to us.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
"""What a database that went away looks like from here: the same request may succeed later."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command comes to, built once everything is stored. `shown` is what is documented, if not the result."""

    result: Any
    status: int = 200
    shown: Any = None

    def document(self) -> dict[str, Any]:
        """The JSON that is kept for repeats of the request."""
        shown: dict[str, Any] = (self.result if self.shown is None else self.shown).document()
        return shown


@dataclass(frozen=True, slots=True)
class Command:
    """Something to be done to one payer.

    `decide` changes the unit, or raises a `TalktimeError` before it has changed anything; it gives a function that
    builds the answer after saving. `chat_ids` are the chats it looks at, `advisor_id` whose tariff it
    needs, `record_id` the record whose entries it counts. `counts_twice`: done twice it counts
    twice, so without a key it is never tried again unasked once its commit was sent.
    """

    user_id: str
    decide: Callable[[Unit, AdvisorRow | None], Callable[[], Answer]]
    name: str
    chat_ids: tuple[str, ...] = ()
    advisor_id: str | None = None
    repeat: Repeat | None = None
    record_id: str | None = None
    counts_twice: bool = False


@dataclass(slots=True)
class _Job:
    command: Command
    done: asyncio.Future[Any]
    answer: Answer | None = None
    error: Exception | None = None
    render: Callable[[], Answer] | None = None
    is_sent: bool = False  # all is written and the commit sent: if its answer is lost, nobody knows

    @property
    def may_count_twice(self) -> bool:
        """Whether trying it again could do it a second time."""
        return self.is_sent and self.command.counts_twice and self.command.repeat is None

    def resolve(self) -> None:
        if self.done.done():  # whoever asked is gone
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        elif self.answer is not None:
            self.done.set_result(self.answer.result)


class Engine:
    """Runs commands, and reads."""

    def __init__(self, pool: Any, rules: Rules, publish: Callable[[list[Told]], None]) -> None:
        self.pool = pool
        self.rules = rules
        self.store = Store()
        self._publish = publish
        self._waiting: deque[_Job] = deque()
        self._busy: set[str] = set()
        self._lanes: set[asyncio.Task[None]] = set()
        self._is_pumping = False
        self.commands_done: dict[str, int] = {}
        self.on_deadline_change: Callable[[float], None] = lambda _seconds: None

    async def run(self, command: Command) -> Any:
        """Do it; the result, once it is committed.

        Raises:
            TalktimeError: when it is refused.
            Repeated: when its idempotency key was answered before.
            Unavailable: when the database can't be reached.
        """
        job = _Job(command, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._pump_soon()
        return await job.done

    async def settle(self, user_ids: Iterable[str], decide: Callable[[Unit], None] | None = None) -> bool:
        """Apply what is due to these accounts, and `decide` for each, in one transaction; whether all could be stored.

        If it can't be stored for all of them at once it is done for each alone, so that one can't hold up the others.
        """
        users = sorted(set(user_ids))
        if not users:
            return True
        try:
            await self._settle((SQL["lock_accounts"], users), decide, self.rules)
        except UNREACHABLE:
            raise
        except Exception as error:
            if len(users) > 1:
                return all([await self.settle([user_id], decide) for user_id in users])
            elif isinstance(error, TimerStartError):
                await self._settle(
                    (SQL["lock_accounts"], users), decide, replace(self.rules, timer_starts=False), str(error)
                )
            else:
                log.exception("timer_manager.settle_failed", user_id=users[0])
                return False
        return True

    async def settle_due(self, now: int, limit: int) -> int:
        """Apply what is due by `now`, to accounts that nobody is working on; how many accounts that were."""
        due: list[str] = []
        try:
            due = await self._settle((SQL["claim_due_accounts"], now, limit), None, self.rules)
        except UNREACHABLE:
            raise
        except Exception as error:  # noqa: BLE001  each payer gets its own chance
            log.warning("engine.batch_split", cause=repr(error))
            due = [row["user_id"] for row in await self.pool.fetch(SQL["due_accounts"], now, limit)]
            await self.settle(due)
        return len(due)

    async def keep_refusal(self, repeat: Repeat, error: TalktimeError) -> None:
        """Keep a refusal that needed no command as the answer of its key, or raise the answer that came first.

        Raises:
            Repeated: when its idempotency key was answered before.
            Unavailable: when the database can't be reached.
        """
        if not is_kept(error):
            return
        try:
            async with self.pool.acquire() as connection, connection.transaction():
                await keep_refusal(connection, repeat, error)
        except UNREACHABLE as unreachable:
            raise Unavailable("The database can't be reached. Try again.") from unreachable

    async def close(self) -> None:
        """Finish what is under way."""
        while self._lanes or self._is_pumping:
            await (asyncio.wait(self._lanes) if self._lanes else asyncio.sleep(0))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        """A connection that sees one state of the database throughout."""
        try:
            async with (
                self.pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection
        except UNREACHABLE as error:
            raise Unavailable("The database can't be reached. Try again.") from error

    async def read(self, user_ids: Iterable[str], chat_ids: Iterable[str] = ()) -> dict[str, Unit]:
        """These payers as they are now, with overdue deadlines applied in memory; nothing is written."""
        async with self.reading() as connection:
            units = await self.store.load(connection, self.rules, user_ids, chat_ids)
        for unit in units.values():
            unit.payer = meter.settle(unit.payer, unit.now, unit.rules)
        return units

    def _pump_soon(self) -> None:
        """After whatever else is ready to run: it may bring more commands."""
        if not self._is_pumping:
            self._is_pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._is_pumping = False
        while (free := LANES - len(self._lanes)) and (batch := self._take(-(-len(self._waiting) // free))):
            users = {job.command.user_id for job in batch}
            self._busy |= users
            lane = asyncio.create_task(self._run_batch(batch))
            self._lanes.add(lane)
            lane.add_done_callback(partial(self._freed, users))

    def _freed(self, users: set[str], lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        self._busy -= users
        self._pump_soon()

    def _take(self, size: int) -> list[_Job]:
        """Up to `size` of the next commands whose payers nobody here is working on: they would only wait for the lock.

        Two with one idempotency key never share a batch, so that the second finds the first one's answer.
        """
        batch: list[_Job] = []
        kept: deque[_Job] = deque()
        names: set[Any] = set()
        while self._waiting and len(batch) < min(size, BATCH_MAX):
            job = self._waiting.popleft()
            repeat = job.command.repeat
            if job.command.user_id in self._busy or (repeat is not None and repeat.name in names):
                kept.append(job)
                continue
            batch.append(job)
            if repeat is not None:
                names.add(repeat.name)
        self._waiting.extendleft(reversed(kept))
        return batch

    async def _run_batch(self, batch: list[_Job]) -> None:
        try:
            await self._attempt(batch, self.rules)
        except Exception as error:  # noqa: BLE001  whatever it is, each command gets its own chance and its own answer
            if len(batch) > 1:
                log.warning("engine.batch_split", commands=len(batch), cause=repr(error))
            for job in batch:
                if job.may_count_twice:
                    job.answer, job.error = None, Unavailable("The answer was lost: it may have been done, or not.")
                else:
                    await self._run_alone(job)
        for job in batch:
            job.resolve()

    async def _run_alone(self, job: _Job) -> None:
        rules, cause = self.rules, None
        for attempt in range(1, _TRIES + 1):
            job.answer = job.error = job.render = None
            try:
                await self._attempt([job], rules, cause)
            except TimerStartError as error:
                # The chat goes on without its timer; the health check starts it later.
                rules, cause = replace(rules, timer_starts=False), str(error)
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
                job.error = Unavailable("The database can't be reached. Try again.")
                log.warning("engine.unreachable", command=job.command.name, cause=repr(error))
                return
            except Exception as error:  # noqa: BLE001  it reaches whoever asked
                job.error = error
                return
            else:
                return

    async def _attempt(self, batch: list[_Job], rules: Rules, cause: str | None = None) -> None:
        commands = [job.command for job in batch]
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["lock_accounts"], sorted({command.user_id for command in commands}))
            units = await self.store.load(
                connection,
                rules,
                (command.user_id for command in commands),
                (chat_id for command in commands for chat_id in command.chat_ids),
                ((command.user_id, command.advisor_id) for command in commands if command.advisor_id is not None),
            )
            if counted := [command.record_id for command in commands if command.record_id is not None]:
                await self.store.count(connection, units, counted)
            wanted = {command.advisor_id for command in commands if command.advisor_id is not None}
            advisors = await self.store.advisors(connection, wanted) if wanted else {}
            answered = await load_answered(connection, [c.repeat for c in commands if c.repeat is not None])
            for unit in units.values():
                unit.payer = meter.settle(unit.payer, unit.now, unit.rules)
            for job in batch:
                _decide(job, units.get(job.command.user_id), advisors, answered)
            told = await save(connection, units.values())
            for job in batch:
                if job.render is not None:
                    job.answer = job.render()
            now = max((unit.now for unit in units.values()), default=None)
            await keep_answers(connection, filter(None, map(_kept, batch)), now)
            for job in batch:
                job.is_sent = job.error is None
        self._committed(units, told, cause)
        for command in commands:
            self.commands_done[command.name] = self.commands_done.get(command.name, 0) + 1

    def _committed(self, units: dict[str, Unit], told: list[Told], cause: str | None) -> None:
        if told:
            self._publish(told)
        for unit in units.values():
            write_journal(unit.happened, cause)
            if unit.payer is not unit.loaded and unit.due_at is not None:
                self.on_deadline_change(max(0, unit.due_at - unit.now) / 1000)

    async def _settle(
        self, lock: tuple[Any, ...], decide: Callable[[Unit], None] | None, rules: Rules, cause: str | None = None
    ) -> list[str]:
        async with self.pool.acquire() as connection, connection.transaction():
            users = [row["user_id"] for row in await connection.fetch(*lock)]
            if not users:
                return users
            units = await self.store.load(connection, rules, users)
            for unit in units.values():
                unit.payer = meter.settle(unit.payer, unit.now, unit.rules)
                if decide is not None:
                    decide(unit)
            told = await save(connection, units.values())
        self._committed(units, told, cause)
        return users


def _kept(job: _Job) -> Kept | None:
    repeat, error = job.command.repeat, job.error
    if repeat is None:
        return None
    if job.answer is not None:
        return Kept(repeat, job.answer.status, job.answer.document())
    return (
        Kept(repeat, int(error.status), error.problem())
        if isinstance(error, TalktimeError) and is_kept(error)
        else None
    )


def _decide(job: _Job, unit: Unit | None, advisors: dict[str, AdvisorRow], answered: dict[Name, Kept]) -> None:
    command = job.command
    try:
        if command.repeat is not None:
            refuse_repeat(command.repeat, answered.get(command.repeat.name))
        if unit is None:
            raise NotFound("user")
        job.render = command.decide(unit, None if command.advisor_id is None else advisors.get(command.advisor_id))
    except (TalktimeError, Repeated) as error:
        job.error = error
