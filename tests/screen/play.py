"""Plays the scenarios of all browsers side by side, with as many open windows as two processors can paint."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.screen.browsers.tab import Browser, Tab
from tests.screen.stage import Scenario, Stage, launch
from tests.screen.theatre import Theatre, theatre

WINDOWS = (14, 4, 1)
"""The windows that are open at once: at first, when what failed is played again beside few others, and then alone.

A window takes about a twentieth of a processor, because its page looks at every frame; with more windows than two
processors can paint, scenarios would test the machine."""

PLAY_SECONDS_MAX = {True: 900, False: 150}
CLOSE_SECONDS_MAX = 5.0

SETTINGS: dict[str, dict[str, Any]] = {
    "usual": {},
    "patient": {"presence_lease_seconds": 300},
    "brief": {"presence_lease_seconds": 6},
}
"""The settings of each kind of service."""


@dataclass
class Outcome:
    """The outcome of a scenario in a browser: the failure of each try, or None, and the duration of the first try."""

    failures: list[BaseException | None] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failure(self) -> BaseException | None:
        """The failure of the last try, or None."""
        return self.failures[-1]

    @property
    def is_to_be_played(self) -> bool:
        """Whether the scenario has not passed so far."""
        return not self.failures or self.failure is not None


Case = tuple[str, Scenario]
"""A browser, and the scenario to play in it."""


async def play(
    cases: Sequence[Case], databases: dict[str, str], folder: Path, tell: Callable[[str], None], *, full: bool
) -> dict[tuple[str, str], Outcome]:
    """Play every case beside others, and what fails again, beside few and then alone. Outcomes by browser and name.

    `tell` learns of each failure at once, so that a run that is broken off has named what failed so far.
    """
    outcomes = {case: Outcome() for case in cases}
    async with theatre(databases, folder, SETTINGS) as open_theatre, AsyncExitStack() as stack:
        names = dict.fromkeys(name for name, _ in cases)
        browsers = {name: await stack.enter_async_context(launch(name)) for name in names}

        async def once(case: Case, windows: Windows) -> None:
            name, scenario = case
            async with windows.taken(scenario.windows_at(full=full)), AsyncExitStack() as own:
                began = time.monotonic()
                mine = Theatre(open_theatre.site, open_theatre.services, own, open_theatre.numbers)
                failure: BaseException | None = None
                try:
                    async with asyncio.timeout(PLAY_SECONDS_MAX[full]):
                        await scenario.play(Stage(mine, Guest(browsers[name], own), full, own))
                except Exception as error:  # noqa: BLE001  its own test raises it
                    failure = error
                    reason = next(iter(str(error).splitlines()), "")
                    tell(f"{name} {scenario.name} failed: {type(error).__name__} {reason}"[:200])
                outcome = outcomes[case]
                outcome.failures.append(failure)
                outcome.seconds = outcome.seconds or time.monotonic() - began

        # A mistake in the code fails alone, too. The report names a scenario that failed only beside others: if one
        # often does, the machine is too slow, or there is a race.
        for number in WINDOWS:
            windows = Windows(number)
            left = [case for case in cases if outcomes[case].is_to_be_played]
            await asyncio.gather(*(once(case, windows) for case in left))
    return {(name, scenario.name): outcome for (name, scenario), outcome in outcomes.items()}


class Windows:
    """Grants windows to scenarios, in the order in which they ask."""

    def __init__(self, number: int) -> None:
        self._number = self._free = number
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def taken(self, number: int) -> AsyncIterator[None]:
        """Wait until this number of windows is free, and keep them until the context ends."""
        number = min(number, self._number)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((number, turn))
        self._hand_out()
        await turn
        try:
            yield
        finally:
            self._free += number
            self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            number, turn = self._waiting.popleft()
            self._free -= number
            turn.set_result(None)


class Guest:
    """A shared browser, for one scenario: the windows that the scenario opens are closed when the scenario ends."""

    def __init__(self, browser: Browser, own: AsyncExitStack) -> None:
        self._browser = browser
        self._own = own
        self.name = browser.name
        self.pid = browser.pid

    async def tab(self) -> Tab:
        tab = await self._browser.tab()
        self._own.push_async_callback(_close, tab)
        return tab


async def _close(tab: Tab) -> None:
    """Close a window. The scenario may have closed it already, or killed its page."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await tab.close()
    except (RuntimeError, TimeoutError):
        return
