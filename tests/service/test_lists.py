"""The lists of all users, advisors, records and entries: filters, pages, links, and the exports."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import quote

import pytest

from talktime.documents.ledger import LEDGER_COLUMNS

NAMES = {"u-1": "Anna Berg", "u-2": "anna zoe", "u-3": "Änne", "u-4": "50% off_", "anna": "Zed", "an": "Yves"}


async def followed(service: Any, path: str) -> list[Any]:
    """All items of a list, by its `Link` headers alone."""
    found: list[Any] = []
    address: str | None = path
    while address is not None:
        answer = await service.call("GET", address, by="operator")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["data"]
        link = answer.links.get("next")
        assert (link is None) == (page["next"] is None)
        address = None if link is None else link["url"]
    return found


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("anna", ["anna", "u-1", "u-2"]),
        ("ANNA", ["u-1", "u-2"]),
        ("an", ["an", "anna", "u-1", "u-2"]),
        ("anna z", ["u-2"]),
        ("än", ["u-3"]),
        ("50%", ["u-4"]),
        ("%", []),
        ("u-", ["u-1", "u-2", "u-3", "u-4"]),
        ("nobody", []),
    ],
)
@pytest.mark.parametrize("kind", ["users", "advisors"])
async def test_people_are_found_by_the_beginning_of_their_id_or_name(
    service: Any, kind: str, query: str, ids: list[str]
) -> None:
    for person, name in NAMES.items():
        tariff = {"tiers": [{"rate": "1.00"}]}
        body = {"display_name": name} | ({"tariff": tariff} if kind == "advisors" else {})
        await service.done("PUT", f"/v1/{kind}/{person}", body)
    key = "user_id" if kind == "users" else "id"
    for limit in (1, 2, 100):
        found = await followed(service, f"/v1/{kind}?query={quote(query)}&limit={limit}")
        assert [person[key] for person in found] == ids
    everybody = await followed(service, f"/v1/{kind}?limit=2")
    assert [person[key] for person in everybody] == sorted(NAMES)


async def test_the_lists_of_everybody_are_for_hosts_and_operators(service: Any) -> None:
    await service.people()
    for path in ("/v1/users", "/v1/advisors", "/v1/records", "/v1/entries"):
        for by, status in (("service", 200), ("operator", 200), ("user:alice", 403), ("advisor:maya", 403)):
            assert (await service.call("GET", path, by=by)).status_code == status, (path, by)
    (maya,) = (await service.done("GET", "/v1/advisors?query=Maya", by="operator"))["data"]
    assert maya["terms"]["share_percent"] == 0


async def test_records_are_found_by_their_people_state_reason_and_time(service: Any) -> None:
    await service.people(credit="3.00")
    first = (await service.chat("first"))["record"]["id"]
    began = (await service.done("GET", "/v1/time"))["server_time"]
    await service.done("POST", "/v1/chats/first/stop")
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 100})
    second = (await service.chat("second", advisor="ben"))["record"]["id"]
    later = (await service.done("GET", "/v1/time"))["server_time"]

    async def found(query: str) -> list[str]:
        return [record["id"] for record in await followed(service, f"/v1/records?limit=1&{query}")]

    assert await found("") == [second, first]
    assert await found("advisor_id=maya") == [first]
    assert await found("user_id=alice") == [second, first]
    assert await found("user_id=bob") == []
    assert await found("user_id=alice&advisor_id=ben&state=running") == [second]
    assert await found("state=ended") == [first]
    assert await found("state=active") == [second]
    for query in (first, "first", "maya"):
        assert await found(f"query={query}") == [first]
    assert await found(f"from={began}&to={later}&state=ended") == []
    assert await found(f"to={later}") == [second, first]
    assert await found("reason=stopped") == [first]
    whole = await service.done("GET", "/v1/records?limit=1")
    assert (whole["records"], whole["next"]) == (whole["data"], second)
    assert whole["data"][0]["stopped_at"] is None
    wrong = await service.call("GET", "/v1/records?after=nothing&reason=gone", by="operator")
    assert [error["field"] for error in wrong.json()["errors"]] == ["reason"]
    wrong = await service.call("GET", "/v1/records?after=nothing", by="operator")
    assert [error["field"] for error in wrong.json()["errors"]] == ["after"]


async def test_a_record_that_was_cut_is_found_although_it_was_topped_up_and_went_on(service: Any) -> None:
    await service.people(credit="1.00")
    record = (await service.chat("first"))["record"]["id"]
    await service.done("POST", "/v1/chats/first/heartbeat", by="advisor:maya")
    for party in ("user", "advisor"):
        await service.done("POST", "/v1/chats/first/heartbeat", {"party": party})
    for _ in range(3):
        await service.done("POST", "/v1/test-clock/advance", {"seconds": 25})
        for party in ("user", "advisor"):
            await service.done("POST", "/v1/chats/first/heartbeat", {"party": party})
    (cut,) = (await service.done("GET", "/v1/records?reason=out_of_credit"))["data"]
    assert (cut["id"], cut["state"]) == (record, "paused")
    await service.done("POST", "/v1/users/alice/credits", {"amount": "10.00"})
    (again,) = (await service.done("GET", "/v1/records?reason=out_of_credit"))["data"]
    assert (again["id"], again["state"], again["stopped_at"]) == (record, "running", cut["stopped_at"])
    await service.done("POST", "/v1/chats/first/stop")
    (ended,) = (await service.done("GET", "/v1/records?reason=out_of_credit&state=ended"))["data"]
    assert ended["stopped_at"] == cut["stopped_at"]
    at = cut["stopped_at"]
    assert (await service.done("GET", f"/v1/records?reason=out_of_credit&to={at}"))["data"] == []
    (bounded,) = (await service.done("GET", f"/v1/records?reason=out_of_credit&from={at}"))["data"]
    assert bounded["id"] == record
    (stopped,) = (await service.done("GET", "/v1/records?reason=stopped"))["data"]
    assert stopped["id"] == record


async def test_entries_of_everybody_have_three_sides_that_add_up_to_nothing(service: Any) -> None:
    await service.people()
    await service.done("POST", "/v1/users/bob/credits", {"amount": "5.00", "kind": "gift", "reference": "order 4711"})
    await service.done("POST", "/v1/users/bob/debits", {"amount": "1.50", "reference": "order 48"})
    record = (await service.chat("first"))["record"]["id"]
    await service.done("POST", "/v1/chats/first/stop")

    async def found(query: str) -> list[Any]:
        return await followed(service, f"/v1/entries?limit=2&{query}")

    entries = await found("")
    assert [entry["kind"] for entry in entries] == ["charge", "debit", "gift", "purchase"]
    for entry in entries:
        sides = [float(entry[side]) for side in ("user_amount", "advisor_amount", "platform_amount")]
        assert sum(sides) == 0
    assert [entry["platform_book"] for entry in entries] == ["revenue", "outside", "promotion", "outside"]
    charge = entries[0]
    assert (charge["user_name"], charge["advisor_id"], charge["record_id"], charge["chat_id"]) == (
        "Alice", "maya", record, "first",
    )  # fmt: skip
    assert (entries[1]["by_role"], entries[1]["by_subject"], charge["by_role"]) == ("service", "service", None)
    assert await found("user_id=bob") == entries[1:3]
    assert await found("advisor_id=maya") == [charge]
    assert await found(f"record_id={record}") == [charge]
    assert await found("kind=gift") == [entries[2]]
    assert await found("reference=order 48") == [entries[1]]
    assert await found("query=order") == entries[1:3]
    assert await found(f"from={charge['at']}") == [charge]
    assert await found("month=1999-12&tz=Europe/Berlin") == []
    of_bob = await service.done("GET", "/v1/users/bob/entries?limit=1")
    assert of_bob["data"] == of_bob["entries"]
    rest = await service.done("GET", f"/v1/users/bob/entries?after={of_bob['next']}")
    assert [entry["kind"] for entry in rest["data"]] == ["gift"]
    for query, field in (("after=x", "after"), ("kind=x", "kind"), ("month=x", "month"), ("tz=Atlantis", "tz")):
        refused = await service.call("GET", f"/v1/entries?{query}", by="operator")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


async def test_a_month_and_dates_are_those_of_the_time_zone(service: Any) -> None:
    await service.people()
    (entry,) = (await service.done("GET", "/v1/entries"))["data"]
    month = entry["at"][:7]
    path = "/v1/users/alice/entries"
    assert len((await service.done("GET", f"{path}?month={month}"))["data"]) == 1
    for query, field in (
        (f"month={month}&from=2026-01-01", "month"),
        ("month=2026-13", "month"),
        ("from=2026-02-30", "from"),
        ("from=2026-03-02&to=2026-03-02", "to"),
        ("tz=../../etc/passwd", "tz"),
    ):
        refused = await service.call("GET", f"{path}?{query}", by="user:alice")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), query
    berlin = await service.done("GET", "/v1/report?month=2026-03&tz=Europe/Berlin")
    assert (berlin["from"], berlin["to"]) == ("2026-02-28T23:00:00.000Z", "2026-03-31T22:00:00.000Z")
    dates = await service.done("GET", "/v1/advisors/maya/statement?from=2026-03-01&to=2026-03-30&tz=Europe/Berlin")
    assert (dates["from"], dates["to"]) == ("2026-02-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z")
    missing = await service.call("GET", "/v1/report?from=2026-01-01", by="operator")
    assert missing.json()["errors"] == [{"field": "to", "message": "is required, or month instead"}]


async def test_a_month_is_exported_as_csv_and_as_json_lines(service: Any) -> None:
    await service.people()
    await service.done("PUT", "/v1/users/bob", {"display_name": '@Bob, "the" builder'})
    for reference in ("=1+1", "+49 30", "-2", "@x", "'=1", "plain, text"):
        await service.done("POST", "/v1/users/bob/credits", {"amount": "1.00", "reference": reference})
    await service.chat("first")  # it runs on; what it has cost is posted up to the end of the period
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 20})
    answer = await service.call("GET", "/v1/entries", by="operator", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="entries.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert tuple(rows[0]) == LEDGER_COLUMNS
    assert [row["kind"] for row in rows] == ["purchase"] * 7 + ["charge"]
    assert [row["reference"] for row in rows[1:7]] == ["'=1+1", "'+49 30", "-2", "'@x", "'=1", "plain, text"]
    assert rows[1]["user_name"] == '\'@Bob, "the" builder'
    assert rows[7]["user_amount"] == "-1.00"
    for accept in ("application/jsonl", "application/x-ndjson"):
        lines = await service.call("GET", "/v1/entries", by="service", headers={"Accept": accept})
        assert lines.headers["content-type"].startswith(accept)
        entries = [json.loads(line) for line in lines.text.splitlines()]
        assert [entry["id"] for entry in entries] == [row["entry_id" if "entry_id" in row else "id"] for row in rows]
    assert entries[1]["reference"] == "=1+1"
    page = (await service.done("GET", "/v1/entries"))["data"]
    assert page == entries[::-1]
    refused = await service.call("GET", "/v1/entries?kind=x", by="service", headers={"Accept": "text/csv"})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("text/*", "text/csv; charset=utf-8"),
        ("text/csv;q=0.4, application/json;q=0.9", "application/json"),
        ("TEXT/CSV, application/json; q=0.9", "text/csv; charset=utf-8"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=much", "application/json"),
    ],
)
async def test_the_form_is_the_one_that_the_client_prefers(service: Any, accept: str, answered: str) -> None:
    answer = await service.call("GET", "/v1/entries", by="operator", headers={"Accept": accept})
    assert answer.headers["content-type"] == answered
