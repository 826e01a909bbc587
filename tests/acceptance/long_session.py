"""Five minutes of a paid chat, both screens open, beside whatever else is tested."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from talktime.postgres.guardian import Guardian

from .screen import Screen
from .stage import Stage, on_stage

SECONDS = 300


class LongSession:
    """It begins at once, in a thread and a service with a database of its own. `facts` are what it came to.

    begun_ms, ended_ms: when it was started and when it had been stopped, by this machine's clock.
    receipt, account, entries: as the service tells them. shown_ms: what both screens show after the end.
    apart_ms: the most that screens and server were apart.
    """

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.logs: list[Path] = []
        self._failure: BaseException | None = None
        self._closing = threading.Event()
        self._folder = Path(tempfile.mkdtemp(prefix="talktime-test-"))
        self._guardian = Guardian()
        self._guardian.guard_folder(self._folder)
        self._thread = threading.Thread(target=self._run, name="long session")
        self._thread.start()

    def wait(self) -> dict[str, Any]:
        """The facts, once it is over. Raises what went wrong in it."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self.facts

    def close(self) -> None:
        """End it, over or not."""
        self._closing.set()
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._guardian.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._hold())
        except BaseException as failure:  # noqa: BLE001  it is raised where somebody waits
            self._failure = failure

    async def _hold(self) -> None:
        async with on_stage(None, self._folder, self._guardian) as stage:
            self.logs = stage.logs
            await stage.start()
            await stage.people(credit="50.00")
            begun_ms = time.time() * 1000
            opened = await stage.new_chat()
            chat_id = opened["chat"]["id"]
            screens = await stage.both_screens(chat_id)
            apart_ms = []
            while (left := begun_ms / 1000 + SECONDS - time.time()) > 0:
                if self._closing.is_set():
                    return
                apart_ms.append(await stage.apart_ms(chat_id, *screens))
                await asyncio.sleep(min(1.0, left))
            await self._end(stage, opened["record"]["id"], screens)
            self.facts |= {"begun_ms": begun_ms, "apart_ms": max(apart_ms)}

    async def _end(self, stage: Stage, record_id: str, screens: tuple[Screen, Screen]) -> None:
        await screens[0].press("stop")
        await asyncio.gather(*(screen.wait_for("ended") for screen in screens))
        self.facts = {
            "ended_ms": time.time() * 1000,
            "receipt": await stage.assert_adds_up(record_id),
            "account": await stage.call("GET", "/users/uma/account"),
            "entries": await stage.entries(),
            "shown_ms": [await screen.elapsed_ms() for screen in screens],
        }
        for screen in screens:
            await screen.assert_calm()
