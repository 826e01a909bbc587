"""A request whose client is gone is given up. Work that has not begun is not started, because nobody waits for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CHANGING: Final = frozenset({"POST", "PUT", "DELETE", "PATCH"})


class Disconnects:
    """The middleware that cancels the work for a request when its client disconnects.

    A command that waits for its turn is dropped then. A command that has begun is finished.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _CHANGING:
            await self._app(scope, receive, send)
            return
        is_read = asyncio.Event()
        is_answered = False

        async def receive_noted() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                is_read.set()
            return message

        async def send_noted(message: Message) -> None:
            nonlocal is_answered
            await send(message)
            is_answered = message["type"] == "http.response.body" and not message.get("more_body")

        async def disconnected() -> None:
            await is_read.wait()  # until then, the application itself learns that the client is gone
            while (await receive())["type"] != "http.disconnect":
                pass

        async def answer() -> None:
            await self._app(scope, receive_noted, send_noted)

        work = asyncio.create_task(answer())
        gone = asyncio.create_task(disconnected())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done() or is_answered:
                await work
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
