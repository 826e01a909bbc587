"""While no time runs, screens are told who is present: who comes, who leaves, and who is lost."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.both_servers

TRACKING = "/v1/chats/chat 1/tracking"


async def presence(live: Any, *, user: bool, advisor: bool) -> Any:
    """The first snapshot that says who is present like this."""
    while True:
        snapshot = (await live.hear("snapshot"))["snapshot"]
        told = snapshot["presence"]
        if told is not None and (told["user"], told["advisor"]) == (user, advisor):
            return snapshot


async def paused(service: Any) -> Any:
    await service.people()
    await service.chat()
    return await service.done("POST", "/v1/chats/chat 1/pause")


async def test_a_user_who_waits_sees_the_advisor_come_and_leave(service: Any) -> None:
    await paused(service)
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 60})  # what the start proved is over
    async with service.live("user:alice") as live:
        await live.say("watch", chat_id="chat 1")
        before = await presence(live, user=True, advisor=False)
        assert before["presence"]["until"] is None
        async with service.live("advisor:maya") as page:
            await page.say("watch", chat_id="chat 1")
            here = await presence(live, user=True, advisor=True)
            assert here["presence"]["until"] is None
            assert here["sequence"] > before["sequence"]
            await page.say("leave", chat_id="chat 1")
            leaving = await live.hear("snapshot")
            assert leaving["snapshot"]["presence"]["advisor"]
            assert leaving["snapshot"]["presence"]["until"] is not None
        # Nobody tells of the end of the lease itself: a screen asks again.
        await service.done("POST", "/v1/test-clock/advance", {"seconds": 6})
        await live.say("watch", chat_id="chat 1")
        await presence(live, user=True, advisor=False)


async def test_an_advisor_who_is_given_time_to_arrive_is_not_here_before_arriving(service: Any) -> None:
    await service.people()
    started = await service.chat()
    assert (started["record"]["starts"], started["timer"]["running"]) == ("at_once", True)
    async with service.live("user:alice") as live:
        await live.say("watch", chat_id="chat 1")
        await presence(live, user=True, advisor=False)
        async with service.live("advisor:maya") as page:
            await page.say("watch", chat_id="chat 1")
            while (arrived := (await live.hear("snapshot"))["snapshot"])["presence"] is not None:
                pass
            assert arrived["timer"]["running"]


async def test_a_list_of_chats_says_who_is_present_while_the_record_waits(service: Any) -> None:
    await paused(service)
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 60})
    async with service.live("user:alice") as live:
        await live.say("watch", chat_id="chat 1")
        await presence(live, user=True, advisor=False)
        for path, by in (("/v1/users/alice/chats", "user:alice"), ("/v1/advisors/maya/chats", "advisor:maya")):
            (chat,) = (await service.done("GET", path, by=by))["chats"]
            assert (chat["presence"]["user"], chat["presence"]["advisor"]) == (True, False)
    await service.done("POST", "/v1/chats/chat 1/stop")
    (chat,) = (await service.done("GET", "/v1/users/alice/chats", by="user:alice"))["chats"]
    assert chat["presence"] is None


async def test_a_heartbeat_call_that_only_renews_tells_screens_nothing(service: Any) -> None:
    await paused(service)
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 60})
    numbers = []
    for _ in range(3):
        told = await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": "advisor"})
        numbers.append(told["sequence"])
        assert told["presence"]["advisor"]
        assert told["presence"]["until"] is not None
    assert numbers[0] == numbers[1] == numbers[2]
    assert numbers[0] > 0


async def test_nothing_is_said_while_time_runs_or_after_the_end(service: Any) -> None:
    await service.people()
    await service.chat()
    assert (await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": "advisor"}))["presence"] is None
    assert (await service.done("POST", "/v1/chats/chat 1/pause"))["presence"] is not None
    assert (await service.done("POST", "/v1/chats/chat 1/stop"))["presence"] is None


async def test_an_advisor_who_waits_sees_that_the_user_is_there(service: Any) -> None:
    await paused(service)
    async with service.live("advisor:maya") as live, service.live("user:alice") as user:
        await user.say("watch", chat_id="chat 1")
        await user.hear("snapshot")
        await live.say("watch", chat_id="chat 1")
        told = await presence(live, user=True, advisor=True)
        assert told["balance"] is None


async def test_a_user_who_goes_on_in_another_chat_is_told_that_the_advisor_has_not_come_there(service: Any) -> None:
    """The lease that the advisor proved in the first chat goes on, but the advisor's page shows the first chat."""
    await service.people()
    await service.chat()
    async with service.live("user:alice") as user, service.live("advisor:maya") as advisor:
        for live in (user, advisor):
            await live.say("watch", chat_id="chat 1")
            await live.hear("snapshot")
        await service.done("POST", "/v1/test-clock/advance", {"seconds": 1})
        await service.chat("chat 2")
        await user.say("watch", chat_id="chat 2")
        told = await presence(user, user=True, advisor=False)
        assert told["timer"]["running"]
        assert told["presence"]["until"] == told["timer"]["lease_until"]
        await advisor.say("watch", chat_id="chat 2")
        while (told := (await user.hear("snapshot"))["snapshot"])["chat"]["id"] != "chat 2" or told["presence"]:
            pass
        assert told["timer"]["running"]


async def test_a_party_without_a_page_elsewhere_is_never_said_to_be_elsewhere(service: Any) -> None:
    """Heartbeat calls prove presence only now and then, and a page that is loaded again is gone for a moment."""
    await service.people()
    await service.chat()
    await service.done("POST", "/v1/chats/chat 1/heartbeat", {"party": "advisor"})
    await service.done("POST", "/v1/chats/chat 1/pause", by="user:alice")
    await service.done("POST", "/v1/test-clock/advance", {"seconds": 5})
    resumed = await service.done("POST", "/v1/chats/chat 1/resume", by="user:alice")
    assert (resumed["timer"]["running"], resumed["presence"]) == (True, None)
    async with service.live("user:alice") as user:
        await user.say("watch", chat_id="chat 1")
        await user.hear("snapshot")
        async with service.live("advisor:maya") as page:
            await page.say("watch", chat_id="chat 1")
            await page.hear("snapshot")
            await page.say("leave", chat_id="chat 1")
        left = await service.done("GET", "/v1/chats/chat 1/tracking")
        assert (left["timer"]["running"], left["presence"]) == (True, None)
