"""Events and log lines name the request that caused them, although commands of many requests share a transaction."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from structlog.contextvars import bound_contextvars
from structlog.testing import capture_logs

from talktime import Talktime, parse_credits
from talktime.engine import event_log
from tests.nodes import LONG_SECONDS, MAYAS_TARIFF, add_alice_and_maya, node_on


async def test_each_event_and_each_log_line_has_its_own_request(
    talktime: Talktime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger that an earlier test has used keeps the stream of that test.
    monkeypatch.setattr(event_log, "log", structlog.get_logger())
    await talktime.put_advisor("zoe", "Zoe", MAYAS_TARIFF, starts="at_once")
    users = [f"user {number}" for number in range(12)]
    for user in users:
        await talktime.put_user(user, user)
    after = (await talktime.event_page(after="latest")).next

    async def start(user: str, number: int) -> None:
        with bound_contextvars(request_id=f"credit of {user}"):
            await talktime.add_credit(user, parse_credits("9.00"))
        with bound_contextvars(request_id=f"request of {user}"):
            await talktime.create_chat(user, "zoe", f"chat {number}")

    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        await asyncio.gather(
            *(start(user, number) for number, user in enumerate(users)),
            talktime.create_chat("alice", "zoe", "nobody's"),
        )
    page = await talktime.event_page(after=after)
    assert {(event.type.value, event.user_id, event.request_id) for event in page.data} == {
        *{("credit.added", user, f"credit of {user}") for user in users},
        *{("record.started", user, f"request of {user}") for user in users},
        ("record.started", "alice", None),
    }
    lines = [line for line in logs if line["event"] == "init_time_tracking.started"]
    assert {(line["user_id"], line.get("request_id")) for line in lines} == {
        *{(user, f"request of {user}") for user in users},
        ("alice", None),
    }


async def test_two_commands_of_one_account_in_one_transaction_keep_their_requests(talktime: Talktime) -> None:
    after = (await talktime.event_page(after="latest")).next

    async def add(number: int) -> None:
        with bound_contextvars(request_id=str(number)):
            await talktime.add_credit("alice", number)

    await asyncio.gather(*(add(number) for number in range(1, 20)), talktime.add_credit("alice", 20))
    page = await talktime.event_page(after=after)
    requests = {round(float(event.data["amount"]) * 1_000_000): event.request_id for event in page.data}
    assert requests == {number: str(number) for number in range(1, 20)} | {20: None}


async def test_what_happens_by_itself_has_no_request(database_url: str) -> None:
    async with node_on(database_url, presence_lease_seconds=LONG_SECONDS, low_credit_seconds=0, work=False) as node:
        await add_alice_and_maya(node, credit="1.00")
        with bound_contextvars(request_id="the start"):
            await node.create_chat("alice", "maya", "chat")
        await node.advance_clock(200_000)
        # The request that comes next applies what was due before, and did not cause it.
        with bound_contextvars(request_id="the payment"):
            await node.add_credit("alice", parse_credits("5.00"))
        told = {event.type.value: event.request_id async for event in node.events(user_id="alice", follow=False)}
        assert told == {
            "credit.added": "the payment",
            "record.started": "the start",
            "charge.posted": None,
            "credit.exhausted": None,
            "record.paused": None,
            "record.resumed": "the payment",
        }
