"""Imports: people, credit and past sessions that come from another system, each once.

Rows are stored in batches, each in one transaction with what follows from it: a balance with its entry, a session with
the free time that its pair has used. The id of a row is unique in its table, and is looked for under the lock of the
payer. So an import that was stopped in the middle goes on when it is run again, and two imports at once store each row
once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from talktime.core.entries import CreditKind
from talktime.core.errors import InvalidRequest, TalktimeError
from talktime.core.starts import changed_rule
from talktime.database.queries import SQL, arrays
from talktime.documents.import_report import Difference, Pair, Stored, plan_import, report_import
from talktime.documents.old_rows import OldAdvisor, OldBalance, OldSession, OldUser, RowKind, SourceRow
from talktime.engine.accounts import AddCredit
from talktime.engine.people import put_advisor
from talktime.engine.transaction import Needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from talktime.core.actors import Actor
    from talktime.core.starts import StartRule
    from talktime.database.payer_transaction import PayerTransaction
    from talktime.database.pool import Connection, Database, Row
    from talktime.documents.import_report import ImportReport, Plan
    from talktime.documents.old_rows import BadRow, OldRow
    from talktime.engine.engine import Engine
    from talktime.engine.transaction import Loaded

BATCH: Final = 500
"""How many rows one transaction stores. Accounts of people who talk meanwhile are locked for a moment only."""

_READ_BATCH: Final = 5_000

_Item = TypeVar("_Item")


async def import_rows(
    engine: Engine, rows: Sequence[SourceRow | BadRow], as_of: int, *, dry_run: bool, actor: Actor | None
) -> ImportReport:
    """Store the new rows, unless a row can't be imported. Returns what was stored, or would be.

    Raises:
        InvalidRequest: `as_of` is in the future.
        Unavailable: the database can't be reached. What is stored stays; the import can be run again.
    """
    now: int = await engine.database.fetch_value("engine_now")
    if as_of > now:
        raise InvalidRequest(("as_of", "must not be in the future"))
    stored = await read_stored(engine.database, rows)
    plan = plan_import(rows, stored, as_of, now)
    if dry_run or plan.bad:
        return report_import(rows, plan, stored.after(plan), as_of, is_done=False)
    refused = await store_import(engine, plan, as_of, actor)
    report = report_import(rows, plan, await read_stored(engine.database, rows), as_of, is_done=True)
    return replace(report, differences=(*refused, *report.differences))


async def store_import(engine: Engine, plan: Plan, as_of: int, actor: Actor | None) -> list[Difference]:
    """Store the new rows of a plan. Returns the rows that could not be stored after all, with the reasons.

    Args:
        engine: runs the transactions.
        plan: the rows.
        as_of: the instant that the balances belong to.
        actor: who imports, to be kept with each entry.

    Raises:
        Unavailable: the database can't be reached. What is stored stays; the import can be run again.
    """
    database = engine.database
    for users in _batches(sorted(plan.new(OldUser), key=lambda user: user.id)):
        rows = arrays("add_users", ({"user_id": user.id, "display_name": user.name} for user in users))
        async with database.writing() as connection:
            await connection.execute(SQL["add_users"], *rows)
    for advisor in plan.new(OldAdvisor):
        await _add_advisor(database, advisor)
    refused: list[Difference] = []
    for balances in _batches(sorted(plan.new(OldBalance), key=lambda balance: balance.user_id)):
        work = _StoreBalances(balances, as_of, actor)
        await engine.run_work({balance.user_id for balance in balances}, work)
        refused += work.refused
    for sessions in _batches(sorted(plan.new(OldSession), key=lambda session: session.user_id)):
        past = _StoreSessions(sessions, as_of)
        await engine.run_work({session.user_id for session in sessions}, past)
        refused += past.refused
    return refused


async def read_stored(database: Database, rows: Iterable[SourceRow | BadRow]) -> Stored:
    """The ids of these rows that talktime has already."""
    named = _Named(rows)
    users = await _fetch_all(database, SQL["existing_accounts"], named.users)
    advisors = await _fetch_all(database, SQL["existing_advisors"], named.advisors)
    balances = await _fetch_all(database, SQL["imported_balances"], named.balances)
    sessions = await _fetch_all(database, SQL["imported_sessions"], named.sessions)
    talked: set[Pair] = set()
    for pairs in _batches(sorted(named.pairs), _READ_BATCH):
        talked |= _as_pairs(await database.fetch("pairs_with_records", *_pair_arrays(pairs)))
    return Stored(
        frozenset(row["user_id"] for row in users),
        frozenset(row["advisor_id"] for row in advisors),
        {row["balance_id"]: _balance(row) for row in balances},
        {row["balance_id"]: row["posted"] for row in balances},
        {row["session_id"]: past_session(row) for row in sessions},
        frozenset(talked),
    )


def past_session(row: Row) -> OldSession:
    """The session of a row of `past_sessions`."""
    return OldSession(
        row["session_id"],
        row["user_id"],
        row["advisor_id"],
        row["chat_id"],
        row["started_at"],
        row["ended_at"],
        row["duration_ms"],
        row["free_ms"],
        row["cost"],
    )


class _Named:
    """The ids that rows name."""

    def __init__(self, rows: Iterable[SourceRow | BadRow]) -> None:
        self.users: set[str] = set()
        self.advisors: set[str] = set()
        self.balances: set[str] = set()
        self.sessions: set[str] = set()
        self.pairs: set[Pair] = set()
        for each in rows:
            if isinstance(each, SourceRow):
                self._add(each.row)

    def _add(self, row: OldRow) -> None:
        if isinstance(row, OldUser):
            self.users.add(row.id)
        elif isinstance(row, OldAdvisor):
            self.advisors.add(row.id)
        else:
            self.users.add(row.user_id)
            if isinstance(row, OldBalance):
                self.balances.add(row.id)
            else:
                self.advisors.add(row.advisor_id)
        if isinstance(row, OldSession):
            self.sessions.add(row.id)
            if row.free_ms:
                self.pairs.add((row.user_id, row.advisor_id))


@dataclass(slots=True)
class _StoreBalances:
    """Add credit for balances that are not stored yet. Their payers are locked."""

    balances: Sequence[OldBalance]
    as_of: int
    actor: Actor | None
    refused: list[Difference] = field(default_factory=list)
    needs: Needs = field(default=Needs(), init=False)

    async def decide(self, connection: Connection, loaded: Loaded) -> None:
        ids = [balance.id for balance in self.balances]
        there = {row["balance_id"] for row in await connection.fetch(SQL["imported_balances"], ids)}
        self.refused = []
        added: list[dict[str, object]] = []
        for balance in self.balances:
            if balance.id in there:
                continue
            try:
                self._add(balance, loaded.payers[balance.user_id])
            except TalktimeError as error:
                self.refused.append(Difference(RowKind.BALANCES, balance.id, f"could not be added: {error.detail}"))
                continue
            added.append(
                {
                    "balance_id": balance.id,
                    "user_id": balance.user_id,
                    "kind": balance.kind.value,
                    "amount": balance.amount,
                    "expires_at": balance.expires_at,
                    "as_of": self.as_of,
                }
            )
        await connection.execute(SQL["add_imported_balances"], *arrays("add_imported_balances", added))

    async def conclude(self, connection: Connection, loaded: Loaded) -> None:
        """Do nothing: `decide` has done everything."""

    def _add(self, balance: OldBalance, payer: PayerTransaction) -> None:
        if balance.amount:  # the ledger has no entries of zero
            reference = f"import:balances:{balance.id}"
            command = AddCredit(
                balance.user_id, balance.amount, balance.kind, reference, balance.expires_at, actor=self.actor
            )
            command.decide(payer, None)


@dataclass(slots=True)
class _StoreSessions:
    """Store sessions that are not stored yet. Their payers are locked, so that none starts a record meanwhile."""

    sessions: Sequence[OldSession]
    as_of: int
    refused: list[Difference] = field(default_factory=list)
    needs: Needs = field(default=Needs(), init=False)

    async def decide(self, connection: Connection, loaded: Loaded) -> None:
        ids = [session.id for session in self.sessions]
        there = {row["session_id"] for row in await connection.fetch(SQL["imported_sessions"], ids)}
        pairs = sorted({(each.user_id, each.advisor_id) for each in self.sessions if each.free_ms})
        talked = _as_pairs(await connection.fetch(SQL["pairs_with_records"], *_pair_arrays(pairs)))
        self.refused = []
        added: list[dict[str, object]] = []
        for each in self.sessions:
            if each.id in there:
                continue
            if each.free_ms and (each.user_id, each.advisor_id) in talked:
                reason = "was not stored: the pair has started a record meanwhile. Run the import again"
                self.refused.append(Difference(RowKind.SESSIONS, each.id, reason))
                continue
            added.append(
                {
                    "session_id": each.id,
                    "user_id": each.user_id,
                    "advisor_id": each.advisor_id,
                    "chat_id": each.chat_id,
                    "started_at": each.started_at,
                    "ended_at": each.ended_at,
                    "duration_ms": each.duration_ms,
                    "free_ms": each.free_ms,
                    "cost": each.cost,
                    "as_of": self.as_of,
                }
            )
        await connection.execute(SQL["add_past_sessions"], *arrays("add_past_sessions", added))

    async def conclude(self, connection: Connection, loaded: Loaded) -> None:
        """Do nothing: `decide` has done everything."""


async def _add_advisor(database: Database, advisor: OldAdvisor) -> None:
    def change_rule(rule: StartRule) -> StartRule:
        return changed_rule(rule, advisor.starts)

    await put_advisor(database, advisor.id, advisor.name, advisor.tariff, advisor.terms, change_rule, is_new_only=True)


async def _fetch_all(database: Database, statement: str, ids: Iterable[str]) -> list[Row]:
    """The rows of a statement that takes ids, whatever their number."""
    rows: list[Row] = []
    for batch in _batches(sorted(ids), _READ_BATCH):
        async with database.connection() as connection:
            rows += await connection.fetch(statement, batch)
    return rows


def _balance(row: Row) -> OldBalance:
    return OldBalance(row["balance_id"], row["user_id"], CreditKind(row["kind"]), row["amount"], row["expires_at"])


def _pair_arrays(pairs: Iterable[Pair]) -> list[list[object]]:
    return arrays("pairs_with_records", ({"user_id": user, "advisor_id": advisor} for user, advisor in pairs))


def _as_pairs(rows: Iterable[Row]) -> set[Pair]:
    return {(row["user_id"], row["advisor_id"]) for row in rows}


def _batches(items: Sequence[_Item], size: int = BATCH) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
