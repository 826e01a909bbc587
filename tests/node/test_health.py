"""The health check looks at all active records in turn, a few at a time."""

from __future__ import annotations

import pytest

from talktime.database.pool import Pool
from talktime.node.deadlines import LOOK_RECORDS
from tests.nodes import LONG_SECONDS, add_alice_and_maya, node_on

pytestmark = [
    pytest.mark.both_servers,
    pytest.mark.breaks_rules,
]  # its many rows follow from no facts

RECORDS = LOOK_RECORDS + 200
_FILL = f"""
insert into accounts (user_id, display_name, due_at)
    select 'm' || n, 'M', engine_now() + interval '1 hour' from generate_series(1000, {999 + RECORDS}) n;
insert into chats (chat_id, user_id, advisor_id, created_at)
    select user_id, user_id, 'maya', engine_now() from accounts where user_id like 'm%';
insert into records (record_id, user_id, advisor_id, chat_id, tariff_version, free_ms_before, state, started_at,
                     settled_at, user_lease_until, advisor_lease_until, cut_at)
    select chat_id, user_id, 'maya', chat_id, 1, 0, 'running', created_at, created_at, created_at + interval '1 hour',
           created_at + interval '1 hour', created_at + interval '1 hour'
    from chats;
insert into segments (record_id, user_id, chat_id, started_at)
    select record_id, user_id, chat_id, started_at from records;
"""


async def test_a_missing_deadline_is_found_wherever_it_is(database_url: str, database: Pool) -> None:
    first, last = "m1000", f"m{999 + RECORDS}"

    async def missing() -> list[str]:
        rows = await database.fetch("select user_id from accounts where due_at is null and user_id like 'm%'")
        return [row["user_id"] for row in rows]

    async with node_on(database_url, work=False, presence_lease_seconds=LONG_SECONDS) as node:
        await add_alice_and_maya(node)
        await database.execute(_FILL)
        await database.execute("update accounts set due_at = null where user_id = any($1::text[])", [first, last])
        left = []
        for _ in range(3):
            await node.node.deadlines.check_health()
            left.append(await missing())
        assert left == [[last], [], []]  # each turn looks at a part of the records
        await database.execute("update accounts set due_at = null where user_id = $1", first)
        await node.node.deadlines.check_health()  # this turn looks at the last records, and the next begins again
        await node.node.deadlines.check_health()
        assert await missing() == []
