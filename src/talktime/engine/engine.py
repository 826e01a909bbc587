"""The engine: the one way to change payers, and to read them as they are now."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from talktime.core import meter
from talktime.core.instants import INSTANT_MAX
from talktime.database.failures import DatabaseUnavailable, LockWait
from talktime.database.loading import Loader
from talktime.database.pool import WORK_SECONDS
from talktime.database.saving import TimerStartError
from talktime.engine.batching import Batches
from talktime.engine.idempotency import is_kept, keep_refusal
from talktime.engine.lateness import Lateness
from talktime.engine.tracking import post_charges
from talktime.engine.transaction import Lock, Settlement, Transactions
from talktime.engine.trial import RolledBack, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from talktime.core.errors import TalktimeError
    from talktime.core.payer import Durations
    from talktime.database.payer_transaction import PayerTransaction
    from talktime.database.pool import Database
    from talktime.database.saving import AccountChange
    from talktime.engine.command import Command
    from talktime.engine.idempotency import Repeat
    from talktime.engine.transaction import Work

log = structlog.get_logger()

POSTING_BATCH: Final = 500
"""How many payers are posted in one transaction."""

T = TypeVar("T")


class Engine:
    """Runs commands, applies what is due, and reads payers. `publish` tells screens of committed changes."""

    def __init__(
        self, database: Database, durations: Durations, publish: Callable[[list[AccountChange]], None]
    ) -> None:
        self.database = database
        self.loader = Loader()
        self.lateness = Lateness()
        self._transactions = Transactions(database, self.loader, durations, publish)
        self._batches = Batches(self._transactions, database.seconds)
        self.is_trial = False
        """Whether every command is rolled back once its answer is there."""

    @property
    def durations(self) -> Durations:
        """How long leases and windows last."""
        return self._transactions.durations

    @durations.setter
    def durations(self, durations: Durations) -> None:
        self._transactions.durations = durations

    @property
    def commands_done(self) -> dict[str, int]:
        """How many commands of each name this process has committed."""
        return self._batches.commands_done

    def on_deadline(self, learn: Callable[[float], None]) -> None:
        """Call `learn` with the seconds until each new deadline that this process stores."""
        self._transactions.on_deadline = learn

    async def run(self, command: Command[T]) -> T:
        """Run the command. Returns its result, once the command is committed.

        Raises:
            TalktimeError: the command is refused.
            Repeated: the command's idempotency key has an answer already.
            Unavailable: the database can't be reached.
        """
        return await (self.dry_run(command) if self.is_trial else self._batches.run(command))

    async def dry_run(self, command: Command[T]) -> T:
        """The result that the command would have now. Nothing is changed, and nobody is told.

        Raises:
            TalktimeError: the command would be refused.
            Unavailable: the database can't be reached.
        """
        trial = Trial(command)
        with suppress(RolledBack):
            await self._transactions.run(Lock.accounts([command.user_id]), trial)
        assert trial.answer is not None  # noqa: S101  the trial has ended
        return trial.answer.result

    async def run_work(self, user_ids: Iterable[str], work: Work) -> None:
        """Do work on these accounts, all of them locked, in one transaction.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        await self._transactions.run(Lock.accounts(user_ids), work, seconds=WORK_SECONDS)

    async def settle_accounts(
        self,
        user_ids: Iterable[str],
        change: Callable[[PayerTransaction], None] | None = None,
        *,
        skip_locked: bool = False,
    ) -> bool:
        """Apply what is due to these accounts, and then `change` to each, in one transaction.

        If the transaction fails, each account gets a transaction of its own, so that one account can't hold up the
        others. `skip_locked` leaves accounts out that another transaction has locked.

        Returns:
            Whether all accounts are stored.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        users = sorted(set(user_ids))
        if not users:
            return True
        lock = Lock.free_accounts(users) if skip_locked else Lock.accounts(users)
        seconds = WORK_SECONDS if skip_locked else None
        run = partial(self._transactions.run, lock, Settlement(change), seconds=seconds)
        try:
            settled = await run()
        except Exception as error:
            if isinstance(error, DatabaseUnavailable) and not isinstance(error, LockWait):
                raise
            if len(users) > 1:
                alone = [await self.settle_accounts([user_id], change, skip_locked=skip_locked) for user_id in users]
                return all(alone)
            if isinstance(error, TimerStartError):
                settled = await run(timer_failure=str(error))
            elif isinstance(error, LockWait) and not skip_locked:
                raise
            else:
                log.exception("timer_manager.settle_failed", user_id=users[0])
                return False
        return not skip_locked or len(settled) == len(users)

    async def post_charges(self, end: int | None = None) -> None:
        """Post the charges of every running record up to just before `end`, in batches; None for up to now.

        This closes a period, for a report or an export.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        until = None if end is None else end - 1
        after = ""
        while True:
            rows = await self.database.fetch(
                "running_payers", after, POSTING_BATCH, INSTANT_MAX if until is None else until
            )
            if not rows:
                return
            payers = [row["user_id"] for row in rows]
            await self.settle_accounts(payers, partial(post_charges, until=until))
            after = payers[-1]

    async def settle_due_accounts(self, now: int, limit: int) -> int:
        """Apply what is due by `now` to at most `limit` accounts that no other transaction has locked.

        Returns:
            The number of accounts.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        lock = Lock.due_accounts(now, limit)
        try:
            users = await self._transactions.run(lock, Settlement(self._note_lateness), seconds=WORK_SECONDS)
        except Exception as error:
            if isinstance(error, DatabaseUnavailable) and not isinstance(error, LockWait):
                raise
            log.warning("engine.batch_split", cause=repr(error))
            users = [row["user_id"] for row in await self.database.fetch("due_accounts", now, limit)]
            for user_id in users:  # each account gets a transaction of its own
                await self.settle_accounts([user_id], skip_locked=True)
        return len(users)

    async def keep_refusal(self, repeat: Repeat | None, error: TalktimeError) -> None:
        """Keep a refusal that needed no command as the answer of its key, if the request has a key.

        Raises:
            Repeated: the key has an answer already.
            Unavailable: the database can't be reached.
        """
        if repeat is None or self.is_trial or not is_kept(error):
            return
        async with self.database.writing() as connection:
            await keep_refusal(connection, repeat, error)

    async def read(
        self, user_ids: Iterable[str], chat_ids: Iterable[str] = (), pairs: Iterable[tuple[str, str]] = ()
    ) -> dict[str, PayerTransaction]:
        """These payers and chats as they are now, by user id. What is due is applied in memory; nothing is written.

        `pairs` are those of users and advisors for which a start is considered.

        Raises:
            Unavailable: the database can't be reached.
        """
        async with self.database.reading() as connection:
            payers = await self.loader.load(connection, self.durations, user_ids, chat_ids, pairs)
        for payer in payers.values():
            payer.current = meter.settle(payer.current, payer.now, payer.durations)
        return payers

    def _note_lateness(self, payer: PayerTransaction) -> None:
        if payer.due_at is not None:
            self.lateness.note(max(0, payer.now - payer.due_at) / 1000)

    async def close(self) -> None:
        """Finish the commands that are under way, but wait only a few seconds for them."""
        await self._batches.close()
