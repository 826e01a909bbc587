"""The auditor: tests break each rule with plain SQL; the auditor must find it, and repair what can be repaired."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from talktime import Party, Talktime, Tariff, parse_credits
from talktime.cli.app import app
from talktime.core.terms import Terms
from talktime.database.pool import Pool
from talktime.documents.audit import RULES
from talktime.engine.idempotency import Repeat

pytestmark = pytest.mark.both_servers

breaking = pytest.mark.breaks_rules

# What holds without the constraints, and the triggers, that would not let it come to this.
LIFT = """
set local session_replication_role = replica;
alter table entries disable trigger entries_append_only;
drop index records_one_active, segments_one_open;
alter table segments drop constraint segments_never_overlap;
alter table accounts drop constraint accounts_balance_check;
alter table repeats drop constraint repeats_pkey;
alter table messages drop constraint messages_chat_id_sender_client_id_key;
"""
RUNNING = "(select record_id from records where state = 'running')"
ENDED = "(select record_id from records where state = 'ended')"

BREACHES = [
    (
        1,
        "the pair has more than one active record",
        (
            'insert into records select (jsonb_populate_record(r, \'{"record_id": "twin"}\')).* from records r'
            " where state = 'running'"
        ),
    ),
    (
        2,
        "the record has more than one open segment",
        (
            "insert into segments (record_id, user_id, chat_id, started_at)"
            " select record_id, user_id, chat_id, started_at from segments where ended_at is null"
        ),
    ),
    (
        2,
        "a segment begins before the previous segment has ended",
        "update segments set started_at = started_at - interval '1 millisecond' where reason = 'paused'",
    ),
    (
        3,
        "a chat's duration is not the sum of its segments",
        "update chats set duration_ms = duration_ms - 1 where chat_id = 'second'",
    ),
    (
        3,
        "only a running record's current chat has an open segment",
        "update segments set chat_id = 'second' where ended_at is null",
    ),
    (
        3,
        "only a running record's current chat has an open segment",
        "update segments set ended_at = started_at + interval '7 seconds', reason = 'paused' where ended_at is null",
    ),
    (3, "a segment is in a chat of other people", "update chats set advisor_id = 'ben' where chat_id = 'second'"),
    (3, "a segment is in a chat of other people", "delete from chats where chat_id = 'second'"),
    (3, "a segment belongs to a record that does not exist", "delete from records where state = 'ended'"),
    (
        4,
        "a record's charge is not the sum of its charge entries",
        (
            "insert into entries (user_id, amount, kind, at, record_id)"
            f" select 'alice', -1, 'charge', engine_now(), {RUNNING}"
        ),
    ),
    (
        4,
        "an entry of a record is on another user's account",
        f"update entries set user_id = 'bob' where record_id = {RUNNING}",
    ),
    (
        4,
        "a record's time is not the sum of its segments",
        "update records set elapsed_ms = elapsed_ms + 1 where state = 'ended'",
    ),
    (
        4,
        "the free time used before a record is not what the pair's earlier records used",
        "update records set free_ms_before = 4999 where state = 'running'",
    ),
    (
        4,
        "a record has no grace, but no record of the pair used the grace less than 24 hours before",
        "update records set grace_used_at = started_at - interval '1 hour' where state = 'running'",
    ),
    (
        4,
        "a record's charge is not the price of its time",
        (
            f"update records set charged = charged + 10000 where record_id = {ENDED};"
            "insert into entries (user_id, amount, kind, at, record_id)"
            f" select 'alice', -10000, 'charge', engine_now(), {ENDED};"
            "update accounts set balance = balance - 10000 where user_id = 'alice'"
        ),
    ),
    (
        4,
        "an advisor's earnings from a record are not the sum of its entries",
        f"update records set earned = earned + 1 where record_id = {ENDED}",
    ),
    (
        4,
        "what an advisor earned is not their share of the price",
        f"update records set share_ppm = 600000 where record_id = {ENDED}",
    ),
    (
        4,
        "a record was refunded more than it was charged",
        (
            "insert into entries (user_id, amount, kind, at, record_id, reason, borne_by)"
            f" select 'alice', 1000000, 'refund', engine_now(), {ENDED}, 'why', 'platform';"
            "update accounts set balance = balance + 1000000 where user_id = 'alice'"
        ),
    ),
    (4, "the tariff of a record is not there", f"update records set tariff_version = 9 where record_id = {ENDED}"),
    (4, "the tariff of a record is not there", f"update records set tariff_version = 9 where record_id = {RUNNING}"),
    (4, "an entry belongs to a record that does not exist", "delete from records where state = 'running'"),
    (
        4,
        "an entry went to an advisor who is not the record's",
        f"update entries set advisor_id = 'ben' where record_id = {ENDED}",
    ),
    (
        4,
        "a refund is not borne by the party that should bear it",
        "update entries set advisor_amount = advisor_amount - 1 where borne_by = 'platform'",
    ),
    (
        4,
        "a refund is not borne by the party that should bear it",
        "update entries set borne_by = 'advisor' where borne_by = 'platform'",
    ),
    (
        4,
        "a refund is not borne in the proportion in which it was earned",
        "update entries set advisor_amount = advisor_amount - 1 where borne_by = 'shared'",
    ),
    (
        4,
        "what was taken as fees is not what the terms say",
        f"update entries set fees = fees + 1 where record_id = {RUNNING}",
    ),
    (
        5,
        "what is left of gifts, or when it expires",
        (
            "update accounts set gifts = jsonb_set(gifts, '{0,1}', to_jsonb((gifts -> 0 ->> 1)::bigint + 1))"
            " where user_id = 'alice'"
        ),
    ),
    (
        5,
        "what is left of gifts, or when it expires",
        "update entries set expires_at = expires_at - interval '1 second' where kind = 'gift'",
    ),
    (5, "an entry is on an account that does not exist", "delete from accounts where user_id = 'alice'"),
    (
        5,
        "the unspent gifts are not the sum of the account's entries",
        "update accounts set gifts = '[[1, null]]' where user_id = 'alice'",
    ),
    (5, "a balance is not the sum of the account's entries", "update accounts set balance = balance + 1"),
    (
        5,
        "a balance is below zero",
        (
            "insert into entries (user_id, amount, kind, at) values ('bob', -1, 'debit', engine_now());"
            "update accounts set balance = -1 where user_id = 'bob'"
        ),
    ),
    (
        6,
        "time is billed from before its record began",
        f"update records set started_at = started_at + interval '1 millisecond' where record_id = {ENDED}",
    ),
    (
        6,
        "time is billed after its record stopped",
        f"update records set ended_at = started_at + interval '19 seconds' where record_id = {ENDED}",
    ),
    (
        6,
        "time is billed after the credit's end",
        "update records set cut_at = settled_at - interval '1 millisecond' where state = 'running'",
    ),
    (
        6,
        "time is billed after the advisor's lease",
        "update records set advisor_lease_until = settled_at - interval '1 millisecond' where state = 'running'",
    ),
    (
        6,
        "is not the price of that time",
        f"update entries set at = at - interval '1 second' where record_id = {RUNNING}",
    ),
    (7, "a request was answered more than once under one key", "insert into repeats select * from repeats"),
    (
        7,
        "a message is stored more than once",
        "insert into messages select 'copy', user_id, chat_id, position + 1, sender, client_id, text, at from messages",
    ),
    (
        8,
        "an entry took more than the account had",
        (
            "insert into entries (user_id, amount, kind, at) values"
            " ('bob', -5, 'debit', engine_now()), ('bob', 5, 'purchase', engine_now())"
        ),
    ),
    (
        8,
        "the credit of a running record does not end when it says",
        "update records set cut_at = cut_at + interval '1 millisecond' where state = 'running'",
    ),
    (9, "the deadline at which a record must stop or end is missing or too late", "update accounts set due_at = null"),
    (
        9,
        "the deadline at which a record must stop or end is missing or too late",
        (
            "update accounts a set due_at = r.cut_at + interval '1 millisecond' from records r"
            " where r.user_id = a.user_id and r.state = 'running'"
        ),
    ),
    (
        9,
        "the deadline at which a gift expires is missing or too late",
        "update accounts set due_at = null where user_id = 'alice'",
    ),
    (9, "a deadline is overdue", "update accounts set due_at = engine_now() - interval '61 seconds'"),
]


async def talk(talktime: Talktime) -> None:
    """Alice has one ended record with Maya, over two chats, one running record, a message and a kept answer."""
    tariff = Tariff.parse({"tiers": [{"rate": "0.60", "per_seconds": 60, "increment_seconds": 1}], "free_seconds": 5})
    for advisor in ("maya", "ben"):
        await talktime.put_advisor(advisor, advisor.title(), tariff, Terms(500_000, 10_000, 1_000), starts="at_once")
    for user in ("alice", "bob"):
        await talktime.put_user(user, user.title())
    await talktime.add_credit("alice", parse_credits("100.00"), repeat=Repeat("alice", "POST", "/", "key", b"body"))
    await talktime.add_credit("alice", parse_credits("4.00"), "gift")
    expires_at = await talktime.now() + 86_400_000
    await talktime.add_credit("alice", parse_credits("1.00"), "gift", expires_at=expires_at)
    for chat in ("first", "second"):
        await talktime.initialize_time_tracking_for_chat("alice", "maya", chat)
        await talktime.advance_clock(10_000)
    await talktime.pause("second")
    stopped = await talktime.stop("second")
    for borne_by in ("platform", "shared"):
        await talktime.refund(stopped.record.id, reason="Late", borne_by=borne_by, amount=parse_credits("0.01"))
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    await talktime.advance_clock(7_000)
    await talktime.engine.post_charges()
    await talktime.send_message("first", Party.USER, "Hello", "one")


async def damage(database: Pool, sql: str) -> None:
    """Change stored facts without the program."""
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(LIFT)
        await connection.execute(sql)


async def test_a_database_without_breaches_has_no_findings(visitor: Talktime) -> None:
    await talk(visitor)
    document = (await visitor.audit()).document()
    del document["lately"]  # the rules say nothing about these
    assert document == {
        "broken": [],
        "schema_faults": [],
        "checked": {"accounts": 2, "records": 2, "entries": 8},
    }


@breaking
@pytest.mark.parametrize(("rule", "what", "sql"), BREACHES, ids=lambda value: str(value)[:60])
async def test_each_breach_of_a_rule_is_found(
    visitor: Talktime, database: Pool, rule: int, what: str, sql: str
) -> None:
    await talk(visitor)
    await damage(database, sql)
    found = {broken["rule"]: broken for broken in await visitor.broken_rules()}
    assert rule in found
    (example,) = [example for example in found[rule]["examples"] if what in example["what"]][:1]
    assert example["stored"] != example["follows"]
    assert found[rule]["says"] == RULES[rule].says


def test_each_rule_has_a_breach_here() -> None:
    assert {rule for rule, _, _ in BREACHES} == set(RULES) == set(range(1, 10))


def test_the_commands_that_rules_advise_exist() -> None:
    for rule in RULES.values():
        for typed in re.findall(r"talktime ([a-z ]+)((?: ?(?:[A-Z_]+|--[a-z-]+(?: [A-Za-z_]+)?))*)", rule.repair):
            words, rest = typed[0].split(), typed[1]
            shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
            assert shown.exit_code == 0, typed
            for option in re.findall(r"--[a-z-]+", rest):
                assert option in shown.output, typed


REPAIRED = """
update chats set duration_ms = duration_ms + 1000 where chat_id = 'second';
update records set elapsed_ms = elapsed_ms - 1, charged = charged - 1;
update records set cut_at = cut_at + interval '1 second' where state = 'running';
update records set earned = earned + 1;
update accounts set balance = balance + 5, due_at = null, gifts = '[[1, null]]';
"""


async def test_repair_computes_totals_from_facts(visitor: Talktime, database: Pool) -> None:
    await talk(visitor)
    totals = [f"select * from {table} order by 1" for table in ("chats", "records")]
    totals.append("select user_id, balance, due_at, gifts from accounts order by 1")
    before = [await database.fetch(sql) for sql in totals]
    await damage(database, REPAIRED)
    audit = await visitor.audit()
    assert {3, 4, 5, 8, 9} <= set(audit.counts)
    await visitor.repair(audit)
    assert await visitor.broken_rules() == []
    assert [await database.fetch(sql) for sql in totals] == before


@pytest.mark.parametrize(
    "sql", ["update accounts set due_at = null", "update accounts set gifts = jsonb_set(gifts, '{0,1}', 'null')"]
)
async def test_repair_stores_the_expiry_of_gifts_as_a_deadline(visitor: Talktime, database: Pool, sql: str) -> None:
    await visitor.put_user("alice", "Alice")
    expires_at = await visitor.now() + 3_600_000
    await visitor.add_credit("alice", parse_credits("1.00"), "gift", expires_at=expires_at)
    await damage(database, sql)
    audit = await visitor.audit()
    assert audit.counts
    await visitor.repair(audit)
    assert await visitor.broken_rules() == []
    assert await database.fetchval("select due_at from accounts") == expires_at


@breaking
async def test_the_auditor_of_a_node_counts_breaches(visitor: Talktime, database: Pool) -> None:
    await talk(visitor)
    await visitor.node.auditor.look()
    assert set(visitor.breaches().values()) == {0}
    await damage(database, "update accounts set balance = balance + 1")
    await visitor.node.auditor.look()
    assert visitor.breaches()[5] == 2
    await database.execute("update accounts set balance = balance - 1")
    await visitor.node.auditor.look()
    assert set(visitor.breaches().values()) == {0}
