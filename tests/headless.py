"""The Chromium of the tests that need no window. The one with windows takes three times as much of the processor."""

from __future__ import annotations

from typing import Any, Final

HEADLESS: Final[dict[str, Any]] = {
    "executable_path": "/usr/bin/chromium-headless-shell",
    "args": ["--no-sandbox", "--disable-background-networking"],
}
"""The arguments with which Playwright launches it."""

WHOLE: Final[dict[str, Any]] = {**HEADLESS, "executable_path": "/usr/bin/chromium"}
"""The arguments for the Chromium with windows, for what the other one lacks: notifications."""
