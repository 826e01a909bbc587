"""Lists come in pages, and no answer grows without a bound."""

from __future__ import annotations

from typing import Any

import pytest

from talktime import Talktime
from talktime.asgi import create_app
from talktime.core.errors import Conflict
from talktime.core.ids import MESSAGE_LENGTH_MAX
from talktime.core.money import BALANCE_MAX, CHARGED_MAX, MICRO
from talktime.core.record import Party
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.engine import tracking
from talktime.service import budgets
from talktime.service.http import parameters
from talktime.talktime import MESSAGE_PAGE_BYTES
from tests.nodes import node_on


async def pages(service: Any, path: str, list_name: str, cursor: str = "after") -> list[list[Any]]:
    """The pages of a list, as `next` leads from one to the next."""
    found: list[list[Any]] = []
    following: str | None = ""
    while following is not None:
        page = await service.done("GET", f"{path}&{cursor}={following}" if following else path)
        found.append(page[list_name])
        following = page["next"]
    return found


async def test_the_last_messages_come_first_and_earlier_ones_on_request(service: Any) -> None:
    await service.people()
    await service.chat()
    path = "/v1/chats/chat 1/messages"
    assert await service.done("GET", f"{path}?before=2147483647") == {"data": [], "messages": [], "next": None}
    talktime: Talktime = await service.app.state.connector.talktime()
    for number in range(1, 26):
        await talktime.send_message("chat 1", Party.USER, f"{number}", f"{number}")
    last = await service.done("GET", f"{path}?before=2147483647&limit=10")
    assert [message["position"] for message in last["messages"]] == list(range(16, 26))
    middle = await service.done("GET", f"{path}?before={last['next']}&limit=10")
    assert [message["position"] for message in middle["messages"]] == list(range(6, 16))
    first = await service.done("GET", f"{path}?before={middle['next']}&limit=10")
    assert [message["position"] for message in first["messages"]] == list(range(1, 6))
    assert first["next"] is None
    longest = "😀" * MESSAGE_LENGTH_MAX
    for number in range(12):
        await talktime.send_message("chat 1", Party.USER, longest, f"long {number}")
    page = await service.done("GET", f"{path}?before=2147483647&limit=1000")
    assert [message["position"] for message in page["messages"]] == list(range(29, 38))
    assert page["next"] == "29"


async def test_a_page_of_long_messages_ends_early(service: Any) -> None:
    await service.people()
    await service.chat()
    talktime: Talktime = await service.app.state.connector.talktime()
    longest = "😀" * MESSAGE_LENGTH_MAX  # 16,000 bytes
    for number in range(20):
        await talktime.send_message("chat 1", Party.USER, longest, f"{number}")
    for number in range(5):
        await talktime.send_message("chat 1", Party.USER, "short", f"short {number}")
    found = await pages(service, "/v1/chats/chat 1/messages?limit=1000", "messages")
    assert [message["position"] for page in found for message in page] == list(range(1, 26))
    assert [len(page) for page in found] == [9, 9, 7]
    assert sum(len(message["text"].encode()) for message in found[0][:-1]) <= MESSAGE_PAGE_BYTES
    few = await pages(service, "/v1/chats/chat 1/messages?limit=3", "messages")
    assert [len(page) for page in few] == [3] * 8 + [1]
    empty = await service.done("GET", "/v1/chats/chat 1/messages?after=25")
    assert empty == {"data": [], "messages": [], "next": None}
    # The library gives a host what the host asks for.
    assert len(await talktime.messages("chat 1", limit=1000)) == 25
    (shown,) = (await service.done("GET", "/v1/users/alice/chats"))["chats"]
    assert shown["last_message"] == "short"
    await talktime.send_message("chat 1", Party.USER, longest, "last")
    (shown,) = (await service.done("GET", "/v1/users/alice/chats"))["chats"]
    assert shown["last_message"] == "😀" * 200


async def test_chats_and_entries_come_in_pages(service: Any) -> None:
    await service.people()
    for number in range(5):
        await service.chat(f"c{number}")
    for path in ("/v1/users/alice/chats", "/v1/advisors/maya/chats"):
        found = await pages(service, f"{path}?limit=2", "chats")
        assert [[chat["id"] for chat in page] for page in found] == [["c4", "c3"], ["c2", "c1"], ["c0"]]
    for _ in range(3):
        await service.done("POST", "/v1/users/alice/credits", {"amount": "1.00"})
    found = await pages(service, "/v1/users/alice/entries?limit=3", "entries", "before")
    whole = await service.done("GET", "/v1/users/alice/entries")
    assert [entry for page in found for entry in page] == whole["entries"]
    assert [len(page) for page in found] == [3, len(whole["entries"]) - 3]


async def test_documents_without_pages_are_refused_when_they_are_long(service: Any, monkeypatch: Any) -> None:
    await service.people()
    period = "from=2020-01-01T00:00:00Z&to=2020-12-31T00:00:00Z"
    assert (await service.call("GET", f"/v1/report?{period}", by="operator")).status_code == 200
    talktime: Talktime = await service.app.state.connector.talktime()
    await service.chat("one")
    await service.done("POST", "/v1/chats/one/stop")
    now = await talktime.now()
    assert len((await talktime.report(now - 1000, now + 1000)).books) > 2
    with pytest.raises(Exception, match="take talktime report"):
        await talktime.report(now - 1000, now + 1000, books_max=2)
    with pytest.raises(Exception, match="more than 0 sessions"):
        await talktime.statement("maya", now - 100_000, now + 1000, sessions_max=0)
    assert parameters.LINES_MAX == 10_000


async def test_a_record_has_a_limited_number_of_chats(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "CHATS_MAX", 3)
    await service.people()
    for number in range(3):
        await service.chat(f"c{number}")
    body = {"user_id": "alice", "advisor_id": "maya", "chat_id": "c3"}
    refused = await service.call("POST", "/v1/chats", body, by="user:alice")
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["stop"])
    # The record goes on in the chats that it has, and another record has chats of its own.
    await service.done("POST", "/v1/chats/c0/tracking", by="user:alice")
    await service.chat("other", advisor="ben")
    await service.done("POST", "/v1/chats/c0/stop", by="user:alice")
    await service.chat("c3")
    await service.chat("c0")


async def test_a_person_may_use_a_limited_number_of_idempotency_keys(
    settings: Any, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "KEYS_PER_HOUR", 3)
    async with start(create_app, settings) as service:
        await service.people()
        await service.chat()

        async def pause(number: int, who: str) -> int:
            response = await service.call("POST", "/v1/chats/chat 1/pause", {}, by=who, key=f"{who} {number}")
            return int(response.status_code)

        assert [await pause(number, "user:alice") for number in range(5)] == [200] * 3 + [429] * 2
        assert await pause(0, "advisor:maya") == 200
        assert [await pause(number, "service") for number in range(5)] == [200] * 5
        assert (await service.call("POST", "/v1/chats/chat 1/pause", {}, by="user:alice")).status_code == 200


async def test_books_hold_more_than_a_bigint(database_url: str) -> None:
    """Ten full accounts are more than 9.2 × 10^12 credits, and so may be what they bring one advisor."""
    async with node_on(database_url, test_clock=True) as talktime:
        tariff = Tariff.parse({"tiers": [{"rate": "10000000000", "per_seconds": 1, "increment_seconds": 1}]})
        await talktime.put_advisor("maya", "Maya", tariff, Terms.parse({"share_percent": 100}), starts="at_once")
        begin = await talktime.now()
        users = [f"user {number}" for number in range(10)]
        for user in users:
            await talktime.put_user(user, user)
            await talktime.add_credit(user, BALANCE_MAX)
            await talktime.create_chat(user, "maya", user)
        await talktime.advance_clock(60_000)  # nobody is present for longer than a lease, but these 30 s are charged
        end = await talktime.now() + 1
        report = await talktime.report(begin, end)
        purchases = sum(book.amounts[0] for book in report.books if book.book == "user")
        assert purchases == 10 * BALANCE_MAX > 2**63
        assert all(sum(column) == 0 for column in zip(*(book.amounts for book in report.books), strict=True))
        earned = await talktime.earnings("maya")
        assert earned.share + earned.unposted > 10**18
        assert await talktime.broken_rules() == []


async def test_credit_that_a_record_could_not_be_charged_is_refused(database_url: str) -> None:
    lease = 10_000
    async with node_on(database_url, test_clock=True, presence_lease_seconds=lease) as talktime:
        tariff = Tariff.parse({"tiers": [{"rate": "10000000000", "per_seconds": 1, "increment_seconds": 1}]})
        await talktime.put_advisor("maya", "Maya", tariff, starts="at_once")
        await talktime.put_user("alice", "Alice")
        await talktime.add_credit("alice", BALANCE_MAX)
        await talktime.create_chat("alice", "maya", "c")
        balance = BALANCE_MAX
        for _ in range(8):
            await talktime.advance_clock(95_000)
            await talktime.pause("c")
            balance = (await talktime.account("alice")).balance
            await talktime.add_credit("alice", BALANCE_MAX - balance)
            await talktime.resume("c")
        await talktime.advance_clock(95_000)
        await talktime.pause("c")
        record_id = (await talktime.snapshot("c")).record.id
        assert record_id is not None
        cost = (await talktime.receipt(record_id)).cost
        assert 7 * 10**12 * MICRO < cost <= CHARGED_MAX
        room = CHARGED_MAX - cost - (await talktime.account("alice")).balance
        assert room > 0
        await talktime.add_credit("alice", room)
        with pytest.raises(Conflict, match="One record costs at most"):
            await talktime.add_credit("alice", 1)
        await talktime.stop("c")
        await talktime.add_credit("alice", 1)
        assert await talktime.broken_rules() == []


async def test_conversations_of_another_system_come_in_pages(service: Any) -> None:
    talktime: Talktime = await service.app.state.connector.talktime()
    columns = ("id", "user_id", "advisor_id", "started_at", "duration_seconds", "cost")
    sessions = [
        (f"s{number}", user, "maya", f"2026-01-0{number}T10:00:00Z", 90, "1.50")
        for number, user in enumerate(("alice", "bob", "alice", "alice"), start=1)
    ]
    rows: dict[str, list[tuple[int, dict[str, object]]]] = {
        "users": [(1, {"id": "alice"}), (2, {"id": "bob"})],
        "advisors": [(1, {"id": "maya", "rate": "1.00"})],
        "sessions": [(line, dict(zip(columns, row, strict=True))) for line, row in enumerate(sessions, start=1)],
    }
    assert (await talktime.import_rows(rows, await talktime.now())).is_done
    found = await pages(service, "/v1/past-sessions?user_id=alice&limit=2", "data")
    assert [[row["id"] for row in page] for page in found] == [["s4", "s3"], ["s1"]]
    of_maya = await service.done("GET", "/v1/past-sessions?advisor_id=maya", by="operator")
    assert [(row["user_id"], row["duration_ms"], row["cost"]) for row in of_maya["data"]] == [
        (user, 90_000, "1.50") for user in ("alice", "alice", "bob", "alice")
    ]
    assert (await service.call("GET", "/v1/past-sessions?after=nothing", by="service")).status_code == 422
