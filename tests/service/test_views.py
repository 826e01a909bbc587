"""Who sees what: an advisor sees what the record brings and until when it can go on, and never what the user has."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.both_servers

TARIFF = {"tiers": [{"rate": "1.00", "per_seconds": 60, "increment_seconds": 60}]}
TERMS = {"share_percent": 49, "fee_per_minute": "0.19", "fee_per_session": "0.00"}
ODD_CREDIT = "73.919317"
"""No other amount of the test contains these digits."""
TRACKING = "/v1/chats/chat 1/tracking"
ADVISOR = "advisor:maya"


async def begin(service: Any, tariff: Any = TARIFF) -> None:
    await service.people(ODD_CREDIT)
    await service.done("PUT", "/v1/advisors/maya", {"display_name": "Maya", "tariff": tariff, "terms": TERMS})
    await service.chat()
    await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": "advisor"})


def views(snapshot: Any) -> tuple[Any, ...]:
    return snapshot["balance"], snapshot["earned"], snapshot["terms"] and snapshot["terms"]["share_percent"]


async def test_each_role_sees_its_own_money_in_a_snapshot(service: Any) -> None:
    await begin(service)
    # One minute is owed: 1.00, of which 0.19 is a fee and 49 % of the rest is the advisor's.
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 5})
    for by, seen in (
        ("user:alice", ("72.919317", None, None)),
        (ADVISOR, (None, "0.3969", 49)),
        ("service", ("72.919317", "0.3969", 49)),
        ("operator", ("72.919317", "0.3969", 49)),
    ):
        assert views(await service.done("GET", TRACKING, by=by)) == seen, by
        async with service.live(by) as live:
            await live.say("watch", chat_id="chat 1")
            assert views((await live.hear("snapshot"))["snapshot"]) == seen, by
    shown = await service.done("GET", TRACKING, by=ADVISOR)
    assert (shown["timer"]["cut_at"] is not None, shown["cost"]) == (True, "1.00")


async def test_no_call_of_an_advisor_tells_what_the_user_has(service: Any) -> None:
    await begin(service)
    record_id = (await service.done("GET", TRACKING))["record"]["id"]
    texts: list[str] = []
    for method, path in (
        ("GET", TRACKING),
        ("POST", "/v1/chats/chat 1/heartbeat"),
        ("POST", "/v1/chats/chat 1/pause"),
        ("POST", "/v1/chats/chat 1/pause"),
        ("POST", "/v1/chats/chat 1/resume"),
        ("GET", "/v1/chats/chat 1/duration"),
        ("GET", "/v1/chats/chat 1/messages"),
        ("GET", f"/v1/records/{record_id}"),
        ("GET", f"/v1/records/{record_id}/receipt"),
        ("GET", "/v1/advisors/maya"),
        ("GET", "/v1/advisors/maya/chats"),
        ("GET", "/v1/advisors/maya/earnings"),
        ("POST", "/v1/chats/chat 1/stop"),
    ):
        # The same key is sent twice: a kept answer tells no more than the first one.
        for _ in range(2):
            key = f"key {len(texts) // 2}" if method == "POST" else None
            answer = await service.call(method, path, by=ADVISOR, key=key)
            assert answer.is_success, answer.text
            texts.append(answer.text)
    left = [amount for amount in ("73.919317", "72.919317", "71.919317", ".919317") if amount in json.dumps(texts)]
    assert left == []
    for path in ("/v1/users/alice/account", "/v1/users/alice/entries"):
        assert (await service.call("GET", path, by=ADVISOR)).status_code == 404


async def test_a_kept_answer_for_the_user_has_the_balance_and_no_earnings(service: Any) -> None:
    await begin(service)
    first = await service.call("POST", "/v1/chats/chat 1/pause", by="user:alice", key="one")
    again = await service.call("POST", "/v1/chats/chat 1/pause", by="user:alice", key="one")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert views(again.json())[1:] == (None, None)


async def test_an_advisor_who_resumes_without_credit_does_not_learn_what_is_left(service: Any) -> None:
    await begin(service, {"tiers": [{"rate": "6.00", "per_seconds": 60, "increment_seconds": 10}]})
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 5})
    await service.done("POST", "/v1/chats/chat 1/pause", by=ADVISOR)
    await service.done("POST", "/v1/users/alice/debits", {"amount": "72.90"})
    await service.done("POST", "/v1/chats/chat 1/heartbeat", by="user:alice")
    # The rest of the ten seconds is paid. The next ones are not: the record runs for a moment and is cut.
    await service.done("POST", "/v1/chats/chat 1/resume", by=ADVISOR)
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 8})
    await service.done("POST", "/v1/chats/chat 1/pause", by=ADVISOR)
    for party in ("user:alice", ADVISOR):
        await service.done("POST", "/v1/chats/chat 1/heartbeat", by=party)
    for _ in range(2):
        refused = await service.call("POST", "/v1/chats/chat 1/resume", by=ADVISOR, key="again")
        problem = refused.json()
        assert (refused.status_code, problem["code"], problem["required"]) == (402, "insufficient_credit", "1.00")
        assert "available" not in problem
        assert "0.019317" not in refused.text
    refused = await service.call("POST", "/v1/chats/chat 1/resume", by="user:alice")
    assert refused.json()["available"] == "0.019317"
