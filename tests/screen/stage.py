"""What a scenario uses, and what it can assert of every screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tests.screen.browsers.chromium import chromium
from tests.screen.browsers.firefox import firefox
from tests.screen.browsers.tab import Browser
from tests.screen.browsers.webkit import webkit
from tests.screen.recording import GRAIN_MS, Recording, quantile
from tests.screen.relay import DIRECT, Network
from tests.screen.service import Pair
from tests.screen.theatre import Screen, Theatre

BROWSERS = {"C": "chromium", "F": "firefox", "W": "webkit"}


@asynccontextmanager
async def launch(name: str, *arguments: str) -> AsyncIterator[Browser]:
    """Start a browser by its name. Only Chromium takes arguments."""
    if name == "chromium":
        async with chromium(*arguments) as browser:
            yield browser
    elif name == "firefox":
        async with firefox() as other:
            yield other
    else:
        async with webkit() as third:
            yield third


@dataclass
class Stage:
    """What a scenario uses: a browser that scenarios share, the services, and durations in full or short."""

    theatre: Theatre
    browser: Browser
    full: bool
    own: AsyncExitStack

    def span(self, full_seconds: float, short_seconds: float) -> float:
        """How long a step lasts: in full in `make nightly`, shortened in `make test`."""
        return full_seconds if self.full else short_seconds

    async def alone(self, *arguments: str) -> Browser:
        """Another browser of the same kind, to hide, stop or kill it."""
        return await self.own.enter_async_context(launch(self.browser.name, *arguments))

    async def pair(self, kind: str = "usual", credit: str = "500.00") -> Pair:
        """A running chat whose advisor is present."""
        pair = await self.theatre.pair(kind, credit)
        await self.theatre.stand_in(pair)
        return pair

    async def screen(
        self, pair: Pair, network: Network = DIRECT, browser: Browser | None = None, **options: object
    ) -> Screen:
        """The user's screen of the chat of a pair, with a running timer."""
        screen = await self.theatre.screen(browser or self.browser, pair, network, **options)  # type: ignore[arg-type]
        await screen.until_running()
        return screen


@dataclass(frozen=True)
class Scenario:
    """A row of the table of scenarios. `windows` and `seconds` are what it takes in `make test`, for the plan."""

    number: int
    browsers: tuple[str, ...]
    play: Callable[[Stage], Awaitable[None]]
    seconds: int
    windows: int
    windows_in_full: int

    @property
    def name(self) -> str:
        return f"{self.number:02}-{self.play.__name__.replace('_', '-')}"

    def windows_at(self, *, full: bool) -> int:
        """The most windows that it has open at once."""
        return self.windows_in_full if full else self.windows


SCENARIOS: list[Scenario] = []


def scenario(
    number: int, browsers: str, seconds: int, *, windows: int = 1, windows_in_full: int | None = None
) -> Callable[[Callable[[Stage], Awaitable[None]]], Callable[[Stage], Awaitable[None]]]:
    """Add a scenario to the table: its number, its browsers (C, F, W), its duration and its windows."""

    def enter(play: Callable[[Stage], Awaitable[None]]) -> Callable[[Stage], Awaitable[None]]:
        concerned = tuple(BROWSERS[letter] for letter in browsers.split())
        SCENARIOS.append(Scenario(number, concerned, play, seconds, windows, windows_in_full or windows))
        return play

    return enter


def assert_never_back(recording: Recording) -> None:
    """Rule A0 holds."""
    assert not (found := recording.backwards()), f"{recording.name}: {found}"


def assert_calm(recording: Recording) -> None:
    """The rules A0 and A1 hold, and there is no step."""
    assert len(list(recording.changes())) >= 3, f"{recording.name}: hardly moved"
    assert_never_back(recording)
    assert not (found := recording.irregular()), f"{recording.name}: {found}"
    assert not (found := recording.steps()), f"{recording.name}: {found}"


def assert_right(recording: Recording) -> None:
    """Rule A2 holds."""
    assert not (found := recording.beyond_bound()), f"{recording.name}: {found}"


def assert_late_at_most(recording: Recording, ms: float) -> None:
    """19 of 20 digits appeared no later than this, without the delay of long frames."""
    late = quantile(recording.owed_ms(), 0.95)
    assert late <= ms + GRAIN_MS, f"{recording.name}: {sorted(recording.owed_ms())}"


async def recorded(screen: Screen, seconds: float) -> Recording:
    """The recording of a screen after this number of seconds."""
    await asyncio.sleep(seconds)
    return await screen.recording()
