"""The limits of requests by caller and by size. Callers are identified and counted before routing."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talktime.core.errors import RateLimited, TooLarge, Unauthorized, Unavailable
from talktime.service.budgets import Budgets
from talktime.service.credentials import Credentials
from talktime.service.http.problems import make_problem_response
from talktime.service.tokens import Caller

BODY_BYTES_MAX: Final = 64 * 1024
DISCARD_BYTES_MAX: Final = 64 * 1024 * 1024
DISCARD_SECONDS: Final = 10.0

REFUSAL_SECONDS: Final = 0.1
"""How long a request that is one too many waits for its refusal. Otherwise refusals could be a load themselves."""


_UNCOUNTED: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestLimits:
    """The middleware that reads the token of a request, and refuses requests that are too many or too large.

    `Budgets` says how many are too many. Only the calls below `/v1` and `/demo` have callers. Pages count for their
    address, with the calls without a token. Files, and the questions of load balancers, are cheap and are not counted.
    """

    def __init__(self, app: ASGIApp, credentials: Credentials, budgets: Budgets) -> None:
        self._app = app
        self._credentials = credentials
        self._budgets = budgets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.caller = None
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith("/static/") or path in _UNCOUNTED:
            await self._app(scope, _LimitedBody(receive), send)
            return
        if path.startswith(("/v1/", "/demo/")):
            wait_seconds = await self._admit(request)
        else:
            wait_seconds = self._budgets.take(None, _host_of(request))
        if wait_seconds:
            await asyncio.sleep(REFUSAL_SECONDS)
            error = RateLimited("Too many requests at once; wait a moment.")
            response = make_problem_response(error, {"Retry-After": str(math.ceil(wait_seconds))})
            await response(scope, receive, send)
            return
        size_bytes = 0

        async def send_counted(message: Message) -> None:
            nonlocal size_bytes
            size_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, _LimitedBody(receive), send_counted)
        finally:
            caller = request.state.caller
            self._budgets.spend_answer(caller if isinstance(caller, Caller) else None, _host_of(request), size_bytes)

    async def _admit(self, request: Request) -> float:
        """Note who calls, and count the request. Returns the seconds to wait if the request is one too many."""
        host = _host_of(request)
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        # The database is asked for a key, so keys that somebody makes up are counted before that.
        is_counted = self._credentials.is_new_key(credential.strip())
        wait_seconds = self._budgets.take(None, host) if is_counted else 0.0
        if wait_seconds:
            return wait_seconds
        caller = request.state.caller = await self._authenticate(scheme, credential.strip())
        return 0.0 if is_counted else self._budgets.take(caller if isinstance(caller, Caller) else None, host)

    async def _authenticate(self, scheme: str, credential: str) -> Caller | Unauthorized | Unavailable | None:
        """The caller; the refusal of an invalid token; or None without a token."""
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            return Unauthorized("Only bearer tokens are accepted: Authorization: Bearer …")
        try:
            return await self._credentials.read(credential)
        except (Unauthorized, Unavailable) as error:
            return error


def _host_of(request: Request) -> str | None:
    return request.client.host if request.client else None


class _LimitedBody:
    """`receive`, which raises when a body is too large. It counts bytes, because a stated length may be wrong.

    The rest of a body that is too large is read and thrown away before the refusal is sent, up to a limit. Otherwise
    the client would still send when the connection is closed, and would not see the answer.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._received = 0

    async def __call__(self) -> Message:
        message = await self._next()
        if self._received <= BODY_BYTES_MAX:
            return message
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                while message.get("more_body") and self._received < DISCARD_BYTES_MAX:
                    message = await self._next()
        # While FastAPI reads a body, this is the only exception that it passes on.
        raise HTTPException(int(TooLarge.status))

    async def _next(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        return message
