"""The one transaction in which payers change. Its order is always the same:

    lock the payers' accounts → read the clock → load, in new statements → settle → decide → save → commit → publish

If the clock were read before the lock, a segment could close before it opened. If the payers were loaded by the
statement that locks, a race would load the state from before the race.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from talktime.core import meter
from talktime.core.record import replace
from talktime.database.queries import SQL
from talktime.database.saving import save
from talktime.engine.event_log import log_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from talktime.core.payer import Durations
    from talktime.database.loading import Loader
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor
    from talktime.database.pool import Connection, Database
    from talktime.database.saving import AccountChange


@dataclass(frozen=True, slots=True)
class Lock:
    """The statement that locks the accounts, by name, and its arguments. It answers with the locked users.

    `wait` is how long the transaction waits for each lock, as PostgreSQL writes it; None for what the statement or the
    connection says.
    """

    query: str
    arguments: tuple[object, ...]
    wait: str | None = None

    @classmethod
    def accounts(cls, user_ids: Iterable[str], *, wait: str | None = None) -> Lock:
        """Lock these accounts, in the order of their ids, so that two transactions never wait for each other."""
        return cls("lock_accounts", (sorted(set(user_ids)),), wait)

    @classmethod
    def free_accounts(cls, user_ids: Iterable[str]) -> Lock:
        """Lock those of these accounts that no other transaction has locked."""
        return cls("lock_free_accounts", (sorted(set(user_ids)),))

    @classmethod
    def due_accounts(cls, now: int, limit: int) -> Lock:
        """Lock at most `limit` accounts that are due at `now` and that no other transaction has locked."""
        return cls("claim_due_accounts", (now, limit))


@dataclass(frozen=True, slots=True)
class Needs:
    """The rows that the work needs besides the payers."""

    chat_ids: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    records_to_sum: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """The payers of a transaction by id, settled to now, and the advisors of `Needs.pairs`."""

    payers: dict[str, PayerTransaction]
    advisors: Mapping[str, StoredAdvisor] = field(default_factory=dict)


class Work(Protocol):
    """The work of a transaction: a batch of commands (`batching`), a `Settlement`, a `Trial`, or an import."""

    @property
    def needs(self) -> Needs:
        """The rows to load besides the payers."""

    async def decide(self, connection: Connection, loaded: Loaded) -> None:
        """Change the payers, before they are saved."""

    async def conclude(self, connection: Connection, loaded: Loaded) -> None:
        """Do the rest of the work in the same transaction, after the payers are saved."""


@dataclass(slots=True)
class Transactions:
    """Runs work in transactions. `publish` tells screens of committed changes, `on_deadline` learns new deadlines."""

    database: Database
    loader: Loader
    durations: Durations
    publish: Callable[[list[AccountChange]], None]
    on_deadline: Callable[[float], None] = lambda _seconds: None

    async def run(
        self, lock: Lock, work: Work, timer_failure: str | None = None, seconds: float | None = None
    ) -> list[str]:
        """Run the work on the accounts that `lock` gives.

        Args:
            lock: which accounts.
            work: what is done.
            timer_failure: why timers can't start, for the log.
            seconds: how long the transaction may take; None for the usual limit.

        Returns:
            The users whose accounts were locked.

        Raises:
            DatabaseUnavailable: the database can't be used.
            TimerStartError, ChatTakenError: as `save`.
        """
        async with self.database.writing(seconds) as connection:
            if lock.wait is not None:
                await connection.execute(SQL["wait_for_locks"], lock.wait)
            users: list[str] = [row["user_id"] for row in await connection.fetch(SQL[lock.query], *lock.arguments)]
            loaded = await self._load(connection, users, work.needs, can_start_timers=timer_failure is None)
            await work.decide(connection, loaded)
            for payer in loaded.payers.values():
                payer.forget_low_credit()
            changes = await save(connection, loaded.payers.values())
            await work.conclude(connection, loaded)
        if changes:
            self.publish(changes)
        for payer in loaded.payers.values():
            log_steps(payer, timer_failure)
            if payer.current is not payer.loaded and payer.due_at is not None:
                self.on_deadline(max(0, payer.due_at - payer.now) / 1000)
        return users

    async def _load(self, connection: Connection, users: list[str], needs: Needs, *, can_start_timers: bool) -> Loaded:
        payers = await self.loader.load(connection, self.durations, users, needs.chat_ids, needs.pairs) if users else {}
        if needs.records_to_sum:
            await self.loader.load_entry_totals(connection, payers, list(needs.records_to_sum))
        wanted = {advisor_id for _, advisor_id in needs.pairs}
        advisors = await self.loader.load_advisors_for_starts(connection, self.durations, wanted) if wanted else {}
        for payer in payers.values():
            if not can_start_timers:
                payer.current = replace(payer.current, can_start_timers=False)
            payer.current = meter.settle(payer.current, payer.now, payer.durations)
        return Loaded(payers, advisors)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The work of applying what is due, and then `change` to each payer."""

    change: Callable[[PayerTransaction], None] | None = None
    needs: Needs = field(default=Needs(), init=False)

    async def decide(self, connection: Connection, loaded: Loaded) -> None:
        """Apply `change` to each payer. The transaction has settled the payers already."""
        if self.change is not None:
            for payer in loaded.payers.values():
                self.change(payer)

    async def conclude(self, connection: Connection, loaded: Loaded) -> None:
        """Do nothing: `decide` has done everything."""
