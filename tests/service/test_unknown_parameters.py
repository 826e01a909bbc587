"""A parameter that a call does not have is refused, and the refusal says which parameters the call has."""

from __future__ import annotations

from typing import Any

from tests.service.story import CALLS


async def test_a_misspelt_parameter_is_refused_by_name(service: Any) -> None:
    await service.people()
    refused = await service.call("GET", "/v1/users/alice/entries?limitt=3&before=1&x", by="user:alice")
    assert refused.status_code == 422
    assert refused.json()["code"] == "invalid_request"
    (first, second) = refused.json()["errors"]
    assert (first["field"], second["field"]) == ("limitt", "x")
    assert first["message"].startswith("is not a parameter of this call, which has: ")
    assert {"before", "limit"} <= set(first["message"].partition("has: ")[2].split(", "))


async def test_no_call_below_v1_takes_a_parameter_that_it_does_not_have(service: Any) -> None:
    await service.people()
    taken = []
    for method, path, body in CALLS:
        if path.startswith("/v1/"):
            address = path.partition("?")[0].format(record_id="none", webhook_id="none")
            answer = await service.call(method, f"{address}?no-such=1", body, by="service", key=f"{method} {path}")
            named = [error["field"] for error in answer.json().get("errors", [])] if answer.content else []
            if (answer.status_code, named) != (422, ["no-such"]):
                taken.append((method, path, answer.status_code, named))
    assert taken == []


async def test_a_parameter_says_nothing_to_a_stranger(service: Any) -> None:
    await service.people()
    assert (await service.call("GET", "/v1/users/alice/entries?x=1", by=None)).status_code == 401
