"""The demo as people meet it: a real process with its own database, and Chromium in front of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from talktime.core.roles import Role
from talktime.postgres.guardian import Guardian
from talktime.service.tokens import Tokens
from tests.headless import HEADLESS
from tests.services import SECRET, START_SECONDS_MAX, environment, port_in


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what a page or the service does by itself."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


@dataclass(frozen=True)
class Pair:
    """A user and an advisor who met nobody before."""

    user: str
    advisor: str


@dataclass
class Demo:
    """A running demo and the backend's way to talk to it."""

    address: str
    data_dir: Path
    logs: list[Path] = field(default_factory=list)
    pairs: int = 0

    def token(self, role: Role, subject: str) -> str:
        """A token, as the host's backend would hand it over."""
        return Tokens(SECRET).make(role, subject)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call under /v1 as the host's backend; the answer's document."""
        headers = {
            "authorization": f"Bearer {self.token(Role.SERVICE, 'tests')}",
            "content-type": "application/json",
            "idempotency-key": os.urandom(8).hex(),
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def pair(self, tariff: dict[str, Any], credit: str) -> Pair:
        """Two new people: Nora with credit, and Theo who asks `tariff`."""
        self.pairs += 1
        pair = Pair(f"nora-{self.pairs}", f"theo-{self.pairs}")
        self.call("PUT", f"/users/{pair.user}", {"display_name": "Nora"})
        self.call("PUT", f"/advisors/{pair.advisor}", {"display_name": "Theo", "tariff": tariff, "starts": "at_once"})
        self.call("POST", f"/users/{pair.user}/credits", {"amount": credit, "kind": "purchase"})
        return pair

    def chat(self, pair: Pair) -> str:
        """Start a new chat of the two people; returns its id."""
        return str(self.call("POST", "/chats", {"user_id": pair.user, "advisor_id": pair.advisor})["chat"]["id"])

    def advance(self, seconds: float) -> None:
        """Move engine time ahead; every deadline on the way has fired when it returns."""
        self.call("POST", "/test-clock/advance", {"seconds": round(seconds, 3)})

    def have_hours_of_a_day(self, hours: int) -> None:
        """Move engine time to the next day (UTC), unless at least this number of hours is left of the day."""
        now = datetime.fromisoformat(self.call("GET", "/time")["server_time"])
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        if midnight - now < timedelta(hours=hours):
            self.advance((midnight - now).total_seconds())


@pytest.fixture(scope="session")
def demo(guardian: Guardian) -> Iterator[Demo]:
    folder = Path(tempfile.mkdtemp(prefix="talktime-test-"))
    guardian.guard_folder(folder)
    command = Path(sys.executable).with_name("talktime")
    log = folder.with_suffix(".log")
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [command, "demo", "--no-browser", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment(data_dir=folder, test_clock=1),
            cwd=folder,
            text=True,
        ) as process,
    ):
        guardian.guard_process(process.pid)
        try:
            assert process.stdout is not None
            port = port_in(process.stdout.readline())
            assert port is not None, log.read_text()
            yield Demo(f"http://127.0.0.1:{port}", folder, [log])
        finally:
            process.terminate()
            process.wait(START_SECONDS_MAX)
    shutil.rmtree(folder)
    log.unlink()


# Not for the whole session: while Playwright is open it holds the thread's event loop, and others' tests want theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched(HEADLESS) as browser:
        yield browser


@contextmanager
def launched(options: dict[str, Any]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**options)
        yield chromium
        chromium.close()


# A tab that signs out later stays signed out.
_SIGN_IN_ONCE: Final = """
    if (!sessionStorage.getItem("tests.signed-in")) {
        sessionStorage.setItem("tests.signed-in", "once");
        for (const [key, value] of Object.entries(%s)) sessionStorage.setItem(`talktime.${key}`, value);
    }
"""


@dataclass
class Screens:
    """Screens of people; what their browsers complain about fails the test."""

    browser: Browser
    demo: Demo
    complaints: list[str] = field(default_factory=list)

    def blank(self, *, width: int = 1280, scheme: Literal["light", "dark"] = "light") -> Page:
        """A tab without a person who has signed in."""
        context = self.browser.new_context(
            base_url=self.demo.address, viewport={"width": width, "height": 844}, color_scheme=scheme
        )
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: self.complaints.append(f"{page.url}: {message.text}") if message.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((self.demo.address, self.demo.address.replace("http", "ws")))
                else self.complaints.append(f"{page.url} asks for {request.url}")
            ),
        )
        return page

    def of(
        self, role: Role, subject: str, path: str, *, width: int = 1280, scheme: Literal["light", "dark"] = "light"
    ) -> Page:
        """The page at `path` in a tab that holds the person's token."""
        page = self.blank(width=width, scheme=scheme)
        session = {"token": self.demo.token(role, subject), "role": role.value, "subject": subject}
        page.add_init_script(_SIGN_IN_ONCE % json.dumps(session))
        page.goto(path)
        page.wait_for_selector("#content:not([hidden]), #signed-out")
        return page

    def user(self, pair: Pair, path: str, **options: Any) -> Page:
        return self.of(Role.USER, pair.user, path, **options)

    def advisor(self, pair: Pair, path: str, **options: Any) -> Page:
        return self.of(Role.ADVISOR, pair.advisor, path, **options)


@pytest.fixture
def screens(browser: Browser, demo: Demo) -> Iterator[Screens]:
    screens = Screens(browser, demo)
    yield screens
    for context in browser.contexts:
        context.close()
    assert screens.complaints == []
