"""A page that closes says so, and time stays billable only a few seconds longer. Looking at a chat proves nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from talktime.asgi import create_app
from talktime.database.pool import Pool
from talktime.settings import Settings

pytestmark = pytest.mark.both_servers

LEAVE = "/v1/chats/chat 1/leave"
TRACKING = "/v1/chats/chat 1/tracking"
LEASE_SECONDS = 3_600
WITH_FEE = {"connect_fee": "0.50", "tiers": [{"rate": "1.00"}]}
SOON_MS = 6_000
"""Five seconds after a leave, and what a busy machine takes."""


@pytest.fixture
async def talk(settings: Settings, start: Callable[..., AbstractAsyncContextManager[Any]]) -> AsyncIterator[Any]:
    """A service with a chat that runs. Leases are long, so that only a leave ends them."""
    long_leases = settings.model_copy(update={"presence_lease_seconds": LEASE_SECONDS})
    async with start(create_app, long_leases) as service:
        await service.people()
        await service.chat()
        await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": "advisor"})
        yield service


async def advance(service: Any, seconds: float) -> Any:
    await service.done("POST", "/v1/test-clock/advance", {"seconds": seconds})
    return await service.done("GET", TRACKING)


async def leave(service: Any, by: str = "user:alice", body: Any = None) -> None:
    assert (await service.call("POST", LEAVE, body, by=by)).status_code == 204


async def watch(live: Any, **how: Any) -> Any:
    await live.say("watch", chat_id="chat 1", **how)
    return (await live.hear("snapshot"))["snapshot"]


async def no_socket(database: Pool, party: str = "user") -> None:
    """Wait until the service has stored that no socket of the party watches a chat."""
    async with asyncio.timeout(20):
        while await database.fetchval("select exists (select from watches where party = $1)", party):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("by", "reason"), [("user:alice", "user_away"), ("advisor:maya", "advisor_away")])
async def test_a_page_that_closes_is_billed_five_seconds_more(talk: Any, by: str, reason: str) -> None:
    before = (await advance(talk, 10))["elapsed_ms"]
    await leave(talk, by)
    assert (await advance(talk, 2))["timer"]["running"]
    away = await advance(talk, 60)
    assert (away["record"]["reason"], away["timer"]["running"]) == (reason, False)
    assert before + 5_000 <= away["elapsed_ms"] <= before + SOON_MS


async def test_a_backend_names_the_party_who_leaves(talk: Any) -> None:
    refused = await talk.call("POST", LEAVE, by="service")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "party")
    await leave(talk, "service", {"party": "advisor"})
    assert (await advance(talk, 6))["record"]["reason"] == "advisor_away"


@pytest.mark.parametrize("content_type", ["text/plain;charset=UTF-8", "application/json", None])
async def test_a_beacon_carries_its_token_in_the_body(talk: Any, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    body = json.dumps({"token": talk.token("user:alice"), "party": "user"})
    beacon = await talk.client.post(LEAVE, content=body, headers=headers)
    assert (beacon.status_code, beacon.content) == (204, b"")
    assert (await advance(talk, 6))["record"]["reason"] == "user_away"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 401),
        ("no JSON", 401),
        ("[]", 401),
        ('{"token": 1}', 401),
        ('{"token": "wrong"}', 401),
        ("user:bob", 404),
        ("advisor:ben", 404),
        ("operator", 403),
    ],
)
async def test_a_beacon_of_somebody_else_is_refused(talk: Any, body: str, status: int) -> None:
    if status != 401:
        body = json.dumps({"token": talk.token(body), "party": "user"})
    refused = await talk.client.post(LEAVE, content=body)
    assert refused.status_code == status, refused.text
    assert (await advance(talk, 60))["timer"]["running"]


async def test_a_party_who_is_back_in_time_has_not_left(talk: Any) -> None:
    await leave(talk)
    await advance(talk, 4)
    await talk.done("POST", "/v1/chats/chat 1/heartbeat", by="user:alice")
    assert (await advance(talk, 60))["timer"]["running"]


@pytest.mark.parametrize("by", ["user:alice", "advisor:maya"])
@pytest.mark.parametrize("how", ["message", "request"])
async def test_who_closes_the_previous_chat_has_left_unless_they_have_come_to_the_new_one(
    talk: Any, database: Pool, by: str, how: str
) -> None:
    party = by.partition(":")[0]

    async def close_previous(live: Any) -> None:
        if how == "message":
            await live.say("leave", chat_id="chat 1")
        else:
            await leave(talk, by)
        await live.socket.close()

    async with talk.live(by) as previous:
        await watch(previous)
        await talk.chat("chat 2")
        await advance(talk, 10)
        async with talk.live(by) as current:
            await current.say("watch", chat_id="chat 2")
            await current.hear("snapshot")
            await close_previous(previous)
            await talk.done("POST", "/v1/test-clock/advance", {"seconds": 60})
            assert (await talk.done("GET", "/v1/chats/chat 2/tracking"))["timer"]["running"]
    await no_socket(database, party)
    async with talk.live(by) as previous:
        await previous.say("watch", chat_id="chat 2")
        await previous.hear("snapshot")
        before = (await talk.chat("chat 1"))["elapsed_ms"]
        await previous.say("leave", chat_id="chat 2")
    await no_socket(database, party)
    away = await advance(talk, 60)
    assert away["record"]["reason"] == f"{party}_away"
    assert before + 5_000 <= away["elapsed_ms"] <= before + SOON_MS


async def test_to_leave_a_previous_chat_changes_nothing_once_the_party_has_come(talk: Any) -> None:
    await talk.chat("chat 2")
    await talk.done("POST", "/v1/test-clock/advance", {"seconds": 1})
    await talk.done("POST", "/v1/chats/chat 2/heartbeat", by="user:alice")
    await leave(talk)
    await talk.done("POST", "/v1/test-clock/advance", {"seconds": 60})
    assert (await talk.done("GET", "/v1/chats/chat 2/tracking"))["timer"]["running"]
    nowhere = await talk.call("POST", "/v1/chats/nowhere/leave", {"party": "user"}, by="service")
    assert nowhere.status_code == 404


async def test_a_screen_leaves_on_the_live_channel(talk: Any, database: Pool) -> None:
    async with talk.live("user:alice") as live:
        await watch(live)
        before = (await advance(talk, 10))["elapsed_ms"]
        await live.say("leave", chat_id="chat 1")
        await no_socket(database)
        away = await advance(talk, 60)
    assert away["record"]["reason"] == "user_away"
    assert before + 5_000 <= away["elapsed_ms"] <= before + SOON_MS


async def test_a_screen_that_only_watches_no_longer_has_not_left(talk: Any, database: Pool) -> None:
    async with talk.live("user:alice") as live:
        await watch(live)
        await live.say("unwatch", chat_id="chat 1")
        await no_socket(database)
        assert (await advance(talk, 60))["timer"]["running"]


@pytest.mark.parametrize("how", ["message", "request", "both"])
async def test_one_of_two_tabs_leaves_and_nothing_changes(talk: Any, database: Pool, how: str) -> None:
    async with talk.live("user:alice") as first, talk.live("user:alice") as second:
        await watch(first)
        await watch(second)
        if how != "request":
            await first.say("leave", chat_id="chat 1")
        if how != "message":
            await leave(talk)
        await first.socket.close()
        assert (await advance(talk, 60))["timer"]["running"]
        # The second tab leaves as well.
        before = (await talk.done("GET", TRACKING))["elapsed_ms"]
        await second.say("leave", chat_id="chat 1")
        await no_socket(database)
        away = await advance(talk, 60)
    assert away["record"]["reason"] == "user_away"
    assert before + 5_000 <= away["elapsed_ms"] <= before + SOON_MS


@pytest.mark.parametrize("starts", ["accepted", "present"])
async def test_no_time_starts_for_a_user_whose_page_has_closed(settings: Settings, start: Any, starts: str) -> None:
    async with start(create_app, settings) as service:
        await service.people()
        await service.done("PUT", "/v1/advisors/maya", {"display_name": "Maya", "tariff": WITH_FEE, "starts": starts})
        record = (await service.chat())["record"]["id"]
        await leave(service)
        act = "accept" if starts == "accepted" else "heartbeat"
        waiting = await service.done("POST", f"/v1/chats/chat 1/{act}", by="advisor:maya")
        assert (waiting["timer"]["running"], waiting["record"]["state"]) == (False, "paused")
        await service.done("POST", "/v1/chats/chat 1/heartbeat", by="user:alice")
        began = await service.done("GET", TRACKING)
        assert (began["timer"]["running"], began["elapsed_ms"] < SOON_MS) == (True, True)
        await service.done("POST", "/v1/chats/chat 1/stop", by="user:alice")
        (segment,) = (await service.done("GET", f"/v1/records/{record}/receipt"))["segments"]
        assert segment["started_at"] == began["timer"]["since"]


async def test_a_beacon_that_comes_before_the_end_of_its_socket_counts(talk: Any, database: Pool) -> None:
    async with talk.live("user:alice") as live:
        await watch(live)
        before = (await talk.done("GET", TRACKING))["elapsed_ms"]
        await leave(talk)
        assert (await talk.done("GET", TRACKING))["timer"]["running"]
    await no_socket(database)
    away = await advance(talk, 60)
    assert away["record"]["reason"] == "user_away"
    assert before + 5_000 <= away["elapsed_ms"] <= before + SOON_MS


@pytest.mark.parametrize("order", ["leave first", "watch first"])
async def test_a_refresh_changes_nothing(talk: Any, order: str) -> None:
    """The new page may be there before the old page has said that it closes."""
    async with talk.live("user:alice") as old, talk.live("user:alice") as new:
        await watch(old)
        if order == "watch first":
            await watch(new)
        await old.say("leave", chat_id="chat 1")
        await leave(talk)
        await old.socket.close()
        if order == "leave first":
            await watch(new)
        later = await advance(talk, 60)
        assert later["timer"]["running"]
        segments = (await talk.done("GET", f"/v1/records/{later['record']['id']}/receipt"))["segments"]
        assert len(segments) == 1


async def test_a_screen_that_only_looks_proves_nothing(settings: Settings, start: Any, database: Pool) -> None:
    async with start(create_app, settings.model_copy(update={"presence_lease_seconds": 60})) as service:
        await service.people()
        await service.chat()
        await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": "advisor"})
        async with service.live("user:alice") as user, service.live("advisor:maya") as advisor:
            await watch(user)
            await watch(advisor, presence=False)
            away = await advance(service, 100)
            assert away["record"]["reason"] == "advisor_away"
            # The screen sees every change all the same.
            while (await advisor.hear("snapshot"))["snapshot"]["record"]["reason"] != "advisor_away":
                pass
            assert (await watch(advisor, presence=True))["timer"]["running"]
            assert (await advance(service, 100))["timer"]["running"]
            await watch(advisor, presence=False)
            await no_socket(database, "advisor")
            assert (await advance(service, 100))["record"]["reason"] == "advisor_away"
        async with service.live("advisor:maya") as live:
            await live.say("watch", chat_id="chat 1", presence="no")
            assert (await live.hear("problem"))["problem"]["code"] == "invalid_request"


async def test_a_screen_that_only_looks_learns_when_the_lease_ends(settings: Settings, start: Any) -> None:
    async with start(create_app, settings.model_copy(update={"presence_lease_seconds": 3})) as service:
        await service.people()
        async with service.live("user:alice") as user, service.live("advisor:maya") as advisor:
            answering = [asyncio.create_task(answer(live)) for live in (user, advisor)]
            first = await service.chat()
            for live in (user, advisor):
                await live.say("watch", chat_id="chat 1")
            for looker in ("operator", "advisor:maya"):
                async with service.live(looker) as looking:
                    await watch(looking, presence=False)
                    async with asyncio.timeout(15):
                        leases: dict[str, str] = {}
                        while leases.get("chat 1", "") <= first["server_time"]:
                            leases = (await looking.hear("heartbeat"))["leases"]
                            await looking.say("heartbeat")
            for task in answering:
                task.cancel()
            await asyncio.gather(*answering, return_exceptions=True)


async def answer(live: Any) -> None:
    """Answer heartbeats as a page does."""
    while True:
        if json.loads(await live.socket.recv())["type"] == "heartbeat":
            await live.say("heartbeat")


async def test_a_database_that_answers_slowly_lets_nobody_leave_earlier(talk: Any, database: Pool) -> None:
    """How long ago a page left is counted to the reading of engine time, not to the end of the slow loading."""
    async with talk.live("user:alice") as live:
        await watch(live)
        before = (await talk.done("GET", TRACKING))["elapsed_ms"]
        async with database.acquire() as connection, connection.transaction():
            await connection.execute("lock table watches in access exclusive mode")
            leaving = asyncio.create_task(leave(talk))
            await asyncio.sleep(0.3)
        await leaving
    await no_socket(database)
    away = await advance(talk, 60)
    assert before + 5_000 <= away["elapsed_ms"] <= before + SOON_MS
