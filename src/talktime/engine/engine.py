"""The engine: the one way to change payers, and to read them as they are now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import structlog

from talktime.core import meter
from talktime.database.loading import Loader
from talktime.database.pool import UNREACHABLE
from talktime.database.queries import SQL
from talktime.database.saving import TimerStartError
from talktime.engine.batching import Batches
from talktime.engine.idempotency import is_kept, keep_refusal
from talktime.engine.transaction import Lock, Settlement, Transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from talktime.core.errors import TalktimeError
    from talktime.core.payer import Rules
    from talktime.database.payer_transaction import PayerTransaction
    from talktime.database.pool import Database
    from talktime.database.saving import ChatChange
    from talktime.engine.command import Command
    from talktime.engine.idempotency import Repeat

log = structlog.get_logger()

T = TypeVar("T")


class Engine:
    """Runs commands, applies what is due, and reads payers. `publish` tells screens of committed changes."""

    def __init__(self, database: Database, rules: Rules, publish: Callable[[list[ChatChange]], None]) -> None:
        self.database = database
        self.rules = rules
        self.loader = Loader()
        self._transactions = Transactions(database.pool, self.loader, publish)
        self._batches = Batches(self._transactions, rules)

    @property
    def commands_done(self) -> dict[str, int]:
        """How many commands of each name this process has committed."""
        return self._batches.commands_done

    def on_deadline(self, learn: Callable[[float], None]) -> None:
        """Call `learn` with the seconds until each new deadline that this process stores."""
        self._transactions.on_deadline = learn

    async def run(self, command: Command[T]) -> T:
        """Run the command; its result, once it is committed.

        Raises:
            TalktimeError: the command is refused.
            Repeated: the command's idempotency key has an answer already.
            Unavailable: the database can't be reached.
        """
        return await self._batches.run(command)

    async def settle_accounts(
        self, user_ids: Iterable[str], change: Callable[[PayerTransaction], None] | None = None
    ) -> bool:
        """Apply what is due to these accounts, and then `change` to each, in one transaction.

        If the transaction fails, each account gets a transaction of its own, so that one account can't hold up the
        others.

        Returns:
            Whether all accounts are stored.

        Raises:
            One of `UNREACHABLE`: the database can't be reached.
        """
        users = sorted(set(user_ids))
        if not users:
            return True
        lock, work = Lock.accounts(users), Settlement(change)
        try:
            await self._transactions.run(lock, work, self.rules)
        except UNREACHABLE:
            raise
        except Exception as error:
            if len(users) > 1:
                return all([await self.settle_accounts([user_id], change) for user_id in users])
            elif isinstance(error, TimerStartError):
                await self._transactions.run(lock, work, replace(self.rules, timer_starts=False), str(error))
            else:
                log.exception("timer_manager.settle_failed", user_id=users[0])
                return False
        return True

    async def settle_due_accounts(self, now: int, limit: int) -> int:
        """Apply what is due by `now` to at most `limit` accounts that no other transaction has locked.

        Returns:
            The number of accounts.

        Raises:
            One of `UNREACHABLE`: the database can't be reached.
        """
        try:
            users = await self._transactions.run(Lock("claim_due_accounts", (now, limit)), Settlement(), self.rules)
        except UNREACHABLE:
            raise
        except Exception as error:  # noqa: BLE001  each account gets a transaction of its own
            log.warning("engine.batch_split", cause=repr(error))
            users = [row["user_id"] for row in await self.database.pool.fetch(SQL["due_accounts"], now, limit)]
            await self.settle_accounts(users)
        return len(users)

    async def keep_refusal(self, repeat: Repeat | None, error: TalktimeError) -> None:
        """Keep a refusal that needed no command as the answer of its key, if the request has a key.

        Raises:
            Repeated: the key has an answer already.
            Unavailable: the database can't be reached.
        """
        if repeat is None or not is_kept(error):
            return
        async with self.database.writing() as connection:
            await keep_refusal(connection, repeat, error)

    async def read(self, user_ids: Iterable[str], chat_ids: Iterable[str] = ()) -> dict[str, PayerTransaction]:
        """These payers and chats as they are now, by user id. What is due is applied in memory; nothing is written.

        Raises:
            Unavailable: the database can't be reached.
        """
        async with self.database.reading() as connection:
            payers = await self.loader.load(connection, self.rules, user_ids, chat_ids)
        for payer in payers.values():
            payer.current = meter.settle(payer.current, payer.now, payer.rules)
        return payers

    async def close(self) -> None:
        """Finish the commands that are under way."""
        await self._batches.close()
