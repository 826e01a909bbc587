"""Idempotency keys over HTTP: a repeat gets the first answer, whatever it was."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

pytestmark = pytest.mark.both_servers


ACTS = ("tracking", "pause", "resume", "stop")
CREDITS = "/v1/users/alice/credits"
TEN = {"amount": "10.00", "kind": "purchase"}


async def test_a_repeat_gets_the_first_answer(service: Any) -> None:
    await service.people(credit="1.00")
    first = await service.call("POST", CREDITS, TEN, by="service", key="k1")
    again = await service.call(
        "POST",
        CREDITS,
        by="service",
        key="k1",
        content=b'{"kind":"purchase",   "amount": "10.00"}',
        headers={"Content-Type": "application/json"},
    )
    assert (first.status_code, first.json()["balance"]) == (201, "11.00")
    assert (again.status_code, again.json()) == (201, first.json())
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (await service.done("GET", "/v1/users/alice/account"))["balance"] == "11.00"


async def test_another_body_under_the_same_key_is_refused(service: Any) -> None:
    await service.people(credit="1.00")
    await service.call("POST", CREDITS, TEN, by="service", key="k1")
    other = await service.call("POST", CREDITS, {**TEN, "amount": "11.00"}, by="service", key="k1")
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"
    # A key belongs to its caller, method and path; elsewhere it is another key. All backends are one caller.
    assert (await service.call("POST", "/v1/users/bob/credits", TEN, by="service", key="k1")).status_code == 201
    again = await service.call("POST", CREDITS, TEN, by="service:other", key="k1")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert (await service.done("GET", "/v1/users/alice/account"))["balance"] == "11.00"


async def test_refusals_are_repeated_too(service: Any) -> None:
    await service.people(credit="0.50")
    body = {"user_id": "alice", "advisor_id": "maya", "chat_id": "c"}
    first = await service.call("POST", "/v1/chats", body, by="user:alice", key="start")
    assert (first.status_code, first.json()["required"], first.json()["available"]) == (402, "1.00", "0.50")
    await service.done("POST", CREDITS, TEN)
    again = await service.call("POST", "/v1/chats", body, by="user:alice", key="start")
    assert (again.status_code, again.json()) == (402, first.json())
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotency-replayed"] == "true"
    # Another key is another request.
    assert (await service.call("POST", "/v1/chats", body, by="user:alice", key="start 2")).status_code == 201


async def test_a_hundred_repeats_at_once_are_done_once(service: Any) -> None:
    await service.people(credit="1.00")
    answers = await asyncio.gather(*(service.call("POST", CREDITS, TEN, by="service", key="same") for _ in range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert (await service.done("GET", "/v1/users/alice/account"))["balance"] == "11.00"


async def test_a_repeated_start_makes_one_chat(service: Any) -> None:
    await service.people()
    body = {"user_id": "alice", "advisor_id": "maya"}
    first = await service.call("POST", "/v1/chats", body, by="user:alice", key="new")
    again = await service.call("POST", "/v1/chats", body, by="user:alice", key="new")
    assert (again.status_code, again.json()) == (201, first.json())
    assert len((await service.done("GET", "/v1/users/alice/chats"))["chats"]) == 1


async def test_money_needs_a_key(service: Any) -> None:
    await service.people()
    for path in (CREDITS, "/v1/users/alice/debits"):
        for key in (None, "", "x" * 201, "tab\tbed"):
            headers = {} if key is None else {"Idempotency-Key": key}
            body = TEN if path == CREDITS else {"amount": "1.00"}
            response = await service.call("POST", path, body, by="service", headers=headers)
            assert response.status_code == 422, key
            assert response.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_a_repeated_message_is_stored_once(service: Any) -> None:
    await service.people()
    await service.chat()
    said = {"text": "Hello", "client_id": "c1"}
    path = "/v1/chats/chat 1/messages"
    answers = await asyncio.gather(*(service.call("POST", path, said, by="user:alice") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await service.done("GET", path))["messages"]) == 1


async def test_not_found_stays_the_answer_of_a_key(service: Any) -> None:
    """The chat exists when the request is repeated. The same key gets the first answer, another key finds the chat."""
    await service.people()
    for number, (act, by) in enumerate(itertools.product(ACTS, ("service", "user:alice"))):
        chat_id = f"later {number}"
        path = f"/v1/chats/{chat_id}/{act}"
        first = await service.call("POST", path, by=by, key="k")
        assert (first.status_code, "idempotency-replayed" in first.headers) == (404, False)
        await service.chat(chat_id)
        again = await service.call("POST", path, by=by, key="k")
        assert (again.status_code, again.json()) == (404, first.json()), (act, by)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["content-type"] == "application/problem+json"
        assert (await service.call("POST", path, by=by, key="k 2")).status_code == 200
    path = "/v1/chats/later 0/tracking"
    other = await service.call("POST", path, {"tariff_version": 1}, by="service", key="k")
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"


REFUND = {"amount": "1", "reason": "Late", "borne_by": "platform"}


@pytest.mark.parametrize(("path", "body"), [("/v1/chats/none/stop", None), ("/v1/records/none/refunds", REFUND)])
async def test_a_hundred_repeats_that_find_nothing_get_one_answer(service: Any, path: str, body: Any) -> None:
    await service.people()
    calls = [service.call("POST", path, body, by="service", key="same") for _ in range(100)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {404}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
