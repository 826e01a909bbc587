"""Terms, gifts, refunds and statements, as a host, an operator, users and advisors see them."""

from __future__ import annotations

from typing import Any

import pytest

MINUTES = {"tiers": [{"rate": "2.00", "increment_seconds": 60}]}
TERMS = {"share_percent": 49, "fee_per_minute": "0.40", "fee_per_session": "0.00"}


async def talked(service: Any) -> str:
    """The id of a record that has ended after ten minutes at 2.00 a minute."""
    await service.people(tariff=MINUTES)
    await service.done(
        "PUT", "/v1/advisors/maya", {"display_name": "Maya", "tariff": MINUTES, "terms": TERMS, "starts": "at_once"}
    )
    snapshot = await service.chat()
    for _ in range(20):
        await service.done("POST", "/v1/test-clock/advance", {"seconds": 29})
        for party in ("user:alice", "advisor:maya"):
            await service.done("POST", "/v1/chats/chat 1/heartbeat", by=party)
    await service.done("POST", "/v1/chats/chat 1/stop")
    record_id: str = snapshot["record"]["id"]
    return record_id


async def test_terms_are_shown_to_the_advisor_the_operator_and_the_host_alone(service: Any) -> None:
    await service.people()
    body = {"display_name": "Maya", "tariff": MINUTES, "terms": TERMS}
    assert (await service.done("PUT", "/v1/advisors/maya", body))["terms"] == TERMS
    seen = {
        by: (await service.done("GET", "/v1/advisors/maya", by=by)).get("terms")
        for by in ("service", "operator", "advisor:maya", "advisor:ben", "user:alice")
    }
    assert seen == {
        "service": TERMS, "operator": TERMS, "advisor:maya": TERMS, "advisor:ben": None, "user:alice": None,
    }  # fmt: skip
    del body["terms"]
    assert (await service.done("PUT", "/v1/advisors/maya", body))["terms"] == TERMS


async def test_an_operator_refunds_a_part_of_a_record(service: Any) -> None:
    record_id = await talked(service)
    path = f"/v1/records/{record_id}/refunds"
    body = {"seconds": 120, "reason": "the line was bad", "borne_by": "shared"}
    given = await service.done("POST", path, body, by="operator")
    given.pop("at")
    assert given == {
        "record_id": record_id, "amount": "4.00", "gift": "0.00", "seconds": 120, "reason": "the line was bad",
        "borne_by": "shared", "advisor_amount": "1.568", "platform_amount": "2.432", "refunded": "4.00",
        "refundable": "16.00", "dry_run": False,
    }  # fmt: skip
    receipt = await service.done("GET", f"/v1/records/{record_id}/receipt", by="user:alice")
    assert receipt["cost"] == "20.00"
    assert [(e["kind"], e["reason"]) for e in receipt["entries"]][-1] == ("refund", "the line was bad")
    assert sum(float(entry["amount"]) for entry in receipt["entries"]) == -16
    assert (receipt["totals"]["refunded"], receipt["totals"]["paid"]) == ("4.00", "16.00")
    assert "shares" not in receipt
    for by in ("service", "operator", "advisor:maya"):
        shares = (await service.done("GET", f"/v1/records/{record_id}/receipt", by=by))["shares"]
        assert (shares["terms"], shares["advisor"], shares["platform"], shares["fees"]) == (
            TERMS, "7.84", "12.16", "4.00",
        )  # fmt: skip
        assert sum(float(entry["advisor_amount"]) for entry in shares["entries"]) == pytest.approx(7.84 - 1.568)
        assert shares["entries"][-1]["borne_by"] == "shared"
    entries = (await service.done("GET", "/v1/users/alice/entries", by="user:alice"))["entries"]
    assert (entries[0]["kind"], entries[0]["amount"]) == ("refund", "4.00")
    assert (await service.done("GET", "/v1/users/alice/account"))["balance"] == "84.00"


async def test_a_dry_run_of_a_refund_says_what_would_be_given_back_and_gives_nothing(service: Any) -> None:
    record_id = await talked(service)
    path = f"/v1/records/{record_id}/refunds"
    body = {"seconds": 120, "reason": "the line was bad", "borne_by": "shared"}
    for _ in range(2):
        tried = await service.call("POST", path, body | {"dry_run": True}, by="operator", key="one")
        assert (tried.status_code, tried.json()["amount"], tried.json()["refunded"]) == (200, "4.00", "4.00")
    assert (await service.done("GET", "/v1/users/alice/account"))["balance"] == "80.00"
    given = await service.call("POST", path, body, by="operator", key="one")
    assert given.status_code == 201
    assert (given.json()["dry_run"], tried.json()["dry_run"]) == (False, True)
    assert {**given.json(), "at": None, "dry_run": True} == {**tried.json(), "at": None}
    assert (await service.done("GET", "/v1/users/alice/account"))["balance"] == "84.00"
    assert (await service.call("POST", path, body | {"dry_run": True}, by="user:alice", key="two")).status_code == 403
    much = {"amount": "20.01", "reason": "all of it", "borne_by": "platform", "dry_run": True}
    assert (await service.call("POST", path, much, by="operator", key="three")).status_code == 409


async def test_an_advisor_sees_their_earnings(service: Any) -> None:
    await talked(service)
    chats = [
        (await service.done("GET", path, by=by))["chats"][0].get("earned")
        for path, by in (
            ("/v1/advisors/maya/chats", "advisor:maya"),
            ("/v1/advisors/maya/chats", "operator"),
            ("/v1/users/alice/chats", "user:alice"),
        )
    ]
    assert chats == ["7.84", "7.84", None]


async def test_refunds_that_make_no_sense_are_refused(service: Any) -> None:
    record_id = await talked(service)
    path = f"/v1/records/{record_id}/refunds"
    body = {"amount": "20.01", "reason": "all of it", "borne_by": "platform"}
    too_much = await service.call("POST", path, body, by="operator", key="much")
    assert too_much.status_code == 409
    assert (too_much.json()["code"], too_much.json()["refundable"]) == ("conflict", "20.00")
    assert (too_much.json()["state"], too_much.json()["allowed"]) == ("ended", ["refunds"])
    again = await service.call("POST", path, body, by="operator", key="much")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (409, "true")
    assert (await service.call("POST", path, body, by="operator")).status_code == 422
    for by, status in (("user:alice", 403), ("advisor:maya", 403), ("user:bob", 404), ("advisor:ben", 404)):
        assert (await service.call("POST", path, body, by=by, key=by)).status_code == status
    for wrong, field in (
        ({"amount": "1", "seconds": 1}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": None, "seconds": 0}, "seconds"),
        ({"amount": "0"}, "amount"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"borne_by": "nobody"}, "borne_by"),
    ):
        refused = await service.call("POST", path, body | wrong, by="operator", key="wrong")
        assert refused.status_code == 422, wrong
        assert refused.json()["errors"][0]["field"] == field
    nothing = await service.call("POST", "/v1/records/none/refunds", body, by="operator", key="none")
    assert nothing.status_code == 404


async def test_a_gift_expires_at_its_instant(service: Any) -> None:
    await service.people(credit="3.00", tariff=MINUTES)
    account = await service.done(
        "POST", "/v1/users/alice/credits", {"amount": "5.00", "kind": "gift", "expires_at": "2099-01-01T01:00:00+01:00"}
    )
    assert (account["gift"], account["next_expiry"]) == (
        "5.00", {"amount": "5.00", "expires_at": "2099-01-01T00:00:00.000Z"},
    )  # fmt: skip
    assert account["balance"] == "8.00"
    await service.done("POST", "/v1/users/alice/debits", {"amount": "6.00"})
    entries = (await service.done("GET", "/v1/users/alice/entries"))["entries"]
    assert [(e["kind"], e["amount"], e["gift"]) for e in entries] == [
        ("debit", "-6.00", "-5.00"), ("gift", "5.00", "5.00"), ("purchase", "3.00", "0.00"),
    ]  # fmt: skip
    assert entries[1]["expires_at"] == "2099-01-01T00:00:00.000Z"


async def test_an_advisor_reads_their_own_statement_alone(service: Any) -> None:
    record_id = await talked(service)
    path = "/v1/advisors/maya/statement?from=2020-01-01T00:00:00Z&to=2020-12-31T00:00:00Z"
    for by, status in (("operator", 200), ("advisor:maya", 200), ("advisor:ben", 404), ("user:alice", 404)):
        assert (await service.call("GET", path, by=by)).status_code == status
    started = (await service.done("GET", f"/v1/records/{record_id}"))["started_at"]
    path = f"/v1/advisors/maya/statement?from={started}&to={int(started[:4]) + 1}-01-02T00:00:00%2B01:00"
    statement = await service.done("GET", path, by="advisor:maya")
    assert statement["total"]["sessions"] == 1
    assert (statement["sessions"][0]["record_id"], statement["total"]["net"]) == (record_id, "7.84")
    for query in (
        "",
        "?from=2020-01-01T00:00:00Z",
        "?from=yesterday&to=today",
        "?from=2020-01-01T00:00:00Z&to=2020-01-01T00:00:00Z",
    ):
        assert (await service.call("GET", f"/v1/advisors/maya/statement{query}", by="operator")).status_code == 422
    nobody = await service.call(
        "GET", "/v1/advisors/nobody/statement?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z", by="operator"
    )
    assert nobody.status_code == 404
