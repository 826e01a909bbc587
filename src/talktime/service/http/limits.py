"""How much of anything one caller gets."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from contextlib import suppress
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talktime.core.errors import RateLimited, TooLarge, Unauthorized
from talktime.service.http.problems import problem_response
from talktime.service.tokens import Caller, Tokens

BODY_BYTES_MAX: Final = 64 * 1024
REQUESTS_PER_SECOND: Final = 50.0
REQUESTS_BURST: Final = 300.0
DISCARD_BYTES_MAX: Final = 64 * 1024 * 1024
DISCARD_SECONDS: Final = 10.0
BUCKETS_MAX: Final = 20_000


class Bucket:
    """A token bucket: `burst` at once, then `per_second`."""

    __slots__ = ("_at", "_burst", "_left", "_per_second")

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = burst
        self._at = time.monotonic()

    def take(self) -> float:
        """Take one: 0.0 when there was one, else the seconds until there will be."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._per_second
        self._left -= 1
        return 0.0


class Buckets:
    """A bucket for each of the callers heard of last; whoever is forgotten begins with a full one."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, name: str) -> float:
        """Take one from the bucket of `name`, as `Bucket.take`."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(REQUESTS_PER_SECOND, REQUESTS_BURST)
            if len(self._buckets) > BUCKETS_MAX:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        return bucket.take()


class Limits:
    """Finds out who calls, before routing, and refuses who calls too often or says too much.

    Limits count per token for users and advisors and per address where no token holds; a host's backend and operators
    have none. Only the calls count (`/v1`, `/demo`): pages and their files are the same for everybody and cheap.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens
        self._buckets = Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        caller = self._caller(request)
        request.state.caller = caller
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        wait_seconds = self._wait_seconds(request, caller) if path.startswith(("/v1/", "/demo/")) else 0.0
        if wait_seconds:
            error = RateLimited("Too many requests at once; wait a moment.")
            response = problem_response(error, {"Retry-After": str(math.ceil(wait_seconds))})
            await response(scope, receive, send)
            return
        await self._app(scope, _Measured(receive), send)

    def _caller(self, request: Request) -> Caller | Unauthorized | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            return Unauthorized("Only bearer tokens count here: Authorization: Bearer …")
        try:
            return self._tokens.read(token.strip())
        except Unauthorized as error:
            return error

    def _wait_seconds(self, request: Request, caller: Caller | Unauthorized | None) -> float:
        if isinstance(caller, Caller):
            return self._buckets.take(caller.token_id) if caller.is_person else 0.0
        return self._buckets.take(request.client.host if request.client else "unknown")


class _Measured:
    """`receive`, for as many bytes as a body may have; clients may say no length, or a wrong one.

    What is beyond is read and thrown away before the refusal is sent, within bounds: a client that is still sending
    when the connection closes would lose the answer.
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
        # FastAPI passes this one kind of exception on while it reads a body.
        raise HTTPException(int(TooLarge.status))

    async def _next(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        return message
