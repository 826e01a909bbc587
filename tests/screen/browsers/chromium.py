"""Chromium, by the protocol of its own tools: https://chromedevtools.github.io/devtools-protocol/.

Playwright drives it elsewhere. It makes every page believe that it is in front, which is kind to most tests, but not
to these.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.screen.browsers.channel import Channel, started
from tests.screen.browsers.tab import display

_QUIET = (
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--password-store=basic",
)


class ChromiumTab:
    """A window."""

    def __init__(self, channel: Channel, target: str, session: str) -> None:
        self._channel = channel
        self._target = target
        self._session = session
        self._front: str | None = None

    async def send(self, method: str, **parameters: Any) -> Any:
        """A command to the page."""
        return await self._channel.call(method, parameters, sessionId=self._session)

    async def open(self, url: str) -> None:
        await self.run("window.leaving = true")
        await self.send("Page.navigate", url=url)
        while not await self.run("!window.leaving && document.readyState === 'complete'"):
            await asyncio.sleep(0.02)

    async def run(self, expression: str) -> Any:
        answer = await self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def hide(self) -> None:
        # A new tab opens in the window that was in front last.
        await self._channel.call("Target.activateTarget", {"targetId": self._target})
        made = await self._channel.call("Target.createTarget", {"url": "about:blank"})
        self._front = made["targetId"]
        await self._channel.call("Target.activateTarget", {"targetId": self._front})

    async def show(self) -> None:
        await self._channel.call("Target.activateTarget", {"targetId": self._target})
        if self._front is not None:
            await self._channel.call("Target.closeTarget", {"targetId": self._front})

    async def back(self) -> None:
        history = await self.send("Page.getNavigationHistory")
        before = history["entries"][history["currentIndex"] - 1]
        await self.send("Page.navigateToHistoryEntry", entryId=before["id"])

    async def close(self) -> None:
        await self._channel.call("Target.closeTarget", {"targetId": self._target})


class Chromium:
    """A running Chromium."""

    name = "chromium"

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.pid = channel.pid

    async def tab(self) -> ChromiumTab:
        made = await self._channel.call("Target.createTarget", {"url": "about:blank", "newWindow": True})
        target = made["targetId"]
        attached = await self._channel.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        return ChromiumTab(self._channel, target, attached["sessionId"])


@asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Chromium]:
    """A Chromium with a new profile until the context ends."""
    with tempfile.TemporaryDirectory(prefix="talktime-chromium-", ignore_cleanup_errors=True) as folder:
        async with display() as environment:
            program = ["/usr/bin/chromium", *_QUIET, f"--user-data-dir={folder}", "--remote-debugging-port=0"]
            async with started([*program, *arguments, "about:blank"], {**environment, "HOME": folder}) as channel:
                yield Chromium(channel)
