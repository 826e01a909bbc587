"""How a record starts, as a host, a user and an advisor see it over HTTP and the live channel."""

from __future__ import annotations

from typing import Any

import pytest

RATE = {"connect_fee": "0.50", "tiers": [{"rate": "1.00", "increment_seconds": 60}]}


async def maya(service: Any, **rule: Any) -> None:
    """Alice with credit, and Maya, whose records start as the rule says."""
    await service.people(tariff=RATE)
    await service.done("PUT", "/v1/advisors/maya", {"display_name": "Maya", "tariff": RATE, **rule})


async def advance(service: Any, seconds: float) -> None:
    await service.done("POST", "/v1/test-clock/advance", {"seconds": seconds})


async def test_an_advisor_who_never_comes_costs_nothing(service: Any) -> None:
    await maya(service, starts="present")
    snapshot = await service.chat()
    assert (snapshot["record"]["state"], snapshot["record"]["reason"]) == ("paused", "advisor_away")
    await advance(service, 10_000)
    receipt = await service.done("GET", f"/v1/records/{snapshot['record']['id']}/receipt")
    assert (receipt["record"]["reason"], receipt["elapsed_ms"], receipt["cost"]) == ("abandoned", 0, "0.00")
    assert receipt["entries"] == []
    assert (await service.done("GET", "/v1/users/alice/account"))["balance"] == "100.00"


async def test_a_new_start_while_both_pages_are_open_begins_at_once(service: Any) -> None:
    await maya(service, starts="present")
    await service.chat()
    async with service.live("user:alice") as alice, service.live("advisor:maya") as advisor:
        for live in (alice, advisor):
            await live.say("watch", chat_id="chat 1")
            await live.hear("snapshot")
        first = await service.done("GET", "/v1/chats/chat 1/tracking")
        assert first["timer"]["running"]
        await service.done("POST", "/v1/chats/chat 1/stop")
        again = await service.done("POST", "/v1/chats/chat 1/tracking", by="user:alice")
        assert again["record"]["id"] != first["record"]["id"]
        assert (again["record"]["state"], again["elapsed_ms"]) == ("running", 0)


async def test_the_rule_of_a_new_advisor_is_present(service: Any) -> None:
    await service.people()
    body = {"display_name": "Zoe", "tariff": RATE}
    advisor = await service.done("PUT", "/v1/advisors/zoe", body)
    assert (advisor["starts"], advisor["ring_seconds"], advisor["max_active"]) == ("present", 60, None)
    rule = {"starts": "accepted", "ring_seconds": 20, "max_active": 2}
    assert (await service.done("PUT", "/v1/advisors/zoe", body | rule)).items() >= rule.items()
    assert (await service.done("PUT", "/v1/advisors/zoe", body)).items() >= rule.items()
    assert (await service.done("PUT", "/v1/advisors/zoe", body | {"max_active": 0}))["max_active"] is None
    refused = await service.call("PUT", "/v1/advisors/zoe", body | {"ring_seconds": 0.5}, by="service")
    assert refused.json()["errors"] == [{"field": "ring_seconds", "message": "must be from 1 second to 1 hour"}]


async def test_the_advisor_who_looks_at_the_list_is_not_there_and_five_clients_pay_nothing(service: Any) -> None:
    await maya(service, starts="present")
    clients = [f"client {number}" for number in range(5)]
    async with service.live("advisor:maya"):
        for client in clients:
            await service.done("PUT", f"/v1/users/{client}", {"display_name": client})
            await service.done("POST", f"/v1/users/{client}/credits", {"amount": "10.00", "kind": "purchase"})
            body = {"user_id": client, "advisor_id": "maya", "chat_id": f"chat of {client}"}
            await service.done("POST", "/v1/chats", body, by=f"user:{client}")
            await service.done("GET", "/v1/advisors/maya/chats", by="advisor:maya")
        await advance(service, 120)
        for client in clients:
            assert (await service.done("GET", f"/v1/users/{client}/account"))["available"] == "10.00"


async def test_the_timer_starts_when_the_advisor_opens_the_chat(service: Any) -> None:
    await maya(service, starts="present")
    async with service.live("user:alice") as alice, service.live("advisor:maya") as advisor:
        await service.chat()
        await alice.say("watch", chat_id="chat 1")
        await alice.hear("snapshot")
        await advisor.say("watch", chat_id="chat 1")
        while not (shown := (await alice.hear("snapshot"))["snapshot"])["timer"]["running"]:
            pass
        assert shown["record"]["starts"] == "present"


async def test_a_request_rings_until_the_advisor_accepts(service: Any) -> None:
    await maya(service, starts="accepted")
    snapshot = await service.chat()
    assert (snapshot["record"]["state"], snapshot["record"]["reason"]) == ("requested", None)
    assert snapshot["timer"]["ring_until"] is not None
    assert snapshot["balance"] == "98.50"  # the start is held
    await advance(service, 20)
    listed = await service.done("GET", "/v1/records?state=requested", by="operator")
    assert [entry["snapshot"]["record"]["id"] for entry in listed["records"]] == [snapshot["record"]["id"]]
    accepted = await service.done("POST", "/v1/chats/chat 1/accept", by="advisor:maya")
    assert (accepted["timer"]["running"], accepted["elapsed_ms"]) == (True, 0)
    again = await service.done("POST", "/v1/chats/chat 1/accept", by="advisor:maya")
    assert again["timer"]["since"] == accepted["timer"]["since"]
    await advance(service, 5)
    receipt = await service.done("GET", f"/v1/records/{snapshot['record']['id']}/receipt")
    (waited,) = receipt["gaps"]
    assert (waited["duration_ms"] >= 20_000, waited["caused_by"]) == (True, None)


async def test_a_declined_or_missed_request_costs_nothing(service: Any) -> None:
    await maya(service, starts="accepted", ring_seconds=10)
    await service.chat()
    body = {"reason": "I am at lunch"}
    declined = await service.done("POST", "/v1/chats/chat 1/decline", body, by="advisor:maya")
    assert (declined["record"]["reason"], declined["record"]["decline_reason"]) == ("declined", "I am at lunch")
    assert (await service.done("POST", "/v1/chats/chat 1/decline", by="advisor:maya"))["record"]["state"] == "ended"
    refused = await service.call("POST", "/v1/chats/chat 1/accept", by="advisor:maya")
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["tracking"])
    await service.done("POST", "/v1/chats/chat 1/tracking", by="user:alice")
    await advance(service, 10)
    missed = await service.done("GET", "/v1/chats/chat 1/tracking", by="user:alice")
    assert (missed["record"]["reason"], missed["cost"], missed["balance"]) == ("missed", "0.00", "100.00")
    for snapshot in (declined, missed):
        receipt = await service.done("GET", f"/v1/records/{snapshot['record']['id']}/receipt")
        assert (receipt["segments"], receipt["cost"]) == ([], "0.00")


@pytest.mark.parametrize("by", ["user:alice", "operator"])
async def test_only_the_advisor_and_the_host_answer_a_request(service: Any, by: str) -> None:
    await maya(service, starts="accepted")
    await service.chat()
    for call in ("accept", "decline"):
        assert (await service.call("POST", f"/v1/chats/chat 1/{call}", by=by)).status_code == 403
    assert (await service.call("POST", "/v1/chats/chat 1/accept", by="advisor:ben")).status_code == 404


async def test_only_the_host_says_how_a_record_starts(service: Any) -> None:
    await maya(service, starts="accepted")
    body = {"user_id": "alice", "advisor_id": "maya", "chat_id": "chat 1", "starts": "at_once"}
    assert (await service.call("POST", "/v1/chats", body, by="user:alice")).status_code == 403
    assert (await service.done("POST", "/v1/chats", body))["timer"]["running"]
    await service.done("POST", "/v1/chats/chat 1/stop")
    assert (await service.done("POST", "/v1/chats/chat 1/tracking", {"starts": "at_once"}))["timer"]["running"]
    await service.done("POST", "/v1/chats/chat 1/stop")
    assert (await service.done("POST", "/v1/chats/chat 1/tracking"))["record"]["state"] == "requested"


async def test_an_advisor_takes_no_more_conversations_than_the_rule_says(service: Any) -> None:
    await maya(service, starts="accepted", ring_seconds=30, max_active=1)
    await service.done("POST", "/v1/users/bob/credits", {"amount": "10.00", "kind": "purchase"})
    mine = await service.chat()
    body = {"user_id": "bob", "advisor_id": "maya", "chat_id": "bob's"}
    refused = (await service.call("POST", "/v1/chats", body, by="user:bob")).json()
    assert (refused["code"], refused["status"], refused["ends_at"]) == (
        "advisor_busy",
        409,
        mine["timer"]["ring_until"],
    )
    assert (await service.call("GET", "/v1/chats/bob's/tracking")).status_code in {401, 404}
    # A switch of the record that there is takes no other place.
    await service.done("POST", "/v1/chats", {"user_id": "alice", "advisor_id": "maya", "chat_id": "second"})
    await advance(service, 30)
    assert (await service.done("POST", "/v1/chats", body, by="user:bob"))["record"]["state"] == "requested"
