"""The list of records for an operator, and the numbers of a pair's chats."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytestmark = pytest.mark.both_servers


async def test_records_name_their_people_and_who_is_connected(service: Any) -> None:
    await service.people()
    await service.chat("one")
    await service.chat("two", advisor="ben")

    async def listed() -> dict[str, tuple[str, str, list[str]]]:
        records = (await service.done("GET", "/v1/records?state=active", by="operator"))["records"]
        return {r["current_chat_id"]: (r["user_name"], r["advisor_name"], r["connected"]) for r in records}

    assert await listed() == {"one": ("Alice", "Maya", []), "two": ("Alice", "Ben", [])}
    async with service.live("user:alice") as user, service.live("advisor:maya") as advisor:
        await user.say("watch", chat_id="one")
        await user.hear("snapshot")
        assert await listed() == {"one": ("Alice", "Maya", ["user"]), "two": ("Alice", "Ben", [])}
        await advisor.say("watch", chat_id="one")
        await advisor.hear("snapshot")
        assert (await listed())["one"] == ("Alice", "Maya", ["user", "advisor"])
        # The user looks at another chat of the pair, and is not connected to this one.
        await service.chat("three")
        assert (await listed())["three"] == ("Alice", "Maya", [])
    async with asyncio.timeout(10):
        await service.done("POST", "/v1/chats/one/tracking")
        while (await listed())["one"][2]:
            await asyncio.sleep(0.05)


async def test_a_stop_that_names_its_record_ends_no_later_one(service: Any) -> None:
    await service.people()
    first = (await service.chat("one"))["record"]["id"]
    stop = "/v1/chats/one/stop"
    ended = await service.done("POST", stop, {"record_id": first}, by="operator")
    assert (ended["record"]["id"], ended["record"]["state"]) == (first, "ended")
    second = (await service.done("POST", "/v1/chats/one/tracking"))["record"]["id"]
    late = await service.done("POST", stop, {"record_id": first}, by="operator")
    assert (late["record"]["id"], late["record"]["state"]) == (second, "running")
    assert (await service.done("POST", stop, {"record_id": second}, by="user:alice"))["record"]["state"] == "ended"


async def test_the_chats_of_a_pair_are_numbered_from_their_first(service: Any) -> None:
    await service.people()
    for chat_id, advisor in (("a", "maya"), ("b", "ben"), ("c", "maya"), ("d", "maya")):
        await service.chat(chat_id, advisor=advisor)
    counted = {"a": 1, "b": 1, "c": 2, "d": 3}
    chats = (await service.done("GET", "/v1/users/alice/chats"))["chats"]
    assert {chat["id"]: chat["number"] for chat in chats} == counted
    chats = (await service.done("GET", "/v1/advisors/maya/chats"))["chats"]
    assert {chat["id"]: chat["number"] for chat in chats} == {"a": 1, "c": 2, "d": 3}
