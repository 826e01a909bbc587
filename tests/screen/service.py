"""A service in a process of its own, on a database of its own, and the people who use it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from talktime.core.roles import Role
from talktime.service.tokens import Tokens
from tests.screen.browsers.tab import end
from tests.services import SECRET, START_SECONDS_MAX, environment, port_in

# A node whose engine time is wrong by as much as two nodes may disagree.
_SKEWED = """
from talktime.node.clock import EngineClock
from talktime.cli import main
right = EngineClock.now_ms
EngineClock.now_ms = lambda clock: right(clock) + SKEW
main()
"""


def milliseconds(instant: str) -> float:
    """An instant of the API in ms since 1970."""
    return datetime.fromisoformat(instant).timestamp() * 1000


@dataclass
class Service:
    """A service in a process of its own, and its settings."""

    port: int
    process: asyncio.subprocess.Process
    database_url: str
    settings: dict[str, str]
    folder: Path
    http: httpx.AsyncClient

    @classmethod
    async def start(
        cls, database_url: str, folder: Path, *, port: int = 0, skew_ms: float = 0, **settings: object
    ) -> Service:
        """Start a service. `skew_ms` is the error of its engine time."""
        given = environment(database_url=database_url, data_dir=folder, port=port, **settings)
        program = [str(Path(sys.executable).with_name("talktime"))]
        if skew_ms:
            program = [sys.executable, "-c", _SKEWED.replace("SKEW", str(skew_ms))]
        with (folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *program, "serve", env=given, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        assert process.stdout
        async with asyncio.timeout(START_SECONDS_MAX):
            while (listening := port_in(line := await process.stdout.readline())) is None:
                assert line, f"the service did not start; see {log.name}"
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening}/v1", timeout=30)
        return cls(listening, process, database_url, {k: str(v) for k, v in settings.items()}, folder, http)

    async def again(self, **changes: Any) -> Service:
        """Start another service on the same database."""
        return await Service.start(self.database_url, self.folder, **{**self.settings, **changes})

    async def kill(self) -> None:
        """Kill the process, as a power cut does."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        await self.http.aclose()
        await end(self.process)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the service to a call of the host's backend."""
        headers = {"Authorization": f"Bearer {Tokens(SECRET).make(Role.SERVICE, 'host')}"}
        if path.endswith("/credits"):
            headers["Idempotency-Key"] = path
        answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()


@dataclass
class Pair:
    """A user and an advisor who belong to one scenario, and their chat."""

    service: Service
    user: str
    advisor: str
    chat: str

    async def act(self, act: str, chat: str | None = None) -> Any:
        """Pause, resume, stop or track the chat; returns its snapshot."""
        return await self.service.call("POST", f"/chats/{chat or self.chat}/{act}", {})

    async def tracking(self, chat: str | None = None) -> Any:
        return await self.service.call("GET", f"/chats/{chat or self.chat}/tracking")

    async def zero_ms(self, chat: str | None = None) -> float:
        """The instant at which the running timer was at zero, in ms since 1970."""
        snapshot = await self.tracking(chat)
        assert snapshot["timer"]["running"], snapshot
        return milliseconds(snapshot["server_time"]) - float(snapshot["elapsed_ms"])
