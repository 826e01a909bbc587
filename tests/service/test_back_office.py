"""What an operator may do with credit, and what an operator is told of the books."""

from __future__ import annotations

from typing import Any

import pytest

from talktime.core.entries import EntryKind
from talktime.documents.audit import RULES

CREDITS = "/v1/users/alice/credits"
DEBITS = "/v1/users/alice/debits"
GIFT = {"amount": "5.00", "kind": "gift", "reference": "the line was bad"}


async def test_an_operator_gives_and_takes_credit_and_is_named(service: Any) -> None:
    await service.people(credit="0.50")
    assert (await service.call("POST", CREDITS, GIFT, by="operator:olga", key="a")).status_code == 201
    again = await service.call("POST", CREDITS, GIFT, by="operator:olga", key="a")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    back = {"amount": "2.00", "kind": "refund", "reference": "paid twice"}
    await service.done("POST", CREDITS, back, by="operator:olga")
    taken = {"amount": "1.50", "reference": "given to the wrong person"}
    account = await service.done("POST", DEBITS, taken, by="operator:paul")
    assert account["available"] == "6.00"
    entries = (await service.done("GET", "/v1/entries?user_id=alice", by="operator"))["data"]
    shown = [(e["kind"], e["user_amount"], e["reference"], e["by_role"], e["by_subject"]) for e in entries]
    assert shown == [
        ("debit", "-1.50", "given to the wrong person", "operator", "paul"),
        ("refund", "2.00", "paid twice", "operator", "olga"),
        ("gift", "5.00", "the line was bad", "operator", "olga"),
        ("purchase", "0.50", None, "service", "service"),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CREDITS, {**GIFT, "kind": "purchase"}, 403),
        (CREDITS, {"amount": "5.00", "reference": "of the kind that counts as bought"}, 403),
        (CREDITS, {**GIFT, "reference": None}, 422),
        (CREDITS, {**GIFT, "reference": "  "}, 422),
        (DEBITS, {"amount": "1.00"}, 422),
        (DEBITS, {"amount": "1.00", "reference": " "}, 422),
        (DEBITS, {"amount": "1000.00", "reference": "more than there is"}, 402),
    ],
)
async def test_an_operator_must_say_why_and_sells_nothing(service: Any, path: str, body: Any, status: int) -> None:
    await service.people()
    before = await service.done("GET", "/v1/users/alice/account")
    answer = await service.call("POST", path, body, by="operator:olga", key="a")
    assert answer.status_code == status
    if status == 422:
        assert [error["field"] for error in answer.json()["errors"]] == ["reference"]
    assert await service.done("GET", "/v1/users/alice/account") == before


async def test_a_report_without_persons_has_one_book_for_all_users(service: Any) -> None:
    await service.people()
    await service.chat()
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 20})
    await service.done("POST", "/v1/chats/chat 1/stop")
    period = "from=2020-01-01&to=2100-01-01"
    whole = await service.done("GET", f"/v1/report?{period}", by="operator")
    short = await service.done("GET", f"/v1/report?{period}&by_person=false", by="operator")
    assert short["totals"] == whole["totals"]
    assert [book["owner"] for book in whole["books"] if book["book"] == "user"] == ["alice"]
    assert [(book["owner"], book["name"]) for book in short["books"] if book["book"] == "user"] == [("", "all")]
    for column in ("opening", *EntryKind, "closing"):
        assert sum(float(book[column]) for book in short["books"]) == 0


async def test_the_last_audit_is_told_and_what_it_found(service: Any, database: Any) -> None:
    await service.people()
    before = await service.done("GET", "/v1/audit", by="operator")
    assert (before["ended_at"], before["accounts"]) == (None, 0)
    talktime = await service.app.state.connector.talktime()
    now = await service.done("GET", "/v1/time")
    await database.execute("update talktime.accounts set balance = balance + 1 where user_id = 'alice'")
    await talktime.node.auditor.look()
    await database.execute("update talktime.accounts set balance = balance - 1 where user_id = 'alice'")
    seen = await service.done("GET", "/v1/audit", by="operator")
    assert seen["ended_at"] >= now["server_time"]
    assert seen["accounts"] == 2
    assert [rule["rule"] for rule in seen["rules"]] == list(RULES)
    assert {rule["rule"]: rule["breaches"] for rule in seen["rules"] if rule["breaches"]} == {5: 1}
    await talktime.node.auditor.look()
    whole = await service.done("GET", "/v1/audit", by="operator")
    assert not any(rule["breaches"] for rule in whole["rules"])
