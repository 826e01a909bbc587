"""Commands to a browser and their answers, over one socket. Any number may wait for answers at once."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import websockets

from tests.screen.browsers.tab import end

START_SECONDS = 60.0
ANSWER_SECONDS = 120.0


class Channel:
    """Numbered commands in JSON, as WebDriver BiDi and the protocol of Chromium's tools have them."""

    def __init__(self, socket: websockets.ClientConnection, pid: int) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.pid = pid

    async def listen(self) -> None:
        """Give each answer to the command that waits for it, for ever."""
        async for text in self._socket:
            answer = json.loads(text)
            waiting = self._waiting.pop(answer.get("id"), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    async def call(self, method: str, parameters: dict[str, Any], **more: Any) -> Any:
        """The result of a command. Raises RuntimeError with the message of the browser when the command fails."""
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters, **more}))
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await waiting
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer.get('message', answer['error'])}")
        return answer["result"]


@asynccontextmanager
async def started(program: Sequence[str], environment: dict[str, str], path: str = "") -> AsyncIterator[Channel]:
    """Start a browser that prints its socket on stderr, and stay connected until the context ends."""
    process = await asyncio.create_subprocess_exec(
        *program, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    tasks: list[asyncio.Task[None]] = []
    try:
        address = await _address(process.stderr)
        tasks.append(asyncio.create_task(_drain(process.stderr)))
        async with websockets.connect(address + path, max_size=None, ping_interval=None) as socket:
            channel = Channel(socket, process.pid)
            tasks.append(asyncio.create_task(channel.listen()))
            yield channel
    finally:
        for task in tasks:
            task.cancel()
        await end(process)


async def _address(stderr: asyncio.StreamReader) -> str:
    said = b""
    async with asyncio.timeout(START_SECONDS):
        while line := await stderr.readline():
            said += line
            if found := re.search(rb"listening on (ws://\S+)", line):
                return found[1].decode()
    raise RuntimeError(f"the browser did not start: {said.decode()}")


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read the pipe, since a full pipe stops the browser."""
    while await stream.read(4096):
        pass
