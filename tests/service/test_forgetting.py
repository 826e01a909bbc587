"""A user who asks to be forgotten: what tells who the user was is gone, and the books stay as they are."""

from __future__ import annotations

from typing import Any

import pytest

from talktime.documents.verification import verify
from talktime.engine import people


async def say(service: Any, chat_id: str, text: str, by: str) -> None:
    await service.done("POST", f"/v1/chats/{chat_id}/messages", {"text": text, "client_id": text}, by=by)


async def texts(service: Any, chat_id: str) -> list[str]:
    messages = (await service.done("GET", f"/v1/chats/{chat_id}/messages"))["messages"]
    return [message["text"] for message in messages]


async def test_a_user_is_forgotten_and_the_books_stay(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MESSAGES_AT_ONCE", 2)
    await service.people()
    for user, chat in (("alice", "first"), ("bob", "second")):
        metadata = {"crm": user}
        await service.done("PUT", f"/v1/users/{user}", {"display_name": user.title(), "metadata": metadata})
        await service.done("POST", f"/v1/users/{user}/credits", {"amount": "9.00"})
        body = {"user_id": user, "advisor_id": "maya", "chat_id": chat, "metadata": metadata}
        record = (await service.done("POST", "/v1/chats", body))["record"]["id"]
        for number in range(3):
            await say(service, chat, f"I am {user}, {number}", f"user:{user}")
        await say(service, chat, f"Hello {user}", "advisor:maya")
        await service.done("POST", "/v1/test-clock/advance", {"seconds": 60})
        await service.done("POST", f"/v1/chats/{chat}/stop")
        if user == "alice":
            of_alice = record
    account = await service.done("GET", "/v1/users/alice/account")
    entries = await service.done("GET", "/v1/users/alice/entries")

    assert await service.done("POST", "/v1/users/alice/forget") == {"id": "alice", "messages": 4}

    assert await texts(service, "first") == []
    forgotten = {"display_name": "Deleted", "metadata": {}}
    assert await service.done("GET", "/v1/users/alice/account") == account | forgotten
    assert await service.done("GET", "/v1/users/alice/entries") == entries
    (chat,) = (await service.done("GET", "/v1/users/alice/chats"))["data"]
    listed = await service.done("GET", "/v1/records?user_id=alice")
    assert [chat["metadata"], *(found["metadata"] for found in listed["data"])] == [{}, {}]
    receipt = await service.done("GET", f"/v1/records/{of_alice}/receipt")
    assert [check for check in verify(receipt) if not check.holds] == []
    assert await service.app.state.talktime.broken_rules() == []

    assert len(await texts(service, "second")) == 4
    assert (await service.done("GET", "/v1/users/bob/account"))["metadata"] == {"crm": "bob"}

    assert await service.done("POST", "/v1/users/alice/forget") == {"id": "alice", "messages": 0}
    await service.done("POST", "/v1/chats", {"user_id": "alice", "advisor_id": "maya", "chat_id": "first"})
    await say(service, "first", "again", "user:alice")
    (message,) = (await service.done("GET", "/v1/chats/first/messages"))["messages"]
    assert message["position"] == 5


async def test_a_user_who_is_not_there_is_not_found(service: Any) -> None:
    assert (await service.call("POST", "/v1/users/nobody/forget", by="service")).status_code == 404
