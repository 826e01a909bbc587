"""Who calls, how often, and how large a body may be. Callers are identified and counted before routing."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from contextlib import suppress
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talktime.core.errors import RateLimited, TooLarge, Unauthorized
from talktime.service.http.problems import make_problem_response
from talktime.service.token_bucket import TokenBucket
from talktime.service.tokens import Caller, Tokens

BODY_BYTES_MAX: Final = 64 * 1024
DISCARD_BYTES_MAX: Final = 64 * 1024 * 1024
DISCARD_SECONDS: Final = 10.0

REQUESTS_PER_SECOND: Final = 50.0
REQUESTS_BURST: Final = 300.0

CALLERS_MAX: Final = 20_000
"""How many callers are remembered. A forgotten caller begins with a full bucket."""


class CallerBuckets:
    """A token bucket for each of the last callers."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, caller: str) -> float:
        """Take a token from the caller's bucket: see `TokenBucket.take`."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = TokenBucket(REQUESTS_PER_SECOND, REQUESTS_BURST)
            if len(self._buckets) > CALLERS_MAX:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(caller)
        return bucket.take()


class RequestLimits:
    """The middleware that reads the token of a request, and refuses requests that are too many or too large.

    Requests are counted for each token of a user or an advisor, and for each address where there is no valid token. A
    host's backend and operators have no limit. Only the calls below `/v1` and `/demo` are counted, because pages and
    their files are cheap.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens
        self._buckets = CallerBuckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        caller = self._authenticate(request)
        request.state.caller = caller
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        wait_seconds = self._count(request, caller) if path.startswith(("/v1/", "/demo/")) else 0.0
        if wait_seconds:
            error = RateLimited("Too many requests at once; wait a moment.")
            response = make_problem_response(error, {"Retry-After": str(math.ceil(wait_seconds))})
            await response(scope, receive, send)
            return
        await self._app(scope, _LimitedBody(receive), send)

    def _authenticate(self, request: Request) -> Caller | Unauthorized | None:
        """The caller; the refusal of an invalid token; or None without a token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            return Unauthorized("Only bearer tokens are accepted: Authorization: Bearer …")
        try:
            return self._tokens.read(token.strip())
        except Unauthorized as error:
            return error

    def _count(self, request: Request, caller: Caller | Unauthorized | None) -> float:
        """Count the request. Returns the seconds to wait if the request is one too many."""
        if isinstance(caller, Caller):
            return self._buckets.take(caller.token_id) if caller.is_person else 0.0
        return self._buckets.take(request.client.host if request.client else "unknown")


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
