"""The AsyncAPI file says what the live channel does: a real session is held to it, in both directions."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

import talktime.service.live
from scripts.docsite.live_reference import asyncapi, close_codes, messages_of
from talktime.asgi import create_app
from talktime.service.live.close_codes import CloseCode
from talktime.settings import Settings

Json = dict[str, Any]
LIVE = Path(talktime.service.live.__file__).parent
SNAPSHOT_FIRST = {"message", "typing", "unwatch"}  # what makes sense only once a chat is watched


class Described:
    """The messages of the file, to validate what is really said."""

    def __init__(self, openapi: Json) -> None:
        self._document = asyncapi()
        # Both documents in one, so that their references lead from one to the other.
        told = json.dumps(self._document)
        told = told.replace('"#/', '"#/asyncapi/').replace('"openapi.json#/', '"#/openapi/')
        self._both = {
            "asyncapi": json.loads(told),
            "openapi": json.loads(json.dumps(openapi).replace('"#/', '"#/openapi/')),
        }

    def payloads(self, action: str) -> dict[str, Json]:
        """The payload's schema of every message in that direction, by the message's type."""
        return {
            message["payload"]["properties"]["type"]["const"]: message["payload"]
            for message in messages_of(self._document, action).values()
        }

    def validator(self, action: str, kind: str) -> Draft202012Validator:
        """For messages of one type in one direction."""
        for key, message in messages_of(self._document, action).items():
            if message["payload"]["properties"]["type"]["const"] == kind:
                schema = {"$ref": f"#/asyncapi/components/messages/{key}/payload", **self._both}
                return Draft202012Validator(schema, validate_formats=True)
        raise KeyError(f"{kind} is in no operation that says {action}")


class Recorded:
    """A live channel that notes what is said in both directions."""

    def __init__(self, live: Any, token: str) -> None:
        self._live = live
        self._token = token
        self.said: list[Json] = [{"type": "hello", "token": token}]
        self.heard: list[Json] = []

    async def say(self, kind: str, **members: Any) -> None:
        self.said.append({"type": kind, **members})
        await self._live.say(kind, **members)

    async def hear(self, kind: str) -> Json:
        """The next message of this type; all on the way there are noted."""
        while True:
            message: Json = json.loads(await self._live.socket.recv())
            self.heard.append(message)
            if message["type"] == kind:
                return message


@pytest.fixture
def brisk(settings: Settings) -> Settings:
    """A lease so short that a heartbeat comes every second."""
    return settings.model_copy(update={"presence_lease_seconds": 3})


async def test_every_message_of_a_session_is_as_described(
    brisk: Settings, start: Callable[..., AbstractAsyncContextManager[Any]]
) -> None:
    async with start(create_app, brisk) as service:
        described = Described(service.app.openapi())
        await service.people()
        await service.chat("one")
        async with service.live("user:alice") as first, service.live("advisor:maya") as second:
            user = Recorded(first, service.token("user:alice"))
            advisor = Recorded(second, service.token("advisor:maya"))
            for screen in (user, advisor):
                await screen.say("watch", chat_id="one")
                await screen.hear("snapshot")
            await user.say("ping", c0=5021.4)
            await user.hear("pong")
            await user.hear("heartbeat")
            await user.say("heartbeat")
            await user.hear("leases")
            await user.say("typing", chat_id="one")
            await advisor.hear("typing")
            await user.say("message", chat_id="one", client_id="1", text="Hello!")
            await advisor.hear("message")
            await user.say("message", chat_id="two", client_id="2", text="Is anybody there?")
            problem = await user.hear("problem")
            assert (problem["chat_id"], problem["client_id"]) == ("two", "2")
            for act in ("pause", "resume", "stop"):
                await service.done("POST", f"/v1/chats/one/{act}", by="user:alice")
            while (await advisor.hear("snapshot"))["snapshot"]["record"]["state"] != "ended":
                pass
            await user.say("unwatch", chat_id="one")
            await advisor.say("watch", chat_id="one", presence=False)
            await advisor.say("leave", chat_id="one")
        kinds: dict[str, set[str]] = {"receive": set(), "send": set()}
        for action, messages in (("receive", [*user.said, *advisor.said]), ("send", [*user.heard, *advisor.heard])):
            for message in messages:
                described.validator(action, message["type"]).validate(message)
                kinds[action].add(message["type"])
            assert kinds[action] == set(described.payloads(action)), "each message was said"


def wrong(payload: Json, message: Json) -> Iterator[Json]:
    """The message with one thing in it that the file does not allow."""
    for name in payload["required"]:
        if name != "type":
            yield {key: value for key, value in message.items() if key != name}
            yield message | {name: None}
    if payload.get("additionalProperties") is False:
        yield message | {"surprise": 1}
    if "text" in message:
        yield message | {"text": ""}
        yield message | {"text": "x" * 4001}
    if "chat_id" in message:
        yield message | {"chat_id": "x" * 129}


async def test_what_the_file_does_not_allow_is_refused(service: Any) -> None:
    described = Described(service.app.openapi())
    await service.people()
    await service.chat("one")
    messages: dict[str, Json] = {
        kind: {"type": kind, "chat_id": "one"} for kind in ("watch", "unwatch", "leave", "typing")
    } | {
        "ping": {"type": "ping", "c0": 1},
        "heartbeat": {"type": "heartbeat"},
        "message": {"type": "message", "chat_id": "one", "client_id": "1", "text": "Hello!"},
    }
    payloads = described.payloads("receive")
    assert messages.keys() | {"hello"} == payloads.keys()
    refused = 0
    async with service.live("user:alice") as live:
        for kind, message in messages.items():
            described.validator("receive", kind).validate(message)
            for bad in wrong(payloads[kind], copy.deepcopy(message)):
                assert not described.validator("receive", kind).is_valid(bad), bad
                await live.say(**{("kind" if key == "type" else key): value for key, value in bad.items()})
                problem = await live.hear("problem")
                described.validator("send", "problem").validate(problem)
                assert problem["problem"]["code"] == "invalid_request", bad
                refused += 1
    assert refused > 15


async def test_the_file_names_every_message_that_the_service_understands(service: Any) -> None:
    await service.people()
    async with service.live("user:alice") as live:
        await live.say("no such type")
        detail = (await live.hear("problem"))["problem"]["detail"]
    assert set(re.findall(r"\w+", detail.partition("must be")[2])) - {"or"} == set(
        Described(service.app.openapi()).payloads("receive")
    )


def test_the_file_names_every_message_that_the_service_sends() -> None:
    sent = {kind for path in LIVE.glob("*.py") for kind in re.findall(r'"type": "([a-z]+)"', path.read_text())}
    assert sent == {
        message["payload"]["properties"]["type"]["const"] for message in messages_of(asyncapi(), "send").values()
    }


def test_the_file_names_every_close_code() -> None:
    assert close_codes() == {code.value: code.meaning for code in CloseCode}


def test_the_file_is_of_this_version() -> None:
    assert asyncapi()["info"]["version"] == version("talktime")


def test_every_reference_in_the_file_leads_somewhere() -> None:
    document = asyncapi()
    openapi = create_app(Settings(secret="x" * 32)).openapi()
    references = re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))
    assert len(references) > 30
    for reference in references:
        file, _, path = reference.partition("#/")
        found: Any = {"": document, "openapi.json": openapi}[file]
        for step in path.split("/"):
            assert step in found, reference
            found = found[step]


def test_every_message_has_a_direction_and_an_example_that_is_valid() -> None:
    document = asyncapi()
    described = Described(create_app(Settings(secret="x" * 32)).openapi())
    both = messages_of(document, "receive") | messages_of(document, "send")
    assert both.keys() == document["components"]["messages"].keys() == document["channels"]["live"]["messages"].keys()
    for action in ("receive", "send"):
        for message in messages_of(document, action).values():
            for example in message.get("examples", ()):
                described.validator(action, message["name"]).validate(example["payload"])


def test_the_page_lists_the_close_codes_of_the_file() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "live-channel.md").read_text(encoding="utf-8")
    assert {int(code): why for code, why in re.findall(r"^\| (\d{4}) \| (.+?) \|", page, re.MULTILINE)} == close_codes()
