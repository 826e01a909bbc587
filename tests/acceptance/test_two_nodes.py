"""12: two nodes on one database are one service."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

from talktime.core.roles import Role

from .relay import Relay
from .screen import Screen
from .stage import Node, Stage

SEEN_WITHIN_MS = 100
# The most that a single change may take on a busy machine.
SEEN_AT_ALL_MS = 2_000
ROUNDS = 20


async def test_12_a_node_shows_the_changes_of_another_within_100_ms_and_takes_over_its_screens(
    stage: Stage, tell: Callable[[str], None]
) -> None:
    """From the answer to a command at one node to the frame in which a screen at the other node shows it.

    The median of many is held to the 100 ms: on a machine that does much else single ones take longer, which says
    nothing about the service.
    """
    first, second = await stage.start(), await stage.start()
    await stage.people()
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    async with Relay(second.port) as relay:
        user, advisor = screens = await stage.screen(Role.USER, "uma"), await stage.screen(Role.ADVISOR, "ada")
        await asyncio.gather(user.open(first.address, chat_id), advisor.open(relay.address, chat_id))
        await stage.assert_agreement(chat_id, *screens)
        took = []
        for _ in range(ROUNDS):
            took.append(await seen_after_ms(stage, chat_id, "pause", "paused", first, advisor))
            await user.wait_for("paused")
            took.append(await seen_after_ms(stage, chat_id, "resume", "running", second, user))
            await advisor.wait_for("running")
        tell(
            f"a change at one node is on the other's screen {statistics.median(took):.0f} ms after its answer (median),"
            f" {max(took):.0f} ms at most, of {len(took)}"
        )
        assert statistics.median(took) <= SEEN_WITHIN_MS
        assert max(took) <= SEEN_AT_ALL_MS

        before = await stage.tracking(chat_id)
        await second.kill()
        stage.nodes.remove(second)
        relay.port = first.port
        await advisor.wait_for("reconnecting")
        await advisor.wait_for("running", timeout_s=60)
        await asyncio.sleep(1.2)
        await stage.assert_agreement(chat_id, *screens)
        assert (await stage.tracking(chat_id))["timer"]["since"] == before["timer"]["since"]
        await user.press("stop")
        await asyncio.gather(*(screen.wait_for("ended") for screen in screens))
        receipt = await stage.assert_adds_up(record_id)
        assert [segment["reason"] for segment in receipt["segments"]][-1] == "stopped"
        assert [await screen.elapsed_ms() for screen in screens] == [receipt["elapsed_ms"]] * 2
        for screen in screens:
            await screen.assert_calm()


async def seen_after_ms(stage: Stage, chat_id: str, command: str, state: str, node: Node, screen: Screen) -> float:
    """How long after the answer of `node` the screen shows the effect of a command, in ms; 0 if it shows it earlier."""
    asked_ms = time.time() * 1000
    await stage.call("POST", f"/chats/{chat_id}/{command}", node=node)
    answered_ms = time.time() * 1000
    await screen.wait_for(state)
    shown_ms = await screen.change(state)
    assert shown_ms is not None
    assert shown_ms >= asked_ms - 1
    return max(0.0, shown_ms - answered_ms)
