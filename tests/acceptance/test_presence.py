"""7: a page that is refreshed, closed or disconnected changes nothing within its lease; beyond, charges end with it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from talktime.core.roles import Role

from .relay import Relay
from .screen import Screen
from .stage import Stage, milliseconds

LONG_LEASE_SECONDS = 20
LEASE_MS = 3_000
# A heartbeat comes every third of a lease; the rest is time for a busy machine to notice.
BEAT_MS, SLACK_MS = 1_000, 1_000


async def test_7_refreshing_closing_and_reopening_within_the_lease_change_nothing(
    stage: Stage, tell: Callable[[str], None]
) -> None:
    await stage.start(presence_lease_seconds=LONG_LEASE_SECONDS, leave_seconds=LONG_LEASE_SECONDS)
    await stage.people()
    opened = await stage.new_chat()
    chat_id = opened["chat"]["id"]
    screens = list(await stage.both_screens(chat_id))
    seed = random.randrange(1_000_000)
    tell(f"seed {seed}")
    moments = random.Random(seed)
    for act in moments.sample(["refresh", "refresh", "refresh", "close", "close", "close both"], k=6):
        await asyncio.sleep(moments.random())
        which = moments.sample([0, 1], k=2 if act == "close both" else 1)
        if act == "refresh":
            await screens[which[0]].page.reload()
            await screens[which[0]].wait_for("running")
        else:
            people = [(Role.USER, "uma"), (Role.ADVISOR, "ada")]
            shown = [await screens[side].elapsed_ms() for side in which]
            reopened = [await stage.screen(*people[side]) for side in which]
            for side in which:
                await screens[side].assert_calm()
            await asyncio.gather(*(screens[side].page.close() for side in which))
            await asyncio.sleep(1.5 * moments.random())
            await asyncio.gather(*(screen.open(stage.nodes[-1].address, chat_id) for screen in reopened))
            for side, screen, before_ms in zip(which, reopened, shown, strict=True):
                assert await screen.elapsed_ms() >= before_ms
                screens[side] = screen
        await stage.assert_agreement(chat_id, *screens)
    receipt = await stage.receipt(opened["record"]["id"])
    (segment,) = receipt["segments"]
    assert segment["started_at"] == opened["record"]["started_at"]
    now = await stage.tracking(chat_id)
    assert now["record"] == opened["record"]
    assert (now["timer"]["since"], now["timer"]["cut_at"]) == (opened["timer"]["since"], opened["timer"]["cut_at"])
    for screen in screens:
        await screen.assert_calm()
    await screens[0].press("stop")
    await screens[0].wait_for("ended")
    await stage.assert_adds_up(opened["record"]["id"])


async def begin(stage: Stage) -> tuple[str, str]:
    """Start a chat with a short lease; returns the ids of the chat and of its record."""
    await stage.start(presence_lease_seconds=LEASE_MS / 1000)
    await stage.people()
    opened = await stage.new_chat()
    return opened["chat"]["id"], opened["record"]["id"]


async def assert_both_show(stage: Stage, chat_id: str, receipt: Any, *screens: Screen) -> None:
    """After a stop both screens show the time of the receipt."""
    await screens[0].press("stop")
    await asyncio.gather(*(screen.wait_for("ended") for screen in screens))
    ended = await stage.assert_adds_up(receipt["record"]["id"])
    assert ended["segments"][: len(receipt["segments"])] == receipt["segments"]
    assert [await screen.elapsed_ms() for screen in screens] == [ended["elapsed_ms"]] * len(screens)
    for screen in screens:
        await screen.assert_calm()


async def test_7_closed_beyond_the_lease_charges_end_with_the_lease(stage: Stage) -> None:
    chat_id, record_id = await begin(stage)
    user, advisor = await stage.both_screens(chat_id)
    await asyncio.sleep(1)
    closed_ms = time.time() * 1000
    await user.page.close()
    await advisor.wait_for("paused")
    receipt = await stage.assert_adds_up(record_id)
    # There are earlier segments if the machine was too busy to open a page within the lease.
    *_, segment = receipt["segments"]
    assert segment["reason"] == "user_away"
    assert -BEAT_MS - SLACK_MS <= milliseconds(segment["ended_at"]) - closed_ms - LEASE_MS <= SLACK_MS
    # The screen had nothing to take back: it stopped at the same millisecond by itself.
    assert await advisor.elapsed_ms() == receipt["elapsed_ms"]

    reopened_ms = time.time() * 1000
    user = await stage.screen(Role.USER, "uma")
    await user.open(stage.nodes[-1].address, chat_id)
    await advisor.wait_for("running")
    await stage.assert_agreement(chat_id, user, advisor)
    segments = (await stage.receipt(record_id))["segments"]
    assert len(segments) == len(receipt["segments"]) + 1
    assert milliseconds(segments[-1]["started_at"]) >= reopened_ms - 1
    await assert_both_show(stage, chat_id, receipt, user, advisor)


async def test_7_disconnected_beyond_the_lease_both_screens_stop_where_charges_end(stage: Stage) -> None:
    chat_id, record_id = await begin(stage)
    async with Relay(stage.nodes[-1].port) as relay:
        user, advisor = await stage.screen(Role.USER, "uma"), await stage.screen(Role.ADVISOR, "ada")
        await asyncio.gather(user.open(relay.address, chat_id), advisor.open(stage.nodes[-1].address, chat_id))
        # From two heartbeats the page learns their interval, and so when silence means a lost connection.
        await asyncio.sleep(2.5 * BEAT_MS / 1000)
        silent_ms = time.time() * 1000
        relay.fall_silent()
        await asyncio.gather(user.wait_for("reconnecting"), advisor.wait_for("paused"))
        receipt = await stage.assert_adds_up(record_id)
        *_, segment = receipt["segments"]
        assert segment["reason"] == "user_away"
        assert -BEAT_MS - SLACK_MS <= milliseconds(segment["ended_at"]) - silent_ms - LEASE_MS <= SLACK_MS
        assert await advisor.elapsed_ms() == receipt["elapsed_ms"]
        # The page hears nothing, not even until when its last proof of presence counts: it stops no later than that.
        stood_ms = await user.elapsed_ms()
        assert receipt["elapsed_ms"] - BEAT_MS - SLACK_MS <= stood_ms <= receipt["elapsed_ms"]
        await asyncio.sleep(1)
        assert await user.elapsed_ms() == stood_ms

        relay.speak()
        await asyncio.gather(user.wait_for("running"), advisor.wait_for("running"))
        await stage.assert_agreement(chat_id, user, advisor)
        await assert_both_show(stage, chat_id, receipt, user, advisor)
