"""Firefox, by the WebDriver BiDi it speaks itself: https://www.w3.org/TR/webdriver-bidi/."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.screen.browsers.channel import Channel, started
from tests.screen.browsers.tab import display

# No first-run pages, no updates, no calls home: nothing but the page.
_PREFERENCES = {
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.tabs.warnOnClose": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class FirefoxTab:
    """A window."""

    def __init__(self, channel: Channel, context: str) -> None:
        self._channel = channel
        self._context = context
        self._front: str | None = None

    async def _call(self, method: str, **parameters: Any) -> Any:
        return await self._channel.call(method, parameters)

    async def open(self, url: str) -> None:
        await self._call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def run(self, expression: str) -> Any:
        # BiDi has its own format for values; text needs no such format.
        answer = await self._call(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))",
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    async def hide(self) -> None:
        made = await self._call("browsingContext.create", type="tab", referenceContext=self._context)
        self._front = made["context"]
        await self._call("browsingContext.activate", context=self._front)

    async def show(self) -> None:
        await self._call("browsingContext.activate", context=self._context)
        if self._front is not None:
            await self._call("browsingContext.close", context=self._front)

    async def back(self) -> None:
        await self._call("browsingContext.traverseHistory", context=self._context, delta=-1)

    async def close(self) -> None:
        await self._call("browsingContext.close", context=self._context, promptUnload=False)


class Firefox:
    """A running Firefox."""

    name = "firefox"

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.pid = channel.pid

    async def tab(self) -> FirefoxTab:
        made = await self._channel.call("browsingContext.create", {"type": "window"})
        return FirefoxTab(self._channel, made["context"])


@asynccontextmanager
async def firefox() -> AsyncIterator[Firefox]:
    """A Firefox with a new profile until the context ends."""
    with tempfile.TemporaryDirectory(prefix="talktime-firefox-", ignore_cleanup_errors=True) as folder:
        preferences = "".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in _PREFERENCES.items())
        Path(folder, "user.js").write_text(preferences, encoding="utf-8")
        async with display() as environment:
            program = ["firefox-esr", "--remote-debugging-port", "0", "--profile", folder, "--no-remote", "about:blank"]
            async with started(program, {**environment, "HOME": folder}, "/session") as channel:
                await channel.call("session.new", {"capabilities": {}})
                yield Firefox(channel)
