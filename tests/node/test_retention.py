"""Old rows that are no facts go, a few at a time; nothing else does, and nobody waits for it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from talktime import Party
from talktime.database.pool import Pool
from talktime.database.queries import SQL
from talktime.engine.idempotency import Repeat
from talktime.node import retention
from talktime.node.supervisor import Supervisor, every
from tests.nodes import add_alice_and_maya, node_on

pytestmark = pytest.mark.both_servers

DAY_MS = 86_400_000
_KEYS = """
insert into repeats (caller, method, path, key, body_hash, status, document, at)
select 'host', 'POST', '/v1/chats', $1 || n, '', 200, '{}', $2 from generate_series(1, $3) n
"""
_MESSAGES = """
insert into messages (message_id, user_id, chat_id, position, sender, client_id, text, at)
select $1 || n, 'alice', 'first', $4 + n, 'user', $1 || n, 'hello', $2 from generate_series(1, $3) n
"""


async def counts(database: Pool) -> dict[str, int]:
    """How many keys and messages there are, by their name without its number."""
    rows = await database.fetch(
        "select regexp_replace(name, '[0-9]+$', '') as name, count(*) as count from ("
        " select key as name from repeats union all select message_id from messages) names group by 1"
    )
    return {row["name"]: row["count"] for row in rows}


async def test_what_is_older_than_it_is_kept_goes_and_the_rest_stays(database_url: str, database: Pool) -> None:
    async with node_on(database_url, work=False, keep_keys_days=7, keep_messages_days=30) as node:
        await add_alice_and_maya(node)
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        now = await node.now()
        await database.execute(_KEYS, "old key ", now - 7 * DAY_MS - 1, 1_200)
        await database.execute(_KEYS, "young key ", now - 7 * DAY_MS + 60_000, 3)
        await database.execute(_MESSAGES, "old message ", now - 30 * DAY_MS - 1, 1_100, 0)
        await database.execute(_MESSAGES, "young message ", now - 30 * DAY_MS + 60_000, 2, 1_100)
        await database.execute("update chats set message_count = 1102")
        facts = "select (select count(*) from entries), (select count(*) from records), (select count(*) from segments)"
        before = await database.fetchrow(facts)

        await node.node.retention.delete_old()

        assert await counts(database) == {"young key ": 3, "young message ": 2}
        assert node.node.retention.deleted == {"repeats": 1_200, "messages": 1_100, "events": 0}
        assert await database.fetchrow(facts) == before
        # The chat goes on as before: no position is used twice.
        message, _ = await node.send_message("first", Party.USER, "again", "1")
        assert message.position == 1_103
        assert await node.broken_rules() == []


async def test_by_default_keys_are_kept_for_a_week_and_messages_for_ever(database_url: str, database: Pool) -> None:
    async with node_on(database_url) as node:
        assert "retention" in {worker.name for worker in node.node.supervisor.workers}
        await add_alice_and_maya(node)
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        now = await node.now()
        await database.execute(_KEYS, "old key ", now - 8 * DAY_MS, 1)
        await database.execute(_MESSAGES, "old message ", now - 8_000 * DAY_MS, 1, 0)
        await node.node.retention.delete_old()
        assert await counts(database) == {"old message ": 1}
    async with node_on(database_url, keep_keys_days=0, keep_events_days=0) as node:
        assert "retention" not in {worker.name for worker in node.node.supervisor.workers}


async def test_the_worker_of_a_node_deletes_what_is_old(
    database_url: str, database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with node_on(database_url) as node:
        now = await node.now()
        await database.execute(_KEYS, "old key ", now - 8 * DAY_MS, 1)
        (worker,) = (worker for worker in node.node._workers() if worker.name == "retention")
        worker.wait = every(0.01)  # a minute, in life
        workers = Supervisor()
        workers.start([worker])
        async with asyncio.timeout(10):
            while await counts(database):
                await asyncio.sleep(0.02)
        await workers.stop()
        assert worker.restarts == 0


async def test_two_nodes_share_the_work_in_small_batches_and_skip_what_is_locked(
    database_url: str, database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    real = retention.Retention._delete_batch

    async def counted(self: retention.Retention, table: str, before: int) -> int:
        batches.append(await real(self, table, before))
        return batches[-1]

    monkeypatch.setattr(retention.Retention, "_delete_batch", counted)
    async with (
        node_on(database_url, work=False) as first,
        node_on(database_url, work=False) as second,
        database.acquire() as other,
    ):
        await database.execute(_KEYS, "old key ", await first.now() - 8 * DAY_MS, 5_001)
        async with other.transaction():
            await other.execute("select from repeats where key = 'old key 1' for update")
            async with asyncio.timeout(10):
                await asyncio.gather(first.node.retention.delete_old(), second.node.retention.delete_old())
            assert await counts(database) == {"old key ": 1}
        deleted = Counter(first.node.retention.deleted) + second.node.retention.deleted
        assert deleted == {"repeats": 5_000}
        assert max(batches) == retention.BATCH
        await first.node.retention.delete_old()
        assert await counts(database) == {}


async def test_a_command_waits_a_moment_at_most(database_url: str, database: Pool) -> None:
    """Commands with the very keys that are being deleted, and with others."""
    async with node_on(database_url, work=False) as node:
        await add_alice_and_maya(node)
        await database.execute(_KEYS, "key ", await node.now() - 8 * DAY_MS, 10_000)
        await database.execute("update repeats set path = '/v1/users/alice/credits'")
        deleting = asyncio.create_task(node.node.retention.delete_old())
        longest, number = 0.0, 0
        while not deleting.done():
            number += 1
            repeat = Repeat("host", "POST", "/v1/users/alice/credits", f"key {number} again", b"")
            began = time.monotonic()
            await node.add_credit("alice", 1_000_000, repeat=repeat)
            longest = max(longest, time.monotonic() - began)
        await deleting
        assert number > 3
        assert longest < 2, f"{longest:.2f} s"
        assert await database.fetchval("select count(*) from repeats") == number


async def test_old_rows_are_found_by_their_age(database_url: str, database: Pool) -> None:
    """Also by a plan that PostgreSQL keeps for every instant and every number of rows."""
    async with node_on(database_url, work=False) as node:
        await add_alice_and_maya(node)
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        now = await node.now()
    await database.execute(_KEYS, "key ", now, 5_000)
    await database.execute(_MESSAGES, "message ", now, 5_000, 0)
    await database.execute("update chats set message_count = 5000")
    async with database.acquire() as connection:
        await connection.execute("analyze; set plan_cache_mode = force_generic_plan")
        for table in ("repeats", "messages"):
            await connection.execute(f"prepare delete_{table} (timestamptz, bigint) as {SQL[f'delete_old_{table}']}")
            rows = await connection.fetch(f"explain execute delete_{table} (now() - interval '7 days', 500)")
            plan = "\n".join(row[0] for row in rows)
            assert f"Index Scan using {table}_at" in plan, plan
            assert "Seq Scan" not in plan, plan
