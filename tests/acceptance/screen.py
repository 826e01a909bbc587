"""The page of a chat for one party, with a recorder that looks at every frame."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

# What each frame shows: the instant (ms since 1970), the reading, the digits. A refreshed page keeps the last frame.
RECORDER = """
if (window === top) {
  const key = `recorded ${location.pathname}`;
  window.samples = JSON.parse(sessionStorage.getItem(key) ?? "[]");
  window.changes = [];
  let state = null;
  const look = () => {
    requestAnimationFrame(look);
    const element = document.querySelector("talk-time");
    if (!element?.reading) return;
    const { elapsedMs, state } = element.reading;
    const digits = element.shadowRoot.querySelector("[data-role=elapsed]").textContent;
    window.samples.push([Date.now(), elapsedMs, state, digits]);
  };
  requestAnimationFrame(look);
  addEventListener("pagehide", () => sessionStorage.setItem(key, JSON.stringify(window.samples.slice(-1))));
  new MutationObserver((records) => {
    for (const { target, attributeName } of records) {
      if (target.localName === "talk-time" && attributeName === "state" && target.getAttribute("state") !== state) {
        state = target.getAttribute("state");
        window.changes.push([Date.now(), state]);
      }
    }
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["state"] });
}
"""

# A digit is only skipped if the page painted a frame in which it could have changed.
_AWAKE_MS = 900
_UNKNOWN = "--:--"


class Screen:
    """A page of a person who is signed in."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def open(self, address: str, chat_id: str, state: str = "running") -> None:
        """Open the page of the chat at this service, and wait until its timer shows `state`."""
        await self.page.goto(f"{address}/chat/{chat_id}")
        await self.wait_for(state)

    async def wait_for(self, *states: str, timeout_s: float = 30) -> None:
        """Wait until the timer shows one of `states`."""
        wanted = ", ".join(f"talk-time[state={state}]" for state in states)
        await self.page.wait_for_selector(wanted, timeout=timeout_s * 1000)

    async def press(self, button: str) -> None:
        """Press the button of this id. The page asks before a conversation stops or goes on in a new chat."""
        await self.page.locator(f"#{button}").click()
        if button in {"stop", "new-chat"}:
            await self.page.locator("dialog button[value=yes]").click()

    async def elapsed_ms(self) -> float:
        """The time that the timer shows, in ms."""
        return float(await self.page.evaluate("document.querySelector('talk-time').reading.elapsedMs"))

    async def digits(self) -> str:
        """The digits of the timer."""
        return await self.page.locator("talk-time [data-role=elapsed]").inner_text()

    async def zero_ms(self) -> float:
        """The instant at which the running timer of this screen was at zero, in ms since 1970."""
        script = "(() => Date.now() - document.querySelector('talk-time').reading.elapsedMs)()"
        return float(await self.page.evaluate(script))

    async def samples(self) -> list[tuple[float, float | None, str, str]]:
        """What every frame showed since the page was loaded, and the last frame before."""
        return [tuple(sample) for sample in await self.page.evaluate("window.samples")]

    async def change(self, state: str, number: int = -1) -> float | None:
        """The instant of a change to `state`, in ms since 1970: of the last one, or of the one with this index."""
        changes: list[Any] = await self.page.evaluate("window.changes")
        times = [at for at, shown in changes if shown == state]
        return float(times[number]) if times else None

    async def assert_calm(self, *, clock_moved: bool = False, had_outage: bool = False) -> None:
        """No digit went backwards or was skipped while the timer ran, and no script failed.

        Where the test clock was moved, digits must skip. After an outage the screen takes back what it had counted.
        """
        samples = await self.samples()
        assert any(state == "running" for _, _, state, _ in samples)
        at = shown = None
        digits, before, before_that = "", "", ""
        for next_at, elapsed, state, text in samples:
            if elapsed is None or text in {_UNKNOWN, "starting…"}:
                continue  # a page that has just loaded
            stands = state in {"paused", "ended"}
            stands = stands or (had_outage and "reconnecting" in {before, before_that})
            # Only a screen that learns late of a pause, an end or an outage goes back, by the delay.
            if shown is not None and at is not None and not stands:
                assert elapsed >= shown, f"back from {shown} to {elapsed} ms ({before}, {state})"
                step = _seconds(text) - _seconds(digits)
                assert step >= 0, f"digits back from {digits} to {text} ({before}, {state})"
                # A frame has the new state before its digits are painted.
                if before_that == before == state == "running" and not clock_moved and next_at - at < _AWAKE_MS:
                    assert step <= 1, f"digits skipped from {digits} to {text}"
            at, shown, digits, before, before_that = next_at, elapsed, text, state, before
        assert self.errors == []


def _seconds(digits: str) -> int:
    seconds = 0
    for part in digits.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds
