"""A session from the first user to the receipt, told to a running service: each call that the service has, once.

What is recorded are the examples of the OpenAPI document. Every run has other ids and instants, so `normalized` puts
the same ones into every recording, and `masked` hides the figures that depend on how quick the machine is.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any

from talktime.core.instants import format_instant, parse_instant
from talktime.documents.fingerprint import fingerprint
from tests.node.receivers import receiver
from tests.services import Service

TARIFF = {
    "connect_fee": "0.40",
    "tiers": [
        {"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60},
        {"from_seconds": 600, "rate": "0.80", "per_seconds": 60, "increment_seconds": 1},
    ],
    "max_cost": "50.00",
    "rounding": {"places": 2, "mode": "up"},
}
TERMS = {"share_percent": 49.25, "fee_per_minute": "0.10", "fee_per_session": "0"}
BEGIN = parse_instant("2026-01-05T10:00:00.000Z")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")

_CODE = "Jh2lXkq0mS3hV6yQ0eT9w1bN4uRz8aPcDf5gKiLoEsM"

Call = tuple[str, str, Any]
"""The method, the path, and the body."""


_ADVISOR = {"display_name": "Maya", "tariff": TARIFF, "terms": TERMS}
_CHAT = {"user_id": "alice", "advisor_id": "maya", "chat_id": "chat-1", "tariff_version": 1, "starts": "at_once"}
_HOOK = "https://shop.example/events"
_DELIVERIES = 2
_FIXED = {
    "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…",
    "address": f"https://talk.example/sign-in#{_CODE}",
    "code": _CODE,
    "url": _HOOK,
    "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}
"""What every run has otherwise, by the name of the field."""

_MESSAGE = {"text": "Hello Maya, shall I take the job?", "client_id": "message-1", "party": "user"}
CALLS: tuple[Call, ...] = (
    ("PUT", "/v1/users/alice", {"display_name": "Alice", "metadata": {"crm": "4711"}}),
    ("PUT", "/v1/users/alice", {"display_name": "Alice"}),
    ("PUT", "/v1/advisors/maya", _ADVISOR),
    ("PUT", "/v1/advisors/maya", _ADVISOR),
    ("GET", "/v1/advisors/maya", None),
    ("POST", "/v1/price", {"tariff": TARIFF, "seconds": 90}),
    ("POST", "/v1/tokens", {"role": "user", "subject": "alice", "ttl_seconds": 3600}),
    ("POST", "/v1/links", {"role": "user", "subject": "alice", "page": "/account"}),
    ("POST", "/v1/links/use", {"code": "{code}"}),
    (
        "POST",
        "/v1/users/alice/credits",
        {"amount": "20.00", "kind": "purchase", "reference": "order 4711", "metadata": {"shop": "main"}},
    ),
    ("POST", "/v1/users/alice/debits", {"amount": "2.50", "reference": "a horoscope"}),
    ("GET", "/v1/users/alice/offers/maya", None),
    ("POST", "/v1/chats", _CHAT),
    ("POST", "/v1/chats", _CHAT),
    ("POST", "/v1/chats/chat-1/heartbeat", {"party": "advisor"}),
    ("POST", "/v1/chats/chat-1/accept", {}),
    ("POST", "/v1/chats/chat-1/messages", _MESSAGE),
    ("POST", "/v1/chats/chat-1/messages", _MESSAGE),
    ("GET", "/v1/chats/chat-1/messages", None),
    ("POST", "/v1/chats/chat-1/read", {"position": 1, "party": "advisor"}),
    ("POST", "/v1/test-clock/advance", {"seconds": 75}),
    ("GET", "/v1/chats/chat-1/tracking", None),
    ("POST", "/v1/chats/chat-1/pause", {}),
    ("POST", "/v1/chats/chat-1/resume", {}),
    ("POST", "/v1/chats/chat-1/tracking", {"tariff_version": 1}),
    ("GET", "/v1/records?state=active", None),
    ("GET", "/v1/users/alice/chats", None),
    ("GET", "/v1/advisors/maya/chats", None),
    ("POST", "/v1/users/alice/paying", {"seconds": 300}),
    ("POST", "/v1/webhooks", {"url": _HOOK, "types": ["record.ended", "refund.posted"]}),
    ("POST", "/v1/chats/chat-1/stop", {}),
    ("POST", "/v1/chats/chat-1/decline", {"reason": "I am at lunch."}),
    ("POST", "/v1/chats/chat-1/leave", {"party": "advisor"}),
    ("GET", "/v1/chats/chat-1/duration", None),
    ("GET", "/v1/records/{record_id}", None),
    ("GET", "/v1/chats/chat-1/records", None),
    ("GET", "/v1/users/alice/records", None),
    (
        "POST",
        "/v1/records/{record_id}/refunds",
        {"seconds": 60, "reason": "The connection was bad.", "borne_by": "shared", "dry_run": True},
    ),
    (
        "POST",
        "/v1/records/{record_id}/refunds",
        {"amount": "0.40", "reason": "The connection was bad.", "borne_by": "shared"},
    ),
    ("GET", "/v1/records/{record_id}/receipt", None),
    ("GET", "/v1/users?query=Ali", None),
    ("GET", "/v1/advisors", None),
    ("GET", "/v1/entries?kind=charge", None),
    ("GET", "/v1/users/alice/account", None),
    ("GET", "/v1/users/alice/entries", None),
    ("GET", "/v1/advisors/maya/earnings", None),
    ("GET", "/v1/advisors/maya/statement?from={begin}&to={end}", None),
    ("GET", "/v1/report?from={begin}&to={end}", None),
    ("GET", "/v1/audit", None),
    ("GET", "/v1/past-sessions?user_id=alice", None),
    ("GET", "/v1/events?after=0&limit=3", None),
    ("GET", "/v1/webhooks", None),
    ("GET", "/v1/webhooks/{webhook_id}", None),
    ("POST", "/v1/webhooks/{webhook_id}/ping", None),
    ("GET", "/v1/webhooks/{webhook_id}/deliveries?state=delivered", None),
    ("POST", "/v1/webhooks/{webhook_id}/replay", {"after": "4711"}),
    ("PATCH", "/v1/webhooks/{webhook_id}", {"enabled": False}),
    ("DELETE", "/v1/webhooks/{webhook_id}", None),
    ("POST", "/v1/users/alice/forget", None),
    ("GET", "/v1/time", None),
    ("GET", "/healthz", None),
    ("GET", "/readyz", None),
    ("GET", "/metrics", None),
)
"""The calls of the session, in order. A path may name the record, the webhook, and the begin and end of the session.

The body of one call names the code of the link before, the body of another one the address of a receiver.
"""


async def recorded(service: Service) -> dict[str, Any]:
    """The request and the answers of each operation, by its id."""
    operations = _operations((await service.client.get("/openapi.json")).json())
    now = parse_instant((await service.done("GET", "/v1/time"))["server_time"])
    begin, end = (format_instant(now + offset) for offset in (-60_000, 3_600_000))
    examples: dict[str, Any] = {}
    names = {"begin": begin, "end": end, "record_id": "", "webhook_id": "", "code": ""}
    async with receiver() as shop:
        for number, (method, template, body) in enumerate(CALLS):
            path = template.format(**names)
            key = f"key-{number}" if method == "POST" else None
            sent = body
            if body == {"code": "{code}"}:
                sent = {"code": names["code"]}
            elif body is not None and "url" in body:
                sent = {**body, "url": shop.url}
            if "/deliveries" in path:
                await _delivered(service, path)
            named = {"X-Request-ID": f"request-{number}"}
            response = await service.call(method, path, sent, by="service", key=key, headers=named)
            assert response.is_success, (path, response.text)
            is_json = response.headers.get("content-type") == "application/json"
            answer: Any = response.json() if is_json else "\n".join(response.text.splitlines()[:3])
            example = examples.setdefault(_operation_of(operations, method, path), {"responses": {}})
            if body is not None:
                example["request"] = sent
            if response.content:
                example["responses"][str(response.status_code)] = answer
            names |= _names_in(answer) if is_json else {}
    return normalized(examples, now)


async def _delivered(service: Service, path: str) -> None:
    """Wait until both events of the webhook are delivered."""
    async with asyncio.timeout(20):
        while len((await service.done("GET", path))["data"]) < _DELIVERIES:
            await asyncio.sleep(0.1)


def _names_in(answer: dict[str, Any]) -> dict[str, str]:
    """What the calls that follow name."""
    names: dict[str, str] = {}
    if "address" in answer:
        names["code"] = answer["address"].partition("#")[2]
    if "record" in answer:
        names["record_id"] = answer["record"]["id"]
    if "url" in answer:
        names["webhook_id"] = answer["id"]
    return names


def normalized(examples: dict[str, Any], began_at: int) -> dict[str, Any]:
    """The examples with the same ids and the same first instant in every run, and with fingerprints that fit."""
    ids: dict[str, str] = {}

    def rename(match: re.Match[str]) -> str:
        return ids.setdefault(match[0], f"019b9f5e-0000-7000-8000-{len(ids) + 1:012d}")

    def shift(match: re.Match[str]) -> str:
        moment = datetime.fromisoformat(match[0]) + timedelta(milliseconds=BEGIN - began_at)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    def normal(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            changed = {inner: normal(each, inner) for inner, each in value.items()}
            return {**changed, "fingerprint": fingerprint(changed)} if "fingerprint" in changed else changed
        if isinstance(value, list):
            return [normal(each, name) for each in value]
        if name in _FIXED and value is not None:
            return _FIXED[name]
        return _INSTANT.sub(shift, _UUID.sub(rename, value)) if isinstance(value, str) else value

    return {operation: normal(example) for operation, example in examples.items()}


def masked(value: Any, name: str = "") -> Any:
    """The value without the figures that another run has otherwise."""
    if isinstance(value, dict):
        return {inner: masked(each, inner) for inner, each in value.items()}
    if isinstance(value, list):
        return [masked(each, name) for each in value]
    if name.endswith("_ms") or name in {"epoch", "fingerprint", "token", "getMetrics"}:
        return f"<{name}>"
    if name == "text" and isinstance(value, str):
        return re.sub(r"\d+(\.\d+)?", "<number>", value)
    return _INSTANT.sub("<instant>", value) if isinstance(value, str) else value


def _operations(document: dict[str, Any]) -> list[tuple[str, re.Pattern[str], str]]:
    return [
        (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _operation_of(operations: list[tuple[str, re.Pattern[str], str]], method: str, path: str) -> str:
    address = path.partition("?")[0]
    return next(name for verb, pattern, name in operations if verb == method and pattern.fullmatch(address))
