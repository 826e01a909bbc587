"""Imports beside everything else: two at once, free time that carries over, facts that stay."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from talktime import Talktime, Tariff, parse_credits
from talktime.core.entries import CreditKind
from talktime.documents.import_report import ImportReport, Stored, plan_import
from talktime.documents.old_rows import (
    OldAdvisor,
    OldBalance,
    OldRow,
    OldSession,
    OldUser,
    RowKind,
    RowPlace,
    SourceRow,
)
from talktime.engine.imports import import_rows, store_import
from tests.databases import as_service
from tests.nodes import node_on

pytestmark = pytest.mark.both_servers

FREE = Tariff.parse({"free_seconds": 180, "tiers": [{"rate": "0.60", "increment_seconds": 1}]})
KINDS: dict[type[OldRow], RowKind] = {
    OldUser: RowKind.USERS,
    OldAdvisor: RowKind.ADVISORS,
    OldBalance: RowKind.BALANCES,
    OldSession: RowKind.SESSIONS,
}


def rows(*given: OldRow) -> list[SourceRow]:
    return [SourceRow(RowPlace("test", line), KINDS[type(row)], row) for line, row in enumerate(given, 1)]


def session(number: int, free_ms: int, user: str = "alice") -> OldSession:
    return OldSession(f"s{number}", user, "maya", None, 1_000_000, 1_300_000, 300_000, free_ms, 3_000_000)


PEOPLE = (OldUser("alice", "Alice"), OldAdvisor("maya", "Maya", FREE, None, None))


async def store(talktime: Talktime, given: list[SourceRow], as_of: int) -> ImportReport:
    return await import_rows(talktime.engine, given, as_of, dry_run=False, actor=None)


async def test_free_time_that_was_used_before_is_used_here(database_url: str) -> None:
    async with node_on(as_service(database_url), test_clock=True, presence_lease_seconds=1000) as talktime:
        now = await talktime.now()
        given = rows(*PEOPLE, OldBalance("b", "alice", CreditKind.PURCHASE, 10_000_000, None), session(1, 100_000))
        assert (await store(talktime, [*given, *rows(session(2, 50_000))], now)).is_done
        record_id = await talk(talktime, "first")
        receipt = (await talktime.receipt(record_id)).document()
        assert receipt["free_ms_before"] == 150_000
        assert parse_credits(receipt["cost"]) >= parse_credits("0.30")  # half of the minute
        record_id = await talk(talktime, "second")
        assert (await talktime.receipt(record_id)).document()["free_ms_before"] == 180_000
        # The free time of a pair that has talked here is settled.
        late = await store(talktime, rows(session(3, 1)), now)
        assert (late.is_done, [row.id for row in late.bad]) == (False, ["s3"])
        assert (await store(talktime, rows(session(3, 0)), now)).is_done
        assert await talktime.broken_rules() == []


async def talk(talktime: Talktime, chat_id: str) -> str:
    """Talk for a minute; the record."""
    await talktime.create_chat("alice", "maya", chat_id, starts="at_once")
    await talktime.advance_clock(60_000)
    await talktime.stop(chat_id)
    record_id = (await talktime.snapshot(chat_id)).record.id
    assert record_id is not None
    return record_id


async def test_two_imports_at_once_store_each_row_once(database_url: str) -> None:
    users = [OldUser(f"user {number}", "Somebody") for number in range(120)]
    balances = [OldBalance(user.id, user.id, CreditKind.GIFT, 1_000_000, None) for user in users]
    sessions = [session(number, 1_000, user.id) for number, user in enumerate(users)]
    given = rows(*users, *PEOPLE, *balances, *sessions)
    async with node_on(database_url) as one, node_on(database_url) as other:
        now = await one.now()
        reports = await asyncio.gather(*(store(node, given, now) for node in (one, other, one, other)))
        assert all(report.is_done and report.adds_up and not report.differences for report in reports)
        accounts = [account for account in await one.users(limit=1000) if account.user_id != "alice"]
        assert {account.balance for account in accounts} == {1_000_000}
        assert len(await one.past_sessions(advisor_id="maya", limit=1000)) == 120


async def test_credit_that_an_account_can_not_hold_is_named_and_the_rest_is_stored(database_url: str) -> None:
    async with node_on(database_url) as talktime:
        now = await talktime.now()
        gifts = [OldBalance(f"g{n}", "alice", CreditKind.GIFT, 1_000_000, now + 10**9 + n) for n in range(101)]
        report = await store(talktime, rows(*PEOPLE, *gifts), now)
        assert (report.is_done, report.adds_up) == (True, False)
        assert [(each.id, "at most 100 gifts" in each.reason) for each in report.differences] == [("g100", True)]
        assert (await talktime.account("alice")).gift == parse_credits("100.00")


async def test_what_was_imported_stays(database_url: str) -> None:
    async with node_on(database_url) as talktime:
        now = await talktime.now()
        await store(talktime, rows(*PEOPLE, session(1, 0), OldBalance("b", "alice", CreditKind.GIFT, 1, None)), now)
    connection = await asyncpg.connect(database_url)
    for statement in (
        "update talktime.past_sessions set cost = 0",
        "delete from talktime.past_sessions",
        "update talktime.imported_balances set amount = 2",
        "delete from talktime.imported_balances",
    ):
        with pytest.raises(asyncpg.RaiseError, match="are facts"):
            await connection.execute(statement)
    await connection.close()


async def test_the_pages_of_past_sessions(database_url: str) -> None:
    async with node_on(database_url) as talktime:
        await store(talktime, rows(*PEOPLE, *(session(n, 0) for n in range(3))), await talktime.now())
        first = await talktime.past_sessions(user_id="alice", limit=2)
        rest = await talktime.past_sessions(user_id="alice", after=first[-1].id)
        assert [each.id for each in (*first, *rest)] == ["s2", "s1", "s0"]
        assert await talktime.past_sessions(user_id="bob") == []


async def test_an_advisor_who_was_made_meanwhile_stays_as_the_advisor_is(database_url: str) -> None:
    async with node_on(database_url) as talktime:
        now = await talktime.now()
        plan = plan_import(rows(*PEOPLE), Stored(), now, now)
        await talktime.put_advisor("maya", "Dr. Maya", Tariff.parse({"tiers": [{"rate": "9.00"}]}))
        await talktime.put_user("alice", "Alice B.")
        assert await store_import(talktime.engine, plan, now, None) == []
        advisor = await talktime.advisor("maya")
        assert (advisor.display_name, advisor.tariff_version) == ("Dr. Maya", 1)
        assert (await talktime.account("alice")).display_name == "Alice B."
