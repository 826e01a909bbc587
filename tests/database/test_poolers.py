"""A real PgBouncer between talktime and PostgreSQL. Debian's is too old to know prepared statements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from talktime import Reason, Talktime
from talktime.asgi import create_app
from talktime.core.errors import DatabaseProblem, Unavailable
from talktime.database.addresses import DatabaseUnfit
from talktime.database.migrate import ensure_current, migrate
from talktime.database.pool import Pool
from talktime.postgres.guardian import Guardian
from tests.databases import as_service
from tests.nodes import LONG_SECONDS, Listening, add_alice_and_maya, node_on
from tests.poolers import pooler
from tests.services import BY_THE_SECOND, running, settings_for

Pooled = Callable[..., str]


@pytest.fixture
def pooled(database_url: str, data_dir: Path, guardian: Guardian) -> Iterator[Pooled]:
    """The address of the test's database behind PgBouncer with the settings that a test gives."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(pooler(database_url, data_dir, guardian, **settings))


@asynccontextmanager
async def polling(url: str, **settings: Any) -> AsyncIterator[Talktime]:
    async with node_on(url, fanout="polling", presence_lease_seconds=LONG_SECONDS, **settings) as node:
        yield node


async def test_everything_works_behind_a_transaction_pooler(pooled: Pooled, tmp_path: Path) -> None:
    """Two services, a conversation on the screens of both, a cut, and the receipt."""
    url = as_service(pooled(pool_mode="transaction", default_pool_size=4))
    settings = [settings_for(url, tmp_path, fanout="polling") for _ in range(2)]
    async with running(create_app, settings[0]) as here, running(create_app, settings[1]) as there:
        await here.people(credit="0.30", tariff=BY_THE_SECOND)
        await here.chat()
        async with there.live("user:alice") as alice, here.live("advisor:maya") as maya:
            for screen in (alice, maya):
                await screen.say("watch", chat_id="chat 1")
                snapshot = (await screen.hear("snapshot"))["snapshot"]
                assert snapshot["record"]["state"] == "running"
            await alice.say("message", chat_id="chat 1", client_id="1", text="Hello")
            assert (await maya.hear("message"))["message"]["text"] == "Hello"
            for screen in (alice, maya):
                while (await screen.hear("snapshot"))["snapshot"]["record"]["reason"] != "out_of_credit":
                    pass
            await there.done("POST", "/v1/users/alice/credits", {"amount": "5.00", "kind": "purchase"})
            while (shown := (await maya.hear("snapshot"))["snapshot"])["record"]["state"] != "running":
                pass
        answers = await asyncio.gather(
            *(
                service.call("POST", f"/v1/chats/chat 1/{call}", {}, by="service", key=f"{call} {number}")
                for number in range(20)
                for call in ("pause", "tracking")
                for service in (here, there)
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        stopped = await here.done("POST", "/v1/chats/chat 1/stop")
        receipt = await there.done("GET", f"/v1/records/{shown['record']['id']}/receipt")
        assert receipt["elapsed_ms"] == stopped["elapsed_ms"] >= 3_000
        for service in (here, there):
            assert (await service.call("GET", "/readyz")).status_code == 200
    async with polling(url) as node:
        assert (await node.audit()).counts == {}


@pytest.mark.parametrize("server_round_robin", [0, 1])
@pytest.mark.parametrize("default_pool_size", [1, 2, 20])
async def test_a_transaction_pooler_is_recognized(
    pooled: Pooled, server_round_robin: int, default_pool_size: int
) -> None:
    url = pooled(pool_mode="transaction", default_pool_size=default_pool_size, server_round_robin=server_round_robin)
    assert (await ensure_current(url, embedded=False)).is_pooled


async def test_a_node_that_would_hear_nothing_is_refused_in_words(pooled: Pooled) -> None:
    url = pooled(pool_mode="transaction")
    with pytest.raises(DatabaseUnfit, match=r"transaction pooler.*TALKTIME_FANOUT=polling"):
        async with node_on(url):
            pass
    # Who only visits hears nothing anyway, and what a visitor says arrives.
    async with node_on(url, work=False) as visitor:
        await add_alice_and_maya(visitor)


async def test_the_schema_is_not_changed_through_a_transaction_pooler(pooled: Pooled, database: Pool) -> None:
    with pytest.raises(DatabaseProblem, match=r"transaction pooler.*address of PostgreSQL itself"):
        await migrate(pooled(pool_mode="transaction"))
    locks = "select count(*) from pg_locks where locktype = 'advisory'"
    assert await database.fetchval(locks) == 0


async def test_a_pooler_of_sessions_works_as_it_is(pooled: Pooled, database_url: str) -> None:
    url = pooled(pool_mode="session")
    assert not (await ensure_current(url, embedded=False)).is_pooled
    assert await migrate(url) == []
    async with node_on(url, presence_lease_seconds=LONG_SECONDS) as node, node_on(database_url, work=False) as other:
        await add_alice_and_maya(node)
        await node.create_chat("alice", "maya", "first")
        screen = Listening()
        await node.node.feed.subscribe("first", screen)
        await other.pause("first")
        async with asyncio.timeout(10):
            while not (screen.seen and screen.seen[-1].record.reason is Reason.PAUSED):
                await asyncio.sleep(0.01)
        await node.check()


async def test_every_transaction_has_the_settings_of_a_session(
    pooled: Pooled, database_url: str, database: Pool
) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    await database.execute(f"alter database {name} set default_transaction_isolation = 'serializable'")
    async with polling(pooled(pool_mode="transaction")) as node:
        for context in (node.node.database.connection, node.node.database.reading, node.node.database.writing):
            async with context() as connection:
                for name, value in (
                    ("search_path", "talktime, public"),
                    ("lock_timeout", "5s"),
                    ("statement_timeout", "1min"),
                    ("idle_in_transaction_session_timeout", "5s"),
                    ("timezone", "UTC"),
                ):
                    assert await connection.fetchval(f"show {name}") == value
        for context in (node.node.database.connection, node.node.database.writing):
            async with context() as connection:
                assert await connection.fetchval("show transaction_isolation") == "read committed"


async def test_a_pooler_that_is_away_is_an_outage_like_any_other(
    database_url: str, data_dir: Path, guardian: Guardian
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(pooler(database_url, data_dir, guardian, pool_mode="transaction"))
        async with polling(url, database_seconds=1) as node:
            await add_alice_and_maya(node)
            stack.close()
            with pytest.raises(Unavailable):
                await node.add_credit("alice", 1)
            stack.enter_context(pooler(database_url, data_dir, guardian, pool_mode="transaction"))
            async with asyncio.timeout(10):
                while await refused(node.add_credit("alice", 1)):
                    await asyncio.sleep(0.1)
            await node.check()


async def refused(call: Awaitable[object]) -> bool:
    """Whether the database can't be used yet."""
    try:
        await call
    except Unavailable:
        return True
    return False
