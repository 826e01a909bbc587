"""The one transaction in which payers change. Its order is always the same:

    lock the payers' accounts → read the clock → load, in new statements → settle → decide → save → commit → publish

If the clock were read before the lock, a segment could close before it opened. If the payers were loaded by the
statement that locks, a race would load the state from before the race.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from talktime.core import meter
from talktime.database.queries import SQL
from talktime.database.saving import save
from talktime.engine.event_log import log_events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from talktime.core.payer import Rules
    from talktime.database.loading import Loader
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor
    from talktime.database.pool import Connection, Pool
    from talktime.database.saving import ChatChange


@dataclass(frozen=True, slots=True)
class Lock:
    """The statement that locks the accounts, by name, and its arguments. It answers with the locked users."""

    query: str
    arguments: tuple[object, ...]

    @classmethod
    def accounts(cls, user_ids: Sequence[str]) -> Lock:
        """Lock these accounts, in the order of their ids, so that two transactions never wait for each other."""
        return cls("lock_accounts", (sorted(set(user_ids)),))


@dataclass(frozen=True, slots=True)
class Needs:
    """What the work needs besides the payers."""

    chat_ids: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    records_to_sum: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a transaction works on: the payers by id, settled to now, and the advisors of `Needs.pairs`."""

    payers: dict[str, PayerTransaction]
    advisors: Mapping[str, StoredAdvisor] = field(default_factory=dict)


class Work(Protocol):
    """What is done in a transaction: a batch of commands (`batching`), or a `Settlement`."""

    @property
    def needs(self) -> Needs:
        """What has to be loaded besides the payers."""

    async def decide(self, connection: Connection, loaded: Loaded) -> None:
        """Change the payers, before they are saved."""

    async def conclude(self, connection: Connection, loaded: Loaded) -> None:
        """What follows once the payers are saved, in the same transaction."""


@dataclass(slots=True)
class Transactions:
    """Runs work in transactions. `publish` tells screens of committed changes, `on_deadline` learns new deadlines."""

    pool: Pool
    loader: Loader
    publish: Callable[[list[ChatChange]], None]
    on_deadline: Callable[[float], None] = lambda _seconds: None

    async def run(self, lock: Lock, work: Work, rules: Rules, timer_failure: str | None = None) -> list[str]:
        """Run the work on the accounts that `lock` gives.

        Args:
            lock: which accounts.
            work: what is done.
            rules: how long leases and windows last, and whether timers start.
            timer_failure: why timers can't start, for the log.

        Returns:
            The users whose accounts were locked.
        """
        async with self.pool.acquire() as connection, connection.transaction():
            users: list[str] = [row["user_id"] for row in await connection.fetch(SQL[lock.query], *lock.arguments)]
            loaded = await self._load(connection, users, work.needs, rules)
            await work.decide(connection, loaded)
            changes = await save(connection, loaded.payers.values())
            await work.conclude(connection, loaded)
        if changes:
            self.publish(changes)
        for payer in loaded.payers.values():
            log_events(payer.stored_events, timer_failure)
            if payer.current is not payer.loaded and payer.due_at is not None:
                self.on_deadline(max(0, payer.due_at - payer.now) / 1000)
        return users

    async def _load(self, connection: Connection, users: list[str], needs: Needs, rules: Rules) -> Loaded:
        payers = await self.loader.load(connection, rules, users, needs.chat_ids, needs.pairs) if users else {}
        if needs.records_to_sum:
            await self.loader.load_tallies(connection, payers, list(needs.records_to_sum))
        wanted = {advisor_id for _, advisor_id in needs.pairs}
        advisors = await self.loader.load_advisors(connection, wanted) if wanted else {}
        for payer in payers.values():
            payer.current = meter.settle(payer.current, payer.now, payer.rules)
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
        """Nothing follows."""
