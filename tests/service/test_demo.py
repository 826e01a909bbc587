"""The demo: people to choose, credit without a payment, and a program in the place of the missing party."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import websockets

from talktime.asgi import create_app
from talktime.demo.answers import answer
from talktime.demo.app import create_demo, is_loopback
from talktime.demo.people import ADVISORS, MARK, PEOPLE, require_no_other_people
from talktime.settings import SettingsError
from tests.services import BY_THE_MINUTE, PROGRAM, START_SECONDS_MAX, environment


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


async def test_the_demo_refuses_a_database_with_other_people(settings: Any, start: Any, tmp_path: Path) -> None:
    async with start(create_app, settings) as service:
        await service.done(
            "PUT", "/v1/advisors/maya", {"display_name": "Maya", "tariff": BY_THE_MINUTE, "starts": "at_once"}
        )
    async with start(create_demo, settings) as demo:  # an advisor of the demo's own, who keeps her tariff
        assert (await demo.done("GET", "/v1/advisors/maya"))["tariff"]["free_seconds"] == 0
    async with start(create_demo, settings):
        pass  # the people that it made itself
    async with start(create_app, settings) as service:
        await service.done("PUT", "/v1/users/bob", {"display_name": "Bob"})
    program = await asyncio.create_subprocess_exec(
        *(*PROGRAM, "demo", "--port", "0"),
        env=environment(database_url=settings.database_url, data_dir=tmp_path),
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(program.communicate(), START_SECONDS_MAX)
    assert program.returncode == 2
    assert (
        errors.decode()
        .splitlines()[-1]
        .startswith("talktime demo: TALKTIME_DATABASE_URL has people that the demo did not make, such as 'bob'.")
    )


async def test_the_embedded_database_is_refused_unless_the_demo_was_there_first(
    settings: Any, talktime: Any, tmp_path: Path
) -> None:
    embedded = settings.model_copy(update={"database_url": None, "data_dir": tmp_path / "data"})
    await talktime.put_user("bob", "Bob")
    with pytest.raises(SettingsError, match=r"^The database in .*/data has people"):
        await require_no_other_people(talktime, embedded)
    assert not (tmp_path / "data" / MARK).exists()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / MARK).touch()
    await require_no_other_people(talktime, embedded)


async def test_tokens_of_the_demo_hold_nowhere_else(demo: Any, service: Any) -> None:
    token = (await demo.call("POST", "/demo/tokens/olga")).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await demo.call("GET", "/v1/records", headers=headers)).status_code == 200
    assert (await service.call("GET", "/v1/records", headers=headers)).status_code == 401
    # Who has the secret of the settings may do everything in the demo as well.
    assert (
        await demo.call("GET", "/v1/records", headers={"Authorization": f"Bearer {service.token('operator')}"})
    ).is_success


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8700", "localhost.evil.example", "10.0.0.1", "", "[::2]"]
)
async def test_the_demo_answers_only_under_the_names_of_this_machine(demo: Any, host: str) -> None:
    for path in ("/demo/tokens/olga", "/v1/time", "/"):
        refused = await demo.call("POST" if "tokens" in path else "GET", path, headers={"Host": host})
        assert (refused.status_code, refused.json()["code"]) == (421, "wrong_host")
    port = urlsplit(demo.address).port
    with pytest.raises(websockets.InvalidStatus) as handshake:
        async with websockets.connect(f"ws://{host or 'x'}/v1/live", host="127.0.0.1", port=port):
            pass
    assert handshake.value.response.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8700", "127.0.0.1:1", "[::1]:8700", "localhost."])
async def test_the_demo_answers_under_the_names_of_this_machine(demo: Any, host: str) -> None:
    assert (await demo.call("GET", "/", headers={"Host": host})).status_code == 200


async def test_a_service_may_be_bound_to_its_names(settings: Any, start: Any) -> None:
    named = settings.model_copy(update={"hosts": ("talk.example",)})
    for make, by_address in ((create_app, 200), (create_demo, 421)):
        async with start(make, named) as service:
            for host, status in (("talk.example", 200), ("Talk.Example:443", 200), ("evil.example", 421)):
                assert (await service.call("GET", "/", headers={"Host": host})).status_code == status
            # A rebound name is never an address, and a probe of a container platform calls by address.
            assert (await service.call("GET", "/", headers={"Host": "10.0.0.1"})).status_code == by_address


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
