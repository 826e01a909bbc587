"""Access keys on two nodes: a revoked key is refused everywhere, whatever a node hears."""

from __future__ import annotations

import asyncio

import pytest

from talktime import Talktime
from talktime.core.errors import Conflict, NotFound, Unauthorized
from talktime.database.pool import Pool
from talktime.node import key_ring
from talktime.node.hints import Hint
from talktime.node.key_ring import CHECK_SECONDS

pytestmark = pytest.mark.both_servers


@pytest.mark.parametrize("fanout", ["postgres", "polling"])
async def test_a_key_that_one_node_revokes_is_refused_by_the_other(
    talktime: Talktime, database_url: str, fanout: str
) -> None:
    _, secret = await talktime.create_key("shop")
    settings = talktime.settings.model_copy(update={"fanout": fanout})
    async with Talktime.connect(database_url, settings=settings) as other:
        if fanout == "postgres":  # an answer never grows old here, so that the node must hear of the end of the key
            other.node.key_ring.monotonic = lambda: 0.0
        assert (await other.use_key(secret)).name == "shop"
        await talktime.revoke_key("shop")
        async with asyncio.timeout(10):
            while await is_accepted(other, secret):
                await asyncio.sleep(0.01)
        with pytest.raises(Unauthorized):
            await talktime.use_key(secret)


async def test_a_node_that_hears_nothing_asks_again(talktime: Talktime, database: Pool) -> None:
    """A row that changes without any hint is what a node sees whose fan-out is broken."""
    _, secret = await talktime.create_key("shop")
    now = 0.0
    talktime.node.key_ring.monotonic = lambda: now
    await talktime.use_key(secret)
    await database.execute("update talktime.access_keys set revoked_at = now()")
    assert await is_accepted(talktime, secret)  # the answer of the database still counts
    now = CHECK_SECONDS
    assert not await is_accepted(talktime, secret)


async def test_a_forged_hint_changes_nothing(talktime: Talktime) -> None:
    key, secret = await talktime.create_key("shop")
    await talktime.use_key(secret)
    talktime.node.feed.hear([Hint("key", key.id, 0)], None)
    assert await is_accepted(talktime, secret)


async def test_the_key_that_was_used_longest_ago_is_forgotten(
    talktime: Talktime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_ring, "KEYS_MAX", 2)
    talktime.node.key_ring.monotonic = lambda: 0.0
    secrets = [(await talktime.create_key(name))[1] for name in ("first", "second", "third")]
    for secret in (secrets[0], secrets[1], secrets[0], secrets[2]):
        await talktime.use_key(secret)
    assert [talktime.node.key_ring.knows(secret) for secret in secrets] == [True, False, True]
    assert await is_accepted(talktime, secrets[1])  # the database is asked again


async def test_the_last_use_is_stored_in_batches(talktime: Talktime, database: Pool) -> None:
    used, secret = await talktime.create_key("shop")
    await talktime.create_key("till")
    began = await talktime.now()
    for _ in range(3):
        await talktime.use_key(secret)
    assert [key.used_at for key in await talktime.keys()] == [None, None]
    await talktime.node.key_ring.store_uses()
    shop, till = await talktime.keys()
    assert (shop.id, till.used_at) == (used.id, None)
    assert shop.used_at is not None
    assert shop.used_at >= began
    await talktime.node.key_ring.store_uses()  # nothing was used since
    assert await talktime.keys() == [shop, till]


async def test_a_node_that_stops_stores_the_last_uses(talktime: Talktime, database_url: str) -> None:
    _, secret = await talktime.create_key("shop")
    async with Talktime.connect(database_url, settings=talktime.settings) as other:
        await other.use_key(secret)
    (shop,) = await talktime.keys()
    assert shop.used_at is not None


async def test_a_name_belongs_to_one_valid_key(talktime: Talktime) -> None:
    first, secret = await talktime.create_key("shop")
    with pytest.raises(Conflict):
        await talktime.create_key("shop")
    revoked = await talktime.revoke_key("shop")
    assert (revoked.id, revoked.revoked_at is None) == (first.id, False)
    assert await talktime.revoke_key(first.id) == revoked
    assert await talktime.revoke_key("shop") == revoked
    with pytest.raises(NotFound):
        await talktime.revoke_key("till")
    second, another = await talktime.create_key("shop", "read")
    assert (await talktime.use_key(another)).id == second.id
    assert not await is_accepted(talktime, secret)
    # A name means the valid key, and else the key that was revoked last.
    assert await talktime.revoke_key("shop") == await talktime.revoke_key(second.id)
    second, another = await talktime.create_key("shop", "read")
    # An id comes before a name.
    await talktime.create_key(second.id)
    assert (await talktime.revoke_key(second.id)).name == "shop"


async def test_the_secret_is_stored_nowhere(talktime: Talktime, database: Pool) -> None:
    _, secret = await talktime.create_key("shop")
    (row,) = await database.fetch("select row_to_json(k)::text as text from talktime.access_keys k")
    assert secret not in row["text"]
    assert secret.removeprefix("tt_") not in row["text"]


async def test_calls_that_come_together_ask_once(talktime: Talktime, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = await talktime.create_key("shop")
    asked: list[str] = []
    fetch = talktime.node.database.fetch

    async def counted(name: str, *arguments: object, **options: float) -> list[object]:
        asked.append(name)
        return await fetch(name, *arguments, **options)  # type: ignore[return-value]

    monkeypatch.setattr(talktime.node.database, "fetch", counted)
    await asyncio.gather(*(talktime.use_key(secret) for _ in range(20)))
    assert asked.count("access_key_by_secret") == 1


async def is_accepted(talktime: Talktime, secret: str) -> bool:
    try:
        await talktime.use_key(secret)
    except Unauthorized:
        return False
    return True
