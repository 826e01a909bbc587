"""The messages that wait to be sent on one live socket. One task sends them, in order.

What a screen asks for is answered whole: a screen that asks for more than it reads is closed. But nobody is closed for
what others send. While more than `SHARED_MAX` messages of others wait, only the newest of each kind and chat is kept.
The screen sees the gap in the numbers of the snapshots, or in the positions of the texts, and asks for what it missed.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from starlette.websockets import WebSocket

from talktime.service.live.close_codes import CloseCode
from talktime.service.live.sending import LiveMessage

ANSWERS_MAX: Final = 500
"""How many answers may wait. A screen that is further behind is closed: it sends and does not read."""

SHARED_MAX: Final = 100
"""How many messages of others may wait, before only the newest of each kind and chat is kept."""

CLOSE_SECONDS: Final = 5.0
"""How long a closing socket may take to send the messages that still wait."""

Subject = tuple[str, ...]
"""The subject of a message, such as `("snapshot", "chat-1")`. A newer message may replace one of the same subject."""


class _Item(NamedTuple):
    """A place in the queue. Without a message, it is the place of the newest message of its subject."""

    message: LiveMessage | None
    subject: Subject = ()
    is_answer: bool = False


class SendQueue:
    """A bounded queue and the task that sends from it.

    `answer`, `share` and `close` are plain calls, so no caller waits for a slow screen.
    """

    def __init__(self, websocket: WebSocket, now_ms: Callable[[], float]) -> None:
        self._websocket = websocket
        self._now_ms = now_ms
        self._waiting: deque[_Item] = deque()
        self._newest: dict[Subject, LiveMessage] = {}
        self._answers = 0  # of those that wait
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

    def answer(self, message: LiveMessage) -> None:
        """Send what this screen has asked for; an empty message is an empty frame.

        If the message has an `s2`, that is set to engine time of sending.
        """
        if self._closing is not None:
            return
        if self._answers >= ANSWERS_MAX:
            self._waiting.clear()
            self._newest.clear()
            self.close(CloseCode.LOST, "too slow")
            return
        self._answers += 1
        self._put(_Item(message, is_answer=True))

    def share(self, subject: Subject, message: LiveMessage, *, newest_only: bool = False) -> None:
        """Send what concerns all screens of a chat.

        Args:
            subject: which messages this one may replace if too many wait.
            message: the message.
            newest_only: always replace a message of the same subject that waits.
        """
        if self._closing is not None:
            return
        is_behind = len(self._waiting) - self._answers >= SHARED_MAX
        if subject in self._newest:
            self._newest[subject] = message
        elif newest_only or is_behind:
            self._newest[subject] = message
            self._put(_Item(None, subject))
        else:
            self._put(_Item(message))

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

    def _put(self, item: _Item) -> None:
        self._waiting.append(item)
        self._wake.set()

    async def _send_waiting(self) -> None:
        while self._waiting:
            item = self._waiting.popleft()
            self._answers -= item.is_answer
            message = self._newest.pop(item.subject) if item.message is None else item.message
            if "s2" in message:
                message = {**message, "s2": self._now_ms()}
            await self._websocket.send_text(json.dumps(message, separators=(",", ":")) if message else "")
