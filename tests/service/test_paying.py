"""A record that is out of credit waits longer while somebody is paying: once in each wait, and not for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from talktime.settings import Settings

pytestmark = pytest.mark.both_servers

TRACKING = "/v1/chats/chat 1/tracking"
PAYING = "/v1/users/alice/paying"
BY_THE_SECOND = {"tiers": [{"rate": "1.00", "per_seconds": 1, "increment_seconds": 1}]}


async def cut(service: Any) -> Any:
    """A record that is out of credit; its snapshot."""
    await service.people("10.00", BY_THE_SECOND)
    await service.chat()
    await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": "advisor"})
    return await advance(service, 10.5)


async def advance(service: Any, seconds: float) -> Any:
    await service.done("POST", "/v1/test-clock/advance", {"seconds": seconds})
    return await service.done("GET", TRACKING)


def waits_seconds(snapshot: Any) -> float:
    """How long the record still waits."""
    return _seconds(snapshot["server_time"], snapshot["timer"]["recharge_until"])


def whole_wait_seconds(snapshot: Any) -> float:
    """How long the record waits from its cut on."""
    return _seconds(snapshot["record"]["paused_at"], snapshot["timer"]["recharge_until"])


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


async def test_a_record_waits_five_minutes_for_credit_by_default(settings: Settings, service: Any) -> None:
    assert settings.recharge_seconds == 300
    waiting = await cut(service)
    assert (waiting["record"]["reason"], waiting["record"]["state"]) == ("out_of_credit", "paused")
    assert whole_wait_seconds(waiting) == 300
    assert (await advance(service, 250))["record"]["state"] == "paused"
    assert (await advance(service, 50))["record"]["state"] == "ended"


@pytest.mark.parametrize("by", ["user:alice", "service"])
async def test_a_record_waits_longer_once_while_somebody_is_paying(service: Any, by: str) -> None:
    before = await cut(service)
    account = await service.done("POST", PAYING, {"seconds": 900}, by=by)
    assert account["user_id"] == "alice"
    first = await service.done("GET", TRACKING)
    assert first["sequence"] == before["sequence"] + 1
    assert 895 < waits_seconds(first) <= 900
    await advance(service, 400)
    await service.done("POST", PAYING, {"seconds": 900}, by=by)
    again = await service.done("GET", TRACKING)
    assert (again["timer"], again["sequence"]) == (first["timer"], first["sequence"])
    ended = await advance(service, 501)
    assert (ended["record"]["state"], ended["record"]["reason"]) == ("ended", "out_of_credit")
    # The record ended at its cut: nobody pays for the wait.
    assert (ended["elapsed_ms"], ended["record"]["ended_at"]) == (10_000, before["record"]["paused_at"])


async def test_each_wait_of_a_record_may_be_longer_once(service: Any) -> None:
    await cut(service)
    for _ in range(2):
        await service.done("POST", PAYING, {"seconds": 600})
        assert 595 < waits_seconds(await service.done("GET", TRACKING)) <= 600
        await advance(service, 350)
        for party in ("user", "advisor"):
            await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": party})
        await service.done("POST", "/v1/users/alice/credits", {"amount": "2.00", "kind": "purchase"})
        waiting = await advance(service, 3)
        assert waiting["record"]["reason"] == "out_of_credit"
        assert whole_wait_seconds(waiting) == 300


async def test_a_shorter_wait_changes_nothing(service: Any) -> None:
    before = await cut(service)
    await service.done("POST", PAYING, {"seconds": 60})
    after = await service.done("GET", TRACKING)
    assert (after["timer"], after["sequence"]) == (before["timer"], before["sequence"])
    await service.done("POST", PAYING, {"seconds": 900})
    assert waits_seconds(await service.done("GET", TRACKING)) > 890


async def test_a_payment_that_begins_while_time_runs_holds_the_record_after_its_cut(service: Any) -> None:
    await service.people("10.00", BY_THE_SECOND)
    running = await service.chat()
    await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": "advisor"})
    await service.done("POST", PAYING, {"seconds": 900})
    await service.done("POST", PAYING, {"seconds": 30})  # a shorter time takes nothing back
    # Screens have nothing new to show.
    assert (await service.done("GET", TRACKING))["timer"]["cut_at"] == running["timer"]["cut_at"]
    waiting = await advance(service, 10.5)
    assert waiting["record"]["reason"] == "out_of_credit"
    assert 890 <= whole_wait_seconds(waiting) < 895
    # The announcement counts for this wait.
    await service.done("POST", PAYING, {"seconds": 900})
    assert (await service.done("GET", TRACKING))["timer"] == waiting["timer"]
    ended = await advance(service, 890)
    assert (ended["record"]["state"], ended["record"]["ended_at"]) == ("ended", waiting["record"]["paused_at"])


async def test_a_payment_that_began_long_before_the_cut_leaves_the_wait_as_it_is(service: Any) -> None:
    await service.people("10.00", BY_THE_SECOND)
    await service.chat()
    await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": "advisor"})
    await service.done("POST", PAYING, {"seconds": 60})
    assert whole_wait_seconds(await advance(service, 10.5)) == 300
    await service.done("POST", PAYING, {"seconds": 900})
    assert waits_seconds(await service.done("GET", TRACKING)) > 890


async def test_who_is_turned_away_meanwhile_hears_when_the_place_may_become_free(service: Any) -> None:
    await cut(service)
    await service.done(
        "PUT",
        "/v1/advisors/maya",
        {"display_name": "Maya", "tariff": BY_THE_SECOND, "starts": "at_once", "max_active": 1},
    )
    await service.done("POST", PAYING, {"seconds": 900})
    waiting = await service.done("GET", TRACKING)
    await service.done("PUT", "/v1/users/bob", {"display_name": "Bob"})
    await service.done("POST", "/v1/users/bob/credits", {"amount": "10.00", "kind": "purchase"})
    busy = await service.call(
        "POST", "/v1/chats", {"user_id": "bob", "advisor_id": "maya", "chat_id": "chat 2"}, by="service"
    )
    assert (busy.status_code, busy.json()["code"]) == (409, "advisor_busy")
    assert busy.json()["ends_at"] == waiting["timer"]["recharge_until"]


async def test_only_records_that_are_out_of_credit_wait_longer(service: Any) -> None:
    await service.people()
    await service.chat()
    paused = await service.done("POST", "/v1/chats/chat 1/pause")
    await service.done("POST", PAYING, {"seconds": 900})
    assert (await service.done("GET", TRACKING))["timer"] == paused["timer"]


@pytest.mark.parametrize("seconds", [0, -1, 900.001, 1e9, None, "many"])
async def test_a_duration_that_is_not_allowed_is_refused(service: Any, seconds: Any) -> None:
    await service.people()
    refused = await service.call("POST", PAYING, {"seconds": seconds}, by="user:alice")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
