"""Connects the library to its database, for the routes.

Under talktime's own server this happens when the server starts; inside a host's application, at the first request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Annotated

import structlog
from fastapi import Depends, Request
from starlette.datastructures import State
from starlette.requests import HTTPConnection

from talktime.core.errors import DatabaseProblem, TalktimeError, Unavailable
from talktime.database.failures import is_own_cancellation
from talktime.database.migrate import SchemaBehind
from talktime.settings import Settings, SettingsError
from talktime.talktime import Talktime

RETRY_SECONDS = 1.0

TalktimeLifespan = Callable[[Talktime], AbstractAsyncContextManager[None]]
"""Entered when the library is connected, and left before it is disconnected."""

_ENTER_LIFESPAN = "Enter `talktime.router.lifespan_context(talktime)` in the lifespan of the host."
_NO_LIFESPAN = (
    f"The host does not run the lifespan of talktime, so nothing disconnects it at the end. {_ENTER_LIFESPAN}"
)

_log = structlog.get_logger(__name__)


class Connector:
    """Connects one `Talktime`, and keeps it connected until `close`.

    If the database can't be reached, or its schema is behind, the service runs all the same: requests and `/readyz` say
    what is wrong, and the connector tries again every second.

    A task of its own holds the connection, because the request that needed it first may have ended when it is closed.

    Attributes:
        settings: the settings that the library is connected with.
        failure: the error of the last attempt; None while the library is connected.
        has_lifespan: whether the lifespan of the application runs, and so calls `close` at the end.
    """

    def __init__(self, settings: Settings, lifespan: TalktimeLifespan | None = None) -> None:
        self.settings = settings
        self.failure: BaseException | None = None
        self.has_lifespan = False
        self._lifespan = lifespan or _no_lifespan
        self._talktime: Talktime | None = None
        self._tried = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> Talktime | None:
        """The library, if it is connected now."""
        return self._talktime

    async def talktime(self) -> Talktime:
        """The library. The first call connects it, and each call waits only as long as a request may.

        Raises:
            Unavailable: the library can't be connected now.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(float(self.settings.database_seconds)):
                await self.try_once()
        return self.require()

    def require(self) -> Talktime:
        """The library, which is connected now.

        Raises:
            Unavailable: the library is not connected now.
        """
        if self._talktime is None:
            raise Unavailable(self.reason())
        return self._talktime

    def reason(self) -> str:
        """Why the library is not connected, in a sentence for clients. The log says more."""
        if isinstance(self.failure, SchemaBehind):
            return self.failure.reason
        if isinstance(self.failure, Unavailable | DatabaseProblem | OSError):
            return "The database can't be reached right now."
        if self.failure is not None:
            return "The service can't open. Its log says why."
        if self._task is None and not self._closing.is_set():
            return f"Nothing has started the service. {_ENTER_LIFESPAN}"
        return "The service is starting or stopping."

    async def try_once(self) -> None:
        """Wait until the library is connected, or the first attempt has failed. The first call connects it."""
        if self._task is None:
            if not self.has_lifespan:
                _log.warning("service.no_lifespan", advice=_NO_LIFESPAN)
            self._task = asyncio.create_task(self._stay_connected(), name="talktime")
        await self._tried.wait()

    async def close(self) -> None:
        """Disconnect. Later requests are refused."""
        self._closing.set()
        if self._task is None:
            return
        if self._talktime is None and self.settings.database_url is not None:
            self._task.cancel()  # it may wait for a database that does not answer
        with suppress(asyncio.CancelledError):
            await self._task

    async def _stay_connected(self) -> None:
        logged = ""
        while not self._closing.is_set():
            try:
                async with Talktime.connect(settings=self.settings) as talktime, self._lifespan(talktime):
                    self._talktime, self.failure = talktime, None
                    self._tried.set()
                    try:
                        await self._closing.wait()
                    finally:
                        self._talktime = None
            except (Exception, asyncio.CancelledError) as error:
                if is_own_cancellation():
                    raise
                self.failure = error
                if logged != repr(error):
                    logged = repr(error)
                    _log.error(
                        "service.not_open",
                        reason=str(error) or logged,
                        exc_info=not isinstance(error, TalktimeError | DatabaseProblem | SettingsError | OSError),
                    )
                self._tried.set()
                try:
                    await asyncio.wait_for(self._closing.wait(), RETRY_SECONDS)
                except TimeoutError:
                    continue


class ServiceState(State):
    """The `state` of the service's application. Its `talktime` is the library, for a host that mounts the service."""

    def __init__(self, connector: Connector) -> None:
        super().__init__()
        self.connector = connector

    @property
    def talktime(self) -> Talktime:
        """The library, while the service is connected to its database.

        Raises:
            Unavailable: the service is not connected now.
        """
        connector: Connector = self.connector
        return connector.require()


def _no_lifespan(_talktime: Talktime) -> AbstractAsyncContextManager[None]:
    return nullcontext()


def connector_of(connection: HTTPConnection) -> Connector:
    """The connector of the application that serves this request or WebSocket."""
    connector: Connector = connection.app.state.connector
    return connector


async def connected_talktime(request: Request) -> Talktime:
    """The dependency that gives the library to a route.

    Raises:
        Unavailable: the library can't be connected now.
    """
    return await connector_of(request).talktime()


TalktimeDep = Annotated[Talktime, Depends(connected_talktime)]
"""The parameter by which a route gets the library."""
