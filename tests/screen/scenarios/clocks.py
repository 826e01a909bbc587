"""Scenarios 8 to 15: refreshes, local clocks, hidden, frozen and sleeping pages."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from tests.screen.browsers.chromium import ChromiumTab
from tests.screen.browsers.tab import Browser, family
from tests.screen.recording import FRAME_MS, LATE_MS, Recording
from tests.screen.relay import NEAR
from tests.screen.scenarios.networks import assert_quick
from tests.screen.stage import (
    Stage,
    assert_calm,
    assert_late_at_most,
    assert_never_back,
    assert_right,
    recorded,
    scenario,
)
from tests.screen.theatre import Screen

DAY_MS = 86_400_000


def assert_shows_the_truth(recording: Recording, since_ms: float) -> None:
    """From an instant on every visible row shows the current second."""
    rows = [row for row in recording.rows if row.at >= since_ms and not row.hidden]
    assert rows
    for row in rows:
        assert row.seconds is not None
        true = row.at - recording.zero_ms
        allowed = row.bound + max(FRAME_MS, row.gap) + LATE_MS
        assert -allowed <= true - 1000 * row.seconds <= 1000 + allowed, (recording.name, row, true)


@scenario(8, "C F W", 10)
async def refreshes(stage: Stage) -> None:
    screen = await stage.screen(await stage.pair(), NEAR)
    chance = random.Random(8)
    await asyncio.sleep(1.2)  # from 0:01 on a placeholder of 0:00 would be seen
    for _ in range(20 if stage.full else 6):
        await asyncio.sleep(chance.uniform(0.1, 1.1))
        rows = await screen.run("rows")
        last = Recording.of("", rows).rows[-1]
        await screen.reload()
        await screen.until_running()
        after = Recording.of("", await screen.run("rows"))
        first = after.first()
        assert first.seconds is not None
        assert last.seconds is not None
        assert first.seconds >= last.seconds
        assert first.at - after.rows[0].at <= 1000 + first.gap
    recording = await screen.recording()
    assert_never_back(recording)
    assert not any(row.seconds == 0 for row in recording.rows[-len(recording.rows) // 2 :])


@scenario(9, "C F W", 14, windows=2)
async def a_clock_a_day_wrong(stage: Stage) -> None:
    async def once(wall_ms: int) -> None:
        screen = await stage.screen(await stage.pair(), NEAR, wall=wall_ms)
        await assert_quick(screen)
        recording = await recorded(screen, 12)
        assert_calm(recording)
        assert_right(recording)
        assert_late_at_most(recording, 20)

    await asyncio.gather(once(DAY_MS), once(-DAY_MS))


@scenario(10, "C F W", 27)
async def somebody_sets_the_clock(stage: Stage) -> None:
    screen = await stage.screen(await stage.pair(), NEAR)
    await asyncio.sleep(17)  # the burst of the beginning is over
    for wall_ms in (3_600_000, -90_000):
        at = float(await screen.run(f"(clocks.wallMs = {wall_ms}, truth.wall())"))
        await asyncio.sleep(4)
        pings = [when for when, kind in await screen.run("sent") if kind == "ping" and when >= at]
        # The page notices within a second, and pings 0, 150, 400, 900 and 1800 ms later. A heartbeat may add a ping.
        assert 4 <= len([when for when in pings if when <= pings[0] + 1000]) <= 6
        assert len(pings) <= 8, "one burst, not several"
    recording = await screen.recording()
    assert_calm(recording)
    assert_right(recording)


@scenario(11, "C F W", 22)
async def hidden(stage: Stage) -> None:
    screen = await stage.screen(await stage.pair("patient"), NEAR, await stage.alone())
    await screen.tab.hide()
    await screen.until("document.hidden")
    await asyncio.sleep(stage.span(180, 15))
    await screen.tab.show()
    await screen.until("!document.hidden")
    recording = await recorded(screen, 3)
    assert_never_back(recording)
    returned = next(row for row in reversed(recording.rows) if row.hidden).at
    first = next(row for row in recording.rows if row.at > returned)
    # One frame: the first rows may still show what was painted before.
    assert_shows_the_truth(recording, first.at + max(2 * FRAME_MS, first.gap if first.gap < 1000 else 0) + LATE_MS)


@scenario(12, "C", 44)
async def throttled_in_the_background(stage: Stage) -> None:
    browser = await stage.alone("--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/10")
    pair = await stage.pair()
    screen = await stage.screen(pair, NEAR, browser)
    await screen.tab.hide()
    await screen.until("document.hidden")
    connections = screen.relay.connections
    began = time.time() * 1000
    seconds = stage.span(420, 40)
    await asyncio.sleep(seconds)
    sent = [(at, kind) for at, kind in await screen.run("sent") if at >= began]
    beats = [at for at, kind in sent if kind == "heartbeat"]
    pings = [at for at, kind in sent if kind == "ping"]
    # A heartbeat comes three times in a lease of 30 s, and the page pings at once: browsers do not throttle messages.
    assert len(beats) >= seconds // 10 - 1
    assert all(any(beat <= ping <= beat + 1000 for ping in pings) for beat in beats)
    assert screen.relay.connections == connections
    assert (await pair.tracking())["timer"]["running"]


@scenario(13, "C", 40)
async def frozen(stage: Stage) -> None:
    screen = await stage.screen(await stage.pair("patient"), NEAR, await stage.alone())
    assert isinstance(screen.tab, ChromiumTab)
    await screen.tab.hide()
    await screen.tab.send("Page.setWebLifecycleState", state="frozen")
    await asyncio.sleep(stage.span(60, 12))
    thaws = time.time() * 1000
    await screen.tab.send("Page.setWebLifecycleState", state="active")
    await screen.tab.show()
    woke = time.time() * 1000
    recording = await recorded(screen, 4)
    assert_never_back(recording)
    assert len([change for change in recording.changes() if change.by > 1 and change.row.at >= thaws]) == 1
    assert_shows_the_truth(recording, woke + 500)
    await frozen_beyond_the_lease(stage)


async def frozen_beyond_the_lease(stage: Stage) -> None:
    """The timers of the screen and of the service stop at the end of the lease."""
    pair = await stage.pair("usual" if stage.full else "brief")
    screen = await stage.screen(pair, NEAR, await stage.alone())
    assert isinstance(screen.tab, ChromiumTab)
    await screen.tab.hide()
    await screen.tab.send("Page.setWebLifecycleState", state="frozen")
    await asyncio.sleep(stage.span(60, 12))
    ended = await pair.tracking()
    assert ended["record"]["reason"] == "user_away", ended
    await screen.tab.send("Page.setWebLifecycleState", state="active")
    await screen.tab.show()
    # The record resumes by itself, and the time of the absence is not counted.
    await screen.until_running()
    recording = (await recorded(screen, 5)).between(time.time() * 1000 - 4500)
    assert_never_back(await screen.recording(0))
    assert_calm(recording)
    shown = max(row.elapsed for row in recording.rows if row.elapsed is not None)
    assert abs(shown - (await pair.tracking())["chat"]["duration_ms"]) <= 1000


@asynccontextmanager
async def stopped(browser: Browser, seconds: float) -> AsyncIterator[None]:
    """Stop the whole browser for this number of seconds, as if the machine slept."""
    relatives = family(browser.pid)
    for relative in relatives:
        relative.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
        yield
    finally:
        for relative in relatives:
            try:
                relative.send_signal(signal.SIGCONT)
            except psutil.NoSuchProcess:
                continue


async def asleep(stage: Stage, *, standing: bool) -> tuple[Screen, float]:
    """A screen whose machine has slept, and when it woke, in ms since 1970. `standing`: local time stood meanwhile."""
    browser = await stage.alone()
    screen = await stage.screen(await stage.pair("patient"), NEAR, browser)
    await asyncio.sleep(4)
    seconds = stage.span(60, 10)
    falls = time.time() * 1000 + 300
    wakes = falls + 1000 * seconds
    if standing:
        await screen.run(f"clocks.still.push([{falls}, {wakes}])")
    await asyncio.sleep(falls / 1000 - time.time())
    async with stopped(browser, wakes / 1000 - time.time()):
        pass
    return screen, wakes


@scenario(14, "C F W", 24)
async def a_sleep_that_stops_the_clock(stage: Stage) -> None:
    screen, woke = await asleep(stage, standing=True)
    recording = await recorded(screen, 6)
    assert_never_back(recording)
    after = recording.between(woke)
    step = next((change for change in after.changes() if change.by > 1), None)
    assert step is not None
    assert len([change for change in after.changes() if change.by > 1]) == 1
    assert any(row.state == "syncing" for row in after.rows if row.at <= step.row.at)
    # Within half a second of the first frame: a browser that was stopped needs time before that frame.
    ran = next(row.at for row in after.rows if row.gap < 500)
    assert step.row.at - ran <= 500 + step.row.gap
    assert_shows_the_truth(recording, step.row.at)


@scenario(15, "C F W", 22)
async def a_sleep_that_does_not(stage: Stage) -> None:
    screen, woke = await asleep(stage, standing=False)
    recording = await recorded(screen, 4)
    assert_never_back(recording)
    after = recording.between(woke)
    painted = next(after.changes()).row
    ran = next(row.at for row in after.rows if row.gap < 500)
    assert painted.at - ran <= 1000 + painted.gap
    assert_shows_the_truth(recording, painted.at)
