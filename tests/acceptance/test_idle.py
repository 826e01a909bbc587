"""11: ten thousand running records write nothing while nothing happens."""

from __future__ import annotations

import asyncio

from .stage import Stage

METERS = 10_000
# The people of these records are within their leases and not connected.
FILL = """
insert into accounts (user_id, display_name, balance, due_at)
    select 'm' || n, 'm' || n, 500000000, engine_now() + interval '1 hour' from generate_series(1, 10000) n;
insert into entries (user_id, amount, kind, at)
    select user_id, balance, 'purchase', engine_now() from accounts where user_id like 'm%';
insert into chats (chat_id, user_id, advisor_id, record_id, created_at)
    select 'c' || user_id, user_id, 'ada', 'r' || user_id, engine_now() from accounts where user_id like 'm%';
insert into records (record_id, user_id, advisor_id, chat_id, tariff_version, free_ms_before, state, started_at,
                     settled_at, user_lease_until, advisor_lease_until, cut_at)
    select record_id, user_id, 'ada', chat_id, 1, 0, 'running', created_at, created_at,
           created_at + interval '1 hour', created_at + interval '1 hour', created_at + interval '5000 seconds'
    from chats;
insert into segments (record_id, user_id, chat_id, started_at)
    select record_id, user_id, chat_id, started_at from records
"""
# All tables but two: a service renews its own row and engine time, connected people or not.
WRITTEN = """
select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables
where schemaname = 'talktime' and relname not in ('nodes', 'engine_clock')
"""
# PostgreSQL may report the counts of an idle connection ten seconds late.
COUNTED_SECONDS = 12


async def test_11_ten_thousand_running_records_write_nothing(stage: Stage) -> None:
    await stage.start(presence_lease_seconds=3600, health_seconds=1)
    await stage.people()
    for statement in FILL.split(";"):
        await stage.sql(statement)
    # The statistics work: they count every row that was just written.
    while (before := (await stage.sql(WRITTEN))[0][0]) < 5 * METERS:
        await asyncio.sleep(0.1)
    # The rows of the people are reported late, too, and the first analysis of many new rows takes time.
    async with asyncio.timeout(60):
        await asyncio.sleep(COUNTED_SECONDS)
        while (now := (await stage.sql(WRITTEN))[0][0]) != before:
            before = now
            await asyncio.sleep(COUNTED_SECONDS)
    await asyncio.sleep(COUNTED_SECONDS)
    assert (await stage.sql(WRITTEN))[0][0] == before
    running = await stage.sql("select count(*) from records where state = 'running'")
    assert running[0][0] == METERS
    # The time of a record that is asked for is right all the same.
    snapshot = await stage.tracking("cm1")
    assert snapshot["timer"]["running"]
    assert snapshot["elapsed_ms"] >= COUNTED_SECONDS * 1000
