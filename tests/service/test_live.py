"""The live channel: who may sign in, which messages come in which order, and bad messages that do no harm."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

import pytest
import websockets

from talktime.asgi import create_app
from talktime.core.roles import Role
from talktime.service.live import message_limit
from talktime.service.live.send_queue import ANSWERS_MAX, SHARED_MAX, SendQueue


async def test_the_sequence_of_snapshots_has_no_gap(service: Any) -> None:
    await service.people()
    await service.chat("one")
    async with service.live("user:alice") as user, service.live("advisor:maya") as advisor:
        heard: dict[str, list[dict[str, Any]]] = {}
        for name, live in (("user", user), ("advisor", advisor)):
            await live.say("watch", chat_id="one")
            heard[name] = [await live.hear("snapshot")]
        for act in ("pause", "resume", "pause", "resume", "stop"):
            sequence = (await service.done("POST", f"/v1/chats/one/{act}", by="user:alice"))["sequence"]
            for name, live in (("user", user), ("advisor", advisor)):
                while heard[name][-1]["snapshot"]["sequence"] < sequence:
                    heard[name].append(await live.hear("snapshot"))
        for messages in heard.values():
            # On a busy machine the change of the start may be told after the first snapshot, which has it already.
            numbers = list(dict.fromkeys(message["snapshot"]["sequence"] for message in messages))
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert heard["user"][-1]["snapshot"]["chat"] == heard["advisor"][-1]["snapshot"]["chat"]


async def test_every_chat_of_the_account_is_told_of_a_change_under_one_number(service: Any) -> None:
    await service.people()
    await service.chat("one", "maya")
    await service.chat("two", "ben")
    async with service.live("user:alice") as live:
        for chat_id in ("one", "two"):
            await live.say("watch", chat_id=chat_id)
        watched: set[str] = set()
        while len(watched) < 2:
            watched.add((await live.hear("snapshot"))["chat_id"])
        before = (await service.done("GET", "/v1/chats/one/tracking"))["sequence"]
        await service.done("POST", "/v1/chats/one/pause", by="user:alice")
        told: dict[str, int] = {}
        while len(told) < 2:
            message = await live.hear("snapshot")
            # A change from before the page watched may still be told.
            if message["snapshot"]["sequence"] > before:
                told[message["chat_id"]] = message["snapshot"]["sequence"]
        assert told == {"one": before + 1, "two": before + 1}


async def test_an_empty_frame_is_answered_with_an_empty_frame(service: Any) -> None:
    async with service.live("user:alice") as live:
        for _ in range(3):
            await live.socket.send("")
            assert await live.socket.recv() == ""
    async with service.live(None) as live:
        await live.socket.send("")
        assert (await live.hear("problem"))["problem"]["code"] == "invalid_request"


async def test_watching_again_sends_the_snapshot_again(service: Any) -> None:
    await service.people()
    await service.chat()
    async with service.live("operator") as live, service.live("operator") as other:
        for screen in (live, other):
            await screen.say("watch", chat_id="chat 1")
            first = await screen.hear("snapshot")
        await live.say("watch", chat_id="chat 1")
        second = await live.hear("snapshot")
        assert second["snapshot"]["sequence"] == first["snapshot"]["sequence"]
        await live.say("unwatch", chat_id="chat 1")
        # A pong overtakes the messages that need the database. This refusal comes after the `unwatch`.
        await live.say("watch", chat_id="gone")
        await live.hear("problem")
        paused = await service.done("POST", "/v1/chats/chat 1/pause")
        while (await other.hear("snapshot"))["snapshot"]["sequence"] < paused["sequence"]:
            pass
        await live.say("ping", c0=2)
        assert (await live.hear("snapshot", "pong"))["type"] == "pong"


async def test_messages_and_typing_reach_the_other_side(service: Any) -> None:
    await service.people()
    await service.chat()
    async with service.live("user:alice") as user, service.live("advisor:maya") as advisor:
        for live in (user, advisor):
            await live.say("watch", chat_id="chat 1")
            await live.hear("snapshot")
        await user.say("typing", chat_id="chat 1")
        assert await advisor.hear("typing") == {"type": "typing", "chat_id": "chat 1", "party": "user"}
        for number in range(5):
            await user.say("message", chat_id="chat 1", client_id=str(number), text=f"Hello {number}")
        for live in (user, advisor):
            heard = [(await live.hear("message"))["message"] for _ in range(5)]
            assert [(message["position"], message["text"], message["sender"]) for message in heard] == [
                (number + 1, f"Hello {number}", "user") for number in range(5)
            ]
        # A repeat changes nothing, and its sender is told that the message has arrived.
        await user.say("message", chat_id="chat 1", client_id="2", text="Hello 2")
        assert (await user.hear("message"))["message"]["position"] == 3
    assert len((await service.done("GET", "/v1/chats/chat 1/messages"))["messages"]) == 5


async def test_pongs_carry_engine_time(service: Any) -> None:
    await service.people()
    await service.chat()
    async with service.live("user:alice") as live:
        await live.say("watch", chat_id="chat 1")
        await live.hear("snapshot")
        await live.say("ping", c0=123.5)
        pong = await live.hear("pong")
        assert pong["c0"] == 123.5
        assert pong["s1"] <= pong["s2"]
        assert 0 <= pong["error_ms"] < 1000
        assert pong["epoch"] == (await service.done("GET", "/v1/time"))["epoch"]
        assert set(pong["leases"]) == {"chat 1"}
        ahead_ms = time.time() * 1000 - pong["s2"]
        assert abs(ahead_ms) < 60_000  # nobody has moved the clock
        await service.done("POST", "/v1/test-clock/advance", {"seconds": 3600})
        async with asyncio.timeout(10):
            while pong["s2"] - time.time() * 1000 < 3_000_000:
                await live.say("ping", c0=1)
                pong = await live.hear("pong")
        assert pong["epoch"] == (await service.done("GET", "/v1/time"))["epoch"]


async def test_signing_in(service: Any) -> None:
    await service.people()
    await service.chat()
    token = service.token("user:alice")
    async with service.live(subprotocols=[websockets.Subprotocol(f"bearer.{token}")]) as live:
        assert live.socket.subprotocol == f"bearer.{token}"
        await live.say("watch", chat_id="chat 1")
        await live.hear("snapshot")
    async with service.live(subprotocols=[websockets.Subprotocol("bearer.nonsense")]) as live:
        assert await live.close_code() == 4401
    for first in ({"type": "watch", "chat_id": "chat 1"}, {"type": "hello", "token": "x"}, {"type": "ping", "c0": 1}):
        async with service.live() as live:
            await live.socket.send(json.dumps(first))
            assert await live.close_code() == 4401
    async with service.live() as live:
        assert await live.close_code() == 4401  # nobody said hello


async def test_nobody_at_the_same_address_keeps_a_person_with_a_token_out(settings: Any, start: Any) -> None:
    async with start(create_app, settings.model_copy(update={"requests_per_second": 1})) as service:
        await service.people()
        await service.chat()

        async def use_up() -> None:
            while (await service.call("GET", "/v1/time")).status_code != 429:
                pass

        async def is_limited(options: dict[str, Any]) -> bool:
            await use_up()
            async with service.live(**options) as live:
                if not options:
                    await live.say("hello", token=f"tt_{'0' * 64}")
                try:
                    return bool((await live.hear("problem"))["problem"]["code"] == "rate_limited")
                except websockets.ConnectionClosed:
                    return False

        await use_up()
        async with service.live("user:alice") as live:
            await live.say("watch", chat_id="chat 1")
            await live.hear("snapshot")
        # The database is not asked for every key that somebody makes up, only for one a second.
        for options in ({}, {"subprotocols": [websockets.Subprotocol(f"bearer.tt_{'0' * 64}")]}):
            async with asyncio.timeout(30):
                while not await is_limited(options):
                    pass


async def test_a_token_that_expires_closes_the_socket(service: Any) -> None:
    async with service.live() as live:
        await live.say("hello", token=service.tokens.make(Role.OPERATOR, "o", ttl_seconds=2))
        await live.say("ping", c0=1)
        await live.hear("pong")
        assert await live.close_code() == 4401
    async with service.live() as live:
        await live.say("hello", token=service.tokens.make(Role.OPERATOR, "o", ttl_seconds=2))
        await live.say("hello", token=service.tokens.make(Role.OPERATOR, "o", ttl_seconds=60))
        await asyncio.sleep(3)
        await live.say("ping", c0=1)
        await live.hear("pong")


@pytest.mark.parametrize("who", ["user:bob", "advisor:ben", "user:maya", "advisor:alice"])
@pytest.mark.parametrize("act", ["watch", "message", "typing"])
async def test_chats_of_other_people_are_refused(service: Any, who: str, act: str) -> None:
    await service.people()
    await service.chat()
    said = {"client_id": "1", "text": "Hello"} if act == "message" else {}
    async with service.live(who) as live:
        await live.say(act, chat_id="chat 1", **said)
        assert await live.close_code() == 4403
    assert (await service.done("GET", "/v1/chats/chat 1/messages"))["messages"] == []


@pytest.mark.parametrize("who", ["user:alice", "advisor:maya", "service"])
async def test_a_chat_that_does_not_exist_does_no_harm_to_other_chats(service: Any, who: str) -> None:
    await service.people()
    await service.chat("one")
    await service.chat("two", advisor="maya")
    async with service.live(who) as live:
        for chat_id in ("one", "gone", "two"):
            await live.say("watch", chat_id=chat_id)
            heard = await live.hear("snapshot", "problem")
            while heard["chat_id"] != chat_id:  # the switch to the second chat may be told late
                heard = await live.hear("snapshot", "problem")
            assert heard["type"] == ("problem" if chat_id == "gone" else "snapshot")
            if chat_id == "gone":
                assert heard["problem"]["code"] == "not_found"
        said = {"party": "user"} if who == "service" else {}
        await live.say("message", chat_id="gone", client_id="c 1", text="Hello", **said)
        answer = await live.hear("problem")
        assert (answer["problem"]["code"], answer["chat_id"], answer["client_id"]) == ("not_found", "gone", "c 1")
        await live.say("typing", chat_id="gone", **said)
        assert (await live.hear("problem"))["chat_id"] == "gone"
        await live.say("unwatch", chat_id="gone")
        # The other chats get their changes, and the missing chat gets its snapshot when it is started.
        paused = (await service.done("POST", "/v1/chats/two/pause"))["sequence"]
        told: set[str] = set()
        while told != {"one", "two"}:
            heard = await live.hear("snapshot")
            if heard["snapshot"]["sequence"] == paused:  # on a busy machine the switch may be told only now
                told.add(heard["chat_id"])
        await service.chat("gone")
        await live.say("watch", chat_id="gone")
        async with asyncio.timeout(10):
            while (heard := await live.hear("snapshot", "problem"))["chat_id"] != "gone":
                pass
        assert heard["snapshot"]["timer"]["running"]


async def test_an_operator_watches_and_may_not_write(service: Any) -> None:
    await service.people()
    await service.chat()
    async with service.live("operator") as live:
        await live.say("watch", chat_id="chat 1")
        await live.hear("snapshot")
        for act, said in (("message", {"client_id": "1", "text": "Hello"}), ("typing", {})):
            for party in ({}, {"party": "user"}):
                await live.say(act, chat_id="chat 1", **said, **party)
                assert (await live.hear("problem", "message"))["problem"]["code"] == "forbidden"
    assert (await service.done("GET", "/v1/chats/chat 1/messages"))["messages"] == []


async def test_bad_messages_are_answered_and_do_no_harm(service: Any) -> None:
    await service.people()
    await service.chat()
    async with service.live("user:alice") as live:
        for frame in (
            "not json",
            "[]",
            "null",
            "[" * 9_000,
            "{}",
            '{"type": 7}',
            '{"type": "dance"}',
            '{"type": "watch"}',
            '{"type": "watch", "chat_id": 7}',
            '{"type": "watch", "chat_id": "a\\u0000b"}',
            '{"type": "watch", "chat_id": "chat 1", "now": true}',
            '{"type": "ping"}',
            '{"type": "ping", "c0": "1"}',
            '{"type": "ping", "c0": NaN}',
            '{"type": "ping", "c0": true}',
            '{"type": "ping", "c0": 1' + "0" * 400 + "}",
            '{"type": "message", "chat_id": "chat 1", "text": "x"}',
            '{"type": "message", "chat_id": "chat 1", "client_id": "1", "text": ""}',
            '{"type": "message", "chat_id": "chat 1", "client_id": "1", "text": "\\ud800"}',
            '{"type": "message", "chat_id": "chat 1", "client_id": "1", "text": "a\\u0000b"}',
            '{"type": "hello"}',
            b"\x00\x01",
        ):
            await live.socket.send(frame)
            answer = await live.hear("problem", "pong", "snapshot", "message")
            assert answer["type"] == "problem", frame
            assert answer["problem"]["code"] == "invalid_request", frame
        await live.say("hello", token=service.token("advisor:maya"))
        assert (await live.hear("problem"))["problem"]["errors"][0]["field"] == "token"
        await live.say("watch", chat_id="chat 1")
        await live.hear("snapshot")


async def test_a_message_that_is_too_large_closes_the_socket(service: Any) -> None:
    async with service.live("operator") as live:
        await live.socket.send("x" * 17_000)
        assert await live.close_code() == 1009
    async with service.live("operator") as live:
        await live.socket.send("é" * 16_000)  # 32,000 bytes
        assert await live.close_code() == 1009
    assert (await service.call("GET", "/readyz")).status_code == 200


async def _flood(live: Any) -> None:
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            await live.say("ping", c0=1)
            await asyncio.sleep(0)  # the server and this flood share a loop


async def test_a_screen_that_sends_too_much_is_slowed_down_and_then_closed(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A low limit, so that the slowest machine exceeds it.
    monkeypatch.setattr(message_limit, "MESSAGES_BURST", 10.0)
    monkeypatch.setattr(message_limit, "MESSAGES_PER_SECOND", 0.01)
    async with service.live("operator") as live:
        flood = asyncio.create_task(_flood(live))
        assert await live.close_code() == 4429
        await flood
    monkeypatch.setattr(message_limit, "MESSAGES_PER_SECOND", 1.0)
    async with service.live("operator") as live:
        await asyncio.gather(*(live.say("ping", c0=1) for _ in range(30)))
        assert (await live.hear("problem"))["problem"]["code"] == "rate_limited"
        # The service reads from a screen again that has slowed down.
        async with asyncio.timeout(30):
            while True:
                await asyncio.sleep(2)
                await live.say("ping", c0=7)
                if (await live.hear("pong"))["c0"] == 7:
                    break


async def test_one_socket_may_watch_a_limited_number_of_chats(service: Any) -> None:
    await service.people()
    for number in range(201):
        await service.chat(f"c{number}")
    async with service.live("operator") as live:
        for number in range(200):
            await live.say("watch", chat_id=f"c{number}")
            assert (await live.hear("snapshot", "problem"))["type"] == "snapshot"
            await asyncio.sleep(0.02)
        await live.say("watch", chat_id="c200")
        assert (await live.hear("problem"))["chat_id"] == "c200"


class Slow:
    """A socket that takes one message whenever the test lets it."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(0)
        self.taken: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None

    async def send_text(self, text: str) -> None:
        await self.turns.acquire()
        self.taken.append(json.loads(text))

    async def close(self, code: int, reason: str) -> None:
        self.closed = code, reason


async def test_a_screen_that_does_not_read_the_answers_that_it_asks_for_is_closed() -> None:
    slow = Slow()
    queue = SendQueue(slow, lambda: 0.0)  # type: ignore[arg-type]  # it has the calls of a WebSocket that the queue makes
    writer = asyncio.create_task(queue.write())
    await asyncio.sleep(0)
    for number in range(ANSWERS_MAX):
        queue.answer({"type": "n", "number": number})
    assert not queue.is_closing
    queue.answer({"type": "n", "number": ANSWERS_MAX})
    slow.turns.release()
    await asyncio.wait_for(writer, 5)
    assert slow.closed == (4408, "too slow")


async def test_a_screen_is_not_closed_for_what_others_send() -> None:
    """A screen that is far behind gets the newest of each kind and chat; the gap in the numbers tells it to ask."""
    slow = Slow()
    queue = SendQueue(slow, lambda: 0.0)  # type: ignore[arg-type]  # it has the calls of a WebSocket that the queue makes
    writer = asyncio.create_task(queue.write())
    await asyncio.sleep(0)
    for number in range(1_000):
        queue.share(("message", "one"), {"type": "message", "number": number})
        queue.share(("snapshot", "one"), {"type": "snapshot", "number": number})
        queue.share(("typing", "one", "user"), {"type": "typing", "number": number}, newest_only=True)
        queue.answer({"type": "pong"}) if number % 100 == 0 else None
        await asyncio.sleep(0)
    for _ in range(SHARED_MAX + 20):
        slow.turns.release()
    await asyncio.sleep(0.05)
    assert not writer.done()
    assert len(slow.taken) <= SHARED_MAX + 15
    numbers = {
        kind: [message["number"] for message in slow.taken if message["type"] == kind]
        for kind in ("message", "snapshot", "typing")
    }
    for kind, found in numbers.items():
        assert found == sorted(set(found)), kind
        assert found[-1] == 999, kind
    assert len(numbers["typing"]) == 1
    assert sum(message["type"] == "pong" for message in slow.taken) == 10
    # Now that nothing waits, nothing is left out again.
    queue.share(("message", "one"), {"type": "message", "number": 1_000})
    queue.share(("message", "one"), {"type": "message", "number": 1_001})
    slow.turns.release()
    slow.turns.release()
    await asyncio.sleep(0.05)
    assert [message["number"] for message in slow.taken[-2:]] == [1_000, 1_001]
    writer.cancel()


async def test_signs_of_typing_are_passed_on_once_a_second(service: Any) -> None:
    await service.people()
    await service.chat()
    async with service.live("user:alice") as user, service.live("advisor:maya") as advisor:
        await advisor.say("watch", chat_id="chat 1")
        await advisor.hear("snapshot")
        for _ in range(150):
            await user.say("typing", chat_id="chat 1")
        await user.say("ping", c0=1)
        await user.hear("pong")
        await advisor.hear("typing")
        signs = 1
        await asyncio.sleep(0.3)
        await advisor.say("ping", c0=1)
        while (await advisor.hear("typing", "pong"))["type"] == "typing":
            signs += 1
        assert signs <= 3


async def test_a_person_has_one_budget_for_all_sockets_and_requests(settings: Any, start: Any) -> None:
    few = settings.model_copy(update={"sockets_per_person": 3, "requests_per_second": 1})  # 6 at once
    async with start(create_app, few) as service, contextlib.AsyncExitStack() as stack:
        await service.people()
        await service.chat()

        async def signed_in(who: str, seconds: int) -> Any:
            token = service.tokens.make(Role.USER, who, seconds)
            return await stack.enter_async_context(
                service.live(subprotocols=[websockets.Subprotocol(f"bearer.{token}")])
            )

        sockets = [await signed_in("alice", 60 + number) for number in range(3)]
        assert await (await signed_in("alice", 70)).close_code() == 4429
        bob = await signed_in("bob", 60)
        await bob.say("ping", c0=1)
        await bob.hear("pong")
        # A socket that is closed makes room.
        await sockets.pop().socket.close()
        await asyncio.sleep(0.2)
        sockets.append(await signed_in("alice", 80))
        # What the sockets use up is missing for the requests, whatever the token.
        for socket in sockets * 4:
            await socket.say("ping", c0=1)
        await asyncio.sleep(0.2)
        statuses = [(await service.call("GET", "/v1/time", by="user:alice")).status_code for _ in range(10)]
        assert statuses.count(429) >= 5
        assert (await service.call("GET", "/v1/time", by="user:bob")).status_code == 200
        assert (await service.call("GET", "/v1/time", by="service")).status_code == 200


async def test_a_screen_that_reads_nothing_is_closed(service: Any) -> None:
    async with service.live("operator") as live:
        flood = asyncio.create_task(_flood(live))  # and reads none of the answers
        metrics = "talktime_live_sockets 1.0"
        async with asyncio.timeout(30):
            while metrics in (await service.call("GET", "/metrics")).text:
                await asyncio.sleep(0.2)
        flood.cancel()


async def test_a_screen_that_sends_nothing_for_a_lease_is_closed(settings: Any, start: Any) -> None:
    async with start(create_app, settings.model_copy(update={"presence_lease_seconds": 1})) as service:
        await service.people()
        await service.chat()
        async with service.live("user:alice") as user, service.live("operator") as operator:
            await user.say("watch", chat_id="chat 1")
            heard = await user.hear("heartbeat")
            assert set(heard) == {"type", "s2", "epoch", "leases"}
            await operator.hear("heartbeat")
            assert await user.close_code() == 4408
            assert await operator.close_code() == 4408


async def test_empty_frames_prove_nothing(settings: Any, start: Any) -> None:
    """A screen is not told the lease that an empty frame would renew, so the charge would end later than the screen."""
    async with start(create_app, settings.model_copy(update={"presence_lease_seconds": 2})) as service:
        await service.people()
        await service.chat()
        async with service.live("user:alice") as user, service.live("advisor:maya") as advisor:
            for screen in (user, advisor):
                await screen.say("watch", chat_id="chat 1")
            with contextlib.suppress(websockets.ConnectionClosed):
                for _ in range(40):
                    await user.socket.send("")
                    await advisor.say("heartbeat")
                    await asyncio.sleep(0.1)
        record = (await service.done("GET", "/v1/chats/chat 1/tracking"))["record"]
        assert (record["state"], record["reason"]) == ("paused", "user_away")


async def test_a_service_that_stops_closes_its_sockets_one_after_the_other(settings: Any, start: Any) -> None:
    async def closed(socket: websockets.ClientConnection) -> float:
        await asyncio.wait_for(socket.wait_closed(), 10)
        return time.monotonic()

    sockets = []
    async with start(create_app, settings) as service:
        for number in range(60):
            socket = await websockets.connect(service.address.replace("http", "ws") + "/v1/live")
            await socket.send(json.dumps({"type": "hello", "token": service.token(f"user:user {number}")}))
            sockets.append(socket)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(service.address.rpartition(":")[2]))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        waits = [asyncio.create_task(closed(socket)) for socket in sockets]
        began = time.monotonic()
    assert time.monotonic() - began < 5
    times = sorted([await wait for wait in waits])
    assert {socket.close_code for socket in sockets} == {1012}
    assert times[-1] - times[0] > 0.4
    assert times[30] - times[0] > 0.1
    assert await reader.read() != b""  # the body of the answer, and then the end: nobody is kept waiting
    writer.close()
