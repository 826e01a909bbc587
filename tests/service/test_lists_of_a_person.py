"""What a person's own lists say: records with receipts, unread messages; and whose lists they are."""

from __future__ import annotations

from typing import Any


async def test_records_are_listed_for_their_user_and_their_chats(service: Any) -> None:
    await service.people()
    await service.chat("first")
    await service.done("POST", "/v1/chats/first/stop")
    await service.chat("second")
    await service.done("POST", "/v1/chats/second/stop")
    (newer, older) = (await service.done("GET", "/v1/users/alice/records", by="user:alice"))["records"]
    assert (newer["current_chat_id"], older["current_chat_id"]) == ("second", "first")
    assert newer["started_at"] >= older["started_at"]
    assert (newer["state"], newer["advisor_name"], newer["refunded"]) == ("ended", "Maya", "0.00")
    receipt = await service.done("GET", f"/v1/records/{older['id']}/receipt", by="user:alice")
    assert (receipt["cost"], receipt["elapsed_ms"]) == (older["cost"], older["elapsed_ms"])
    for by in ("user:alice", "advisor:maya", "operator:olga", None):
        of_chat = await service.done("GET", "/v1/chats/first/records", **({"by": by} if by else {}))
        assert [record["id"] for record in of_chat["records"]] == [older["id"]]
    page = await service.done("GET", "/v1/users/alice/records?limit=1")
    assert page["records"] == [newer]
    rest = await service.done("GET", f"/v1/users/alice/records?limit=1&after={page['next']}")
    assert rest["records"] == [older]


async def test_a_record_that_moved_is_in_the_lists_of_both_chats(service: Any) -> None:
    await service.people()
    await service.chat("first")
    moved = await service.chat("second")
    for chat in ("first", "second"):
        (record,) = (await service.done("GET", f"/v1/chats/{chat}/records"))["records"]
        assert record["id"] == moved["record"]["id"]


async def test_nobody_lists_the_records_of_others(service: Any) -> None:
    await service.people()
    await service.chat("first")
    for by in ("user:eve", "advisor:eve", "advisor:maya"):
        assert (await service.call("GET", "/v1/users/alice/records", by=by)).status_code in (403, 404)
    for by in ("user:eve", "advisor:eve"):
        assert (await service.call("GET", "/v1/chats/first/records", by=by)).status_code == 404
    assert (await service.call("GET", "/v1/users/nobody/records", by="service:host")).status_code == 404
    assert (await service.call("GET", "/v1/chats/nobody/records", by="service:host")).status_code == 404


async def test_messages_of_the_other_party_are_unread_until_they_are_read(service: Any) -> None:
    await service.people()
    await service.chat("first")
    for number, party in enumerate(("advisor", "advisor", "user")):
        body = {"party": party, "text": "hello", "client_id": f"{number}"}
        await service.done("POST", "/v1/chats/first/messages", body)

    async def unread() -> tuple[int, int]:
        (of_user,) = (await service.done("GET", "/v1/users/alice/chats"))["chats"]
        (of_advisor,) = (await service.done("GET", "/v1/advisors/maya/chats"))["chats"]
        return of_user["unread"], of_advisor["unread"]

    assert await unread() == (2, 1)
    read = await service.done("POST", "/v1/chats/first/read", {"position": 1}, by="user:alice")
    assert read == {"chat_id": "first", "party": "user", "position": 1}
    assert await unread() == (1, 1)
    await service.done("POST", "/v1/chats/first/read", {"position": 99}, by="user:alice")
    await service.done("POST", "/v1/chats/first/read", {"position": 1}, by="user:alice")
    assert await unread() == (0, 1)
    await service.done("POST", "/v1/chats/first/read", {"position": 3, "party": "advisor"})
    assert await unread() == (0, 0)
    for by in ("user:eve", "advisor:eve"):
        assert (await service.call("POST", "/v1/chats/first/read", {"position": 1}, by=by)).status_code == 404
    assert (await service.call("POST", "/v1/chats/first/read", {"position": 1}, by="operator:olga")).status_code == 403
    assert (await service.call("POST", "/v1/chats/first/read", {"position": 1}, by="service:host")).status_code == 422
