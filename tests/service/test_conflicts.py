"""Every answer 409 has the state of the record, and the calls that are allowed in this state."""

from __future__ import annotations

from typing import Any

from talktime.asgi import create_app
from talktime.core.money import AMOUNT_MAX, BALANCE_MAX, format_credits

DEARER = {"tiers": [{"rate": "2.00", "per_seconds": 60, "increment_seconds": 60}]}


async def _refused(service: Any, path: str, body: Any = None, by: str = "user:alice") -> tuple[Any, list[str]]:
    """Make a call that must conflict; returns the state and the allowed calls. The detail says what to do."""
    response = await service.call("POST", path, body, by=by, key=f"{path} {body} {by} {service.keys}")
    assert response.status_code == 409, response.text
    problem = response.json()
    assert problem["code"] == "conflict"
    assert problem["detail"].endswith(".")
    return problem["state"], problem["allowed"]


async def test_a_call_to_a_record_that_has_ended(service: Any) -> None:
    await service.people()
    await service.chat("one")
    await service.done("POST", "/v1/chats/one/stop")
    for act in ("pause", "resume"):
        for by in ("user:alice", "advisor:maya", "service"):
            assert await _refused(service, f"/v1/chats/one/{act}", by=by) == ("ended", ["tracking"])
    assert (await service.done("POST", "/v1/chats/one/tracking"))["timer"]["running"]


async def test_a_call_to_a_chat_that_its_record_has_left(service: Any) -> None:
    await service.people()
    await service.chat("one")
    await service.chat("two")
    for state in ("running", "paused"):
        for act in ("pause", "resume"):
            assert await _refused(service, f"/v1/chats/one/{act}") == (state, ["tracking", "stop"])
        await service.done("POST", "/v1/chats/two/pause")
    assert (await service.done("POST", "/v1/chats/one/tracking"))["timer"]["running"]


async def test_an_advisor_cannot_resume_without_the_user(service: Any) -> None:
    await service.people()
    await service.chat("one")
    await service.done("POST", "/v1/chats/one/pause", by="advisor:maya")
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 31})
    assert await _refused(service, "/v1/chats/one/resume", by="advisor:maya") == ("paused", ["stop"])
    await service.done("POST", "/v1/chats/one/heartbeat", by="user:alice")
    assert (await service.done("POST", "/v1/chats/one/resume", by="advisor:maya"))["timer"]["running"]


async def test_a_chat_id_of_another_pair(service: Any) -> None:
    """The answer has the state of the caller's own record, and not the state of the other pair's record."""
    await service.people()
    await service.chat("theirs")
    await service.done("POST", "/v1/users/bob/credits", {"amount": "10.00", "kind": "purchase"})
    theirs = {"user_id": "bob", "advisor_id": "maya", "chat_id": "theirs"}
    assert await _refused(service, "/v1/chats", theirs, by="user:bob") == (None, ["chats"])
    assert (await service.done("GET", "/v1/users/bob/chats"))["chats"] == []
    await service.done("POST", "/v1/chats", {**theirs, "chat_id": "his"})
    await service.done("POST", "/v1/chats/his/pause")
    service.keys += 1
    assert await _refused(service, "/v1/chats", theirs, by="user:bob") == ("paused", ["chats"])
    # The same user with another advisor is another pair.
    other = {"user_id": "alice", "advisor_id": "ben", "chat_id": "theirs"}
    assert await _refused(service, "/v1/chats", other) == (None, ["chats"])


async def test_an_old_version_of_a_tariff_starts_nothing(service: Any) -> None:
    await service.people()
    await service.chat("one")
    await service.done("POST", "/v1/chats/one/stop")
    await service.done("PUT", "/v1/advisors/maya", {"display_name": "Maya", "tariff": DEARER, "starts": "at_once"})
    new = {"user_id": "alice", "advisor_id": "maya", "chat_id": "two", "tariff_version": 1}
    assert await _refused(service, "/v1/chats", new) == (None, ["chats"])
    assert await _refused(service, "/v1/chats/one/tracking", {"tariff_version": 1}) == ("ended", ["tracking"])
    response = await service.call("POST", "/v1/chats/one/tracking", {"tariff_version": 3}, by="user:alice")
    assert (response.status_code, response.json()["tariff_version"]) == (409, 2)
    started = await service.done("POST", "/v1/chats", {**new, "tariff_version": 2})
    assert (started["timer"]["running"], started["tariff_version"]) == (True, 2)


async def test_an_offer_that_has_got_worse_starts_nothing(settings: Any, start: Any) -> None:
    async with start(create_app, settings.model_copy(update={"test_clock": True})) as service:
        await service.people()
        tariff = {"tiers": DEARER["tiers"], "free_seconds": 40, "grace_seconds": 20}
        maya = {"display_name": "Maya", "tariff": tariff, "starts": "at_once"}
        await service.done("PUT", "/v1/advisors/maya", maya)
        pair = {"user_id": "alice", "advisor_id": "maya"}

        async def offered() -> str:
            return str((await service.done("GET", "/v1/users/alice/offers/maya"))["version"])

        async def refused(version: str) -> bool:
            service.keys += 1
            return await _refused(service, "/v1/chats", {**pair, "offer_version": version}) == (None, ["chats"])

        async def talk(seconds: int, version: str) -> None:
            chat = await service.done("POST", "/v1/chats", {**pair, "offer_version": version}, by="user:alice")
            await service.done("POST", "/v1/test-clock/advance", {"seconds": seconds})
            await service.done("POST", f"/v1/chats/{chat['chat']['id']}/stop")

        assert await offered() == "2-40000-grace"
        assert await refused("2-40001-grace")  # more than there is
        assert await refused("1-0")
        await talk(10, "2-40000-grace")
        left = await offered()
        free = int(left.split("-")[1])
        assert 0 < free <= 30_000
        assert left == f"2-{free}-grace"
        for version in ("2-40000-grace", "2-40000", f"2-{free + 1}-grace"):
            assert await refused(version)
        await talk(40, f"2-{free - 1}")  # less was promised
        assert await offered() == "2-0"  # that record has used the grace
        assert await refused("2-0-grace")
        await talk(1, "2-0")
        for wrong in ("", "2", "2-", "02-1", "2-1-", "2-1-grace-", "2-1 ", "2-١", "-1-0", "2-1-Grace", "9" * 50):
            service.keys += 1
            response = await service.call("POST", "/v1/chats", {**pair, "offer_version": wrong}, by="user:alice")
            assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "offer_version"), wrong
        # A record that goes on has its own price.
        await service.done("POST", "/v1/chats", {**pair, "chat_id": "on"})
        moved = {**pair, "chat_id": "moved", "offer_version": "1-0"}
        assert (await service.done("POST", "/v1/chats", moved, by="user:alice"))["tariff_version"] == 2


async def test_a_record_that_should_go_on_and_has_ended_starts_nothing_new(service: Any) -> None:
    await service.people()
    record = (await service.chat("one"))["record"]["id"]
    goes_on = {"record_id": record}
    new = {"user_id": "alice", "advisor_id": "maya", "chat_id": "two", **goes_on}
    moved = await service.done("POST", "/v1/chats", new)
    assert (moved["record"]["id"], moved["record"]["current_chat_id"]) == (record, "two")
    back = await service.done("POST", "/v1/chats/one/tracking", goes_on)
    assert (back["record"]["id"], back["timer"]["running"]) == (record, True)
    assert await _refused(service, "/v1/chats/two/tracking", {"record_id": "another"}) == ("ended", ["tracking"])
    await service.done("POST", "/v1/chats/one/stop")
    assert await _refused(service, "/v1/chats/two/tracking", goes_on) == ("ended", ["tracking"])
    assert await _refused(service, "/v1/chats", {**new, "chat_id": "three"}) == ("ended", ["chats"])
    began = await service.done("POST", "/v1/chats/one/tracking")
    assert await _refused(service, "/v1/chats/two/tracking", goes_on) == ("ended", ["tracking"])
    active = (await service.done("GET", "/v1/chats/one/tracking"))["record"]
    assert (active["id"], active["current_chat_id"]) == (began["record"]["id"], "one")


async def test_only_a_start_compares_the_version_of_the_tariff(service: Any) -> None:
    """A record keeps its version, so a resumption or a switch has no price that could have changed."""
    await service.people()
    await service.chat("one")
    await service.done("POST", "/v1/chats/one/pause")
    await service.done("PUT", "/v1/advisors/maya", {"display_name": "Maya", "tariff": DEARER, "starts": "at_once"})
    for version in (1, 2, 9):
        seen = {"tariff_version": version}
        resumed = await service.done("POST", "/v1/chats/one/tracking", seen)
        assert (resumed["timer"]["running"], resumed["tariff_version"]) == (True, 1)
        moved = await service.done(
            "POST", "/v1/chats", {"user_id": "alice", "advisor_id": "maya", "chat_id": f"v{version}", **seen}
        )
        assert (moved["record"]["id"], moved["tariff_version"]) == (resumed["record"]["id"], 1)
        await service.done("POST", "/v1/chats/one/tracking", seen)
        await service.done("POST", "/v1/chats/one/pause")


async def test_credit_beyond_the_maximum_of_an_account(service: Any) -> None:
    await service.people(credit="0.01")
    most = {"amount": format_credits(AMOUNT_MAX), "kind": "purchase"}
    for _ in range(BALANCE_MAX // AMOUNT_MAX - 1):
        await service.done("POST", "/v1/users/alice/credits", most)
    assert await _refused(service, "/v1/users/alice/credits", most, by="service") == (None, ["debits"])
