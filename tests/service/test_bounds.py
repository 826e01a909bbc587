"""Each bound of what a request may ask for: what lies at the bound is taken, and one more is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from talktime.core import durations, ids, money, pages, starts, tariff
from talktime.engine import accounts, links, requests, webhooks
from talktime.node import webhook_sender
from talktime.service.http import parameters
from tests.services import BY_THE_SECOND, Service

TARIFF: Final = {"tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60}]}
MAYA: Final = {"display_name": "Maya", "tariff": TARIFF}
HOOK: Final = "https://shop.example/"

Ask = tuple[str, str, Any]


def credit(**members: object) -> Ask:
    return "POST", "/v1/users/alice/credits", {"amount": "1.00", "kind": "purchase", **members}


def advisor(**members: object) -> Ask:
    return "PUT", "/v1/advisors/maya", MAYA | members


def user(**members: object) -> Ask:
    return "PUT", "/v1/users/alice", {"display_name": "Alice", **members}


def tiers(count: int) -> dict[str, Any]:
    (first,) = TARIFF["tiers"]
    return {"tiers": [first | {"from_seconds": 60 * number} for number in range(count)]}


BOUNDS: Final[dict[str, tuple[int, Callable[[int], Ask]]]] = {
    "id": (ids.ID_LENGTH_MAX, lambda n: ("PUT", f"/v1/users/{'x' * n}", {"display_name": "X"})),
    "name": (ids.NAME_LENGTH_MAX, lambda n: user(display_name="x" * n)),
    "reference": (ids.REFERENCE_LENGTH_MAX, lambda n: credit(reference="x" * n)),
    "message": (
        ids.MESSAGE_LENGTH_MAX,
        lambda n: ("POST", "/v1/chats/chat 1/messages", {"text": "x" * n, "client_id": f"{n}", "party": "user"}),
    ),
    "reason": (
        ids.EXPLANATION_LENGTH_MAX,
        lambda n: ("POST", "/v1/records/RECORD/refunds", {"amount": "0.01", "reason": "x" * n, "borne_by": "platform"}),
    ),
    "items": (parameters.ITEMS_MAX, lambda n: ("GET", f"/v1/users/alice/entries?limit={n}", None)),
    "days of a statement": (
        367,
        lambda n: ("GET", f"/v1/advisors/maya/statement?from=2025-01-01&to=2026-01-0{n - 364}", None),
    ),
    "paying": (
        accounts.PAYING_MS_MAX // 1000,
        lambda n: ("POST", "/v1/users/alice/paying", {"seconds": n}),
    ),
    "ring": (starts.RING_SECONDS_MAX, lambda n: advisor(ring_seconds=n)),
    "max_active": (starts.MAX_ACTIVE_MAX, lambda n: advisor(max_active=n)),
    "tiers": (tariff.TIERS_MAX, lambda n: advisor(tariff=tiers(n))),
    "duration": (durations.SECONDS_MAX, lambda n: ("POST", "/v1/price", {"tariff": TARIFF, "seconds": n})),
    "amount": (money.AMOUNT_MAX // money.MICRO, lambda n: credit(amount=f"{n}.00")),
    "address of a webhook": (
        webhook_sender.URL_LENGTH_MAX,
        lambda n: ("POST", "/v1/webhooks", {"url": HOOK + "x" * (n - len(HOOK))}),
    ),
    "page of a link": (
        pages.PAGE_LENGTH_MAX,
        lambda n: ("POST", "/v1/links", {"role": "user", "subject": "alice", "page": "/" + "x" * (n - 1)}),
    ),
}


@pytest.mark.parametrize("what", BOUNDS)
async def test_what_lies_at_a_bound_is_taken_and_one_more_is_refused(service: Service, what: str) -> None:
    bound, ask = BOUNDS[what]
    await service.people(tariff=BY_THE_SECOND)
    record = (await service.chat())["record"]["id"]
    for size, is_taken in ((bound, True), (bound + 1, False)):
        method, path, body = ask(size)
        key = f"{size}" if method == "POST" else None
        answer = await service.call(method, path.replace("RECORD", record), body, by="service", key=key)
        if is_taken:
            assert answer.is_success, answer.text
        else:
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text


async def test_an_idempotency_key_has_a_bound(service: Service) -> None:
    await service.people()
    for length, status in ((requests.KEY_LENGTH_MAX, 201), (requests.KEY_LENGTH_MAX + 1, 422)):
        assert (await service.call(*credit(), by="service", key="k" * length)).status_code == status


async def test_the_code_of_a_link_has_a_bound(service: Service) -> None:
    """No code is that long: at the bound the code is unknown, beyond it is no code."""
    for length, status in ((links.CODE_LENGTH_MAX, 404), (links.CODE_LENGTH_MAX + 1, 422)):
        assert (await service.call("POST", "/v1/links/use", {"code": "c" * length})).status_code == status


async def test_an_account_has_a_bound(service: Service) -> None:
    await service.people(credit="1.00")
    most = money.BALANCE_MAX // money.AMOUNT_MAX
    for _ in range(most - 1):
        await service.done(*credit(amount=f"{money.AMOUNT_MAX // money.MICRO}.00"))
    rest = money.AMOUNT_MAX // money.MICRO - 1
    await service.done(*credit(amount=f"{rest}.00"))
    refused = await service.call(*credit(amount="0.01"), by="service", key="one more")
    assert refused.status_code == 409, refused.text


async def test_gifts_and_webhooks_have_a_bound(service: Service) -> None:
    await service.people()
    for number in range(100):
        await service.done(
            *credit(kind="gift", amount="0.01", expires_at=f"2090-01-01T00:00:{number // 10:02}.{number % 10}00Z")
        )
    late = credit(kind="gift", amount="0.01", expires_at="2091-01-01T00:00:00Z")
    assert (await service.call(*late, by="service", key="late")).status_code == 409
    for number in range(webhooks.WEBHOOKS_MAX):
        await service.done("POST", "/v1/webhooks", {"url": f"{HOOK}{number}"})
    one_more = await service.call("POST", "/v1/webhooks", {"url": f"{HOOK}more"}, by="service", key="more")
    assert one_more.status_code == 422
