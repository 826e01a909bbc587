"""What waits to be sent on one live socket. One writer sends it, in order."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from starlette.websockets import WebSocket

from talktime.service.live.close_codes import CloseCode

WAITING_MAX: Final = 500
"""Messages that may wait. A screen that is further behind than that is lost: skipping some would be lying to it."""

CLOSE_SECONDS: Final = 5.0
"""How long a closing socket may take to take what still waits for it."""


class Outbox:
    """A bounded queue and its writer. `put` and `close` are plain calls: whoever has news never waits for a screen."""

    def __init__(self, websocket: WebSocket, now_ms: Callable[[], float]) -> None:
        self._websocket = websocket
        self._now_ms = now_ms
        self._waiting: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()
        self._closing: tuple[CloseCode, str] | None = None
        self._writer: asyncio.Task[None] | None = None

    @property
    def is_closing(self) -> bool:
        """Whether `close` was called: nothing more will be taken."""
        return self._closing is not None

    @property
    def close_code(self) -> CloseCode | None:
        """The code of `close`, if it was called."""
        return None if self._closing is None else self._closing[0]

    def put(self, message: dict[str, Any]) -> None:
        """Send `message` when its turn comes. One with an `s2` gets engine time in it as it departs."""
        if self._closing is not None:
            return
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.clear()
            self.close(CloseCode.LOST, "too slow")
            return
        self._waiting.append(message)
        self._news.set()

    def close(self, code: CloseCode, reason: str) -> None:
        """Send what waits, then close, or give up on a screen that does not take it. The first close counts."""
        if self._closing is None:
            self._closing = code, reason
            self._news.set()
            if self._writer is not None:
                asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._writer.cancel)

    async def write(self) -> None:
        """Send until `close`. Raises what the socket raises when the other end goes away; is cancelled to give up."""
        self._writer = asyncio.current_task()
        while self._closing is None:
            await self._send_waiting()
            if self._closing is None:
                self._news.clear()
                await self._news.wait()
        await self._send_waiting()
        code, reason = self._closing
        await self._websocket.close(code, reason)

    async def _send_waiting(self) -> None:
        while self._waiting:
            message = self._waiting.popleft()
            if "s2" in message:
                message = {**message, "s2": self._now_ms()}
            await self._websocket.send_text(json.dumps(message, separators=(",", ":")))
