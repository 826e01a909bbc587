"""Scenarios 1 to 7, 23 and 24: what networks and busy pages do."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
from itertools import combinations

from talktime.core.roles import Role
from talktime.service.tokens import Tokens
from tests.screen.recording import FRAME_MS, GRAIN_MS, quantile
from tests.screen.relay import LTE, NEAR, SATELLITE, even
from tests.screen.service import Pair
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
from tests.services import SECRET

_BLOCK = """(() => {
  const block = () => {
    const until = truth.now() + Math.random() * 120;
    while (truth.now() < until);
    setTimeout(block, Math.random() * 120);
  };
  block();
})()"""


async def assert_quick(screen: Screen) -> None:
    """The first digits appear within a second after the socket has opened."""
    opened = float(await screen.run("opened"))
    first = (await screen.recording()).first()
    assert first.at - opened <= 1000 + first.gap


async def assert_own_page_runs(stage: Stage, pair: Pair) -> None:
    """The service's own page of the chat runs under its strict content security policy, and shows how exact it is."""
    address = f"http://127.0.0.1:{pair.service.port}"
    session = {"token": Tokens(SECRET).make(Role.USER, pair.user), "role": "user", "subject": pair.user}
    tab = await stage.browser.tab()
    await tab.open(f"{address}/")
    await tab.run(f"Object.entries({json.dumps(session)}).forEach(([k, v]) => sessionStorage['talktime.' + k] = v)")
    await tab.open(f"{address}/chat/{pair.chat}")
    async with asyncio.timeout(20):
        while not re.fullmatch(r"in sync ±\d+ ms", str(await tab.run("document.querySelector('#sync')?.textContent"))):
            await asyncio.sleep(0.1)
    assert await tab.run("document.querySelector('talk-time').getAttribute('state')") == "running"


@scenario(1, "C F W", 20)
async def near(stage: Stage) -> None:
    pair = await stage.pair()
    screen = await stage.screen(pair, NEAR)
    await assert_quick(screen)
    await assert_own_page_runs(stage, pair)
    recording = await recorded(screen, 15)
    assert_calm(recording)
    assert_right(recording)
    assert_late_at_most(recording, 20)


@scenario(2, "C F W", 35, windows=2, windows_in_full=10)
async def mobile(stage: Stage) -> None:
    async def once(_run: int) -> None:
        screen = await stage.screen(await stage.pair(), LTE)
        began = (await screen.recording()).first().at
        recording = await recorded(screen, stage.span(60, 30))
        assert_calm(recording)
        assert_late_at_most(recording.between(began + 15_000), 30)

    await asyncio.gather(*map(once, range(10 if stage.full else 2)))


@scenario(3, "C F W", 48)
async def slow_up_at_first(stage: Stage) -> None:
    screen = await stage.screen(await stage.pair(), NEAR.slower(up_ms=600))
    await asyncio.sleep(20)
    screen.relay.network = NEAR
    recording = await recorded(screen, 25)
    assert_calm(recording)
    assert_right(recording)
    corrected = recording.between(recording.rows[-1].at - 5000)
    assert abs(statistics.median(corrected.reading_errors_ms())) <= 35


@scenario(4, "C F", 22, windows=2)
async def asymmetric(stage: Stage) -> None:
    async def once(up_ms: float, down_ms: float, error_ms: float) -> None:
        network = even("", 20).slower(up_ms=up_ms - 20, down_ms=down_ms - 20)
        recording = await recorded(await stage.screen(await stage.pair(), network), 20)
        assert_calm(recording)
        assert_right(recording)
        settled = recording.between(recording.rows[-1].at - 8000)
        assert abs(statistics.median(settled.reading_errors_ms()) - error_ms) <= 8

    await asyncio.gather(once(80, 20, 30), once(20, 80, -30))


@scenario(5, "C", 36)
async def satellite(stage: Stage) -> None:
    screen = await stage.screen(await stage.pair(), SATELLITE)
    began = (await screen.recording()).first().at
    recording = await recorded(screen, 34)
    assert_calm(recording)
    assert_late_at_most(recording.between(began + 20_000), 40)


@scenario(6, "C F W", 42, windows=2)
async def beside_the_page_that_polls(stage: Stage) -> None:
    pair = await stage.pair()
    ours = await stage.screen(pair, LTE)
    theirs = await stage.theatre.screen(stage.browser, pair, LTE, page="poll")
    await asyncio.sleep(stage.span(600, 40))
    recording = await ours.recording()
    assert_calm(recording)
    assert_right(recording)
    polled = await theirs.recording()
    assert polled.backwards() or polled.irregular(), "the rules find no mistake on a page that makes some"
    if stage.full:
        assert polled.backwards()
        assert polled.irregular()


@scenario(7, "C F", 37)
async def another_route(stage: Stage) -> None:
    screen = await stage.screen(await stage.pair(), even("20/20", 20))
    await asyncio.sleep(15)
    screen.relay.network = even("20/20", 20).slower(up_ms=100)
    # Samples of the old route count for five minutes.
    recording = await recorded(screen, stage.span(360, 20))
    assert_calm(recording)
    assert_right(recording)
    if stage.full:
        settled = recording.between(recording.rows[-1].at - 20_000)
        assert abs(statistics.median(settled.reading_errors_ms()) - 50) <= 12


@scenario(23, "C F W", 27)
async def a_busy_page(stage: Stage) -> None:
    screen = await stage.screen(await stage.pair(), NEAR)
    await screen.run(_BLOCK)
    recording = await recorded(screen, 25)
    assert_never_back(recording)
    late = [
        ms - max(0.0, change.row.gap - 120 - FRAME_MS)
        for ms, change in zip(recording.lateness_ms(), recording.counted(), strict=True)
    ]
    assert quantile(late, 0.95) <= 110


@scenario(24, "C F W", 38, windows=3)
async def side_by_side(stage: Stage) -> None:
    pair = await stage.theatre.pair()
    screens = [
        await stage.screen(pair, NEAR),
        await stage.screen(pair, LTE),
        await stage.screen(pair, SATELLITE, role="advisor"),
    ]
    seconds = stage.span(600, 35)
    await asyncio.sleep(seconds)
    recordings = [await screen.recording() for screen in screens]
    for recording in recordings:
        assert_calm(recording)
        assert_right(recording)
    for one, other in combinations(recordings, 2):
        seen = {change.row.seconds: change.row for change in other.counted()}
        compared = 0
        for _, row in one.counted():
            if (same := seen.get(row.seconds)) is None:
                continue
            compared += 1
            frames = max(FRAME_MS, row.gap) + max(FRAME_MS, same.gap)
            assert abs(row.at - same.at) <= row.bound + same.bound + frames + GRAIN_MS, (one.name, other.name)
        assert compared >= 0.8 * seconds
