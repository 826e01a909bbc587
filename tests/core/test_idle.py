"""Ten thousand running meters write nothing while nothing happens."""

from __future__ import annotations

import asyncio

from talktime import Talktime

FILL = """
with u as (select 'u' || n as id from generate_series(1, 10000) n),
a as (insert into accounts (user_id, display_name, balance, due_at)
      select id, id, 5000000, engine_now() + interval '5 minutes' from u returning user_id)
select count(*) from a;
insert into entries (user_id, amount, kind, at)
      select user_id, 5000000, 'purchase', engine_now() from accounts where user_id like 'u%';
insert into chats (chat_id, user_id, advisor_id, record_id, created_at)
      select 'c' || user_id, user_id, 'maya', 'r' || user_id, engine_now() from accounts where user_id like 'u%';
insert into records (record_id, user_id, advisor_id, chat_id, tariff_version, free_ms_before, state, started_at,
                     settled_at, user_lease_until, advisor_lease_until, cut_at)
      select record_id, user_id, 'maya', chat_id, 1, 0, 'running', created_at, created_at,
             created_at + interval '1 hour', created_at + interval '1 hour',
             created_at + interval '500 seconds' from chats where user_id like 'u%';
insert into segments (record_id, user_id, chat_id, started_at)
      select record_id, user_id, chat_id, started_at from records where user_id like 'u%';
"""
WRITTEN = """
select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables
 where relname in ('accounts', 'records', 'segments', 'chats', 'entries')
"""


async def test_ten_thousand_running_meters_write_nothing(talktime: Talktime) -> None:
    async with talktime._pool.acquire() as connection:
        await connection.execute(FILL)
        await connection.execute("select pg_stat_force_next_flush()")
    assert (await talktime.counts())["running"] == 10_000
    while (before := await talktime._pool.fetchval(WRITTEN)) < 50_000:
        await asyncio.sleep(0.1)  # PostgreSQL counts what was written a moment after it was
    await asyncio.sleep(12)  # it may hold an idle connection's counts back for ten seconds, ours too if there were any
    assert await talktime._pool.fetchval(WRITTEN) == before
