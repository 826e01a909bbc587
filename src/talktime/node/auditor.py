"""The auditor: proves the stored state from the facts, account by account.

It goes through the accounts in order of their ids, a slice at a time; a slice is read in one short transaction that
sees one state of the database, so that nobody waits for the auditor, however large the database is. The doctor goes
through all of them; a node looks at a few every minute, in turn, for its figures.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from talktime.core.cuts import cuts
from talktime.core.gifts import Lot, replayed
from talktime.core.instants import instant
from talktime.core.money import format_credits
from talktime.database.loading import terms_of
from talktime.database.queries import SQL
from talktime.documents.audit import Audit, AuditedRecord, Finding, charge_findings, shared_refund_findings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from talktime.engine.batching import Engine

SLICE: Final = 10_000
"""Accounts in one transaction of the doctor."""

GLANCE: Final = 100
"""Accounts a node looks at in one turn: so few that indexes find all of theirs, however large the tables are."""

_AFTER_ALL: Final = "\U0010ffff" * 129  # an id has at most 128 characters


class Auditor:
    """Checks the rules that must always hold."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._place = ""
        self._turn = Audit()
        self._before: Counter[int] = Counter()

    async def audit(self, on_progress: Callable[[int, int], None] = lambda _done, _all: None) -> Audit:
        """Check everything; `on_progress` is told how many accounts are done, of how many."""
        audit, after = Audit(), ""
        total = await self._engine.pool.fetchval(SQL["count_accounts"])
        while after != _AFTER_ALL:
            on_progress(audit.accounts, total)
            after = await self._slice(audit, after, SLICE)
        on_progress(audit.accounts, audit.accounts)
        return audit

    async def look(self) -> None:
        """Check the next few accounts: after the last ones, the first ones again."""
        self._place = await self._slice(self._turn, self._place, GLANCE)
        if self._place == _AFTER_ALL:
            self._place, self._before, self._turn = "", self._turn.counts, Audit()

    def seen(self, rule: int) -> int:
        """How many breaches of a rule were seen on the way through all accounts, this time or the last."""
        return max(self._before[rule], self._turn.counts[rule])

    async def repair(self, users: Iterable[str]) -> None:
        """Make all stored totals of these accounts anew from entries and segments, and their deadlines from those."""
        for user_id in sorted(users):
            async with self._engine.pool.acquire() as connection, connection.transaction():
                await connection.execute(SQL["lock_accounts"], [user_id])
                for name in ("restore_durations", "restore_records", "restore_balances"):
                    await connection.execute(SQL[name], user_id)
                entries = await connection.fetch(SQL["gift_entries"], user_id)
                await connection.execute(SQL["restore_gifts"], user_id, replayed(entries))
            await self._engine.settle([user_id])

    async def _slice(self, audit: Audit, after: str, size: int) -> str:
        """Check the next accounts after this id; up to which id that was."""
        async with self._engine.reading() as connection:
            # Each slice has another size, and a plan for an average one would be wrong for most.
            await connection.execute("set local plan_cache_mode = force_custom_plan")
            await connection.execute("set local work_mem = '64MB'")
            row = await connection.fetchrow(SQL["next_accounts"], after, size)
            upto = _AFTER_ALL if row["count"] < size else row["last"]
            audit.accounts += row["count"]
            audit.entries += await connection.fetchval(SQL["count_entries"], after, upto)
            audit.add(Finding(*row) for row in await connection.fetch(SQL["broken_rules"], after, upto))
            audit.add([finding async for finding in self._charges(connection, audit, after, upto)])
            for record_id, user_id, *columns in await connection.fetch(SQL["audited_shared_refunds"], after, upto):
                audit.add(shared_refund_findings(record_id, user_id, zip(*columns, strict=True)))
            audit.add([finding async for finding in self._gifts(connection, after, upto)])
            audit.add([finding async for finding in self._cuts(connection, after, upto)])
        return upto

    async def _charges(self, connection: Any, audit: Audit, after: str, upto: str) -> AsyncIterator[Finding]:
        records = await connection.fetch(SQL["audited_records"], after, upto)
        tariffs = await self._engine.store.tariffs(
            connection, {(row["advisor_id"], row["tariff_version"]) for row in records}
        )
        charges = _by_record(await connection.fetch(SQL["audited_charges"], after, upto))
        segments = _by_record(await connection.fetch(SQL["audited_segments"], after, upto))
        fees = dict(await connection.fetch(SQL["audited_fees"], after, upto))
        audit.records += len(records)
        for row in records:
            tariff = tariffs.get((row["advisor_id"], row["tariff_version"]))
            if tariff is None:
                yield _without_tariff(row)
                continue
            record = AuditedRecord(
                row["record_id"],
                row["user_id"],
                tariff,
                max(0, tariff.free_ms - row["free_ms_before"]),
                row["elapsed_ms"],
                row["charged"],
                row["earned"],
                fees.get(row["record_id"], 0),
                terms_of(row),
            )
            for finding in charge_findings(
                record, charges.get(record.record_id, ()), segments.get(record.record_id, ())
            ):
                yield finding

    async def _gifts(self, connection: Any, after: str, upto: str) -> AsyncIterator[Finding]:
        for user_id, stored, *columns in await connection.fetch(SQL["audited_gifts"], after, upto):
            follows = replayed(zip(*columns, strict=True))
            left = tuple(Lot(*lot) for lot in stored)
            if left != follows:
                what = "what is left of gifts, or when it expires, is not what the account's entries say"
                yield Finding(5, what, user_id, user_id, _lots(left), _lots(follows))

    async def _cuts(self, connection: Any, after: str, upto: str) -> AsyncIterator[Finding]:
        users = [row["user_id"] for row in await connection.fetch(SQL["audited_payers"], after, upto)]
        units = await self._engine.store.load(connection, self._engine.rules, users) if users else {}
        for unit in units.values():
            ends = cuts(unit.loaded)
            for record_id, stored in unit.stored_cuts.items():
                follows = ends[record_id].at if record_id in ends else None
                if stored != follows:
                    yield Finding(
                        8,
                        "the credit of a running record does not end when it says",
                        record_id,
                        unit.loaded.user_id,
                        _said(stored),
                        _said(follows),
                    )


def _by_record(rows: Iterable[Any]) -> dict[str, list[tuple[int, int]]]:
    """Pairs of numbers, by the record in front of the two arrays they come in."""
    return {row[0]: list(zip(row[1], row[2], strict=True)) for row in rows}


def _without_tariff(row: Any) -> Finding:
    stored = f"version {row['tariff_version']} of {row['advisor_id']}"
    return Finding(4, "the tariff of a record is not there", row["record_id"], row["user_id"], stored, "a tariff")


def _lots(lots: Iterable[Lot]) -> str:
    return ", ".join(f"{format_credits(lot.amount)} until {_said(lot.expires_at)}" for lot in lots) or "none"


def _said(at: int | None) -> str:
    return "never" if at is None else instant(at)
