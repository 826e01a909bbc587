"""Both screens and the server show the same, whatever is done to the chat."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import asyncpg
import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Stage

pytestmark = pytest.mark.parametrize("server", ["pg18"], indirect=True)


async def test_a_new_chat_is_the_same_on_both_screens_for_a_minute_and_resumes_where_it_stood(stage: Stage) -> None:
    await stage.start()
    await stage.people()
    opened = await stage.new_chat()
    chat_id, record = opened["chat"]["id"], opened["record"]
    user, advisor = await stage.both_screens(chat_id)
    for _ in range(20):
        await stage.assert_agreement(chat_id, user, advisor)
        await asyncio.sleep(3)
    segments = (await stage.receipt(record["id"]))["segments"]
    assert [segment["started_at"] for segment in segments] == [record["started_at"]]

    await user.page.locator("#pause").click()
    await asyncio.gather(user.wait_for("paused"), advisor.wait_for("paused"))
    stood_at = (await stage.tracking(chat_id))["chat"]["duration_ms"]
    assert [await user.elapsed_ms(), await advisor.elapsed_ms()] == [stood_at, stood_at]
    await asyncio.sleep(1.5)
    await user.page.locator("#resume").click()
    await asyncio.gather(user.wait_for("running"), advisor.wait_for("running"))
    await asyncio.sleep(3)
    await stage.assert_agreement(chat_id, user, advisor)
    await user.page.locator("#stop").click()
    await asyncio.gather(user.wait_for("ended"), advisor.wait_for("ended"))
    receipt = await stage.assert_adds_up(record["id"])
    assert await user.elapsed_ms() == await advisor.elapsed_ms() == receipt["elapsed_ms"]
    for screen in (user, advisor):
        await screen.assert_calm()


async def test_twenty_switches_between_chats_add_up_to_the_millisecond(stage: Stage) -> None:
    await stage.start()
    await stage.people()
    chats = [(await stage.new_chat())["chat"]["id"] for _ in range(3)]
    record_id = (await stage.tracking(chats[-1]))["record"]["id"]
    for switch in range(20):
        snapshot = await stage.call("POST", f"/chats/{chats[switch % 3]}/tracking", as_user="uma")
        assert snapshot["timer"]["running"]
        await asyncio.sleep(0.1)
    current, left = chats[19 % 3], chats[0]
    standing = (await stage.tracking(left))["chat"]["duration_ms"]
    user, advisor = await stage.both_screens(current)
    await advisor.page.goto(f"{stage.nodes[-1].address}/chat/{left}")
    await advisor.page.wait_for_selector("talk-time:not([state=syncing])")
    await asyncio.sleep(1.5)
    await stage.assert_agreement(current, user)
    assert await advisor.elapsed_ms() == (await stage.tracking(left))["chat"]["duration_ms"] == standing

    await stage.call("POST", f"/chats/{left}/tracking", as_user="uma")
    await advisor.wait_for("running")
    await stage.assert_agreement(left, advisor)
    await advisor.page.locator("#stop").click()
    await advisor.wait_for("ended")
    receipt = await stage.assert_adds_up(record_id)
    assert len(receipt["segments"]) == 24
    assert sum([(await stage.tracking(chat))["chat"]["duration_ms"] for chat in chats]) == receipt["elapsed_ms"]


async def test_a_timer_that_fails_to_start_leaves_the_chat_usable_and_starts_later_unbilled(stage: Stage) -> None:
    await stage.start(health_seconds=1)
    await stage.people()
    database = await asyncpg.connect(stage.database_url)
    await database.execute("""
        create function made_to_fail() returns trigger language plpgsql as $$ begin raise 'made to fail'; end $$;
        create trigger made_to_fail before insert on talktime.segments execute function made_to_fail();
    """)
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    assert (opened["timer"]["running"], opened["record"]["reason"]) == (False, "timer_failed")
    user, advisor = await stage.both_screens(chat_id, "paused")
    await asyncio.sleep(2)
    for screen in (user, advisor):
        assert await screen.page.locator("talk-time [data-role=elapsed]").inner_text() == "starting…"
    assert (await stage.receipt(record_id))["segments"] == []

    repaired_at = await database.fetchval("select talktime.engine_now()")
    await database.execute("drop function made_to_fail cascade")
    await database.close()
    await asyncio.gather(user.wait_for("running"), advisor.wait_for("running"))
    await asyncio.sleep(1)
    await stage.assert_agreement(chat_id, user, advisor)
    await user.page.locator("#stop").click()
    await user.wait_for("ended")
    receipt = await stage.assert_adds_up(record_id)
    assert len(receipt["segments"]) == 1
    assert receipt["segments"][0]["started_at"] >= repaired_at.isoformat()[:23]


async def test_refreshing_at_random_moments_changes_nothing(stage: Stage) -> None:
    await stage.start()
    await stage.people()
    opened = await stage.new_chat()
    chat_id = opened["chat"]["id"]
    user, advisor = await stage.both_screens(chat_id)
    seed = random.randrange(1_000_000)
    moments = random.Random(seed)
    for _ in range(5):
        await asyncio.sleep(moments.random())
        screen = moments.choice([user, advisor])
        await screen.page.reload()
        await screen.wait_for("running")
        await stage.assert_agreement(chat_id, user, advisor)
    receipt = await stage.receipt(opened["record"]["id"])
    assert [segment["started_at"] for segment in receipt["segments"]] == [opened["record"]["started_at"]], (
        f"seed {seed}"
    )


async def test_credit_ends_at_its_instant_and_a_top_up_goes_on_in_place(stage: Stage) -> None:
    await stage.start()
    await stage.people(credit="0.50")
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    user, advisor = await stage.both_screens(chat_id)
    await asyncio.gather(user.wait_for("paused"), advisor.wait_for("paused"))
    assert await user.elapsed_ms() == await advisor.elapsed_ms() == 5_000
    await user.page.get_by_text("Your credits have run out").wait_for()
    receipt = await stage.assert_adds_up(record_id)
    assert (receipt["elapsed_ms"], receipt["segments"][0]["reason"]) == (5_000, "out_of_credit")
    assert float((await stage.tracking(chat_id))["balance"]) == 0

    await user.page.locator("#topup .actions button").first.click()
    await asyncio.gather(user.wait_for("running"), advisor.wait_for("running"))
    await asyncio.sleep(1)
    await stage.assert_agreement(chat_id, user, advisor)
    await user.page.locator("#stop").click()
    await asyncio.gather(user.wait_for("ended"), advisor.wait_for("ended"))
    receipt = await stage.assert_adds_up(record_id)
    assert len(receipt["segments"]) == 2
    assert await user.elapsed_ms() == await advisor.elapsed_ms() == receipt["elapsed_ms"]
