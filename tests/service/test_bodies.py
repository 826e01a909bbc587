"""Bad input is answered with a problem document that names the field, and does no harm."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest

TIER = {"rate": "1.00"}
TARIFF = {"tiers": [TIER]}
TIMELESS = {"tiers": [{**TIER, "per_seconds": 0}]}
ADVISOR = {"display_name": "M", "tariff": TARIFF}
LONG = "x" * 10_000

BAD = [
    ("PUT", "/v1/users/u", {}, "display_name"),
    ("PUT", "/v1/users/u", {"display_name": 7}, "display_name"),
    ("PUT", "/v1/users/u", {"display_name": ""}, "display_name"),
    ("PUT", "/v1/users/u", {"display_name": "   "}, "display_name"),
    ("PUT", "/v1/users/u", {"display_name": "x" * 201}, "display_name"),
    ("PUT", "/v1/users/u", {"display_name": "a\0b"}, "display_name"),
    ("PUT", "/v1/users/u", {"display_name": "U", "balance": "1"}, "balance"),
    ("PUT", "/v1/users/u", [], "body"),
    ("PUT", "/v1/users/u", "U", "body"),
    ("PUT", f"/v1/users/{LONG}", {"display_name": "U"}, "user_id"),
    ("PUT", "/v1/users/a%00b", {"display_name": "U"}, "user_id"),
    ("PUT", "/v1/users/a%09b", {"display_name": "U"}, "user_id"),
    ("PUT", "/v1/advisors/m", {"display_name": "M"}, "tariff"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "tariff": []}, "tariff"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "tariff": {}}, "tariff.tiers"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "tariff": {"tiers": []}}, "tariff.tiers"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "tariff": {"tiers": [TIER] * 51}}, "tariff.tiers"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "tariff": {"tiers": [{"rate": "-1"}]}}, "tariff.tiers[0].rate"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "tariff": {"tiers": [{"rate": 1.0}]}}, "tariff.tiers[0].rate"),
    (
        "PUT",
        "/v1/advisors/m",
        {**ADVISOR, "tariff": TIMELESS},
        "tariff.tiers[0].per_seconds",
    ),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "tariff": {**TARIFF, "free_seconds": float("nan")}}, "tariff.free_seconds"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "tariff": {**TARIFF, "free": 3}}, "tariff.free"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "terms": "49"}, "terms"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "terms": {}}, "terms.share_percent"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "terms": {"share_percent": 100.5}}, "terms.share_percent"),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "terms": {"share_percent": 0.00001}}, "terms.share_percent"),
    (
        "PUT",
        "/v1/advisors/m",
        {**ADVISOR, "terms": {"share_percent": 49, "fee_per_minute": 0.4}},
        "terms.fee_per_minute",
    ),
    ("PUT", "/v1/advisors/m", {**ADVISOR, "terms": {"share_percent": 49, "fee": "0"}}, "terms.fee"),
    ("POST", "/v1/users/alice/credits", {"amount": "-1.00", "kind": "gift"}, "amount"),
    ("POST", "/v1/users/alice/credits", {"amount": "0", "kind": "gift"}, "amount"),
    ("POST", "/v1/users/alice/credits", {"amount": "0.0000001", "kind": "gift"}, "amount"),
    ("POST", "/v1/users/alice/credits", {"amount": "9" * 200, "kind": "gift"}, "amount"),
    ("POST", "/v1/users/alice/credits", {"amount": 1, "kind": "gift"}, "amount"),
    ("POST", "/v1/users/alice/credits", {"amount": "1e3", "kind": "gift"}, "amount"),
    ("POST", "/v1/users/alice/credits", {"amount": "１", "kind": "gift"}, "amount"),
    ("POST", "/v1/users/alice/credits", {"amount": "1", "kind": "bribe"}, "kind"),
    ("POST", "/v1/users/alice/credits", {"amount": "1", "kind": "gift", "expires_at": "tomorrow"}, "expires_at"),
    ("POST", "/v1/users/alice/credits", {"amount": "1", "kind": "gift", "expires_at": 1_800_000_000}, "expires_at"),
    (
        "POST",
        "/v1/users/alice/credits",
        {"amount": "1", "kind": "gift", "expires_at": "2030-01-01T00:00:00"},
        "expires_at",
    ),
    (
        "POST",
        "/v1/users/alice/credits",
        {"amount": "1", "kind": "gift", "expires_at": "2001-01-01T00:00:00Z"},
        "expires_at",
    ),
    ("POST", "/v1/users/alice/credits", {"amount": "1", "expires_at": "2901-01-01T00:00:00Z"}, "expires_at"),
    ("POST", "/v1/users/alice/credits", {"amount": "1", "kind": "gift", "reference": "x" * 201}, "reference"),
    ("POST", "/v1/users/alice/credits", {"amount": "1", "kind": "gift", "reference": "a\0b"}, "reference"),
    (
        "POST",
        "/v1/users/alice/credits",
        {"amount": "1", "kind": "gift", "expires_at": "9999-12-31T23:59:59-23:59"},
        "expires_at",
    ),
    ("GET", "/v1/users/alice/account?at=9999-12-31T23:59:59-23:59", None, "at"),
    ("GET", "/v1/report?from=2026-01-01T00:00:00Z&to=9999-12-31T23:59:59-23:59", None, "to"),
    ("GET", "/v1/users/alice/entries?before=%00", None, "before"),
    ("POST", "/v1/users/alice/debits", {"amount": None}, "amount"),
    ("POST", "/v1/chats", {"user_id": "alice"}, "advisor_id"),
    ("POST", "/v1/chats", {"user_id": "alice", "advisor_id": "maya", "chat_id": LONG}, "chat_id"),
    ("POST", "/v1/chats", {"user_id": "alice", "advisor_id": "maya", "chat_id": ""}, "chat_id"),
    ("POST", "/v1/chats", {"user_id": "alice", "advisor_id": "maya", "chat_id": "\ud800"}, "chat_id"),
    ("POST", "/v1/chats", {"user_id": "alice", "advisor_id": "maya", "tariff_version": "1"}, "tariff_version"),
    ("POST", "/v1/chats", {"user_id": "alice", "advisor_id": "maya", "tariff_version": 10**30}, "tariff_version"),
    ("POST", "/v1/chats/chat 1/pause", {"why": "tea"}, "why"),
    ("POST", "/v1/chats/chat 1/heartbeat", {"party": "both"}, "party"),
    ("POST", "/v1/chats/chat 1/messages", {"text": "", "client_id": "1", "party": "user"}, "text"),
    ("POST", "/v1/chats/chat 1/messages", {"text": "x" * 4001, "client_id": "1", "party": "user"}, "text"),
    ("POST", "/v1/chats/chat 1/messages", {"text": "a\0b", "client_id": "1", "party": "user"}, "text"),
    ("POST", "/v1/chats/chat 1/messages", {"text": "\ud800", "client_id": "1", "party": "user"}, "text"),
    ("POST", "/v1/chats/chat 1/messages", {"text": "x", "client_id": "x" * 129, "party": "user"}, "client_id"),
    ("POST", "/v1/chats/chat 1/messages", {"text": "x", "client_id": "1"}, "party"),
    ("GET", "/v1/chats/chat 1/messages?after=-1", None, "after"),
    ("GET", "/v1/chats/chat 1/messages?after=x", None, "after"),
    ("GET", "/v1/chats/chat 1/messages?before=0", None, "before"),
    ("GET", "/v1/chats/chat 1/messages?before=9&after=1", None, "before"),
    ("GET", "/v1/users/alice/entries?limit=0", None, "limit"),
    ("GET", "/v1/users/alice/entries?before=x", None, "before"),
    ("GET", "/v1/records?state=lost", None, "state"),
    ("POST", "/v1/price", {"tariff": TARIFF}, "seconds"),
    ("POST", "/v1/price", {"tariff": TARIFF, "seconds": -1}, "seconds"),
    ("POST", "/v1/price", {"tariff": TARIFF, "seconds": "1.0001"}, "seconds"),
    ("POST", "/v1/price", {"tariff": TARIFF, "seconds": True}, "seconds"),
    ("POST", "/v1/price", {"tariff": TARIFF, "seconds": "1" * 500}, "seconds"),
    ("POST", "/v1/price", {f"f{number}": 1 for number in range(5_000)}, "body"),
    ("POST", "/v1/tokens", {"role": "user", "subject": "a\0b"}, "subject"),
    ("POST", "/v1/tokens", {"role": "king", "subject": "x"}, "role"),
    ("POST", "/v1/tokens", {"role": "user", "subject": "x", "ttl_seconds": 0}, "ttl_seconds"),
    ("POST", "/v1/test-clock/advance", {"seconds": -1}, "seconds"),
    ("POST", "/v1/test-clock/advance", {"seconds": 10**12}, "seconds"),
    # The library refuses these under the names of its arguments.
    ("POST", "/v1/test-clock/advance", {"seconds": 310_000_000 + 10**7}, "seconds"),
    ("POST", "/v1/users/alice/paying", {"seconds": 0}, "seconds"),
    ("PUT", "/v1/advisors/maya", {"display_name": "Maya", "tariff": TARIFF, "ring_seconds": 0}, "ring_seconds"),
    ("POST", "/v1/records/r/refunds", {"seconds": 0, "reason": "r", "borne_by": "platform"}, "seconds"),
    ("GET", "/v1/advisors/maya/statement?from=2020-01-01&to=2026-01-01", None, "to"),
    # A parameter that the call does not have keeps its name.
    ("GET", "/v1/report?from=2026-01-01&to=2026-01-02&end=2026-01-03", None, "end"),
]

RAW = [
    (b'{"display_name": ', "application/json"),
    (b'{"display_name": "U"}', "text/plain"),
    (b'{"display_name": "U"}', None),
    (b"display_name=U", "application/x-www-form-urlencoded"),
    (b'{"display_name": "\xff"}', "application/json"),
    (b"[" * 30_000, "application/json"),
    (b"9" * 30_000, "application/json"),
    (b"null", "application/json"),
    (b"", "application/json"),
]


async def test_bad_bodies_are_refused_with_the_field(service: Any) -> None:
    await service.people()
    await service.chat()
    before = await service.done("GET", "/v1/users/alice/account")
    for number, (method, path, body, field) in enumerate(BAD):
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"bad {number}"}
        content = None if body is None else json.dumps(body).encode()
        response = await service.call(method, path, by="service", headers=headers, content=content)
        assert response.status_code == 422, (method, path, body, response.text)
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["code"] == "invalid_request"
        assert field in [error["field"] for error in problem["errors"]], (method, path, body, problem)
        assert len(response.content) < 3_000
    assert await service.done("GET", "/v1/users/alice/account") == before


async def test_a_body_that_is_no_json_is_refused(service: Any) -> None:
    for content, kind in RAW:
        headers = {} if kind is None else {"Content-Type": kind}
        response = await service.call("PUT", "/v1/users/u", by="service", content=content, headers=headers)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_request"), (content[:40], kind)
        # The same with an idempotency key, which belongs to a body.
        keyed = await service.call(
            "POST", "/v1/users/u/credits", by="service", key="no json", content=content, headers=headers
        )
        assert (keyed.status_code, keyed.json()["code"]) == (422, "invalid_request"), (content[:40], kind)
        # A call without a token is not told what is wrong with the body.
        assert (await service.call("PUT", "/v1/users/u", content=content, headers=headers)).status_code == 401


async def test_a_body_that_may_be_left_out_must_not_be_null(service: Any) -> None:
    """The description of the service says so, and a caller who sends null has sent something else than was meant."""
    await service.people()
    await service.chat()
    paths = (await service.call("GET", "/openapi.json")).json()["paths"]
    optional = [
        (method, path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "requestBody" in operation and not operation["requestBody"].get("required")
    ]
    assert optional
    headers = {"Content-Type": "application/json"}
    for method, path in optional:
        address = path.replace("{chat_id}", "chat%201")
        response = await service.call(method.upper(), address, by="service", content=b"null", headers=headers)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_request"), (path, response.text)
        assert response.json()["errors"] == [{"field": "body", "message": "must be an object, not null"}]


async def test_a_name_that_is_twice_in_a_body_is_refused(service: Any) -> None:
    """Programs differ in which of the two values they take, so neither is safe."""
    await service.people()
    for path, content, field in (
        ("/v1/users/alice/credits", b'{"amount": "1.00", "kind": "gift", "amount": "9.00"}', "amount"),
        ("/v1/users/alice/credits", b'{"kind": "gift", "kind": "gift", "amount": "1.00"}', "kind"),
        ("/v1/price", b'{"tariff": {"tiers": [{"rate": "1.00", "rate": "0.00"}]}, "seconds": 1}', "rate"),
        ("/v1/price", b'{"seconds": 1, "' + b"x" * 10_000 + b'": 1, "' + b"x" * 10_000 + b'": 2}', "x" * 80),
    ):
        headers = {"Content-Type": "application/json"}
        response = await service.call("POST", path, by="service", key="twice", content=content, headers=headers)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_request"), content[:60]
        assert response.json()["errors"] == [{"field": field, "message": "must not be named more than once"}]
    assert (await service.done("GET", "/v1/users/alice/account"))["balance"] == "100.00"


@pytest.mark.parametrize(
    "body",
    [
        '{"display_name": "U", "\\ud800": 1}',
        '{"\\ud800": 1, "\\ud800": 2}',
        '{"display_name": "U", "metadata": {"\\udfff": "x"}}',
        '{"display_name": "U", "tariff": {"tiers": [{"rate": "1.00", "\\uD800": "x"}]}}',
        '{"display_name": "U", "tariff": {"\\ud800": "x"}}',
    ],
)
async def test_names_of_fields_that_no_answer_can_hold_are_refused(service: Any, body: str) -> None:
    for method, path, by in (
        ("PUT", "/v1/users/u", "service"),
        ("PUT", "/v1/advisors/a", "service"),
        ("POST", "/v1/price", None),
    ):
        headers = {"Content-Type": "application/json"}
        response = await service.call(method, path, by=by, content=body.encode(), headers=headers)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_request"), (path, response.text)


async def test_texts_that_no_database_stores_are_found_nowhere(service: Any) -> None:
    paths = (await service.call("GET", "/openapi.json")).json()["paths"]
    for path, methods in paths.items():
        for parameter in methods.get("get", {}).get("parameters", []):
            if parameter["in"] == "query":
                address = f"{re.sub(r'{.+?}', 'alice', path)}?{parameter['name']}=a%00b"
                response = await service.call("GET", address, by="service")
                assert response.status_code < 500, (address, response.text)


async def test_ids_that_postgresql_cannot_store_are_not_found_or_refused(service: Any) -> None:
    """In every place of an id, by every role, with an idempotency key: not found, or not an id."""
    await service.people()
    paths = (await service.call("GET", "/openapi.json")).json()["paths"]
    for path, methods in paths.items():
        if "{" not in path:
            continue
        for method, (odd, by) in itertools.product(
            methods, (("a%00b", "user:alice"), ("%00", "advisor:maya"), ("%00", "service"), ("%ED%A0%80", "user:alice"))
        ):
            response = await service.call(
                method.upper(), re.sub(r"{\w+}", odd, path), None if method == "get" else {}, by=by, key="odd"
            )
            assert response.status_code in {403, 404, 422}, (method, path, odd, by)
            assert response.headers["content-type"] == "application/problem+json"


async def test_messages_say_what_to_send_instead(service: Any) -> None:
    """The messages of frameworks describe types; the messages of the service say what to do."""
    await service.people()
    asked: list[tuple[str, str, Any, str]] = [
        ("GET", "/v1/users/alice/entries?limit=x", None, "must be a whole number"),
        ("GET", "/v1/users/alice/entries?limit=0", None, "must be greater than or equal to 1"),
        ("POST", "/v1/users/alice/credits", {"amount": "1", "kind": "x"}, "must be 'purchase', 'gift' or 'refund'"),
        ("PUT", "/v1/users/u", {"display_name": "\ud800"}, "must be Unicode text, without halves of surrogate pairs"),
        ("PUT", "/v1/users/u", {"display_name": "x" * 201}, "must have at most 200 characters"),
    ]
    for number, (method, path, body, message) in enumerate(asked):
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"say {number}"}
        response = await service.call(method, path, by="service", content=content, headers=headers)
        assert response.json()["errors"][0]["message"] == message
    refused = await service.call("POST", "/v1/users/alice/credits", {"amount": "1"}, by="user:alice", key="k")
    assert (
        refused.json()["detail"]
        == "A token of role user may not do this; it takes a token of role service or operator."
    )
    refused = await service.call("DELETE", "/v1/chats/c/messages", by="service")
    assert refused.json()["detail"] == "This address only knows GET, HEAD, POST."


async def test_bodies_that_are_too_large_are_refused(service: Any) -> None:
    async def endless() -> Any:
        for _ in range(160):
            yield b"x" * 65_536

    for content in (b"x" * 65_537, b"x" * 10_000_000, endless()):
        response = await service.call(
            "PUT", "/v1/users/u", by="service", content=content, headers={"Content-Type": "application/json"}
        )
        assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert (await service.call("GET", "/readyz")).status_code == 200


async def test_unknown_people_chats_and_records_are_not_found(service: Any) -> None:
    await service.people()
    for number, (method, path, body) in enumerate(
        (
            ("GET", "/v1/users/nobody/account", None),
            ("GET", "/v1/users/nobody/entries", None),
            ("GET", "/v1/users/nobody/entries?before=1", None),
            ("GET", "/v1/users/nobody/chats", None),
            ("GET", "/v1/users/maya/chats", None),
            ("GET", "/v1/advisors/nobody/chats", None),
            ("GET", "/v1/advisors/alice/chats", None),
            ("GET", "/v1/advisors/nobody", None),
            ("GET", "/v1/chats/nothing/tracking", None),
            ("POST", "/v1/chats/nothing/tracking", None),
            ("POST", "/v1/chats/nothing/stop", None),
            ("GET", "/v1/chats/nothing/messages", None),
            ("GET", "/v1/records/nothing", None),
            ("GET", "/v1/records/nothing/receipt", None),
            ("POST", "/v1/users/nobody/credits", {"amount": "1.00", "kind": "gift"}),
            ("POST", "/v1/chats", {"user_id": "alice", "advisor_id": "nobody"}),
            ("POST", "/v1/chats", {"user_id": "nobody", "advisor_id": "maya"}),
        )
    ):
        response = await service.call(method, path, body, by="service", key=f"key {number}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found"), (method, path)
    # A host may make a token before it adds the person. Their lists are not found until then, and not empty.
    for by, path in (
        ("user:nobody", "/v1/users/nobody/account"),
        ("user:nobody", "/v1/users/nobody/entries"),
        ("user:nobody", "/v1/users/nobody/chats"),
        ("advisor:nobody", "/v1/advisors/nobody/chats"),
    ):
        response = await service.call("GET", path, by=by)
        assert (response.status_code, response.json()["code"]) == (404, "not_found"), path
    # Bob has no entries and no chats, and Ben has no chats, but both exist: their lists are empty.
    for path, name in (
        ("/v1/users/bob/entries", "entries"),
        ("/v1/users/bob/chats", "chats"),
        ("/v1/advisors/ben/chats", "chats"),
    ):
        assert await service.done("GET", path) == {"data": [], name: [], "next": None}
