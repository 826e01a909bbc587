"""The demo: people to choose, credit without a payment, and a program in the place of the missing party."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talktime.demo.answers import answer
from talktime.demo.app import create_demo, is_loopback
from talktime.demo.people import ADVISORS, PEOPLE


async def test_the_demo_offers_people_to_be(demo: Any) -> None:
    for person in PEOPLE.values():
        made = (await demo.call("POST", f"/demo/tokens/{person.id}")).json()
        assert (made["role"], made["subject"]) == (person.role, person.id)
        caller = demo.tokens.read(made["token"])
        assert (caller.role, caller.subject) == (person.role, person.id)
    assert (await demo.call("POST", "/demo/tokens/mallory")).status_code == 404
    assert (await demo.call("POST", "/demo/tokens/service")).status_code == 404
    advisors = (await demo.call("GET", "/demo/advisors")).json()["advisors"]
    assert [advisor["id"] for advisor in advisors] == [person.id for person in ADVISORS]
    landing = (await demo.call("GET", "/")).text
    assert all(f"/demo/as/{person}" in landing for person in PEOPLE)


async def test_the_people_of_the_demo_get_credit_without_a_payment(demo: Any, settings: Any, start: Any) -> None:
    account = await demo.done("GET", "/v1/users/alice/account", by="user:alice")
    assert account["balance"] == "10.00"
    topped = await demo.call("POST", "/demo/topup", {"amount": "5.00"}, by="user:alice")
    assert (topped.status_code, topped.json()["balance"]) == (201, "15.00")
    for amount in ("100.01", "0", "-1"):
        assert (await demo.call("POST", "/demo/topup", {"amount": amount}, by="user:alice")).status_code == 422
    assert (await demo.call("POST", "/demo/topup", {"amount": "1"}, by="advisor:maya")).status_code == 403
    assert (await demo.call("POST", "/demo/topup", {"amount": "1"})).status_code == 401
    # A second start of the demo gives no credit again.
    async with start(create_demo, settings) as again:
        assert (await again.done("GET", "/v1/users/alice/account"))["balance"] == "15.00"


async def test_serve_has_nothing_of_the_demo(service: Any) -> None:
    assert (await service.call("POST", "/demo/tokens/alice")).status_code == 404
    assert (await service.call("GET", "/demo/advisors")).status_code == 404
    assert (await service.call("GET", "/demo/as/alice")).status_code == 404
    assert (await service.call("POST", "/demo/topup", {"amount": "1"}, by="user:alice")).status_code == 404


async def test_a_program_takes_the_place_of_a_party_who_is_not_there(demo: Any) -> None:
    body = {"user_id": "alice", "advisor_id": "ben", "chat_id": "c"}
    await demo.done("POST", "/v1/chats", body, by="user:alice")
    async with demo.live("user:alice") as user:
        await user.say("watch", chat_id="c")
        await user.hear("snapshot")
        await user.say("message", chat_id="c", client_id="1", text="Are you a robot?")
        said: list[str] = []
        while not any("program, not a person" in text for text in said):
            message = (await user.hear("message"))["message"]
            if message["sender"] == "advisor":
                said.append(message["text"])
        assert said[0].startswith("Hello, I am the automatic advisor")

        async with demo.live("advisor:ben") as advisor:
            await advisor.say("watch", chat_id="c")
            await advisor.hear("snapshot")
            await asyncio.sleep(0.3)
            await user.say("message", chat_id="c", client_id="2", text="And you?")
            await advisor.hear("message")
            # A person is there now, so the program is silent.
            with pytest.raises(TimeoutError):
                await advisor.hear("message", seconds=4)

        # The person has left, and the program answers the message that nobody has answered.
        async with asyncio.timeout(15):
            while (await user.hear("message"))["message"]["client_id"] != "automatic-4":
                pass
    snapshot = await demo.done("GET", "/v1/chats/c/tracking")
    assert snapshot["timer"]["running"]


def test_answers_are_short_and_fit_the_message(server: Any) -> None:
    for text in ("hello", "how much is it?", "credits are low", "pause please", "?", "", "x" * 4000, "a joke?"):
        assert 10 < len(answer(text, 3)) < 200
    assert answer("joke", 1) != answer("joke", 2)


def test_the_demo_knows_addresses_of_this_machine(server: Any) -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org", "localhost.example.org")))
