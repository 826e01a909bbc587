"""9: a service that is killed and restarted loses nothing and charges nothing twice, and charges follow the lease."""

from __future__ import annotations

import asyncio
import time

from .stage import Stage, milliseconds

AWAY_SECONDS = 20


async def test_9_a_service_is_killed_and_restarted_20_s_later(stage: Stage, another_stage: Stage) -> None:
    """Side by side: one lease ends before the restart, the other does not."""
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
    lease_until = (await stage.tracking(chat_id))["timer"]["lease_until"]
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
    if lease_seconds < AWAY_SECONDS:
        *earlier, before, after = receipt["segments"]
        assert not earlier or opened_in_ms > lease_seconds * 1000, "a lease ended although both screens were there"
        assert before["reason"] in {"user_away", "advisor_away"}
        # One more renewal may have been stored at the instant of the kill.
        late_ms = milliseconds(before["ended_at"]) - milliseconds(lease_until)
        assert 0 <= late_ms <= lease_seconds * 1000 / 3
        assert killed_ms < milliseconds(before["ended_at"]) < killed_ms + lease_seconds * 1000
        assert milliseconds(after["started_at"]) >= restarted_ms
    else:
        assert [segment["reason"] for segment in receipt["segments"]] == ["stopped"]
    assert [await screen.elapsed_ms() for screen in screens] == [receipt["elapsed_ms"]] * 2
    for screen in screens:
        await screen.assert_calm()
