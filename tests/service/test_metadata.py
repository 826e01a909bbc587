"""Metadata is kept with what a host makes, shown to hosts and operators, and to nobody else."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

TARIFF = {"tiers": [{"rate": "1.00", "increment_seconds": 60}]}


async def test_metadata_is_kept_and_shown_to_hosts_and_operators_alone(service: Any) -> None:
    user = await service.done("PUT", "/v1/users/alice", {"display_name": "Alice", "metadata": {"crm": "17"}})
    assert user["metadata"] == {"crm": "17"}
    body = {"display_name": "Maya", "tariff": TARIFF, "starts": "at_once", "metadata": {"team": "blue"}}
    assert (await service.done("PUT", "/v1/advisors/maya", body))["metadata"] == {"team": "blue"}
    credit = {"amount": "9.00", "metadata": {"order": "4711", "formula": "=1"}}
    assert "metadata" not in await service.done("POST", "/v1/users/alice/credits", credit)
    await service.done("POST", "/v1/users/alice/debits", {"amount": "1.00", "metadata": {"sku": "x"}})
    chat = {"user_id": "alice", "advisor_id": "maya", "chat_id": "first", "metadata": {"topic": "work"}}
    record = (await service.done("POST", "/v1/chats", chat))["record"]["id"]

    by = "operator"
    (account,) = (await service.done("GET", "/v1/users", by=by))["data"]
    (advisor,) = (await service.done("GET", "/v1/advisors", by=by))["data"]
    (listed,) = (await service.done("GET", "/v1/records", by=by))["data"]
    (of_user,) = (await service.done("GET", "/v1/users/alice/chats", by=by))["data"]
    assert [each["metadata"] for each in (account, advisor, listed, of_user)] == [
        {"crm": "17"}, {"team": "blue"}, {"topic": "work"}, {"topic": "work"},
    ]  # fmt: skip
    entries = (await service.done("GET", "/v1/entries", by=by))["data"]
    assert [entry["metadata"] for entry in entries] == [{"sku": "x"}, credit["metadata"]]
    export = (await service.call("GET", "/v1/entries?kind=purchase", by=by, headers={"Accept": "text/csv"})).text
    (row,) = csv.DictReader(io.StringIO(export))
    assert json.loads(row["metadata"]) == credit["metadata"]

    paths = ("/v1/users/alice/account", "/v1/advisors/maya", f"/v1/records/{record}")
    for path in paths:
        assert (await service.done("GET", path, by=by))["metadata"], path
    seen = [
        *[(path, "user:alice") for path in (*paths, "/v1/users/alice/chats", "/v1/users/alice/entries")],
        *[(path, "advisor:maya") for path in (*paths[1:], "/v1/advisors/maya/chats", "/v1/chats/first/tracking")],
        (f"/v1/records/{record}/receipt", "user:alice"),
    ]
    for path, person in seen:
        answer = await service.call("GET", path, by=person)
        assert answer.status_code == 200
        assert "metadata" not in answer.text, (path, person)


async def test_metadata_that_is_left_out_stays_and_other_metadata_replaces_it(service: Any) -> None:
    advisor = {"display_name": "Maya", "tariff": TARIFF, "starts": "at_once"}
    for kind, body in (("users/alice", {"display_name": "A"}), ("advisors/maya", advisor)):
        for given, kept in (({"a": "1"}, {"a": "1"}), (None, {"a": "1"}), ({"b": "2"}, {"b": "2"}), ({}, {})):
            sent = body if given is None else body | {"metadata": given}
            assert (await service.done("PUT", f"/v1/{kind}", sent))["metadata"] == kept, (kind, given)
    await service.done("POST", "/v1/users/alice/credits", {"amount": "9.00"})
    chat = {"user_id": "alice", "advisor_id": "maya", "chat_id": "first"}
    await service.done("POST", "/v1/chats", chat | {"metadata": {"first": "1"}})
    await service.done("POST", "/v1/chats", chat | {"metadata": {"again": "1"}})  # it makes nothing
    await service.done("POST", "/v1/chats/first/stop")
    await service.done("POST", "/v1/chats/first/tracking", {"metadata": {"second": "1"}})  # it makes a record
    (newer, older) = (await service.done("GET", "/v1/records"))["data"]
    assert (newer["metadata"], older["metadata"]) == ({"second": "1"}, {"first": "1"})
    (shown,) = (await service.done("GET", "/v1/users/alice/chats"))["data"]
    assert shown["metadata"] == {"first": "1"}


async def test_only_backends_give_metadata_and_only_short_texts(service: Any) -> None:
    await service.people()
    chat = {"user_id": "alice", "advisor_id": "maya", "metadata": {"a": "1"}}
    assert (await service.call("POST", "/v1/chats", chat, by="user:alice")).status_code == 403
    for wrong in ({"a": 1}, {"a" * 41: ""}, {"a": "b" * 501}, ["a"], {str(n): "" for n in range(25)}):
        body = {"display_name": "Alice", "metadata": wrong}
        refused = await service.call("PUT", "/v1/users/alice", body, by="service")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "metadata"), wrong


async def test_a_repeat_with_other_metadata_is_another_request(service: Any) -> None:
    await service.people()
    path, body = "/v1/users/alice/credits", {"amount": "1.00", "metadata": {"order": "1"}}
    first = await service.call("POST", path, body, by="service", key="k")
    again = await service.call("POST", path, body, by="service", key="k")
    assert (first.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    other = await service.call("POST", path, body | {"metadata": {"order": "2"}}, by="service", key="k")
    assert other.status_code == 422
    assert len((await service.done("GET", "/v1/entries?user_id=alice"))["data"]) == 2
