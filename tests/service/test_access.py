"""Who may call what: every route is called by everybody who may not. A route without a row here fails a test."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from talktime.asgi import create_app
from talktime.settings import Settings
from tests.services import SECRET
from tests.tokens import expired_token


class Row(NamedTuple):
    """A call: who may make it, whose resource it is, and who owns the resource but has the wrong role."""

    method: str
    path: str
    body: Any
    allowed: tuple[str, ...]
    strangers: tuple[str, ...] = ()
    wrong_role: tuple[str, ...] = ()


ALL_SIDES = ("service", "user:alice", "advisor:maya")
NO_BACKENDS = ("user:alice", "advisor:maya", "operator")
STRANGERS = ("user:bob", "advisor:ben", "user:maya", "advisor:alice", "user:nobody")
TARIFF = {"tiers": [{"rate": "1.00"}]}
NEW_CHAT = {"user_id": "alice", "advisor_id": "maya", "chat_id": "chat 1"}
DAY = "from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z"
CREDIT = {"amount": "1.00", "kind": "gift", "reference": "sorry"}
DEBIT = {"amount": "1.00", "reference": "a mistake"}

ROWS = [
    Row("PUT", "/v1/users/alice", {"display_name": "A"}, ("service",), STRANGERS, ("user:alice", "operator")),
    Row("GET", "/v1/users/alice/account", None, ("service", "operator", "user:alice"), STRANGERS),
    Row("GET", "/v1/users/alice/offers/ben", None, ("service", "operator", "user:alice"), STRANGERS),
    Row("GET", "/v1/users/alice/entries", None, ("service", "operator", "user:alice"), STRANGERS),
    Row("GET", "/v1/users/alice/chats", None, ("service", "operator", "user:alice"), STRANGERS),
    Row("GET", "/v1/users/alice/records", None, ("service", "operator", "user:alice"), STRANGERS),
    Row("POST", "/v1/users/alice/credits", CREDIT, ("service", "operator"), STRANGERS, ("user:alice",)),
    Row("POST", "/v1/users/alice/paying", {"seconds": 1}, ("service", "user:alice"), STRANGERS, ("operator",)),
    Row("POST", "/v1/users/alice/forget", None, ("service",), STRANGERS, ("user:alice", "operator")),
    Row("POST", "/v1/users/alice/debits", DEBIT, ("service", "operator"), STRANGERS, ("user:alice",)),
    Row(
        "PUT",
        "/v1/advisors/maya",
        {"display_name": "M", "tariff": TARIFF},
        ("service",),
        STRANGERS,
        ("advisor:maya", "operator"),
    ),
    Row("GET", "/v1/advisors/maya", None, (*ALL_SIDES, "operator", *STRANGERS)),
    Row("GET", "/v1/advisors/maya/chats", None, ("service", "operator", "advisor:maya"), STRANGERS),
    Row("GET", f"/v1/advisors/maya/statement?{DAY}", None, ("service", "operator", "advisor:maya"), STRANGERS),
    Row("GET", "/v1/advisors/maya/earnings", None, ("service", "operator", "advisor:maya"), STRANGERS),
    Row("GET", "/v1/users", None, ("service", "operator"), (), ("user:alice", "advisor:maya")),
    Row("GET", "/v1/advisors", None, ("service", "operator"), (), ("user:alice", "advisor:maya")),
    Row("GET", "/v1/entries", None, ("service", "operator"), (), ("user:alice", "advisor:maya")),
    Row("GET", f"/v1/report?{DAY}", None, ("service", "operator"), (), ("user:alice", "advisor:maya")),
    Row("GET", "/v1/past-sessions", None, ("service", "operator"), (), ("user:alice", "advisor:maya")),
    Row("GET", "/v1/audit", None, ("service", "operator"), (), ("user:alice", "advisor:maya")),
    Row("POST", "/v1/chats", NEW_CHAT, ("service", "user:alice"), STRANGERS, ("advisor:maya", "operator")),
    Row(
        "POST",
        "/v1/chats/chat 1/tracking",
        None,
        ("service", "user:alice"),
        STRANGERS,
        ("advisor:maya", "operator"),
    ),
    Row("GET", "/v1/chats/chat 1/tracking", None, (*ALL_SIDES, "operator"), STRANGERS),
    Row("POST", "/v1/chats/chat 1/heartbeat", None, ("user:alice", "advisor:maya"), STRANGERS, ("operator",)),
    Row("POST", "/v1/chats/chat 1/leave", None, ("user:alice", "advisor:maya"), STRANGERS, ("operator",)),
    Row("POST", "/v1/chats/chat 1/accept", None, ("service", "advisor:maya"), STRANGERS, ("operator", "user:alice")),
    Row("POST", "/v1/chats/chat 1/decline", None, (), STRANGERS, ("operator", "user:alice")),
    Row("POST", "/v1/chats/chat 1/pause", None, ALL_SIDES, STRANGERS, ("operator",)),
    Row("POST", "/v1/chats/chat 1/resume", None, ALL_SIDES, STRANGERS, ("operator",)),
    Row("GET", "/v1/chats/chat 1/records", None, (*ALL_SIDES, "operator"), STRANGERS),
    Row("POST", "/v1/chats/chat 1/read", {"position": 1}, ("user:alice", "advisor:maya"), STRANGERS, ("operator",)),
    Row("GET", "/v1/chats/chat 1/duration", None, (*ALL_SIDES, "operator"), STRANGERS),
    Row("GET", "/v1/chats/chat 1/messages", None, (*ALL_SIDES, "operator"), STRANGERS),
    Row(
        "POST",
        "/v1/chats/chat 1/messages",
        {"text": "Hello", "client_id": "1"},
        ("user:alice", "advisor:maya"),
        STRANGERS,
        ("operator",),
    ),
    Row("GET", "/v1/events", None, ("service", "operator"), (), ("user:alice", "advisor:maya")),
    Row("POST", "/v1/webhooks", {"url": "https://shop.example"}, ("service",), (), NO_BACKENDS),
    Row("GET", "/v1/webhooks", None, ("service",), (), NO_BACKENDS),
    Row("GET", "/v1/webhooks/WEBHOOK", None, ("service",), (), NO_BACKENDS),
    Row("PATCH", "/v1/webhooks/WEBHOOK", {}, ("service",), (), NO_BACKENDS),
    Row("GET", "/v1/webhooks/WEBHOOK/deliveries", None, ("service",), (), NO_BACKENDS),
    Row("POST", "/v1/webhooks/WEBHOOK/replay", {"after": "4711"}, ("service",), (), NO_BACKENDS),
    Row("POST", "/v1/webhooks/WEBHOOK/ping", None, ("service",), (), NO_BACKENDS),
    Row("DELETE", "/v1/webhooks/WEBHOOK", None, ("service",), (), NO_BACKENDS),
    Row("GET", "/v1/records", None, ("service", "operator"), (), ("user:alice", "advisor:maya")),
    Row("GET", "/v1/records/RECORD", None, (*ALL_SIDES, "operator"), STRANGERS),
    Row("GET", "/v1/records/RECORD/receipt", None, (*ALL_SIDES, "operator"), STRANGERS),
    Row(
        "POST",
        "/v1/records/RECORD/refunds",
        {"amount": "0.01", "reason": "A word", "borne_by": "platform"},
        ("service", "operator"),
        STRANGERS,
        ("user:alice", "advisor:maya"),
    ),
    Row("POST", "/v1/chats/chat 1/stop", None, (*ALL_SIDES, "operator"), STRANGERS),
    Row(
        "POST",
        "/v1/tokens",
        {"role": "user", "subject": "alice"},
        ("service",),
        (),
        ("user:alice", "advisor:maya", "operator"),
    ),
    Row(
        "POST",
        "/v1/links",
        {"role": "user", "subject": "alice"},
        ("service",),
        (),
        ("user:alice", "advisor:maya", "operator"),
    ),
    Row(
        "POST",
        "/v1/test-clock/advance",
        {"seconds": 0.5},
        ("service",),
        (),
        ("user:alice", "advisor:maya", "operator"),
    ),
]
LINK_USE = Row("POST", "/v1/links/use", {"code": "wrong"}, ())
"""Anyone may make this call, but only once with each code."""

ANYONE = [
    Row("POST", "/v1/price", {"tariff": TARIFF, "seconds": 61}, ()),
    Row("GET", "/v1/time", None, ()),
    Row("GET", "/healthz", None, ()),
    Row("GET", "/readyz", None, ()),
    Row("GET", "/metrics", None, ()),
]


def _pattern(row: Row) -> tuple[str, str]:
    path = row.path.partition("?")[0].replace("/alice", "/{user_id}").replace("/maya", "/{advisor_id}")
    path = path.replace("/ben", "/{advisor_id}")
    return row.method, path.replace("/chat 1", "/{chat_id}").replace("/RECORD", "/{record_id}").replace(
        "/WEBHOOK", "/{webhook_id}"
    )


async def test_every_route_has_a_row(settings: Settings) -> None:
    routes = {
        (method.upper(), path)
        for path, methods in create_app(settings).openapi()["paths"].items()
        for method in methods
    }
    assert routes == {_pattern(row) for row in [*ROWS, LINK_USE, *ANYONE]}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
async def test_only_those_who_may_can_call(service: Any, row: Row) -> None:
    await service.people()
    record_id = (await service.chat())["record"]["id"]
    path = row.path.replace("RECORD", record_id)
    if "WEBHOOK" in path:
        webhook = await service.done("POST", "/v1/webhooks", {"url": "https://shop.example"})
        path = path.replace("WEBHOOK", webhook["id"])
    if "refunds" in path:  # of what has been charged
        await service.done("POST", "/v1/test-clock/advance", {"seconds": 1})
        await service.done("POST", "/v1/chats/chat 1/pause")

    async def status(by: str | None, at: str = path, body: Any = row.body) -> int:
        response = await service.call(row.method, at, body, by=by, key=f"key of {by}" if by else None)
        assert response.is_success or response.headers["content-type"] == "application/problem+json"
        code: int = response.status_code
        return code

    before = await service.done("GET", "/v1/users/alice/account")
    assert await status(None) == 401
    assert {by: await status(by) for by in row.strangers} == dict.fromkeys(row.strangers, 404)
    assert {by: await status(by) for by in row.wrong_role} == dict.fromkeys(row.wrong_role, 403)
    # A resource that does not exist is answered like a resource of somebody else.
    nowhere = path.replace("chat 1", "no chat").replace("alice", "nobody").replace("maya", "nobody")
    if row.strangers and nowhere != path:
        assert await status("user:bob", nowhere.replace(record_id, "no record")) == 404
    assert await service.done("GET", "/v1/users/alice/account") == before

    for by in row.allowed:
        assert await status(by) < 300, by


@pytest.mark.parametrize("row", ANYONE, ids=lambda row: f"{row.method} {row.path}")
async def test_some_calls_need_no_token(service: Any, row: Row) -> None:
    assert (await service.call(row.method, row.path, row.body)).status_code == 200
    forged = {"Authorization": "Bearer not a token"}
    assert (await service.call(row.method, row.path, row.body, headers=forged)).status_code == 200


async def test_a_host_names_the_party_that_it_acts_for(service: Any) -> None:
    await service.people()
    await service.chat()
    path = "/v1/chats/chat 1/heartbeat"
    assert (await service.call("POST", path, by="service")).status_code == 422
    assert (await service.call("POST", path, {"party": "advisor"}, by="service")).status_code == 200
    assert (await service.call("POST", path, {"party": "advisor"}, by="user:alice")).status_code == 403
    said = {"text": "Hello", "client_id": "1", "party": "advisor"}
    message = (await service.call("POST", "/v1/chats/chat 1/messages", said, by="service")).json()
    assert message["sender"] == "advisor"


async def test_an_invalid_or_expired_token_is_refused(service: Any) -> None:
    await service.people()
    expired = expired_token(SECRET)
    head, claims, signature = service.token("user:alice").split(".")
    other_signature = signature[:-5] + ("AAAAA" if signature[-5:] != "AAAAA" else "BBBBB")
    forged = (f"{head}.{claims}.{other_signature}", f"{head}.{claims}.", "e30.e30.e30", "x", "x" * 10_000)
    for token in (expired, *forged):
        response = await service.call("GET", "/v1/users/alice/account", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert response.json()["code"] == "unauthorized"


async def test_a_token_that_the_service_made_is_accepted(service: Any) -> None:
    await service.people()
    made = await service.done("POST", "/v1/tokens", {"role": "user", "subject": "alice", "ttl_seconds": 60})
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert (await service.call("GET", "/v1/users/alice/account", headers=headers)).status_code == 200
    assert (await service.call("GET", "/v1/users/bob/account", headers=headers)).status_code == 404


async def test_ids_may_contain_slashes_percent_signs_and_other_scripts(service: Any) -> None:
    for user_id in ("a/b", "100%", "50%2Fx", "naïve ü/ñ 你好", "?&#", "x" * 128):
        await service.done("PUT", f"/v1/users/{_quoted(user_id)}", {"display_name": "U"})
        account = await service.done("GET", f"/v1/users/{_quoted(user_id)}/account", by=f"user:{user_id}")
        assert account["user_id"] == user_id


def _quoted(text: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415

    return quote(text, safe="")
