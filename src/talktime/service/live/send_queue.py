"""The messages that wait to be sent on one live socket. One task sends them, in order."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Final

from starlette.websockets import WebSocket

from talktime.service.live.close_codes import CloseCode
from talktime.service.live.sending import LiveMessage

WAITING_MAX: Final = 500
"""How many messages may wait. A screen that is further behind is closed: leaving messages out would mislead it."""

CLOSE_SECONDS: Final = 5.0
"""How long a closing socket may take to send the messages that still wait."""


class SendQueue:
    """A bounded queue and the task that sends from it.

    `put` and `close` are plain calls, so no caller waits for a slow screen.
    """

    def __init__(self, websocket: WebSocket, now_ms: Callable[[], float]) -> None:
        self._websocket = websocket
        self._now_ms = now_ms
        self._waiting: deque[LiveMessage] = deque()
        self._wake = asyncio.Event()
        self._closing: tuple[CloseCode, str] | None = None
        self._writer: asyncio.Task[None] | None = None

    @property
    def is_closing(self) -> bool:
        """Whether `close` was called. The queue then takes no more messages."""
        return self._closing is not None

    @property
    def close_code(self) -> CloseCode | None:
        """The code of `close`, if `close` was called."""
        return None if self._closing is None else self._closing[0]

    def put(self, message: LiveMessage) -> None:
        """Send a message after those that wait. If it has an `s2`, that is set to the engine time of sending."""
        if self._closing is not None:
            return
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.clear()
            self.close(CloseCode.LOST, "too slow")
            return
        self._waiting.append(message)
        self._wake.set()

    def close(self, code: CloseCode, reason: str) -> None:
        """Send the messages that wait, then close the socket. Only the first call has an effect.

        If the screen does not take the messages within `CLOSE_SECONDS`, they are given up.
        """
        if self._closing is None:
            self._closing = code, reason
            self._wake.set()
            if self._writer is not None:
                asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._writer.cancel)

    async def write(self) -> None:
        """Send messages until `close`. Raises what the socket raises when the other end goes away."""
        self._writer = asyncio.current_task()
        while self._closing is None:
            await self._send_waiting()
            if self._closing is None:
                self._wake.clear()
                await self._wake.wait()
        await self._send_waiting()
        code, reason = self._closing
        await self._websocket.close(code, reason)

    async def _send_waiting(self) -> None:
        while self._waiting:
            message = self._waiting.popleft()
            if "s2" in message:
                message = {**message, "s2": self._now_ms()}
            await self._websocket.send_text(json.dumps(message, separators=(",", ":")))
