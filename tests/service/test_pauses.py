"""A snapshot says who paused and when, so that both screens can show it."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.both_servers

PAUSE, RESUME = "/v1/chats/chat 1/pause", "/v1/chats/chat 1/resume"


async def test_a_pause_names_the_party_who_paused(service: Any) -> None:
    await service.people()
    started = (await service.chat())["record"]
    assert (started["paused_at"], started["paused_by"]) == (None, None)
    for by, who in (("user:alice", "user"), ("advisor:maya", "advisor"), ("service", "service")):
        paused = await service.done("POST", PAUSE, by=by)
        assert paused["record"]["paused_by"] == who
        assert paused["record"]["paused_at"] == paused["server_time"]
        # A second pause changes nothing: the first party paused.
        again = await service.done("POST", PAUSE, by="advisor:maya")
        assert (again["record"], again["sequence"]) == (paused["record"], paused["sequence"])
        assert (await service.done("GET", f"/v1/records/{started['id']}"))["paused_by"] == who
        resumed = await service.done("POST", RESUME)
        assert (resumed["record"]["paused_at"], resumed["record"]["paused_by"]) == (None, None)


async def test_a_pause_by_a_lapsed_lease_names_nobody(service: Any) -> None:
    await service.people()
    await service.chat()
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 40})
    away = (await service.done("GET", "/v1/chats/chat 1/tracking"))["record"]
    assert (away["reason"], away["paused_by"]) == ("user_away", None)
    # A party who pauses now is named, and the instant at which the timer stopped stays the same.
    paused = (await service.done("POST", PAUSE, by="advisor:maya"))["record"]
    assert (paused["reason"], paused["paused_by"], paused["paused_at"]) == ("paused", "advisor", away["paused_at"])
    ended = (await service.done("POST", "/v1/chats/chat 1/stop"))["record"]
    assert (ended["state"], ended["paused_at"], ended["paused_by"]) == ("ended", None, None)
