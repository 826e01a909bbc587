"""A paid chat in a real browser: both screens side by side, the real service, a real database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Page, async_playwright

BY_THE_SECOND = {"tiers": [{"rate": "0.60", "per_seconds": 60, "increment_seconds": 1}]}
CHROMIUM = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]

pytestmark = pytest.mark.parametrize("server", ["pg18"], indirect=True)

# Notes every change of the digits, so that one that runs back for a single frame is found too.
WATCH_DIGITS = """() => {
  window.shown = [];
  const note = () => {
    const element = document.querySelector("talk-time");
    const root = element?.shadowRoot ?? element;
    const text = root?.querySelector("[data-role=elapsed]")?.textContent?.trim();
    if (text && text !== window.shown.at(-1)) window.shown.push(text);
    requestAnimationFrame(note);
  };
  note();
}"""


@dataclass
class Service:
    """The service as its own process, which can be killed and started again at the same address."""

    url: str
    host: httpx.AsyncClient
    start: Any
    process: subprocess.Popen[bytes]

    async def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {"Idempotency-Key": uuid4().hex} if path.endswith(("/credits", "/debits")) else {}
        answer = await self.host.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.is_success, (method, path, answer.text)
        document: dict[str, Any] = answer.json()
        return document

    async def pair(self, tariff: dict[str, Any], credit: str) -> tuple[str, str]:
        user, advisor = f"user-{uuid4().hex[:8]}", f"advisor-{uuid4().hex[:8]}"
        await self.call("PUT", f"/users/{user}", {"display_name": "Uma"})
        await self.call("PUT", f"/advisors/{advisor}", {"display_name": "Ada", "tariff": tariff})
        await self.call("POST", f"/users/{user}/credits", {"amount": credit, "kind": "purchase"})
        return user, advisor

    async def chat(self, user: str, advisor: str) -> str:
        document = await self.call("POST", "/chats", {"user_id": user, "advisor_id": advisor})
        chat_id: str = document["chat"]["id"]
        return chat_id

    async def snapshot(self, chat: str) -> dict[str, Any]:
        return await self.call("GET", f"/chats/{chat}/tracking")

    async def receipt(self, chat: str) -> dict[str, Any]:
        return await self.call("GET", f"/records/{(await self.snapshot(chat))['record']['id']}/receipt")


@pytest.fixture
async def service(database_url: str, data_dir: Path) -> AsyncIterator[Service]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "TALKTIME_DATABASE_URL": database_url,
        "TALKTIME_DATA_DIR": str(data_dir),
        "TALKTIME_PORT": str(port),
        "TALKTIME_PRESENCE_LEASE_SECONDS": "6",
        "TALKTIME_HEALTH_SECONDS": "1",
        "TALKTIME_TEST_CLOCK": "1",
    }
    command = str(Path(sys.executable).with_name("talktime"))
    made = subprocess.run(
        [command, "token", "create", "--role", "service", "--subject", "host"],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [command, "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    url = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as host:
        running = Service(url, host, start, start())
        await ready(running)
        yield running
        running.process.terminate()
        running.process.wait(30)


async def ready(service: Service) -> None:
    for _ in range(300):
        try:
            if (await service.host.get("/readyz")).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the service did not become ready")


@asynccontextmanager
async def screens(service: Service, user: str, advisor: str) -> AsyncIterator[tuple[Page, Page]]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        pages = []
        for role, subject in (("user", user), ("advisor", advisor)):
            body = {"role": role, "subject": subject, "ttl_seconds": 3600}
            token = (await service.call("POST", "/tokens", body))["token"]
            page = await (await browser.new_context()).new_page()
            # As a host's own page would: the token lives in this tab alone.
            await page.goto(f"{service.url}/healthz")
            stored = {"talktime.token": token, "talktime.role": role, "talktime.subject": subject}
            await page.evaluate("stored => Object.entries(stored).forEach(e => sessionStorage.setItem(...e))", stored)
            pages.append(page)
        yield pages[0], pages[1]
        await browser.close()


async def open_chat(page: Page, service: Service, chat: str) -> None:
    await page.goto(f"{service.url}/chat/{chat}")
    await page.evaluate(WATCH_DIGITS)


async def open_both(ours: Page, theirs: Page, service: Service, chat: str) -> None:
    # A slow start of the browser may outlast the lease; then it goes on once both are here.
    for page in (ours, theirs):
        await open_chat(page, service, chat)
    for page in (ours, theirs):
        await wait_for(page, "running")


async def wait_for(page: Page, state: str) -> None:
    await page.wait_for_selector(f"talk-time[state={state}]", timeout=20_000)


async def elapsed(page: Page) -> float:
    return float(await page.evaluate("document.querySelector('talk-time').reading.elapsedMs"))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seconds_of(shown: list[str]) -> list[int]:
    digits = [text for text in shown if ":" in text and "-" not in text]
    return [sum(int(part) * 60**place for place, part in enumerate(reversed(text.split(":")))) for text in digits]


async def test_a_new_chat_shows_one_number_everywhere(service: Service) -> None:
    user, advisor = await service.pair(BY_THE_SECOND, "10.00")
    chat = await service.chat(user, advisor)
    async with screens(service, user, advisor) as (ours, theirs):
        await open_both(ours, theirs, service, chat)
        for _ in range(10):
            first, second = await elapsed(ours), await elapsed(theirs)
            asked = time.monotonic()
            server = (await service.snapshot(chat))["chat"]["duration_ms"]
            trip_ms = (time.monotonic() - asked) * 1000
            # Each is read after the one before, so later ones may be ahead by the time that took.
            assert -100 <= second - first <= 100 + trip_ms + 50
            assert -100 <= server - second <= 100 + trip_ms + 50
            await ours.wait_for_timeout(700)
        for page in (ours, theirs):
            seconds = seconds_of(await page.evaluate("window.shown"))
            assert seconds == list(range(seconds[0], seconds[0] + len(seconds))), "a digit ran back or was skipped"
        receipt = await service.receipt(chat)
        assert receipt["segments"][0]["started_at"] == receipt["record"]["started_at"]


async def test_only_the_newest_chat_runs_and_switches_add_up(service: Service) -> None:
    user, advisor = await service.pair(BY_THE_SECOND, "10.00")
    chats = [await service.chat(user, advisor) for _ in range(3)]
    async with screens(service, user, advisor) as (ours, theirs):
        await open_chat(ours, service, chats[2])
        await open_chat(theirs, service, chats[0])
        await wait_for(ours, "running")
        still = (await service.snapshot(chats[0]))["chat"]["duration_ms"]
        await ours.wait_for_timeout(1_200)
        assert (await service.snapshot(chats[0]))["chat"]["duration_ms"] == still
        assert await elapsed(theirs) == still
        for turn in range(20):
            await service.call("POST", f"/chats/{chats[turn % 3]}/tracking")
        await service.call("POST", f"/chats/{chats[0]}/stop")
        await wait_for(ours, "ended")
        durations = [(await service.snapshot(chat))["chat"]["duration_ms"] for chat in chats]
        receipt = await service.receipt(chats[0])
        assert sum(durations) == receipt["elapsed_ms"] == sum(s["duration_ms"] for s in receipt["segments"])
        assert await elapsed(ours) == durations[2]


async def test_a_refresh_changes_nothing_and_absence_ends_the_bill_with_the_lease(service: Service) -> None:
    user, advisor = await service.pair(BY_THE_SECOND, "10.00")
    chat = await service.chat(user, advisor)
    async with screens(service, user, advisor) as (ours, theirs):
        await open_both(ours, theirs, service, chat)
        opened = (await service.snapshot(chat))["timer"]["since"]
        for pause_ms in (300, 50, 700):
            before = await elapsed(ours)
            await ours.wait_for_timeout(pause_ms)
            await ours.reload()
            await ours.evaluate(WATCH_DIGITS)
            await wait_for(ours, "running")
            assert await elapsed(ours) >= before + pause_ms
        segments = (await service.receipt(chat))["segments"]
        assert (segments[-1]["started_at"], segments[-1]["ended_at"]) == (opened, None)
        await ours.close()
        await wait_for(theirs, "paused")
        snapshot = await service.snapshot(chat)
        assert snapshot["record"]["reason"] == "user_away"
        billed = sum(segment["duration_ms"] for segment in (await service.receipt(chat))["segments"])
        assert billed == snapshot["chat"]["duration_ms"] == await elapsed(theirs)
        seconds = seconds_of(await theirs.evaluate("window.shown"))
        assert seconds == sorted(seconds)


async def test_credit_ends_at_its_instant_and_a_top_up_goes_on_in_place(service: Service) -> None:
    user, advisor = await service.pair(BY_THE_SECOND, "0.05")
    chat = await service.chat(user, advisor)
    async with screens(service, user, advisor) as (ours, theirs):
        for page in (ours, theirs):
            await open_chat(page, service, chat)
            await wait_for(page, "paused")
        snapshot = await service.snapshot(chat)
        assert snapshot["record"]["reason"] == "out_of_credit"
        assert (snapshot["elapsed_ms"], snapshot["cost"], snapshot["balance"]) == (5_000, "0.05", "0.00")
        assert snapshot["timer"]["recharge_until"] is not None
        assert await elapsed(ours) == await elapsed(theirs) == 5_000
        await service.call("POST", f"/users/{user}/credits", {"amount": "1.00", "kind": "purchase"})
        for page in (ours, theirs):
            await wait_for(page, "running")
        assert (await service.snapshot(chat))["record"]["id"] == snapshot["record"]["id"]


async def test_a_killed_service_loses_nothing(service: Service) -> None:
    user, advisor = await service.pair(BY_THE_SECOND, "10.00")
    chat = await service.chat(user, advisor)
    async with screens(service, user, advisor) as (ours, theirs):
        await open_both(ours, theirs, service, chat)
        await ours.wait_for_timeout(2_500)
        killed = await service.call("GET", "/time")
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
        await ours.wait_for_timeout(9_000)  # longer than the lease
        service.process = service.start()
        await ready(service)
        for page in (ours, theirs):
            await wait_for(page, "running")
            seconds = seconds_of(await page.evaluate("window.shown"))
            assert seconds == sorted(seconds), "a digit ran back"
        receipt = await service.receipt(chat)
        cut = next(segment for segment in receipt["segments"] if (segment["ended_at"] or "9") > killed["server_time"])
        assert cut["reason"] in {"user_away", "advisor_away"}
        assert instant(cut["ended_at"]) <= instant(killed["server_time"]) + timedelta(seconds=6)
        assert sum(float(entry["amount"]) for entry in receipt["entries"]) == pytest.approx(-float(receipt["cost"]))
