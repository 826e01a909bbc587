"""9: a service that is killed and restarted loses nothing, charges nothing twice, and nothing for the time between."""

from __future__ import annotations

import asyncio
import time

from .stage import AGREE_MS, Stage, milliseconds

AWAY_SECONDS = 20
RENEWAL_MS = 2_500
"""How long before the kill the last renewal of engine time may have been, on a busy machine."""


async def test_9_a_service_is_killed_and_restarted_20_s_later(stage: Stage, another_stage: Stage) -> None:
    """Side by side: one lease is shorter than the time away, the other is longer."""
    await asyncio.gather(
        killed_and_restarted(stage, lease_seconds=6), killed_and_restarted(another_stage, lease_seconds=60)
    )


async def killed_and_restarted(stage: Stage, *, lease_seconds: int) -> None:
    node = await stage.start(presence_lease_seconds=lease_seconds)
    await stage.people()
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    screens = await stage.both_screens(chat_id)
    opened_in_ms = time.time() * 1000 - milliseconds(opened["record"]["started_at"])
    await screens[0].page.get_by_label("Your message").fill("Before")
    await screens[0].page.keyboard.press("Enter")
    await screens[1].page.get_by_text("Before").wait_for()
    await asyncio.sleep(2)
    killed_ms = time.time() * 1000
    await node.kill()
    await asyncio.sleep(AWAY_SECONDS)
    restarted_ms = time.time() * 1000
    await stage.start(port=node.port, presence_lease_seconds=lease_seconds)
    await asyncio.gather(*(screen.wait_for("running", timeout_s=60) for screen in screens))
    await asyncio.sleep(1)
    await stage.assert_agreement(chat_id, *screens)
    await screens[0].page.get_by_text("Before").wait_for()
    await screens[0].press("stop")
    await asyncio.gather(*(screen.wait_for("ended") for screen in screens))

    receipt = await stage.assert_adds_up(record_id)
    assert receipt["segments"][0]["started_at"] == opened["record"]["started_at"]
    # No other node lives: the time without the service is an outage, and no lease runs out in it.
    earlier = [segment for segment in receipt["segments"] if milliseconds(segment["started_at"]) < killed_ms]
    after, *later = receipt["segments"][len(earlier) :]
    before = earlier[-1]
    assert len(earlier) == 1 or opened_in_ms > lease_seconds * 1000, "a lease ended although both screens were there"
    assert before["reason"] == "platform"
    assert killed_ms - RENEWAL_MS < milliseconds(before["ended_at"]) < killed_ms + AGREE_MS
    assert milliseconds(after["started_at"]) >= restarted_ms
    # With a short lease the screens may be back too late.
    allowed = {"user_away", "advisor_away"} if lease_seconds < AWAY_SECONDS else set()
    assert {segment["reason"] for segment in (after, *later)} <= {"stopped", *allowed}
    assert [await screen.elapsed_ms() for screen in screens] == [receipt["elapsed_ms"]] * 2
    for screen in screens:
        await screen.assert_calm(had_outage=True)
