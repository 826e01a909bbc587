"""1 to 4: both screens and the server agree, whatever is done to the chats of a pair."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

from talktime.core.roles import Role

from .stage import AGREE_MS, Stage, milliseconds

MINUTE_SECONDS = 60
# How long a page may take to appear on a busy machine. On a quiet machine it takes a few tenths of a second.
AT_ONCE_MS = 3_000


async def test_1_both_screens_and_the_server_agree_on_a_new_chat_for_a_minute(
    stage: Stage, tell: Callable[[str], None]
) -> None:
    await stage.start()
    await stage.people()
    opened = await stage.new_chat()
    chat_id, record = opened["chat"]["id"], opened["record"]
    assert opened["timer"]["since"] == record["started_at"]
    screens = await stage.both_screens(chat_id)
    until = time.monotonic() + MINUTE_SECONDS
    apart = []
    while time.monotonic() < until:
        apart.append(await stage.assert_agreement(chat_id, *screens))
        await asyncio.sleep(0.2)
    tell(f"the most that two screens and the server were apart, of {len(apart)} looks in a minute: {max(apart):.1f} ms")
    segments = await stage.sql(
        "select r.started_at = s.started_at as same from records r join segments s using (record_id)"
    )
    assert [row["same"] for row in segments] == [True]
    assert [segment["started_at"] for segment in (await stage.receipt(record["id"]))["segments"]] == [
        record["started_at"]
    ]
    for screen in screens:
        await screen.assert_calm()


async def test_2_a_chat_with_a_record_resumes_at_once_where_it_stood(stage: Stage, tell: Callable[[str], None]) -> None:
    await stage.start()
    await stage.people()
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    user, advisor = await stage.both_screens(chat_id)
    await asyncio.sleep(2.5)
    for _ in range(3):
        await user.press("pause")
        await asyncio.gather(user.wait_for("paused"), advisor.wait_for("paused"))
        stood_ms = (await stage.tracking(chat_id))["chat"]["duration_ms"]
        assert [await user.elapsed_ms(), await advisor.elapsed_ms()] == [stood_ms, stood_ms]
        await asyncio.sleep(0.7)
        pressed_ms = time.time() * 1000
        await user.press("resume")
        for screen in (user, advisor):
            await screen.wait_for("running")
            at, elapsed_ms, _, _ = next(sample for sample in await screen.samples() if is_first(sample, pressed_ms))
            assert at - pressed_ms <= AT_ONCE_MS
            assert elapsed_ms is not None
            assert stood_ms <= elapsed_ms <= stood_ms + at - pressed_ms
        await asyncio.sleep(1.2)
        await stage.assert_agreement(chat_id, user, advisor)
    for screen in (user, advisor):
        await screen.assert_calm()

    # A page that is opened now shows the time as soon as it shows anything.
    late = await stage.screen(Role.ADVISOR, "ada")
    opened_ms = time.time() * 1000
    await late.open(stage.nodes[-1].address, chat_id)
    at, elapsed_ms, _, digits = next(sample for sample in await late.samples() if sample[3] != "--:--")
    tell(f"a page shows the time {at - opened_ms:.0f} ms after it was asked for")
    assert at - opened_ms <= AT_ONCE_MS
    assert elapsed_ms is not None
    assert digits != "0:00"
    assert abs(at - elapsed_ms - await user.zero_ms()) <= AGREE_MS
    await asyncio.sleep(2.2)
    await stage.assert_agreement(chat_id, user, advisor, late)
    await user.press("stop")
    await asyncio.gather(*(screen.wait_for("ended") for screen in (user, advisor, late)))
    receipt = await stage.assert_adds_up(record_id)
    assert [segment["reason"] for segment in receipt["segments"]] == ["paused"] * 3 + ["stopped"]
    for screen in (user, advisor, late):
        assert await screen.elapsed_ms() == receipt["elapsed_ms"]
        await screen.assert_calm()


def is_first(sample: tuple[float, float | None, str, str], after_ms: float) -> bool:
    """A frame of a running timer, painted after a button was pressed."""
    return sample[0] >= after_ms and sample[2] == "running"


async def test_3_only_the_newest_of_several_chats_runs(stage: Stage) -> None:
    await stage.start()
    await stage.people()
    first = await stage.new_chat()
    user, advisor = await stage.both_screens(first["chat"]["id"])
    await asyncio.sleep(1.1)
    chats = [first["chat"]["id"]]
    for _ in range(2):
        await user.press("new-chat")
        await user.page.wait_for_url(re.compile(f"/chat/(?!{'|'.join(chats)})"))
        await user.wait_for("running")
        chats.append(user.page.url.rpartition("/")[2])
        await asyncio.sleep(1.1)
    # The advisor still looks at the first chat. Its timer stands, and the page says where the conversation goes on. The
    # record has left this chat, so the digits are the chat's own time.
    await advisor.wait_for("paused")
    standing = [(await stage.tracking(chat))["chat"]["duration_ms"] for chat in chats[:-1]]
    assert min(standing) > 0
    for _ in range(8):
        snapshots = [await stage.tracking(chat) for chat in chats]
        assert [snapshot["timer"]["running"] for snapshot in snapshots] == [False, False, True]
        assert {snapshot["record"]["id"] for snapshot in snapshots} == {first["record"]["id"]}
        assert {snapshot["record"]["current_chat_id"] for snapshot in snapshots} == {chats[-1]}
        assert [snapshot["chat"]["duration_ms"] for snapshot in snapshots[:-1]] == standing
        assert await advisor.elapsed_ms() == standing[0]
        await stage.assert_agreement(chats[-1], user)
        await asyncio.sleep(0.3)
    open_segments = await stage.sql("select chat_id from segments where ended_at is null")
    assert [row["chat_id"] for row in open_segments] == [chats[-1]]
    for screen in (user, advisor):
        await screen.assert_calm()


async def test_4_an_old_chat_goes_on_and_twenty_switches_add_up(stage: Stage) -> None:
    await stage.start()
    await stage.people()
    chats = [(await stage.new_chat())["chat"]["id"] for _ in range(3)]
    record_id = (await stage.tracking(chats[-1]))["record"]["id"]
    user, advisor = await stage.both_screens(chats[-1])
    await advisor.page.goto(f"{stage.nodes[-1].address}/chat/{chats[0]}")
    await advisor.wait_for("paused")
    switches = 0

    async def switch_to(number: int) -> None:
        """Open a chat from the list on the user's page, by its name."""
        nonlocal switches
        stood_ms = (await stage.tracking(chats[number]))["chat"]["duration_ms"]
        switched_ms = time.time() * 1000
        await user.page.get_by_role("button", name=f"Chat {number + 1}").click()
        await user.page.locator("dialog button[value=yes]").click()
        await user.page.wait_for_url(f"**/chat/{chats[number]}")
        await user.wait_for("running")
        switches += 1
        snapshot = await stage.tracking(chats[number])
        assert milliseconds(snapshot["timer"]["since"]) >= switched_ms - 1
        went_on = milliseconds(snapshot["server_time"]) - milliseconds(snapshot["timer"]["since"])
        assert snapshot["chat"]["duration_ms"] == stood_ms + round(went_on)
        await stage.assert_agreement(chats[number], user)

    await switch_to(0)
    await advisor.wait_for("running")
    await stage.assert_agreement(chats[0], user, advisor)
    await switch_to(1)
    await advisor.wait_for("paused")
    left = [segment for segment in (await stage.receipt(record_id))["segments"] if segment["chat_id"] == chats[0]]
    assert await advisor.elapsed_ms() == sum(segment["duration_ms"] for segment in left)
    await switch_to(2)
    await switch_to(0)
    await advisor.wait_for("running")
    while switches < 20:
        switches += 1
        await stage.call("POST", f"/chats/{chats[switches % 3]}/tracking", as_user="uma")
        await asyncio.sleep(0.05)
    await advisor.wait_for("paused")
    # The user's page still shows the first chat, from which the conversation has moved away.
    await user.press("start")
    await user.wait_for("running")
    switches += 1
    await advisor.wait_for("running")
    await stage.assert_agreement(chats[0], user, advisor)
    await advisor.press("stop")
    await asyncio.gather(user.wait_for("ended"), advisor.wait_for("ended"))

    receipt = await stage.assert_adds_up(record_id)
    reasons = [segment["reason"] for segment in receipt["segments"]]
    assert reasons == ["switched"] * (2 + switches) + ["stopped"]
    for before, after in zip(receipt["segments"], receipt["segments"][1:], strict=False):
        assert before["ended_at"] == after["started_at"]
    durations = [(await stage.tracking(chat))["chat"]["duration_ms"] for chat in chats]
    record = receipt["record"]
    assert sum(durations) == receipt["elapsed_ms"]
    assert receipt["elapsed_ms"] == round(milliseconds(record["ended_at"]) - milliseconds(record["started_at"]))
    assert await user.elapsed_ms() == await advisor.elapsed_ms() == receipt["elapsed_ms"]
    for screen in (user, advisor):
        await screen.assert_calm()
