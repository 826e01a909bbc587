"""The auditor: proves the stored state from the facts, account by account.

The auditor goes through the accounts in the order of their ids, a slice at a time. It reads a slice in one short
transaction that sees one state of the database, so nobody waits for the auditor, however large the database is. The
doctor goes through all accounts; a node looks at a few accounts every minute, in turn, for its figures.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from talktime.core.cuts import find_cuts
from talktime.core.entries import BorneBy, EntryKind
from talktime.core.gifts import Gift, gifts_after
from talktime.core.ids import AFTER_ALL
from talktime.core.instants import format_instant
from talktime.core.money import format_credits
from talktime.database.pool import LONG_SECONDS
from talktime.database.queries import SQL, arrays
from talktime.database.record_rows import read_terms
from talktime.database.schema import schema_faults
from talktime.documents.audit import (
    RULES,
    Audit,
    AuditedRecord,
    Finding,
    Lately,
    charge_findings,
    shared_refund_findings,
)
from talktime.documents.event import DATA_VERSION, BrokenRuleData, EventType
from talktime.documents.last_audit import AuditedRule, LastAudit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from talktime.core.tariff import Tariff
    from talktime.database.pool import Connection, Row
    from talktime.engine.engine import Engine

SLICE: Final = 10_000
"""Accounts in one transaction of the doctor."""

GLANCE: Final = 100
"""Accounts that a node looks at in one turn: few enough that indexes find all their rows, however large the tables."""

BY_INDEXES: Final = "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off"
"""Settings for a look at a few accounts. Without them the planner overestimates how many accounts there are, and reads
whole tables."""

Pairs = dict[str, list[tuple[int, int]]]
"""Pairs of numbers by record id."""


class Auditor:
    """Checks the rules that must always hold."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._place = ""
        self._turn: Counter[int] = Counter()
        self._last_turn: Counter[int] = Counter()
        self._accounts = self._last_accounts = 0
        self._ended_at: int | None = None

    async def audit(self, on_progress: Callable[[int, int], None] = lambda _done, _all: None) -> Audit:
        """Check everything. `on_progress` learns how many accounts are done, of how many."""
        audit, after = Audit(), ""
        total = await self._engine.database.fetch_value("count_accounts", seconds=LONG_SECONDS)
        while after != AFTER_ALL:
            on_progress(audit.accounts, total)
            after = await self.check_slice(audit, after, SLICE)
        on_progress(audit.accounts, audit.accounts)
        async with self._engine.database.reading() as connection:
            audit.schema_faults = await schema_faults(connection)
            row = await connection.fetchrow(SQL["lately"])
            assert row is not None  # noqa: S101  the clock has one row, always
            audit.lately = Lately(**row)
        return audit

    async def look(self) -> None:
        """Check the next few accounts, and tell of what is broken. After the last account the first one follows."""
        audit = Audit()
        self._place = await self.check_slice(audit, self._place, GLANCE)
        self._turn += audit.counts
        self._accounts += audit.accounts
        findings = [finding for examples in audit.examples.values() for finding in examples]
        if findings:
            await self._tell(findings)
        if self._place == AFTER_ALL:
            self._place, self._last_turn, self._turn = "", self._turn, Counter()
            self._last_accounts, self._accounts = self._accounts, 0
            self._ended_at = await self._engine.database.fetch_value("engine_now")

    def last_audit(self) -> LastAudit:
        """When the last turn through all accounts ended, and what was seen of each rule."""
        rules = (AuditedRule(n, rule.says, self.breaches(n), rule.repair) for n, rule in RULES.items())
        return LastAudit(self._ended_at, self._last_accounts, tuple(rules))

    def breaches(self, rule: int) -> int:
        """How many breaches of a rule this turn or the last turn through all accounts found, whichever is more."""
        return max(self._last_turn[rule], self._turn[rule])

    async def repair(self, users: Iterable[str]) -> None:
        """Compute all stored totals of these accounts from entries and segments, and their deadlines from those."""
        for user_id in sorted(users):
            async with self._engine.database.writing(LONG_SECONDS) as connection:
                await connection.execute(SQL["lock_accounts"], [user_id])
                for name in ("restore_durations", "restore_records", "restore_balances"):
                    await connection.execute(SQL[name], user_id)
                entries = await connection.fetch(SQL["gift_entries"], user_id)
                await connection.execute(SQL["restore_gifts"], user_id, gifts_after(_gift_entries(entries)))
            await self._engine.settle_accounts([user_id])

    async def _tell(self, findings: Iterable[Finding]) -> None:
        """Store an event for each finding, unless an event of the last day tells of the same finding."""
        rows = arrays("tell_broken_rules", (_event_row(finding) for finding in findings))
        await self._engine.database.fetch("tell_broken_rules", *rows)

    async def check_slice(self, audit: Audit, after: str, size: int) -> str:
        """Check the next accounts after this id. Returns the id of the last one."""
        async with self._engine.database.reading(LONG_SECONDS) as connection:
            # Slices differ in size, and a plan for an average slice would be wrong for most of them.
            await connection.execute("set local plan_cache_mode = force_custom_plan")
            await connection.execute("set local work_mem = '64MB'")
            if size <= GLANCE:
                await connection.execute(BY_INDEXES)
            row = await connection.fetchrow(SQL["next_accounts"], after, size)
            assert row is not None  # noqa: S101  an aggregate always gives a row
            upto: str = AFTER_ALL if row["count"] < size else row["last"]
            audit.accounts += row["count"]
            audit.entries += await connection.fetchval(SQL["count_entries"], after, upto)
            audit.add(_finding(row) for row in await connection.fetch(SQL["broken_rules"], after, upto))
            audit.add([finding async for finding in self._check_charges(connection, audit, after, upto)])
            for record in await connection.fetch(SQL["audited_shared_refunds"], after, upto):
                kinds = map(EntryKind, record["kinds"])
                borne_by = (None if bearer is None else BorneBy(bearer) for bearer in record["borne_by"])
                entries = zip(kinds, record["amounts"], record["advisor_amounts"], borne_by, strict=True)
                audit.add(shared_refund_findings(record["record_id"], record["user_id"], entries))
            audit.add([finding async for finding in self._check_gifts(connection, after, upto)])
            audit.add([finding async for finding in self._check_cuts(connection, after, upto)])
        return upto

    async def _check_charges(
        self, connection: Connection, audit: Audit, after: str, upto: str
    ) -> AsyncIterator[Finding]:
        records = await connection.fetch(SQL["audited_records"], after, upto)
        versions = {(row["advisor_id"], row["tariff_version"]) for row in records}
        tariffs = await self._engine.loader.load_tariffs(connection, versions)
        charge_rows = await connection.fetch(SQL["audited_charges"], after, upto)
        charges: Pairs = {row["record_id"]: list(zip(row["at_ms"], row["amount"], strict=True)) for row in charge_rows}
        segment_rows = await connection.fetch(SQL["audited_segments"], after, upto)
        segments: Pairs = {
            row["record_id"]: list(zip(row["began_ms"], row["ended_ms"], strict=True)) for row in segment_rows
        }
        fee_rows = await connection.fetch(SQL["audited_fees"], after, upto)
        fees = {row["record_id"]: row["fees"] for row in fee_rows}
        audit.records += len(records)
        for row in records:
            tariff = tariffs.get((row["advisor_id"], row["tariff_version"]))
            if tariff is None:
                yield _without_tariff(row)
                continue
            record = _audited_record(row, tariff, fees.get(row["record_id"], 0))
            for finding in charge_findings(
                record, charges.get(record.record_id, ()), segments.get(record.record_id, ())
            ):
                yield finding

    async def _check_gifts(self, connection: Connection, after: str, upto: str) -> AsyncIterator[Finding]:
        for row in await connection.fetch(SQL["audited_gifts"], after, upto):
            follows = gifts_after(
                zip(map(EntryKind, row["kinds"]), row["amounts"], row["instants"], row["expiries"], strict=True)
            )
            stored = tuple(Gift(*stored_gift) for stored_gift in row["stored"])
            if stored != follows:
                what = "what is left of gifts, or when it expires, is not what the account's entries say"
                yield Finding(5, what, row["user_id"], row["user_id"], _gifts_text(stored), _gifts_text(follows))

    async def _check_cuts(self, connection: Connection, after: str, upto: str) -> AsyncIterator[Finding]:
        users = [row["user_id"] for row in await connection.fetch(SQL["audited_payers"], after, upto)]
        payers = await self._engine.loader.load(connection, self._engine.durations, users) if users else {}
        for payer in payers.values():
            follow = find_cuts(payer.loaded)
            for record_id, stored in payer.stored_cuts.items():
                follows = follow[record_id].at if record_id in follow else None
                if stored != follows:
                    what = "the credit of a running record does not end when it says"
                    user_id = payer.loaded.user_id
                    yield Finding(8, what, record_id, user_id, _instant_text(stored), _instant_text(follows))


def _event_row(finding: Finding) -> dict[str, object]:
    data = BrokenRuleData(finding.rule, finding.what, finding.id, str(finding.stored), str(finding.follows))
    return {
        "type": EventType.RULE_BROKEN,
        "user_id": finding.user_id,
        "rule": str(finding.rule),
        "id": finding.id,
        "data": data.document(),
        "data_version": DATA_VERSION,
    }


def _finding(row: Row) -> Finding:
    return Finding(row["rule"], row["what"], row["id"], row["user_id"], row["stored"], row["follows"])


def _audited_record(row: Row, tariff: Tariff, fees: int) -> AuditedRecord:
    return AuditedRecord(
        record_id=row["record_id"],
        user_id=row["user_id"],
        tariff=tariff if row["grace_used_at"] is None else tariff.without_grace,
        allowance_ms=tariff.allowance_after(row["free_ms_before"]),
        elapsed_ms=row["elapsed_ms"],
        charged=row["charged"],
        earned=row["earned"],
        fees=fees,
        terms=read_terms(row),
    )


def _gift_entries(rows: Iterable[Row]) -> Iterable[tuple[EntryKind, int, int, int | None]]:
    return ((EntryKind(row["kind"]), row["gift_amount"], row["at"], row["expires_at"]) for row in rows)


def _without_tariff(row: Row) -> Finding:
    stored = f"version {row['tariff_version']} of {row['advisor_id']}"
    return Finding(4, "the tariff of a record is not there", row["record_id"], row["user_id"], stored, "a tariff")


def _gifts_text(gifts: Iterable[Gift]) -> str:
    return (
        ", ".join(f"{format_credits(gift.amount)} until {_instant_text(gift.expires_at)}" for gift in gifts) or "none"
    )


def _instant_text(at: int | None) -> str:
    return "never" if at is None else format_instant(at)
