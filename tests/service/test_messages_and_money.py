"""Messages of the parties need running time: over HTTP and over the live channel."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talktime.asgi import create_app
from talktime.settings import Settings
from tests.services import BY_THE_MINUTE

pytestmark = pytest.mark.both_servers

MESSAGES = "/v1/chats/chat 1/messages"


async def send(service: Any, by: str, client_id: str, text: str = "Hello", **more: Any) -> Any:
    return await service.call("POST", MESSAGES, {"text": text, "client_id": client_id, **more}, by=by)


async def waiting(service: Any) -> None:
    """A record that waits for its advisor."""
    await service.people()
    body = {"display_name": "Maya", "tariff": BY_THE_MINUTE, "starts": "present"}
    await service.done("PUT", "/v1/advisors/maya", body)
    assert (await service.chat())["record"]["reason"] == "advisor_away"


async def test_both_parties_write_while_time_runs_and_neither_while_it_stands(service: Any) -> None:
    await service.people()
    await service.chat()
    for number, by in enumerate(("user:alice", "advisor:maya")):
        assert (await send(service, by, f"running {number}")).status_code == 201
    for act, state, allowed in (("pause", "paused", ["resume", "stop"]), ("stop", "ended", ["tracking"])):
        await service.done("POST", f"/v1/chats/chat 1/{act}")
        for by in ("user:alice", "advisor:maya"):
            refused = await send(service, by, f"{act} {by}")
            problem = refused.json()
            assert (refused.status_code, problem["code"]) == (409, "not_running")
            assert (problem["state"], problem["allowed"]) == (state, allowed)
            async with service.live(by) as live:
                await live.say("message", chat_id="chat 1", client_id=f"live {act}", text="Hello")
                told = await live.hear("problem")
                assert (told["problem"]["code"], told["client_id"]) == ("not_running", f"live {act}")
        # The host is never refused, and a repeat is no new message.
        assert (await send(service, "service", f"host {act}", party="user")).status_code == 201
        assert (await send(service, "user:alice", "running 0")).status_code == 200
    messages = (await service.done("GET", MESSAGES))["messages"]
    assert [message["client_id"] for message in messages] == ["running 0", "running 1", "host pause", "host stop"]


async def test_time_that_is_free_runs_too(service: Any) -> None:
    await service.people(tariff={**BY_THE_MINUTE, "free_seconds": 60})
    await service.chat()
    assert (await send(service, "user:alice", "free")).status_code == 201


async def test_a_user_sends_one_note_before_the_first_second(service: Any) -> None:
    await waiting(service)
    assert (await send(service, "advisor:maya", "a")).status_code == 409
    assert (await send(service, "user:alice", "long", "x" * 501)).status_code == 409
    assert (await send(service, "user:alice", "note", "x" * 500)).status_code == 201
    assert (await send(service, "user:alice", "note", "x" * 500)).status_code == 200
    second = await send(service, "user:alice", "second")
    assert (second.status_code, second.json()["code"]) == (409, "not_running")
    assert "one note" in second.json()["detail"]
    # The next record has a note of its own.
    await service.done("POST", "/v1/chats/chat 1/stop")
    await service.done("POST", "/v1/chats/chat 1/tracking")
    assert (await send(service, "user:alice", "another")).status_code == 201


async def test_two_notes_at_once_are_one_note(service: Any) -> None:
    await waiting(service)
    answers = await asyncio.gather(*(send(service, "user:alice", f"note {number}") for number in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_a_host_may_allow_messages_while_no_time_runs(settings: Settings, start: Any) -> None:
    async with start(create_app, settings.model_copy(update={"messages_when_stopped": "allow"})) as service:
        await service.people()
        await service.chat()
        await service.done("POST", "/v1/chats/chat 1/stop")
        for by in ("user:alice", "advisor:maya"):
            assert (await send(service, by, by)).status_code == 201
