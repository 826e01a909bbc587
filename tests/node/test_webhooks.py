"""Webhooks: whatever a receiver does, at the end it has every event, and the events of one record in order."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from talktime import Talktime, parse_credits
from talktime.core.errors import Gone, InvalidRequest, NotFound
from talktime.database.pool import Pool
from talktime.documents.webhook import DeliveryState, Webhook
from tests.nodes import LONG_SECONDS, add_alice_and_maya, node_on

from .receivers import Receiver, receiver

pytestmark = pytest.mark.both_servers

QUIET: dict[str, Any] = {
    "presence_lease_seconds": LONG_SECONDS,
    "health_seconds": LONG_SECONDS,
    "webhook_private": True,
}


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Talktime]:
    async with node_on(database_url, **QUIET) as node:
        await add_alice_and_maya(node)
        yield node


@pytest.fixture
async def shop() -> AsyncIterator[Receiver]:
    async with receiver() as shop:
        yield shop


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def refused(node: Talktime, hook: Webhook, shop: Receiver, times: int) -> None:
    """Wait until the receiver has refused this number of messages, and the last outcome is stored."""

    async def waits_for_the_next_attempt() -> bool:
        now = await node.now()
        deliveries = (await node.delivery_page(hook.id)).items
        return any(each.attempts == times and (each.next_at or 0) > now for each in deliveries)

    await until(lambda: shop.refused == times)
    async with asyncio.timeout(20):
        while not await waits_for_the_next_attempt():
            await asyncio.sleep(0.02)


async def taken(shop: Receiver, times: int) -> None:
    """Wait until the receiver has taken this number of messages."""
    await until(lambda: len(shop.taken) == times)


async def talk(node: Talktime, chat_id: str) -> None:
    """A conversation: started, paused, resumed, stopped."""
    await node.initialize_time_tracking_for_chat("alice", "maya", chat_id)
    await node.pause(chat_id)
    await node.resume(chat_id)
    await node.stop(chat_id)


async def all_ids(node: Talktime, after: str) -> list[int]:
    return [int(event.id) async for event in node.events(after=after, follow=False)]


async def now(node: Talktime) -> str:
    return (await node.event_page(after="latest")).next


async def test_events_arrive_signed_and_in_order(node: Talktime, shop: Receiver) -> None:
    after = await now(node)
    hook = await node.create_webhook(shop.url)
    shop.secret = hook.secret
    await talk(node, "first")
    expected = await all_ids(node, after)
    await until(lambda: len(shop.taken) >= len(expected))
    assert shop.ids == expected
    assert shop.taken == [event.document() async for event in node.events(after=after, follow=False)]
    assert (await node.webhook(hook.id)).secret is None


async def test_only_the_types_that_are_wanted_arrive(node: Talktime, shop: Receiver) -> None:
    await node.create_webhook(shop.url, ["record.ended", "credit.added"])
    await talk(node, "first")
    await node.add_credit("alice", parse_credits("1.00"))
    await until(lambda: len(shop.taken) == 2)
    assert [event["type"] for event in shop.taken] == ["record.ended", "credit.added"]


async def test_a_receiver_that_fails_has_every_event_at_the_end(node: Talktime, shop: Receiver) -> None:
    after = await now(node)
    hook = await node.create_webhook(shop.url)
    shop.answers = [500, 302, 503]
    await talk(node, "first")
    await until(lambda: shop.refused == 1)
    # The record's next events wait for the one that failed.
    await asyncio.sleep(1)
    assert (shop.refused, shop.ids) == (1, [])
    for tries in (2, 3):
        await node.advance_clock(3_600_000)
        await refused(node, hook, shop, tries)
    assert (await node.webhook(hook.id)).failing_since is not None
    await node.advance_clock(3_600_000)
    expected = await all_ids(node, after)
    await until(lambda: len(shop.taken) == len(expected))
    assert shop.ids == expected
    assert (await node.webhook(hook.id)).failing_since is None
    async with asyncio.timeout(20):  # the outcome is noted after the receiver has answered
        while (await node.delivery_page(hook.id, state="pending")).items:
            await asyncio.sleep(0.02)
    page = await node.delivery_page(hook.id)
    assert page.items[-1].attempts == 4
    assert {item.state for item in page.items} == {DeliveryState.DELIVERED}


async def test_a_receiver_that_is_back_gets_at_once_what_waits(node: Talktime, shop: Receiver) -> None:
    after = await now(node)
    hook = await node.create_webhook(shop.url)
    await shop.die()
    for number in range(4):
        await node.put_user(f"user {number}", "U")
        await node.add_credit(f"user {number}", parse_credits("1.00"))
    async with asyncio.timeout(20):
        while [item.attempts for item in (await node.delivery_page(hook.id)).items] != [1] * 4:
            await asyncio.sleep(0.05)
    await node.advance_clock(1_000)  # nothing is due yet
    await shop.open()
    await node.add_credit("alice", parse_credits("1.00"))
    expected = await all_ids(node, after)
    await until(lambda: len(shop.taken) == len(expected))
    assert sorted(shop.ids) == expected


async def test_a_ping_that_the_receiver_takes_sends_what_waits(node: Talktime, shop: Receiver) -> None:
    hook = await node.create_webhook(shop.url)
    shop.answers = [500]
    await node.put_user("una", "Una")
    await node.add_credit("una", parse_credits("1.00"))
    async with asyncio.timeout(20):
        while [item.attempts for item in (await node.delivery_page(hook.id)).items] != [1]:
            await asyncio.sleep(0.05)
    assert (await node.ping_webhook(hook.id)).delivered
    await until(lambda: len(shop.taken) == 2)
    assert [message["type"] for message in shop.taken] == ["ping", "credit.added"]


async def test_a_slow_receiver_holds_up_nobody(node: Talktime, shop: Receiver) -> None:
    async with receiver(stalls=3) as slow:
        await node.create_webhook(slow.url)
        await node.create_webhook(shop.url)
        for number in range(30):
            await node.put_user(f"user {number}", "U")
            await node.add_credit(f"user {number}", parse_credits("1.00"))
        await until(lambda: len(shop.taken) == 30)
        assert len(slow.taken) < 30
        assert slow.at_once_max <= 8


async def test_after_three_days_the_next_event_of_the_record_goes(node: Talktime, shop: Receiver) -> None:
    hook = await node.create_webhook(shop.url, ["record.started", "record.ended"])
    shop.answers = [500] * 11
    await talk(node, "first")
    for tries in range(1, 11):
        await refused(node, hook, shop, tries)
        await node.advance_clock(26 * 3_600_000)
    await until(lambda: len(shop.taken) == 1)
    assert shop.taken[0]["type"] == "record.ended"
    failed = await node.delivery_page(hook.id, state="failed")
    assert [(item.type.value, item.attempts, item.status) for item in failed.items] == [("record.started", 11, 500)]


async def test_a_receiver_that_is_gone_gets_nothing_more(node: Talktime, shop: Receiver) -> None:
    hook = await node.create_webhook(shop.url)
    shop.answers = [410]
    await node.add_credit("alice", parse_credits("1.00"))
    await until(lambda: shop.refused)
    async with asyncio.timeout(20):
        while (await node.webhook(hook.id)).enabled:
            await asyncio.sleep(0.05)
    assert "410" in str((await node.webhook(hook.id)).disabled_reason)
    await node.add_credit("alice", parse_credits("2.00"))
    await node.advance_clock(3_600_000)
    await asyncio.sleep(1)
    assert shop.taken == []
    # Enabled again, the receiver gets what it has missed.
    await node.change_webhook(hook.id, enabled=True)
    await until(lambda: len(shop.taken) == 2)
    assert [event["data"]["amount"] for event in shop.taken] == ["1.00", "2.00"]


async def test_both_secrets_sign_for_a_day(node: Talktime, shop: Receiver) -> None:
    hook = await node.create_webhook(shop.url)
    changed = await node.change_webhook(hook.id, rotate_secret=True)
    assert changed.secret not in {None, hook.secret}

    async def credit_arrives(amount: str) -> None:
        await node.add_credit("alice", parse_credits(amount))
        await until(lambda: any(event["data"].get("amount") == amount for event in shop.taken))

    for amount, secret in (("1.00", hook.secret), ("2.00", changed.secret)):
        shop.secret = secret
        await credit_arrives(amount)
        assert (await node.ping_webhook(hook.id)).delivered
    await node.advance_clock(86_400_000)
    await credit_arrives("3.00")
    shop.secret = hook.secret
    assert not (await node.ping_webhook(hook.id)).delivered


async def test_a_replay_sends_again_in_order(node: Talktime, shop: Receiver) -> None:
    after = await now(node)
    hook = await node.create_webhook(shop.url)
    await talk(node, "first")
    expected = await all_ids(node, after)
    await until(lambda: len(shop.taken) == len(expected))
    await node.replay_webhook(hook.id, str(expected[1]))
    await until(lambda: len(shop.taken) == 2 * len(expected) - 2)
    assert shop.ids == expected + expected[2:]


async def test_two_nodes_send_each_event_once(node: Talktime, shop: Receiver, database_url: str) -> None:
    after = await now(node)
    async with node_on(database_url, **QUIET) as other:
        await node.create_webhook(shop.url)
        for number in range(20):
            await talk((node, other)[number % 2], f"chat {number}")
        expected = await all_ids(node, after)
        await until(lambda: len(shop.taken) >= len(expected))
        await asyncio.sleep(1)
    assert sorted(shop.ids) == expected
    records: dict[str, list[int]] = {}
    for event in shop.taken:
        records.setdefault(event["record_id"], []).append(int(event["id"]))
    assert all(ids == sorted(ids) for ids in records.values())


async def test_a_node_that_dies_leaves_its_claims_to_others(
    database_url: str, database: Pool, node: Talktime, shop: Receiver
) -> None:
    hook = await node.create_webhook(shop.url)
    await node.node.supervisor.stop()
    await node.add_credit("alice", parse_credits("1.00"))
    webhooks = node.node.webhooks
    assert webhooks is not None
    shop.stalls = 60
    async with asyncio.timeout(20):
        while not shop.at_once:
            await webhooks.send_due()
            await asyncio.sleep(0.1)
    await webhooks.close()  # as a death in the middle of an attempt
    shop.stalls = 0
    assert await database.fetchval("select claimed_until is not null from webhook_deliveries")
    async with node_on(database_url, **QUIET) as other:
        await asyncio.sleep(1)
        assert shop.taken == []
        await other.advance_clock(60_000)
        await until(lambda: len(shop.taken) == 1)
        assert (await other.delivery_page(hook.id)).items[0].attempts == 2


async def test_a_ping_says_what_the_receiver_made_of_it(node: Talktime, shop: Receiver) -> None:
    hook = await node.create_webhook(shop.url)
    shop.secret = hook.secret
    ping = await node.ping_webhook(hook.id)
    assert (ping.delivered, ping.status, ping.error) == (True, 204, None)
    assert shop.taken[0]["type"] == "ping"
    shop.answers = [500]
    assert (await node.ping_webhook(hook.id)).error == "the receiver answered 500"
    await shop.die()
    assert not (await node.ping_webhook(hook.id)).delivered


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook",
        "ftp://shop.example",
        "https://",
        "https://a:b@shop.example",
        "https://shop.example/#x",
        "https://localhost/hook",
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "shop.example",
        f"https://shop.example/{'x' * 2000}",
        "https://shop.example/\n",
        "https://my shop.example/",
        "https://shop..example/",
        f"https://{'x' * 64}.example/",
    ],
)
async def test_an_address_inside_the_network_is_refused(database_url: str, url: str) -> None:
    async with node_on(database_url, work=False) as node:
        with pytest.raises(InvalidRequest, match="url"):
            await node.create_webhook(url)


async def test_a_name_that_leads_inside_the_network_gets_nothing(
    database_url: str, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is checked when a message is sent, since its owner may change where it leads."""
    async with node_on(database_url, work=False) as node:
        hook = await node.create_webhook(f"https://shop.example:{shop.port}/hook")

        def look_up(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [(2, 1, 6, "", ("93.184.215.14", shop.port)), (2, 1, 6, "", ("127.0.0.1", shop.port))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        ping = await node.ping_webhook(hook.id)
        assert not ping.delivered
        assert "private address" in str(ping.error)


async def test_names_that_nobody_answers_for_hold_up_nothing_else(
    node: Talktime, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not another webhook, and not the database, whose name the event loop looks up with its own few threads."""
    real = socket.getaddrinfo
    answer = threading.Event()

    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).startswith("silent"):
            answer.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        silent = [await node.create_webhook(f"https://silent-{number}.example/") for number in range(40)]
        await node.create_webhook(shop.url, ["record.ended"])
        await talk(node, "first")
        await taken(shop, 1)
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    finally:
        answer.set()
    await until_failing(node, silent[0].id)


async def until_failing(node: Talktime, webhook_id: str) -> None:
    """Wait until an attempt has failed and its outcome is stored."""
    async with asyncio.timeout(20):
        while (await node.webhook(webhook_id)).failing_since is None:
            await asyncio.sleep(0.02)


async def test_what_is_not_there_is_refused(node: Talktime, shop: Receiver, database: Pool) -> None:
    for call in (node.webhook, node.delete_webhook, node.ping_webhook, node.delivery_page, node.change_webhook):
        with pytest.raises(NotFound):
            await call("nothing")
    with pytest.raises(NotFound):
        await node.replay_webhook("nothing", "0")
    hook = await node.create_webhook(shop.url)
    with pytest.raises(InvalidRequest, match="types"):
        await node.change_webhook(hook.id, types=["record.vanished"])
    with pytest.raises(InvalidRequest, match="state"):
        await node.delivery_page(hook.id, state="lost")
    await database.execute("update events_deleted set through = 1")
    with pytest.raises(Gone):
        await node.replay_webhook(hook.id, "0")
    await node.delete_webhook(hook.id)
    assert await node.webhooks() == []


async def test_a_type_of_a_newer_version_arrives_like_every_other(
    node: Talktime, shop: Receiver, database: Pool
) -> None:
    """While two versions run on one database, the older one passes on what the newer one has stored."""
    after = await now(node)
    hook = await node.create_webhook(shop.url)
    narrow = await node.create_webhook(f"{shop.url}?narrow", ["record.ended"])
    await database.execute("update webhooks set types = '{record.renamed}' where webhook_id = $1", narrow.id)
    await database.execute(
        "insert into events (type, occurred_at, recorded_at, user_id, data, data_version)"
        " values ('record.renamed', engine_now(), engine_now(), 'alice', '{}', 1)"
    )
    await taken(shop, 2)
    assert {event["type"] for event in shop.taken} == {"record.renamed"}
    assert [event.type async for event in node.events(after=after, follow=False)] == ["record.renamed"]
    assert [each.types for each in await node.webhooks() if each.id == narrow.id] == [("record.renamed",)]
    assert [each.type for each in (await node.delivery_page(hook.id)).items] == ["record.renamed"]
