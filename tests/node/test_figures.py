"""What a node tells an operator is what happens: deadlines, repairs, locks, the clock, outages, changes that wait."""

from __future__ import annotations

import asyncio

from talktime import Party
from talktime.database.pool import Pool
from talktime.database.queries import SQL
from talktime.engine.lateness import Lateness
from talktime.node.hints import Hint
from tests.nodes import LONG_SECONDS, add_alice_and_maya, node_on

AWAY = {"presence_lease_seconds": LONG_SECONDS, "health_seconds": LONG_SECONDS}


async def test_how_late_a_deadline_is_applied(database_url: str, database: Pool) -> None:
    async with node_on(database_url, work=False, low_credit_seconds=0, **AWAY) as node:
        await add_alice_and_maya(node, "1.00")  # for 100 s
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        await database.execute("update engine_clock set offset_ms = 160000")
        counts = await node.counts()
        assert counts["overdue_deadlines"] == 1
        assert 59 < counts["deadline_lag_seconds"] < 65

        await node.node.deadlines.settle_due()

        lateness = node.engine.lateness
        assert 59 < lateness.sum_seconds < 65
        assert dict(lateness.buckets())["30.0"] == 0
        assert dict(lateness.buckets())["+Inf"] == 1
        assert (await node.counts())["overdue_deadlines"] == 0


def test_lateness_is_counted_as_prometheus_counts() -> None:
    lateness = Lateness()
    for seconds in (0, 0.01, 0.02, 400):
        lateness.note(seconds)
    buckets = dict(lateness.buckets())
    assert (buckets["0.01"], buckets["0.025"], buckets["300.0"], buckets["+Inf"]) == (2, 3, 3, 4)
    assert lateness.sum_seconds == 400.03


async def test_a_repair_is_counted_once(database_url: str, database: Pool) -> None:
    async with node_on(database_url, work=False, **AWAY) as node:
        await add_alice_and_maya(node)
        await node.initialize_time_tracking_for_chat("alice", "maya", "first")
        await node.node.deadlines.check_health()
        assert node.node.deadlines.repairs == 0
        await database.execute("update accounts set due_at = null")
        await node.node.deadlines.check_health()
        await node.node.deadlines.check_health()
        assert node.node.deadlines.repairs == 1


async def test_who_waits_for_a_lock_is_seen(database_url: str, database: Pool) -> None:
    async with node_on(database_url, work=False, **AWAY) as node, database.acquire() as other:
        await add_alice_and_maya(node)
        assert (await node.counts())["lock_waits"] == 0
        async with other.transaction():
            await other.execute("select from accounts for update")
            waiting = asyncio.create_task(node.add_credit("alice", 1_000_000))
            async with asyncio.timeout(5):
                while (await node.counts())["lock_waits"] == 0:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.1)
            assert (await node.counts())["lock_wait_seconds"] > 0.1
        await waiting


async def test_corrections_and_the_outages_of_the_last_day(database: Pool) -> None:
    row = await database.fetchrow(SQL["lately"])
    assert row is not None
    assert tuple(row) == (0, 0, 0, 0)
    await database.execute("update engine_clock set held_ms = -120, corrections = 3")
    await database.execute(
        "insert into outages select engine_now() - ago, engine_now() - ago + length from (values"
        " (interval '1 hour', interval '10 seconds'), ('2 hours', '5.5 seconds'),"
        " ('25 hours', '90 minutes'), ('48 hours', '1 minute')) outage (ago, length)"
    )
    row = await database.fetchrow(SQL["lately"])
    assert row is not None
    corrections, held_seconds, outages, seconds = row
    assert (corrections, held_seconds, outages) == (3, -0.12, 3)
    assert abs(seconds - (10 + 5.5 + 1_800)) < 1  # of 90 minutes, 30 lie in the last day


async def test_changes_that_wait_are_seen_until_they_are_sent(database_url: str) -> None:
    async with node_on(database_url, work=True, **AWAY) as node:
        await node.node.supervisor.stop()
        feed = node.node.feed
        assert feed.lag_seconds() == 0
        feed.publish_typing("alice", "first", Party.USER)
        await asyncio.sleep(0.05)
        feed.publish_typing("alice", "second", Party.USER)
        assert feed.lag_seconds() >= 0.05
        await feed.send()
        assert feed.lag_seconds() == 0
        feed.read_again()
        feed.hear([Hint("clock", "", 0)], None)
        await asyncio.sleep(0.05)
        assert feed.lag_seconds() >= 0.05
        await feed.deliver()
        assert feed.lag_seconds() == 0
