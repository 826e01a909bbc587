"""Two conversations on one credit: each screen learns what the other conversation spends."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services import BY_THE_MINUTE

pytestmark = pytest.mark.both_servers


async def others(service: Any, chat_id: str, by: str = "user:alice") -> list[dict[str, Any]]:
    snapshot = await service.done("GET", f"/v1/chats/{chat_id}/tracking", by=by)
    found: list[dict[str, Any]] = snapshot["also_running"]
    return found


async def test_each_snapshot_names_the_other_running_record(service: Any) -> None:
    await service.people()
    assert (await service.chat("chat 1"))["also_running"] == []
    started = await service.chat("chat 2", advisor="ben")
    (first,) = started["also_running"]
    assert first["tariff"] == started["tariff"]
    assert first["cut_at"] == (await service.done("GET", "/v1/chats/chat 1/tracking"))["timer"]["cut_at"]
    (second,) = await others(service, "chat 1")
    assert second["cut_at"] == started["timer"]["cut_at"]
    # Where this timer stands, the other one still spends.
    await service.done("POST", "/v1/chats/chat 1/pause", by="user:alice")
    assert len(await others(service, "chat 1")) == 1
    assert await others(service, "chat 2") == []


async def test_an_advisor_learns_nothing_of_other_conversations(service: Any) -> None:
    await service.people()
    await service.chat("chat 1")
    await service.chat("chat 2", advisor="ben")
    assert await others(service, "chat 1", by="advisor:maya") == []
    assert len(await others(service, "chat 1", by="operator")) == 1


async def test_the_screen_of_one_conversation_is_told_when_another_begins_or_ends(service: Any) -> None:
    await service.people(tariff=BY_THE_MINUTE)
    await service.chat("chat 1")
    async with service.live("user:alice") as screen, service.live("advisor:maya") as advisors:
        for live in (screen, advisors):
            await live.say("watch", chat_id="chat 1")
            assert (await live.hear("snapshot"))["snapshot"]["also_running"] == []
        await service.chat("chat 2", advisor="ben")
        # A change from before the page watched may still be told.
        while len((await screen.hear("snapshot"))["snapshot"]["also_running"]) != 1:
            pass
        assert (await advisors.hear("snapshot"))["snapshot"]["also_running"] == []
        await service.done("POST", "/v1/chats/chat 2/stop", by="user:alice")
        while (await screen.hear("snapshot"))["snapshot"]["also_running"] != []:
            pass
