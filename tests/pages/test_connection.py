"""A connection that is lost without a word: the network swallows everything, and the browser is told nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.screen.relay import Relay
from tests.services import BY_THE_MINUTE

from .conftest import Demo, Screens


@pytest.fixture
def relay(demo: Demo) -> Iterator[Relay]:
    """A network between a page and the service."""
    ready = threading.Event()
    stop = asyncio.Event()
    relays: list[Relay] = []

    async def run() -> None:
        async with Relay(int(demo.address.rpartition(":")[2])).run() as relay:
            relays.append(relay)
            ready.set()
            await stop.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(10)
    yield relays[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()


def test_a_loss_that_nobody_tells_is_noticed_within_five_seconds(screens: Screens, demo: Demo, relay: Relay) -> None:
    pair = demo.pair(BY_THE_MINUTE, "20.00")
    chat = demo.chat(pair)
    screens.advisor(pair, f"/chat/{chat}").wait_for_selector("talk-time[state=running]")
    behind = Screens(screens.browser, replace(demo, address=relay.address))
    page = behind.user(pair, f"/chat/{chat}")
    page.wait_for_selector("talk-time[state=running]")
    page.wait_for_timeout(16_000)  # the first pings are over, and the next one is a while away
    relay.swallow(swallowing=True)
    expect(page.locator("#why-title")).to_have_text("Connecting again…", timeout=5_500)
    expect(page.locator("#phase")).to_have_text("Connecting…")
    relay.swallow(swallowing=False)
    page.wait_for_selector("talk-time[state=running]")
    expect(page.locator("#why-title")).to_be_empty()
