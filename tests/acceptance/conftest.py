"""Both screens of a chat in a real Chromium, side by side, on a real service with a database of its own.

Everything runs on one machine and so by one clock. A screen's and the server's timers are compared by the instant at
which each would have shown zero, which no delay of a request or of the browser can blur.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright

from talktime.api.tokens import Role, Tokens

SECRET = "an-acceptance-secret-of-enough-characters"
AGREE_MS = 100
BY_THE_SECOND = {"tiers": [{"from_seconds": 0, "rate": "0.10", "per_seconds": 1, "increment_seconds": 1}]}

# The digits may only be called skipped if the page itself was awake to change them.
_SAMPLE = """
window.samples = [];
setInterval(() => {
  const element = document.querySelector("talk-time");
  if (!element?.reading) return;
  const { elapsedMs, state } = element.reading;
  const digits = element.shadowRoot.querySelector("[data-role=elapsed]").textContent;
  window.samples.push([Date.now(), elapsedMs, state, digits]);
}, 50);
"""
_AWAKE_MS = 900


def milliseconds(instant: str) -> float:
    """An instant of the API in milliseconds since 1970."""
    return datetime.fromisoformat(instant).timestamp() * 1000


class Screen:
    """One side's page of a chat."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def open(self, address: str, chat_id: str, state: str = "running") -> None:
        await self.page.goto(f"{address}/chat/{chat_id}")
        await self.wait_for(state)

    async def wait_for(self, state: str, timeout_s: float = 20) -> None:
        """Until the timer shows `state`."""
        await self.page.wait_for_selector(f"talk-time[state={state}]", timeout=timeout_s * 1000)

    async def elapsed_ms(self) -> float:
        return float(await self.page.evaluate("document.querySelector('talk-time').reading.elapsedMs"))

    async def zero_ms(self) -> float:
        """The instant at which this screen's running timer would have shown zero."""
        script = "(() => Date.now() - document.querySelector('talk-time').reading.elapsedMs)()"
        return float(await self.page.evaluate(script))

    async def assert_calm(self) -> None:
        """Since the page was loaded, no running digit went back or was skipped, and no script failed."""
        samples = await self.page.evaluate("window.samples")
        assert samples
        for (at, elapsed, state, digits), (next_at, next_elapsed, next_state, next_digits) in pairwise(samples):
            # A screen that learns of a pause late takes back the delay, and a page that has just loaded knows the time
            # a frame before it paints it.
            if not state == next_state == "running" or digits == "--:--" or next_digits == "--:--":
                continue
            assert next_elapsed >= elapsed, f"back from {elapsed} to {next_elapsed}"
            step = _seconds(next_digits) - _seconds(digits)
            assert step >= 0, f"digits back from {digits} to {next_digits}"
            if next_at - at < _AWAKE_MS:
                assert step <= 1, f"digits skipped from {digits} to {next_digits}"
        assert self.errors == []


def _seconds(digits: str) -> int:
    seconds = 0
    for part in digits.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds


class Node:
    """A service process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self.address = f"http://127.0.0.1:{port}"

    async def kill(self) -> None:
        """As a power cut would."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@dataclass
class Stage:
    """The service, its API as the host's backend sees it, and a browser."""

    database_url: str
    folder: Path
    browser: Browser
    nodes: list[Node] = field(default_factory=list)
    screens: list[Screen] = field(default_factory=list)
    tokens: Tokens = field(default_factory=lambda: Tokens(SECRET))
    http: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    async def start(self, command: str = "demo", port: int = 0, **settings: object) -> Node:
        """A service; `settings` by their names, such as `presence_lease_seconds=3`."""
        environment = {
            **os.environ,
            "TALKTIME_DATABASE_URL": self.database_url,
            "TALKTIME_DATA_DIR": str(self.folder),
            "TALKTIME_SECRET": SECRET,
            "TALKTIME_PORT": str(port),
            "TALKTIME_CHECKPOINT_SECONDS": "2",
            **{f"TALKTIME_{name.upper()}": str(value) for name, value in settings.items()},
        }
        program = Path(sys.executable).with_name("talktime")
        with (self.folder / f"log-{uuid.uuid4()}").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                program, command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        assert process.stdout
        async with asyncio.timeout(30):
            while not (found := re.search(rb"http://127\.0\.0\.1:(\d+)", line := await process.stdout.readline())):
                assert line, f"the service did not start; see {log.name}"
        node = Node(process, int(found[1]))
        self.nodes.append(node)
        return node

    async def call(self, method: str, path: str, body: object = None, *, as_user: str | None = None) -> Any:
        """What the newest node answers to the host's backend, or to a user."""
        token = self.tokens.make(Role.USER, as_user) if as_user else self.tokens.make(Role.SERVICE, "host")
        headers = {"Authorization": f"Bearer {token}"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        answer = await self.http.request(method, f"{self.nodes[-1].address}/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def people(self, credit: str = "50.00", tariff: object = BY_THE_SECOND) -> None:
        """The user uma, with credit, and the advisor ada."""
        await self.call("PUT", "/users/uma", {"display_name": "Uma"})
        await self.call("PUT", "/advisors/ada", {"display_name": "Ada", "tariff": tariff})
        await self.call("POST", "/users/uma/credits", {"amount": credit, "kind": "purchase"})

    async def new_chat(self) -> Any:
        """A new chat of uma and ada, as its snapshot."""
        return await self.call("POST", "/chats", {"user_id": "uma", "advisor_id": "ada"}, as_user="uma")

    async def tracking(self, chat_id: str) -> Any:
        return await self.call("GET", f"/chats/{chat_id}/tracking")

    async def receipt(self, record_id: str) -> Any:
        return await self.call("GET", f"/records/{record_id}/receipt")

    async def screen(self, role: Role, person: str) -> Screen:
        """A browser of `person`'s own, signed in."""
        context = await self.browser.new_context()
        session = {"token": self.tokens.make(role, person), "role": role.value, "subject": person}
        kept = "".join(f"sessionStorage.setItem('talktime.{key}', '{value}');" for key, value in session.items())
        await context.add_init_script(kept + _SAMPLE)
        screen = Screen(await context.new_page())
        self.screens.append(screen)
        return screen

    async def both_screens(self, chat_id: str, state: str = "running") -> tuple[Screen, Screen]:
        """The user's and the advisor's page of the chat."""
        user, advisor = await self.screen(Role.USER, "uma"), await self.screen(Role.ADVISOR, "ada")
        await asyncio.gather(*(screen.open(self.nodes[-1].address, chat_id, state) for screen in (user, advisor)))
        return user, advisor

    async def assert_agreement(self, chat_id: str, *screens: Screen) -> None:
        """The screens' running timers and the server's show the same."""
        snapshot = await self.tracking(chat_id)
        assert snapshot["timer"]["running"]
        server = milliseconds(snapshot["server_time"]) - snapshot["chat"]["duration_ms"]
        apart = [abs(await screen.zero_ms() - server) for screen in screens]
        assert max(apart) <= AGREE_MS, f"{apart} ms apart"

    async def assert_adds_up(self, record_id: str) -> Any:
        """The receipt of a record that does not run equals its segments and the ledger; answers it."""
        receipt = await self.receipt(record_id)
        assert sum(segment["duration_ms"] for segment in receipt["segments"]) == receipt["elapsed_ms"]
        quote = {"tariff": receipt["tariff"], "seconds": f"{receipt['elapsed_ms'] / 1000:.3f}"}
        assert (await self.call("POST", "/price", quote))["cost"] == receipt["cost"]
        charges = [entry["amount"] for entry in receipt["entries"] if entry["kind"] == "charge"]
        assert sum(map(_micros, charges)) == -_micros(receipt["cost"])
        account = await self.call("GET", "/users/uma/account")
        entries = (await self.call("GET", "/users/uma/entries"))["entries"]
        assert sum(_micros(entry["amount"]) for entry in entries) == _micros(account["balance"]) >= 0
        return receipt


def _micros(amount: str) -> int:
    return round(float(amount) * 1_000_000)


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-background-networking"]
        )
        stage = Stage(database_url, tmp_path, browser)
        try:
            yield stage
        finally:
            await browser.close()
            await stage.http.aclose()
            for node in stage.nodes:
                await node.kill()
