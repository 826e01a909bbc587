"""Links over HTTP: each signs in once, on whichever node, and leads to no other site."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talktime.asgi import create_app
from talktime.core.pages import is_page
from talktime.database.pool import Pool
from talktime.engine.links import LINK_SECONDS
from talktime.settings import Settings

ALICE = {"role": "user", "subject": "alice"}


def code_of(link: dict[str, Any]) -> str:
    code: str = link["address"].partition("#")[2]
    return code


async def used(service: Any, code: str) -> Any:
    return await service.call("POST", "/v1/links/use", {"code": code})


async def test_a_link_signs_in_once(service: Any, database: Pool) -> None:
    await service.people()
    link = await service.done("POST", "/v1/links", {**ALICE, "page": "/account"})
    assert link["address"].startswith(f"{service.address}/sign-in#")
    assert (link["role"], link["subject"], link["page"]) == ("user", "alice", "/account")
    code = code_of(link)
    (row,) = await database.fetch("select row_to_json(l)::text as text from talktime.links l")
    assert code not in row["text"]
    # What only fetches the address, such as a preview in a messenger, changes nothing.
    assert (await service.call("GET", "/sign-in")).status_code == 200
    first = await used(service, code)
    assert (first.status_code, first.headers["cache-control"]) == (201, "no-store")
    signed_in = first.json()
    assert (signed_in["role"], signed_in["subject"], signed_in["page"]) == ("user", "alice", "/account")
    caller = service.tokens.read(signed_in["token"])
    assert (caller.name, caller.key_id) == ("user:alice", None)
    again = await used(service, code)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert await database.fetchval("select count(*) from talktime.links") == 0


async def test_a_link_is_used_by_one_of_many(settings: Settings, service: Any, start: Any) -> None:
    await service.people()
    async with start(create_app, settings) as other:
        code = code_of(await service.done("POST", "/v1/links", ALICE))
        answers = await asyncio.gather(*(used(node, code) for node in (service, other) * 10))
        assert sorted(answer.status_code for answer in answers) == [201] + [404] * 19


async def test_a_link_is_too_old_after_five_minutes(service: Any, database: Pool) -> None:
    await service.people()
    fresh, old = [code_of(await service.done("POST", "/v1/links", ALICE)) for _ in range(2)]
    await service.done("POST", "/v1/test-clock/advance", {"seconds": LINK_SECONDS - 30})
    assert (await used(service, fresh)).status_code == 201
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 60})
    assert (await used(service, old)).status_code == 404
    forgotten = code_of(await service.done("POST", "/v1/links", ALICE))
    await service.done("POST", "/v1/test-clock/advance", {"seconds": LINK_SECONDS + 1})
    await service.done("POST", "/v1/links", ALICE)  # this clears up
    assert await database.fetchval("select count(*) from talktime.links") == 1
    assert (await used(service, forgotten)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"role": "service", "subject": "shop"},
        {"role": "king", "subject": "alice"},
        {"role": "user", "subject": ""},
        {**ALICE, "page": "//evil.example"},
        {**ALICE, "page": "/.//evil.example"},
        {**ALICE, "page": "/\\evil.example"},
        {**ALICE, "page": "https://evil.example"},
        {**ALICE, "page": "javascript:alert(1)"},
        {**ALICE, "address": "https://evil.example"},
    ],
    ids=str,
)
async def test_a_link_that_is_not_allowed_is_refused(service: Any, body: dict[str, str]) -> None:
    answer = await service.call("POST", "/v1/links", body, by="service")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("role", ["user", "advisor"])
async def test_a_link_for_somebody_unknown_is_refused(service: Any, role: str) -> None:
    answer = await service.call("POST", "/v1/links", {"role": role, "subject": "nobody"}, by="service")
    assert (answer.status_code, answer.json()["detail"]) == (404, f"There is no such {role} here.")


async def test_a_link_of_a_revoked_key_ends_with_the_key(service: Any) -> None:
    await service.people()
    talktime = service.app.state.talktime
    _, secret = await talktime.create_key("shop")
    headers = {"Authorization": f"Bearer {secret}"}
    before, after = [
        code_of((await service.call("POST", "/v1/links", ALICE, headers=headers)).json()) for _ in range(2)
    ]
    token = (await used(service, before)).json()["token"]
    assert service.tokens.read(token).key_id is not None
    await talktime.revoke_key("shop")
    assert (await used(service, after)).status_code == 404
    answer = await service.call("GET", "/v1/users/alice/account", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_the_address_of_the_settings_comes_first(settings: Settings, start: Any) -> None:
    known = settings.model_copy(update={"address": "https://shop.example/talk"})
    async with start(create_app, known) as service:
        await service.people()
        link = await service.done("POST", "/v1/links", ALICE)
        assert link["address"].startswith("https://shop.example/talk/sign-in#")
        library = await service.app.state.talktime.create_link("operator", "ann")
        assert library.address.startswith("https://shop.example/talk/sign-in#")
        assert (await used(service, library.address.partition("#")[2])).json()["subject"] == "ann"


async def test_every_page_of_the_service_can_be_linked(service: Any) -> None:
    for page in ("/", "/user", "/account", "/advisor", "/chat/c1", "/receipts/r1", "/operator", "/docs"):
        assert is_page(page)
        assert (await service.call("GET", page)).status_code == 200
