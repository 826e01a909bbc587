"""Work that blocks holds up neither the event loop nor the few threads of the loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from talktime.threads import in_own_thread


async def test_work_that_blocks_leaves_the_threads_of_the_loop_free() -> None:
    release = threading.Event()
    blocked = [asyncio.create_task(in_own_thread(lambda: release.wait(60), "blocks")) for _ in range(40)]
    try:
        async with asyncio.timeout(10):
            assert await asyncio.to_thread(lambda: "free") == "free"
    finally:
        release.set()
    assert all(await asyncio.gather(*blocked))


async def test_the_caller_gets_the_error_of_the_work() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_own_thread(lambda: 1 / 0, "fails")
