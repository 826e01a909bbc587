"""Access keys over HTTP and on the live channel."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from talktime.asgi import create_app
from talktime.core.scopes import Scope
from talktime.database.pool import Pool
from talktime.documents.access_key import AccessKey
from talktime.settings import Settings
from talktime.talktime import Talktime
from tests.service.test_access import ANYONE, ROWS, Row

SECRET = re.compile(r"tt_[0-9a-f]{64}")
CREDITS = "/v1/users/alice/credits"
TEN = {"amount": "10.00", "kind": "purchase"}

NARROW = {
    "/v1/users/alice/account",
    "/v1/users/alice/entries",
    "/v1/users/alice/credits",
    "/v1/users/alice/debits",
    "/v1/users/alice/paying",
}
"""The calls of the scope `credits`."""


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


async def connected(service: Any) -> Talktime:
    talktime: Talktime = await service.app.state.connector.talktime()
    return talktime


async def test_a_key_goes_where_tokens_go_and_its_name_is_kept(service: Any, database: Pool) -> None:
    await service.people()
    talktime = await connected(service)
    _, secret = await talktime.create_key("shop")
    assert SECRET.fullmatch(secret)
    done = await service.call("POST", CREDITS, TEN, headers=bearer(secret), key="k")
    assert done.status_code == 201
    by = await database.fetchval(
        "select by_role || ':' || by_subject from talktime.entries order by entry_id desc limit 1"
    )
    assert by == "service:shop"
    async with service.live() as live:
        await service.chat()
        await live.say("hello", token=secret)
        await live.socket.send("")
        assert await live.socket.recv() == ""
        await live.say("ping", c0=1)
        assert (await live.hear("pong", "problem"))["type"] == "pong"
        await live.say("watch", chat_id="chat 1")
        assert (await live.hear("snapshot"))["chat_id"] == "chat 1"
    async with service.live(subprotocols=[f"bearer.{secret}"]) as live:
        await live.say("watch", chat_id="chat 1")
        assert (await live.hear("snapshot"))["chat_id"] == "chat 1"


async def test_a_revoked_key_ends_with_everything_that_it_made(service: Any) -> None:
    await service.people()
    await service.chat()
    talktime = await connected(service)
    _, secret = await talktime.create_key("shop")
    made = await service.call("POST", "/v1/tokens", {"role": "user", "subject": "alice"}, headers=bearer(secret))
    token = made.json()["token"]
    # What a token makes that a key has made ends with the key, too.
    backend = await service.call("POST", "/v1/tokens", {"role": "service", "subject": "x"}, headers=bearer(secret))
    more = await service.call(
        "POST", "/v1/tokens", {"role": "service", "subject": "y"}, headers=bearer(backend.json()["token"])
    )
    credentials = (secret, token, backend.json()["token"], more.json()["token"])
    for credential in credentials:
        answer = await service.call("GET", "/v1/users/alice/account", headers=bearer(credential))
        assert answer.status_code == 200
    async with service.live() as by_key, service.live() as by_token, service.live("user:alice") as own:
        for live, credential in ((by_key, secret), (by_token, token)):
            await live.say("hello", token=credential)
        for live in (by_key, by_token, own):
            await live.say("watch", chat_id="chat 1")
            await live.hear("snapshot")
        await talktime.revoke_key("shop")
        assert await by_key.close_code() == 4401
        assert await by_token.close_code() == 4401
        await own.say("ping", c0=1)
        assert await own.hear("pong")
    for credential in credentials:
        answer = await service.call("GET", "/v1/users/alice/account", headers=bearer(credential))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    async with service.live() as late:
        await late.say("hello", token=secret)
        assert await late.close_code() == 4401


@pytest.mark.parametrize("fanout", ["postgres", "polling"])
async def test_the_sockets_on_another_node_end_with_the_key(settings: Settings, start: Any, fanout: str) -> None:
    """With `polling` the other node hears nothing, and asks for the keys of its sockets by itself."""
    known = settings.model_copy(update={"fanout": fanout})
    async with start(create_app, known) as here, start(create_app, known) as there:
        _, secret = await here.app.state.talktime.create_key("shop")
        async with there.live() as live, there.live("service") as own:
            for socket in (live, own):
                await socket.say("hello", token=secret if socket is live else there.token("service"))
                await socket.say("ping", c0=1)
                await socket.hear("pong")
            await here.app.state.talktime.revoke_key("shop")
            assert await live.close_code() == 4401
            await own.say("ping", c0=2)
            await own.hear("pong")


def allowed_by(scope: Scope, row: Row) -> bool:
    path = row.path.partition("?")[0]
    match scope:
        case Scope.SERVICE | Scope.OPERATOR:
            return scope.value in row.allowed
        case Scope.READ:
            return row.method == "GET" and "operator" in row.allowed
        case Scope.CREDITS:
            return path in NARROW
        case Scope.EVENTS:
            return path == "/v1/events"


@pytest.mark.parametrize("scope", Scope)
async def test_every_call_is_in_the_scope_or_refused(service: Any, scope: Scope) -> None:
    await service.people()
    record_id = (await service.chat())["record"]["id"]
    _, secret = await (await connected(service)).create_key("shop", scope)
    refused = []
    for row in ROWS:
        path = row.path.replace("RECORD", record_id)
        answer = await service.call(row.method, path, row.body, headers=bearer(secret), key="one for each")
        if answer.status_code == 403:
            refused.append(row)
        elif "service" in row.allowed or scope is not Scope.SERVICE:
            # Whether the state allows the call is another question, and so is whom a backend acts for.
            absent = {404} if "WEBHOOK" in path else set()
            assert answer.status_code in {200, 201, 204, 409, 422} | absent, (row, answer.text)
    # A call that needs a party is open to a backend, which here names no party.
    for_a_party = [row for row in ROWS if scope is Scope.SERVICE and "service" not in row.allowed]
    assert refused == [row for row in ROWS if not allowed_by(scope, row) and row not in for_a_party]
    for row in ANYONE:
        assert (await service.call(row.method, row.path, row.body, headers=bearer(secret))).status_code == 200


@pytest.mark.parametrize(("scope", "code"), [("credits", 4403), ("events", 4403), ("read", None)])
async def test_only_a_key_that_may_read_may_watch(service: Any, scope: str, code: int | None) -> None:
    await service.people()
    await service.chat()
    _, secret = await (await connected(service)).create_key("till", scope)
    async with service.live() as live:
        await live.say("hello", token=secret)
        if code is not None:
            assert await live.close_code() == code
            return
        await live.say("watch", chat_id="chat 1")
        await live.hear("snapshot")
        await live.say("message", chat_id="chat 1", client_id="1", text="Hello", party="user")
        assert (await live.hear("problem"))["problem"]["code"] == "forbidden"


async def test_a_stranger_cannot_make_the_service_ask_for_keys_without_end(
    settings: Settings, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start(create_app, settings.model_copy(update={"requests_per_second": 1})) as service:
        await service.people()
        key_ring = (await connected(service)).node.key_ring
        use, asked = key_ring.use, []

        async def counted(secret: str) -> AccessKey | None:
            asked.append(secret)
            return await use(secret)

        monkeypatch.setattr(key_ring, "use", counted)
        answers = [
            (await service.call("GET", "/v1/users/alice/account", headers=bearer(f"tt_{number:064x}"))).status_code
            for number in range(20)
        ]
        assert set(answers) == {401, 429}
        assert answers[:6] == [401] * 6
        assert len(asked) < 10


async def test_a_key_is_in_no_log(service: Any, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    caplog.set_level(logging.DEBUG)
    talktime = await connected(service)
    _, secret = await talktime.create_key("shop")
    await service.call("GET", "/v1/records", headers=bearer(secret))
    await service.call("POST", "/v1/tokens", {"role": secret, "subject": secret}, headers=bearer(secret))
    await talktime.revoke_key("shop")
    await service.call("GET", "/v1/records", headers=bearer(secret))
    said = capfd.readouterr()
    assert secret not in caplog.text + said.out + said.err


async def test_a_key_that_cannot_be_checked_is_no_wrong_key(tmp_path: Path, start: Any) -> None:
    nowhere = Settings(
        database_url="postgresql://nobody@127.0.0.1:9/nothing",
        data_dir=tmp_path,
        secret="x" * 32,
        port=0,
        database_seconds="0.2",
    )
    async with start(create_app, nowhere) as service:
        answer = await service.call("GET", "/v1/records", headers=bearer(f"tt_{1:064x}"))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert (await service.call("GET", "/healthz", headers=bearer(f"tt_{1:064x}"))).status_code == 200


async def test_a_backend_repeats_what_another_backend_has_sent(service: Any, database: Pool) -> None:
    await service.people(credit="1.00")
    _, secret = await (await connected(service)).create_key("till")
    first = await service.call("POST", CREDITS, TEN, by="service:shop", key="order 1")
    again = await service.call("POST", CREDITS, TEN, headers=bearer(secret), key="order 1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await service.call("POST", CREDITS, {**TEN, "amount": "1.00"}, headers=bearer(secret), key="order 1")
    assert other.status_code == 422
    # Not found is kept, too, and a person is another caller than a backend.
    assert (await service.call("POST", "/v1/chats/c/stop", headers=bearer(secret), key="k")).status_code == 404
    await service.chat("c")
    again = await service.call("POST", "/v1/chats/c/stop", by="service:shop", key="k")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (404, "true")
    assert (await service.call("POST", "/v1/chats/c/stop", by="user:alice", key="k")).status_code == 200
    # The version before this one finds its rows by the name of the backend, so each row keeps that name.
    callers = [
        row["caller"] for row in await database.fetch("select caller from talktime.repeats where key = 'order 1'")
    ]
    assert callers == ["service:shop"]


async def test_twenty_backends_with_one_key_move_money_once(service: Any) -> None:
    await service.people(credit="1.00")
    answers = await asyncio.gather(
        *(service.call("POST", CREDITS, TEN, by=f"service:{number}", key="same") for number in range(20))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert (await service.done("GET", "/v1/users/alice/account"))["balance"] == "11.00"
