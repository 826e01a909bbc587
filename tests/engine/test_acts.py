"""Who moved credit or stopped a record is kept with the entry and in a table of its own, for ever."""

from __future__ import annotations

import asyncpg
import pytest

from talktime import Actor, Role, Talktime
from talktime.core.errors import Conflict, InsufficientCredit
from talktime.database.pool import Pool

SHOP, OLGA, ALICE = Actor(Role.SERVICE, "shop"), Actor(Role.OPERATOR, "olga"), Actor(Role.USER, "alice")

pytestmark = pytest.mark.both_servers


async def acts(database: Pool) -> list[tuple[object, ...]]:
    rows = await database.fetch("select * from talktime.acts order by act_id")
    return [(row["act"], row["by_role"], row["by_subject"], row["user_id"], row["amount"]) for row in rows]


async def test_who_moves_credit_and_who_stops_is_kept(talktime: Talktime, database: Pool) -> None:
    await talktime.add_credit("alice", 5_000_000, actor=SHOP)
    await talktime.debit("alice", 1_000_000, actor=SHOP)
    snapshot = await talktime.initialize_time_tracking_for_chat("alice", "maya", "c")
    assert snapshot.record.id is not None
    await talktime.stop("c", by="user", actor=ALICE)
    await talktime.stop("c", by="operator", actor=OLGA)  # the record had ended, so there is no act
    await talktime.create_chat("alice", "maya", "d")
    other = (await talktime.snapshot("d")).record.id
    assert other is not None
    await talktime.stop_record(other, by="operator", actor=OLGA)
    await talktime.add_credit("alice", 1_000_000)  # a host that names no actor
    charged = -sum(entry.amount for entry in await talktime.entries("alice") if entry.kind == "charge")
    if charged:
        await talktime.refund(other, reason="sorry", borne_by="platform", amount=1, actor=OLGA)
    found = await acts(database)
    assert found[:4] == [
        ("add_credit", "service", "shop", "alice", 5_000_000),
        ("debit", "service", "shop", "alice", 1_000_000),
        ("stop", "user", "alice", "alice", None),
        ("stop", "operator", "olga", "alice", None),
    ]
    entries = await database.fetch(
        "select kind, by_role, by_subject from talktime.entries where kind <> 'charge' order by entry_id"
    )
    assert [tuple(row) for row in entries][1:4] == [
        ("purchase", "service", "shop"),
        ("debit", "service", "shop"),
        ("purchase", None, None),
    ]


async def test_a_refund_says_who_gave_it(talktime: Talktime, database: Pool) -> None:
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "c")
    record_id = (await talktime.snapshot("c")).record.id
    assert record_id is not None
    await talktime.advance_clock(60_000)
    await talktime.stop("c")
    await talktime.refund(record_id, reason="sorry", borne_by="platform", amount=100_000, actor=OLGA)
    assert await acts(database) == [("refund", "operator", "olga", "alice", 100_000)]
    row = await database.fetchrow("select by_role, by_subject, amount from talktime.entries where kind = 'refund'")
    assert row is not None
    assert tuple(row) == ("operator", "olga", 100_000)


async def test_what_is_refused_is_no_act(talktime: Talktime, database: Pool) -> None:
    with pytest.raises(InsufficientCredit):
        await talktime.debit("alice", 10**12, actor=SHOP)
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "c")
    record_id = (await talktime.snapshot("c")).record.id
    assert record_id is not None
    with pytest.raises(Conflict):
        await talktime.refund(record_id, reason="sorry", borne_by="platform", amount=10**12, actor=OLGA)
    assert await acts(database) == []


async def test_acts_can_not_be_changed(talktime: Talktime, database: Pool) -> None:
    await talktime.add_credit("alice", 1, actor=SHOP)
    for statement in (
        "update talktime.acts set by_subject = 'somebody else'",
        "delete from talktime.acts",
        "truncate talktime.acts",
        "set session_replication_role = replica; delete from talktime.acts",
    ):
        with pytest.raises(asyncpg.RaiseError, match="are facts"):
            await database.execute(statement)
    await database.execute("set session_replication_role = origin")
