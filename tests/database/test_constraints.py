"""The rules that the schema itself holds against every program that writes to the tables."""

from __future__ import annotations

import asyncpg
import pytest

from talktime import Talktime
from talktime.database.pool import Pool

pytestmark = pytest.mark.both_servers

_RECORD = """
insert into records (record_id, user_id, advisor_id, chat_id, tariff_version, free_ms_before, state, started_at,
    settled_at, user_lease_until, advisor_lease_until)
select 'another', user_id, advisor_id, chat_id, tariff_version, 0, 'running', started_at, settled_at, now(), now()
from records
"""
_SEGMENT = """
insert into segments (record_id, user_id, chat_id, started_at, ended_at, reason) select record_id, user_id, chat_id,
"""
_REPEAT = "insert into repeats values ('service', 'POST', '/v1/x', 'key', '\\x00', 200, '{}', now())"


@pytest.mark.parametrize(
    ("refused", "statement"),
    [
        pytest.param(asyncpg.UniqueViolationError, _RECORD, id="1: one active record of a pair"),
        pytest.param(
            asyncpg.UniqueViolationError,
            f"{_SEGMENT} started_at - interval '1 s', null, null from segments",
            id="2: one open segment",
        ),
        pytest.param(
            asyncpg.ExclusionViolationError,
            f"{_SEGMENT} started_at - interval '1 s', started_at + interval '1 ms', 'paused' from segments",
            id="2: segments never overlap",
        ),
        pytest.param(asyncpg.CheckViolationError, "update accounts set balance = -1", id="5: no balance below zero"),
        pytest.param(asyncpg.UniqueViolationError, f"{_REPEAT}; {_REPEAT}", id="7: one answer for a key"),
        pytest.param(asyncpg.RaiseError, "update entries set amount = amount + 1", id="no entry is changed"),
        pytest.param(asyncpg.RaiseError, "delete from entries", id="no entry is removed"),
        pytest.param(asyncpg.RaiseError, "truncate entries", id="entries are not emptied"),
        pytest.param(
            asyncpg.RaiseError, "truncate accounts cascade", id="entries are not emptied with what they refer to"
        ),
        pytest.param(
            asyncpg.RaiseError,
            "merge into entries e using accounts a on e.user_id = a.user_id when matched then delete",
            id="no entry is merged away",
        ),
        pytest.param(asyncpg.ForeignKeyViolationError, "delete from accounts", id="no account of entries is removed"),
        pytest.param(asyncpg.RaiseError, "update tariffs set tariff = '{}'", id="no tariff is changed"),
        pytest.param(asyncpg.RaiseError, "truncate tariffs cascade", id="tariffs are not emptied"),
        pytest.param(
            asyncpg.RaiseError,
            "set session_replication_role = replica; update entries set amount = amount + 1",
            id="no entry is changed where triggers are off",
        ),
        pytest.param(
            asyncpg.RaiseError,
            "set session_replication_role = replica; truncate entries",
            id="entries are not emptied where triggers are off",
        ),
        pytest.param(
            asyncpg.RaiseError,
            "set session_replication_role = replica; delete from tariffs",
            id="no tariff is removed where triggers are off",
        ),
        pytest.param(
            asyncpg.GeneratedAlwaysError,
            "insert into entries (user_id, amount, kind, at, platform_amount) values ('alice', 1, 'gift', now(), 5)",
            id="no entry is written that does not balance",
        ),
    ],
)
async def test_the_schema_refuses(talktime: Talktime, database: Pool, refused: type[Exception], statement: str) -> None:
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    with pytest.raises(refused):
        await database.execute(statement)


async def test_segments_that_touch_do_not_overlap(talktime: Talktime, database: Pool) -> None:
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "first")
    await talktime.initialize_time_tracking_for_chat("alice", "maya", "second")
    assert await database.fetchval(
        "select max(ended_at) = max(started_at) from segments where record_id = (select record_id from records)"
    )
