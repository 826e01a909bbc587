"""A snapshot says who paused, when, and who ended the record, so that both screens can show it."""

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


async def test_the_advisor_resumes_only_what_the_advisor_has_paused(service: Any) -> None:
    await service.people()
    await service.chat()
    for by, allowed in (("user:alice", ["stop"]), ("service", ["stop"])):
        await service.done("POST", PAUSE, by=by)
        refused = await service.call("POST", RESUME, by="advisor:maya")
        problem = refused.json()
        assert (refused.status_code, problem["code"], problem["allowed"]) == (409, "conflict", allowed)
        await service.done("POST", RESUME, by="user:alice")
    await service.done("POST", PAUSE, by="advisor:maya")
    assert (await service.done("POST", RESUME, by="advisor:maya"))["timer"]["running"]


async def test_the_advisor_resumes_nothing_after_the_user_has_paused_and_gone(service: Any) -> None:
    """The advisor keeps the page open, the user pauses and closes it: nothing more is billed."""
    await service.people()
    await service.chat()
    paused = await service.done("POST", PAUSE, by="user:alice")
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 20})
    assert (await service.call("POST", RESUME, by="advisor:maya")).status_code == 409
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 60})
    later = await service.done("GET", "/v1/chats/chat 1/tracking")
    assert (later["elapsed_ms"], later["cost"]) == (paused["elapsed_ms"], paused["cost"])


async def test_a_pause_of_the_user_takes_over_a_pause_of_the_advisor(service: Any) -> None:
    await service.people()
    await service.chat()
    first = await service.done("POST", PAUSE, by="advisor:maya")
    second = await service.done("POST", PAUSE, by="user:alice")
    assert (second["record"]["paused_by"], second["record"]["paused_at"]) == ("user", first["record"]["paused_at"])
    assert (await service.call("POST", RESUME, by="advisor:maya")).status_code == 409


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


async def test_an_end_names_who_stopped_or_declined(service: Any) -> None:
    await service.people()
    for number, (by, who) in enumerate((("user:alice", "user"), ("advisor:maya", "advisor"), ("operator", "operator"))):
        started = (await service.chat(chat_id=f"chat {number}"))["record"]
        assert started["ended_by"] is None
        ended = (await service.done("POST", f"/v1/chats/chat {number}/stop", by=by))["record"]
        # A second stop changes nothing: the first caller has ended the record.
        again = (await service.done("POST", f"/v1/chats/chat {number}/stop"))["record"]
        receipt = await service.done("GET", f"/v1/records/{started['id']}/receipt")
        assert ended["ended_by"] == again["ended_by"] == receipt["record"]["ended_by"] == who


async def test_an_end_by_a_deadline_names_nobody(service: Any) -> None:
    await service.people()
    await service.chat()
    await service.done("POST", PAUSE, by="user:alice")
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 86_400})
    ended = (await service.done("GET", "/v1/chats/chat 1/tracking"))["record"]
    assert (ended["state"], ended["reason"], ended["ended_by"]) == ("ended", "abandoned", None)
