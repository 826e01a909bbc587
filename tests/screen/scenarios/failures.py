"""Scenarios 16 to 22 and 25: connections that break, records that end, and people who switch."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import psutil

from tests.screen.browsers.tab import family
from tests.screen.recording import Recording
from tests.screen.relay import NEAR, even
from tests.screen.service import Pair, milliseconds
from tests.screen.stage import Stage, assert_calm, assert_never_back, assert_right, recorded, scenario
from tests.screen.theatre import Screen


@scenario(16, "C F W", 14)
async def a_service_away_for_five_seconds(stage: Stage) -> None:
    screen = await stage.screen(await stage.pair(), NEAR)
    await asyncio.sleep(2)
    screen.relay.refusing = True
    screen.relay.reset()
    await screen.until_state("reconnecting")
    left = float(await screen.run("truth.wall()"))
    await asyncio.sleep(5)
    screen.relay.refusing = False
    # Each wait is longer than the one before, and random: pages do not return all at once.
    assert 2 <= screen.relay.refused <= 8
    await screen.until_running()
    recording = await recorded(screen, 3)
    assert_calm(recording)
    away = recording.between(left, left + 5000)
    assert len(list(away.changes())) >= 4, "the timer stood although the lease lasted"


async def assert_stopped_together(pair: Pair, recording: Recording) -> None:
    """The screen and the service stopped the timer at the same time, within a second."""
    snapshot = await pair.tracking()
    assert snapshot["record"]["reason"] == "user_away", snapshot
    shown = max(row.elapsed for row in recording.rows if row.elapsed is not None and row.state == "reconnecting")
    assert abs(shown - snapshot["chat"]["duration_ms"]) <= 1000, (shown, snapshot["chat"]["duration_ms"])


async def at_rest(screen: Screen) -> None:
    """Wait, after the pings of the beginning, for an instant between the renewal of the leases and the next heartbeat.

    A proof after the lease that the screen shows counts for the charge, although nobody could tell the screen. With a
    lease of 6 s the heartbeats are 2 s apart, and a node waits for answers for a second.
    """
    await asyncio.sleep(15)
    answered = "sent.findLast(([, type]) => type === 'heartbeat')[0]"
    await screen.until(f"Math.abs(truth.wall() - {answered} - 1300) < 150")


@scenario(17, "C F W", 33)
async def half_open(stage: Stage) -> None:
    pair = await stage.pair("brief")
    screen = await stage.screen(pair, NEAR)
    await at_rest(screen)
    screen.relay.swallow(swallowing=True)
    silent = time.time()
    # A lease of 6 s has heartbeats every 2 s; the last one may have come just now.
    await screen.until_state("reconnecting", 2.5 * 2 + 2)
    await asyncio.sleep(stage.span(60, 14) - (time.time() - silent))
    recording = await screen.recording(0)
    assert_never_back(recording)
    await assert_stopped_together(pair, recording)
    screen.relay.swallow(swallowing=False)
    screen.relay.reset()
    await screen.until_running()
    assert_never_back(await screen.recording(0))


@scenario(18, "C F W", 30)
async def an_outage_longer_than_the_lease(stage: Stage) -> None:
    pair = await stage.pair("brief")
    screen = await stage.screen(pair, NEAR)
    await at_rest(screen)
    screen.relay.refusing = True
    screen.relay.reset()
    await asyncio.sleep(10)
    recording = await screen.recording(0)
    assert_never_back(recording)
    await assert_stopped_together(pair, recording)
    screen.relay.refusing = False
    await screen.until_running()
    assert_never_back(await screen.recording(0))


@scenario(19, "C F", 25)
async def nodes_that_die_and_disagree(stage: Stage) -> None:
    pair = await stage.pair()
    first = await pair.service.again(port=0)
    others = [await pair.service.again(port=0, skew_ms=skew) for skew in (40, -40)]
    relay = await stage.theatre.relay(first, NEAR)
    try:
        screen = await stage.screen(pair, relay=relay)
        await asyncio.sleep(4)
        dying = first
        for other in others:
            relay.target_port = other.port
            await dying.kill()
            await screen.until_state("reconnecting")
            await screen.until_running()
            await asyncio.sleep(6)
            dying = other
        recording = await screen.recording()
        assert_calm(recording)
    finally:
        for service in (first, *others):
            await service.kill()
            await service.http.aclose()


@scenario(20, "C F W", 10, windows=3)
async def pauses_and_the_stop(stage: Stage) -> None:
    async def once(trip_ms: float) -> None:
        pair = await stage.pair()
        screen = await stage.screen(pair, even(f"{trip_ms} ms", trip_ms / 2))
        for act, state in (("pause", "paused"), ("resume", "running"), ("stop", "ended")):
            await asyncio.sleep(2.5)
            await screen.run(f"chat.{act}().then(() => true)")
            await screen.until_state(state)
            if act != "resume":
                await asyncio.sleep(0.5)
                duration = (await pair.tracking())["chat"]["duration_ms"]
                assert (await screen.recording(0)).rows[-1].seconds == duration // 1000
        assert_never_back(await screen.recording(0))

    await asyncio.gather(*map(once, (30, 200, 600)))


@scenario(21, "C F W", 22)
async def the_credit_runs_out(stage: Stage) -> None:
    seconds = int(stage.span(90, 20))
    pair = await stage.pair(credit=f"{seconds / 10:.2f}")
    screen = await stage.screen(pair, NEAR)
    await screen.until_state("paused", seconds + 10)
    recording = await screen.recording(0)
    rows = [row for row in recording.rows if row.seconds is not None]
    for before, row in pairwise(rows):
        # Every second but the last costs 0.10 when it begins, so time and credit change in the same frame.
        if row.seconds != seconds:
            assert (before.digits == row.digits) == (before.credits == row.credits), (before, row)
    assert max(row.seconds for row in rows if row.seconds is not None) == seconds
    assert rows[-1].credits == "0.00"
    assert_never_back(recording)
    snapshot = await pair.tracking()
    assert (snapshot["record"]["reason"], snapshot["chat"]["duration_ms"]) == ("out_of_credit", seconds * 1000)


async def assert_ends_by_the_lease(pair: Pair, gone_ms: float) -> None:
    """The record pauses one lease after the last proof of presence, which came no later than `gone_ms`."""
    await asyncio.sleep(8)
    snapshot = await pair.tracking()
    assert snapshot["record"]["reason"] == "user_away", snapshot
    began = milliseconds(snapshot["record"]["started_at"])
    assert began + snapshot["chat"]["duration_ms"] <= gone_ms + 6000 + 500


@scenario(22, "C F W", 28, windows=3)
async def left_closed_and_killed(stage: Stage) -> None:
    browser = await stage.alone()

    async def left() -> Screen:
        screen = await stage.screen(await stage.pair(), NEAR, browser)
        await asyncio.sleep(2)
        before = (await screen.recording()).rows[-1]
        await screen.tab.open(f"{stage.theatre.site}/elsewhere.html")
        await asyncio.sleep(2)
        await screen.tab.back()
        await screen.until("window.rows && rows.length")
        await screen.until_running()
        recording = await recorded(screen, 2)
        assert_never_back(recording)
        came = next(row for row in recording.rows if row.at > before.at and row.seconds is not None)
        assert came.seconds is not None
        assert before.seconds is not None
        assert came.seconds >= before.seconds
        return screen

    async def closed() -> None:
        pair = await stage.pair("brief")
        screen = await stage.screen(pair, NEAR, browser)
        await asyncio.sleep(1)
        await screen.tab.close()
        await assert_ends_by_the_lease(pair, time.time() * 1000)

    async def left_for_good() -> None:
        pair = await stage.pair("brief")
        screen = await stage.screen(pair, NEAR, browser)
        await asyncio.sleep(1)
        await screen.tab.open(f"{stage.theatre.site}/elsewhere.html")
        await assert_ends_by_the_lease(pair, time.time() * 1000)

    await asyncio.gather(left(), left_for_good(), closed())
    pair = await stage.pair("brief")
    await stage.screen(pair, NEAR, browser)
    await asyncio.sleep(1)
    for process in family(browser.pid)[1:]:
        if _is_renderer(process):
            process.kill()
    await assert_ends_by_the_lease(pair, time.time() * 1000)


def _is_renderer(process: psutil.Process) -> bool:
    try:
        line = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
    return "--type=renderer" in line or "WebKitWebProcess" in line or ("-contentproc" in line and line.endswith("tab"))


@scenario(25, "C F W", 20, windows=2)
async def back_and_forth_between_chats(stage: Stage) -> None:
    pair = await stage.pair()
    people = {"user_id": pair.user, "advisor_id": pair.advisor, "chat_id": f"{pair.chat}-other"}
    first = await stage.screen(pair, NEAR)
    await asyncio.sleep(2.5)
    await pair.service.call("POST", "/chats", people)
    second = await stage.screen(pair, NEAR, chat=people["chat_id"])
    screens = {pair.chat: first, people["chat_id"]: second}
    for to, leaves in ((pair.chat, people["chat_id"]), (people["chat_id"], pair.chat)) * 2:
        await stage.theatre.present(pair, to)
        await asyncio.sleep(2.2)
        await pair.act("tracking", to)
        await screens[leaves].until_state("paused", 2)
        await screens[to].until_running()
        await asyncio.sleep(0.3)
        # A chat that the record has left shows the record's time as of the switch.
        shown = await pair.tracking(to)
        went_on = milliseconds(shown["server_time"]) - milliseconds(shown["timer"]["since"])
        switched_ms = shown["elapsed_ms"] - round(went_on)
        assert (await screens[leaves].recording(0)).rows[-1].seconds == switched_ms // 1000
    for screen in screens.values():
        assert_never_back(await screen.recording(0))
    await asyncio.sleep(5)
    zero = await pair.zero_ms(people["chat_id"])
    running = (await screens[people["chat_id"]].recording(zero)).between(time.time() * 1000 - 4500)
    assert_calm(running)
    assert_right(running)
