"""8: the outcome of requests that race is an outcome that requests one after the other could have."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import websockets

from talktime.core.roles import Role
from tests.services import BY_THE_SECOND

from .stage import Node, Stage, micros, milliseconds

AT_ONCE = 50
ROUNDS = 20
PAYERS = 12
# By the second, so that a credit of 1.00 is cut after exactly one second.
ONE_A_SECOND = {"tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 1, "increment_seconds": 1}]}
LEASE_SECONDS = 6
# The end of the lease that the user's socket holds, in ms since 1970.
USER_LEASE = """
select extract(epoch from greatest(r.user_lease_until, n.renewed_at + $2::int * interval '1 second'))::float8 * 1000
from watches w join nodes n using (node_id) join records r on r.chat_id = w.chat_id
where w.chat_id = $1 and w.party = 'user' and r.ended_at is null
"""


async def test_8_fifty_simultaneous_starts_start_one_record(stage: Stage) -> None:
    await stage.start()
    await stage.people()
    chat_id = (await stage.new_chat())["chat"]["id"]
    await stage.call("POST", f"/chats/{chat_id}/stop")
    screens = await stage.both_screens(chat_id, "ended")
    start = {"user_id": "uma", "advisor_id": "ada", "chat_id": "a new one"}
    for path, body, chat in ((f"/chats/{chat_id}/tracking", None, chat_id), ("/chats", start, "a new one")):
        answers = await asyncio.gather(*(stage.call("POST", path, body) for _ in range(AT_ONCE)))
        # Each answer is as of its own instant; everything that the starts decided is the same.
        decided = [
            (one["record"], one["chat"]["id"], one["sequence"], one["timer"]["since"], one["timer"]["cut_at"])
            for one in answers
        ]
        assert decided == [decided[0]] * AT_ONCE
        assert decided[0][1] == chat
        assert all(answer["timer"]["running"] for answer in answers)
        record_id = answers[0]["record"]["id"]
        active = await stage.sql("select record_id from records where ended_at is null")
        assert [row["record_id"] for row in active] == [record_id]
        segments = await stage.sql("select record_id from segments where ended_at is null")
        assert [row["record_id"] for row in segments] == [record_id]
        if chat == chat_id:
            await asyncio.gather(*(screen.wait_for("running") for screen in screens))
            await stage.assert_agreement(chat_id, *screens)
    # The second fifty starts moved the conversation: one switch.
    receipt = await stage.receipt(record_id)
    assert [segment["reason"] for segment in receipt["segments"]] == ["switched", None]


async def test_8_a_stop_races_a_switch(stage: Stage, tell: Callable[[str], None]) -> None:
    await stage.start()
    await stage.people()
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()

    async def after(seconds: float, path: str, body: object = None) -> Any:
        await asyncio.sleep(seconds)
        return await stage.call("POST", path, body)

    for number in range(ROUNDS):
        old = await stage.new_chat()
        new = f"new {number}"
        body = {"user_id": "uma", "advisor_id": "ada", "chat_id": new}
        stopped, switched = await asyncio.gather(
            after(0.004 * chance.random(), f"/chats/{old['chat']['id']}/stop"),
            after(0.004 * chance.random(), "/chats", body),
        )
        receipt = await stage.assert_adds_up(old["record"]["id"])
        reasons = [segment["reason"] for segment in receipt["segments"]]
        chats = [segment["chat_id"] for segment in receipt["segments"]]
        assert (stopped["record"]["id"], stopped["record"]["state"]) == (old["record"]["id"], "ended")
        assert switched["timer"]["running"]
        now = await stage.tracking(new)
        if switched["record"]["id"] == old["record"]["id"]:
            outcomes["switched, then stopped"] += 1
            assert (reasons, chats) == (["switched", "stopped"], [old["chat"]["id"], new])
            assert receipt["segments"][0]["ended_at"] == receipt["segments"][1]["started_at"]
            assert (now["record"]["state"], now["timer"]["running"]) == ("ended", False)
        else:
            outcomes["stopped, then started"] += 1
            assert (reasons, chats) == (["stopped"], [old["chat"]["id"]])
            assert stopped["record"]["ended_at"] <= switched["record"]["started_at"]
            assert (now["record"]["id"], now["timer"]["running"]) == (switched["record"]["id"], True)
            await stage.call("POST", f"/chats/{new}/stop")
            await stage.assert_adds_up(switched["record"]["id"])
    tell(f"{dict(outcomes)}, seed {seed}")


async def test_8_a_pause_of_the_user_races_a_resume_of_the_advisor(stage: Stage, tell: Callable[[str], None]) -> None:
    """In the end the user's pause holds in either order, because only the user ends it."""
    await stage.start()
    await stage.people()
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()

    async def act(name: str, chat_id: str, role: Role, who: str) -> Any:
        await asyncio.sleep(0.004 * chance.random())
        return await stage.ask("POST", f"/chats/{chat_id}/{name}", None, role, who)

    for _ in range(ROUNDS):
        opened = await stage.new_chat()
        chat_id = opened["chat"]["id"]
        await stage.call("POST", f"/chats/{chat_id}/heartbeat", {"party": "advisor"})
        own_pause = await stage.ask("POST", f"/chats/{chat_id}/pause", None, Role.ADVISOR, "ada")
        assert own_pause.json()["record"]["paused_by"] == "advisor"
        paused, resumed = await asyncio.gather(
            act("pause", chat_id, Role.USER, "uma"), act("resume", chat_id, Role.ADVISOR, "ada")
        )
        assert paused.status_code == 200, paused.text
        record = (await stage.tracking(chat_id))["record"]
        assert (record["state"], record["reason"], record["paused_by"]) == ("paused", "paused", "user")
        segments = (await stage.assert_adds_up(opened["record"]["id"]))["segments"]
        if resumed.status_code == 200:
            outcomes["resumed, then paused by the user"] += 1
            assert [(segment["reason"], segment["caused_by"]) for segment in segments] == [
                ("paused", "advisor"),
                ("paused", "user"),
            ]
        else:
            outcomes["paused by the user, then refused"] += 1
            assert (resumed.status_code, resumed.json()["allowed"]) == (409, ["stop"])
            assert len(segments) == 1
        await stage.call("POST", f"/chats/{chat_id}/stop")
    tell(f"{dict(outcomes)}, seed {seed}")


async def test_8_a_top_up_races_the_cut(stage: Stage, tell: Callable[[str], None]) -> None:
    await stage.start()
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()

    async def race(user: str, round_: int) -> None:
        # Spend what is left of the last round, so that one second is left.
        account = await stage.call("GET", f"/users/{user}/account")
        rest = micros(account["available"]) - 1_000_000
        if rest > 0:
            await stage.call("POST", f"/users/{user}/debits", {"amount": f"{rest / 1_000_000:.6f}"})
        opened = await stage.new_chat(user)
        cut_ms = milliseconds(opened["timer"]["cut_at"])
        assert cut_ms - milliseconds(opened["record"]["started_at"]) == 1_000, round_
        await asyncio.sleep(cut_ms / 1000 - time.time() + chance.uniform(-0.1, 0.01))
        await stage.top_up("500.00", user)
        receipt = await stage.receipt(opened["record"]["id"])
        entries = await stage.entries(user)
        credited_at = next(entry["at"] for entry in entries if entry["amount"] == "500.00")
        assert (await stage.tracking(opened["chat"]["id"]))["timer"]["running"]
        if len(receipt["segments"]) == 1:
            outcomes["topped up, never cut"] += 1
            assert credited_at < opened["timer"]["cut_at"]
        else:
            outcomes["cut, then topped up"] += 1
            before, after = receipt["segments"]
            assert (before["ended_at"], before["reason"]) == (opened["timer"]["cut_at"], "out_of_credit")
            assert after["started_at"] == credited_at >= opened["timer"]["cut_at"]
        await stage.call("POST", f"/chats/{opened['chat']['id']}/stop")
        await stage.assert_adds_up(opened["record"]["id"], user)

    users = [f"payer-{number}" for number in range(PAYERS)]
    for user in users:
        await stage.people("1.00", ONE_A_SECOND, user)
    for round_ in range(3):
        await asyncio.gather(*(race(user, round_) for user in users))
    assert sum(outcomes.values()) == 3 * PAYERS
    tell(f"{dict(outcomes)}, seed {seed}")


async def test_8_the_return_of_a_user_races_the_lease_of_a_dead_node(stage: Stage, tell: Callable[[str], None]) -> None:
    dead = await stage.start(presence_lease_seconds=LEASE_SECONDS)
    alive = await stage.start(presence_lease_seconds=LEASE_SECONDS)
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    users = [f"payer-{number}" for number in range(PAYERS)]
    for user in users:
        await stage.people("50.00", BY_THE_SECOND, user)
    chats = {user: await stage.new_chat(user) for user in users}
    sockets = [await socket_of(stage, dead, Role.USER, user) for user in users]
    advisor = await socket_of(stage, alive, Role.ADVISOR, "ada")
    returning = {user: await socket_of(stage, alive, Role.USER, user) for user in users}
    for user, socket in zip(users, sockets, strict=True):
        for one in (socket, advisor):
            await one.send(json.dumps({"type": "watch", "chat_id": chats[user]["chat"]["id"]}))
    told: dict[str, list[Any]] = {user: [] for user in users}
    answering = [asyncio.create_task(answer_heartbeats(socket, [])) for socket in (*sockets, advisor)]
    answering += [asyncio.create_task(answer_heartbeats(returning[user], told[user])) for user in users]
    await asyncio.sleep(1.5 * LEASE_SECONDS)
    await dead.kill()
    stage.nodes.remove(dead)

    async def come_back(user: str) -> None:
        chat_id = chats[user]["chat"]["id"]
        record_id = chats[user]["record"]["id"]
        (row,) = await stage.sql(USER_LEASE, chat_id, LEASE_SECONDS)
        lease_until_ms = round(row[0])
        # There is more than one if the machine was too busy to answer within a lease.
        segments_before = len((await stage.receipt(record_id))["segments"])
        await asyncio.sleep(lease_until_ms / 1000 - time.time() + chance.uniform(-0.15, 0.02))
        await returning[user].send(json.dumps({"type": "watch", "chat_id": chat_id}))
        async with asyncio.timeout(20):
            while not told[user]:
                await asyncio.sleep(0.05)
        # The answer is as of the instant of the return.
        returned_ms = round(milliseconds(told[user][0]["server_time"]))
        assert told[user][0]["timer"]["running"]
        segments = (await stage.receipt(record_id))["segments"]
        if returned_ms < lease_until_ms:
            outcomes["back in time"] += 1
            assert len(segments) == segments_before
        else:
            outcomes["away, then back"] += 1
            assert len(segments) == segments_before + 1
            *_, before, after = segments
            assert (round(milliseconds(before["ended_at"])), before["reason"]) == (lease_until_ms, "user_away")
            assert round(milliseconds(after["started_at"])) == returned_ms
        await stage.call("POST", f"/chats/{chat_id}/stop")
        await stage.assert_adds_up(chats[user]["record"]["id"], user)

    await asyncio.gather(*(come_back(user) for user in users))
    for task in answering:
        task.cancel()
    await asyncio.gather(*answering, return_exceptions=True)
    tell(f"{dict(outcomes)}, seed {seed}")


async def socket_of(stage: Stage, node: Node, role: Role, person: str) -> websockets.ClientConnection:
    """A socket at this node, signed in."""
    socket = await websockets.connect(node.address.replace("http", "ws") + "/v1/live")
    await socket.send(json.dumps({"type": "hello", "token": stage.tokens.make(role, person)}))
    return socket


async def answer_heartbeats(socket: websockets.ClientConnection, told: list[Any]) -> None:
    """Answer heartbeats as a page does, and keep the snapshots that arrive."""
    with contextlib.suppress(websockets.ConnectionClosed):
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "heartbeat":
                await socket.send(json.dumps({"type": "heartbeat"}))
            elif message["type"] == "snapshot":
                told.append(message["snapshot"])
