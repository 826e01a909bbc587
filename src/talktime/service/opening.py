"""Opens the engine for the routes: at start under our own server, at the first request inside a host's application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Annotated

import structlog
from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from talktime.core.errors import DatabaseProblem, TalktimeError, Unavailable
from talktime.database.migrate import SchemaBehind
from talktime.settings import Settings
from talktime.talktime import Talktime

RETRY_SECONDS = 1.0

WhileOpen = Callable[[Talktime], AbstractAsyncContextManager[None]]
"""A context that is entered once `Talktime` is open, and left before `Talktime` closes."""

_log = structlog.get_logger(__name__)


class Opening:
    """One `Talktime`, opened once, kept open until `close`.

    The service keeps running while the database does not answer, or while its schema is behind: requests and `/readyz`
    answer with the reason, and the next attempt to open follows a second later.

    A separate task keeps `Talktime` open, because the request that opens it may end before it has to be closed.
    """

    def __init__(self, settings: Settings, while_open: WhileOpen | None = None) -> None:
        self.settings = settings
        self._while_open = while_open or _nothing_more
        self._talktime: Talktime | None = None
        self.failure: Exception | None = None
        self._tried = asyncio.Event()
        self._closing = asyncio.Event()
        self._holder: asyncio.Task[None] | None = None

    @property
    def current(self) -> Talktime | None:
        """The `Talktime`, if it is open now."""
        return self._talktime

    async def talktime(self) -> Talktime:
        """The `Talktime`, opened by the first call.

        Raises:
            Unavailable: `Talktime` can't be opened right now.
        """
        if self._holder is None:
            self._holder = asyncio.create_task(self._hold(), name="talktime")
        await self._tried.wait()
        if self._talktime is None:
            raise Unavailable(self.reason())
        return self._talktime

    def reason(self) -> str:
        """Why `Talktime` is not open, for an answer. The log has the details."""
        if isinstance(self.failure, SchemaBehind):
            return str(self.failure)
        return "The database can't be reached right now." if self.failure else "The service is starting or stopping."

    async def close(self) -> None:
        """Close `Talktime`. Later requests are refused."""
        self._closing.set()
        if self._holder is not None:
            await self._holder

    async def _hold(self) -> None:
        told = ""
        while not self._closing.is_set():
            try:
                async with Talktime.connect(settings=self.settings) as talktime, self._while_open(talktime):
                    self._talktime, self.failure = talktime, None
                    self._tried.set()
                    try:
                        await self._closing.wait()
                    finally:
                        self._talktime = None
            except Exception as error:  # noqa: BLE001  whatever it is, the next attempt may succeed
                self.failure = error
                if told != str(error):
                    told = str(error)
                    _log.error(
                        "service.not_open",
                        reason=told,
                        exc_info=not isinstance(error, TalktimeError | DatabaseProblem | OSError),
                    )
                self._tried.set()
                try:
                    await asyncio.wait_for(self._closing.wait(), RETRY_SECONDS)
                except TimeoutError:
                    continue


def _nothing_more(_talktime: Talktime) -> AbstractAsyncContextManager[None]:
    return nullcontext()


def opening_of(connection: HTTPConnection) -> Opening:
    """The application's `Opening`."""
    opening: Opening = connection.app.state.opening
    return opening


async def opened(request: Request) -> Talktime:
    """The dependency that gives routes the engine.

    Raises:
        Unavailable: it can't be opened right now.
    """
    return await opening_of(request).talktime()


TalktimeDep = Annotated[Talktime, Depends(opened)]
"""What a route declares to be given the engine of its application."""
