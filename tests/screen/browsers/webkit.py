"""WebKitGTK's own browser, MiniBrowser, by WebKitWebDriver: https://www.w3.org/TR/webdriver2/."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.screen.browsers.tab import display, end
from tests.screen.ports import free_port

START_SECONDS = 60.0


class Session:
    """An automated browser. It has one current window, so commands wait for each other."""

    def __init__(self, http: httpx.AsyncClient, path: str) -> None:
        self._http = http
        self._path = path
        self._turn = asyncio.Lock()
        self._first: str | None = None

    async def begin(self) -> None:
        """Remember the first window, which stays open."""
        self._first = str(await self.call("GET", "/window"))

    async def window(self) -> str:
        """Open a window; returns its handle. WebKit does that only while the current window is open."""
        made = await self.call("POST", "/window/new", {"type": "window"}, self._first)
        return str(made["handle"])

    async def call(self, method: str, path: str, body: object = None, window: str | None = None) -> Any:
        """The value of a command in `window`. Raises RuntimeError with the message of WebKit when the command fails."""
        async with self._turn:
            if window is not None:
                await self._send("POST", "/window", {"handle": window})
            return await self._send(method, path, body)

    async def _send(self, method: str, path: str, body: object) -> Any:
        content = json.dumps(body or {}) if method == "POST" else None
        answer = await self._http.request(method, self._path + path, content=content)
        value = answer.json()["value"]
        if answer.is_error:
            raise RuntimeError(f"{path}: {value.get('message') or value.get('error')}")
        return value


class WebKitTab:
    """A window."""

    def __init__(self, session: Session, handle: str) -> None:
        self._session = session
        self._handle = handle
        self._front: str | None = None

    async def open(self, url: str) -> None:
        await self._session.call("POST", "/url", {"url": url}, self._handle)

    async def run(self, expression: str) -> Any:
        script = (
            f"const done = arguments[0]; Promise.resolve({expression})"
            ".then((value) => done(JSON.stringify(value ?? null)), (error) => done('!' + error));"
        )
        said: str = await self._session.call("POST", "/execute/async", {"script": script, "args": []}, self._handle)
        if said.startswith("!"):
            raise RuntimeError(said)
        return json.loads(said)

    async def hide(self) -> None:
        await self._session.call("POST", "/window/minimize", None, self._handle)

    async def show(self) -> None:
        await self._session.call("POST", "/window/rect", {"width": 800, "height": 600}, self._handle)

    async def back(self) -> None:
        await self._session.call("POST", "/back", None, self._handle)

    async def close(self) -> None:
        await self._session.call("DELETE", "/window", None, self._handle)


class WebKit:
    """A running MiniBrowser."""

    name = "webkit"

    def __init__(self, session: Session, pid: int) -> None:
        self._session = session
        self.pid = pid

    async def tab(self) -> WebKitTab:
        return WebKitTab(self._session, await self._session.window())


@asynccontextmanager
async def webkit() -> AsyncIterator[WebKit]:
    """A MiniBrowser until the context ends."""
    program = next(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"))
    port = free_port()
    async with display() as environment:
        driver = await asyncio.create_subprocess_exec(
            "WebKitWebDriver", f"--port={port}", env=environment, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
                options = {"binary": str(program), "args": ["--automation"]}
                wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
                async with asyncio.timeout(START_SECONDS):
                    while True:
                        try:
                            answer = await http.post("/session", json=wanted)
                            break
                        except httpx.TransportError:
                            await asyncio.sleep(0.1)
                session = Session(http, f"/session/{answer.json()['value']['sessionId']}")
                await session.begin()
                try:
                    yield WebKit(session, driver.pid)
                finally:
                    await session.call("DELETE", "")
        finally:
            await end(driver)
