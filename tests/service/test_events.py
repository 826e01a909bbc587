"""`GET /v1/events`: a backend waits for what happens, and goes on where it was."""

from __future__ import annotations

import asyncio
from typing import Any


async def test_a_backend_waits_for_the_next_event_and_goes_on_from_there(service: Any) -> None:
    await service.people()
    latest = (await service.done("GET", "/v1/events?after=latest"))["next"]
    asked = asyncio.create_task(service.call("GET", f"/v1/events?after={latest}&wait=30", by="service"))
    done, _ = await asyncio.wait([asked], timeout=0.5)
    assert not done  # there is nothing yet
    record = (await service.chat())["record"]["id"]
    first = (await asyncio.wait_for(asked, 20)).json()
    assert [(event["type"], event["record_id"]) for event in first["data"]] == [("record.started", record)]
    await service.done("POST", "/v1/chats/chat 1/stop")
    second = await service.done("GET", f"/v1/events?after={first['next']}")
    assert [event["type"] for event in second["data"]] == ["charge.posted", "record.ended"]
    nothing = await service.done("GET", f"/v1/events?after={second['next']}&wait=0.2")
    assert nothing == {"data": [], "next": second["next"]}


async def test_a_backend_chooses_events_and_reads_them_page_by_page(service: Any) -> None:
    await service.people()
    record = (await service.chat())["record"]["id"]
    await service.done("POST", "/v1/chats/chat 1/stop")
    for parameters in (
        "types=record.started,%20record.ended",
        f"record_id={record}&types=record.started,record.ended",
        "chat_id=chat 1&types=record.started,record.ended",
        "advisor_id=maya&types=record.started,record.ended",
    ):
        seen, after = [], "0"
        while page := (answer := await service.done("GET", f"/v1/events?{parameters}&after={after}&limit=1"))["data"]:
            assert len(page) == 1
            seen.append(page[0]["type"])
            after = answer["next"]
        assert seen == ["record.started", "record.ended"], parameters
    of_bob = await service.done("GET", "/v1/events?user_id=bob")
    assert of_bob["data"] == []


async def test_what_a_backend_can_not_mean_is_refused(service: Any) -> None:
    for parameters in ("wait=31", "wait=-1", "types=record.vanished", "after=yesterday", "limit=0"):
        assert (await service.call("GET", f"/v1/events?{parameters}", by="service")).status_code == 422, parameters
