"""What scenarios need of every browser."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import psutil

CLOSE_SECONDS = 10.0


class Tab(Protocol):
    """A page in a window of its own, so that it is visible."""

    async def open(self, url: str) -> None:
        """Open a page, and wait until it is loaded."""

    async def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, or of its promise. It must be JSON."""

    async def hide(self) -> None:
        """Put another tab in front of the page."""

    async def show(self) -> None:
        """Put the page in front again."""

    async def back(self) -> None:
        """Go back to the previous page."""

    async def close(self) -> None:
        """Close the page as a person does."""


class Browser(Protocol):
    """A running browser."""

    name: str
    pid: int

    async def tab(self) -> Tab:
        """A new page."""


@asynccontextmanager
async def display() -> AsyncIterator[dict[str, str]]:
    """A display without a monitor; returns the environment in which programs find it."""
    reading, writing = os.pipe()
    xvfb = await asyncio.create_subprocess_exec(
        "Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x1024x24", "-nolisten", "tcp",
        pass_fds=(writing,), stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        number = (await asyncio.to_thread(os.read, reading, 20)).decode().strip()
        yield {**os.environ, "DISPLAY": f":{number}"}
    finally:
        os.close(reading)
        await end(xvfb)


def family(pid: int) -> list[psutil.Process]:
    """A process and all processes that it started, itself first."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


async def end(process: asyncio.subprocess.Process) -> None:
    """End a process that we started, and all processes that it started."""
    if process.returncode is None:
        relatives = family(process.pid)
        for relative in relatives:
            try:
                relative.send_signal(signal.SIGCONT)
                relative.terminate()
            except psutil.NoSuchProcess:
                continue
        _, alive = await asyncio.to_thread(psutil.wait_procs, relatives[1:], CLOSE_SECONDS)
        for relative in alive:
            relative.kill()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()
