"""5: a timer that fails does not break the chat."""

from __future__ import annotations

import asyncio
import json

from .stage import Stage, milliseconds

FAIL = """
create function made_to_fail() returns trigger language plpgsql as $$ begin raise 'made to fail'; end $$;
create trigger made_to_fail before insert on segments execute function made_to_fail();
"""


async def test_5_a_chat_whose_timer_fails_is_usable_and_the_time_before_the_start_is_not_charged(stage: Stage) -> None:
    await stage.start(health_seconds=1)
    await stage.people()
    for statement in FAIL.strip().split("\n"):
        await stage.sql(statement)
    opened = await stage.new_chat()
    chat_id, record_id = opened["chat"]["id"], opened["record"]["id"]
    # The record is kept. The answer says that the timer does not run, and why.
    assert (opened["timer"]["running"], opened["record"]["reason"]) == (False, "timer_failed")
    (line,) = [
        line for line in map(json.loads, stage.logs[0].open()) if line["event"] == "init_time_tracking.timer_failed"
    ]
    logged = {name: line[name] for name in ("record_id", "chat_id", "user_id", "advisor_id")}
    assert logged == {"record_id": record_id, "chat_id": chat_id, "user_id": "uma", "advisor_id": "ada"}
    assert "made to fail" in line["cause"]

    screens = await stage.both_screens(chat_id, "paused")
    await asyncio.sleep(2.5)  # two health checks, which fail too
    assert [await screen.digits() for screen in screens] == ["starting…", "starting…"]
    await screens[0].page.get_by_label("Your message").fill("Are you there?")
    await screens[0].page.keyboard.press("Enter")
    await screens[1].page.get_by_text("Are you there?").wait_for()
    assert (await stage.receipt(record_id))["segments"] == []

    repaired_ms = float((await stage.sql("select extract(epoch from engine_now()) * 1000"))[0][0])
    await stage.sql("drop function made_to_fail cascade")
    await asyncio.gather(*(screen.wait_for("running") for screen in screens))
    await asyncio.sleep(1.2)
    await stage.assert_agreement(chat_id, *screens)
    await screens[0].press("stop")
    await asyncio.gather(*(screen.wait_for("ended") for screen in screens))
    receipt = await stage.assert_adds_up(record_id)
    (segment,) = receipt["segments"]
    assert milliseconds(segment["started_at"]) >= repaired_ms
    assert [await screen.elapsed_ms() for screen in screens] == [segment["duration_ms"]] * 2
    for screen in screens:
        await screen.assert_calm()
