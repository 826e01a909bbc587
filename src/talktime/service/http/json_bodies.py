"""Refuses JSON that names a field twice.

Programs read `{"amount": "1.00", "amount": "9.00"}` differently: some take the first amount, some the last. Where money
moves, there must be no doubt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from talktime.core.errors import InvalidRequest

NAME_LENGTH_MAX = 80


class UnreadableBody(HTTPException):
    """A body was refused while it was read. `refusal` says why. FastAPI passes on only this kind of exception."""

    def __init__(self, refusal: InvalidRequest) -> None:
        super().__init__(int(refusal.status))
        self.refusal = refusal


class _StrictRequest(Request):
    """A request whose JSON may name each field only once."""

    async def json(self) -> Any:
        """The body as JSON.

        Raises:
            UnreadableBody: a field is named twice.
            json.JSONDecodeError: the body is not JSON.
        """
        return json.loads(await self.body(), object_pairs_hook=_unique_fields)


class StrictRoute(APIRoute):
    """A route that refuses JSON in which a field is named twice."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, for a strict request."""
        handler = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return handle_strictly


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise UnreadableBody(InvalidRequest((repeated[:NAME_LENGTH_MAX], "must not be named more than once")))
    return document
