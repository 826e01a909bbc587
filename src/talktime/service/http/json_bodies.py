"""Reads a request's JSON, and takes it only if it says each thing once.

`{"amount": "1.00", "amount": "9.00"}` is read as the one or the other by different programs on the way here: where
money moves there must be no doubt which.
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
    """A body that is refused while it is read: FastAPI passes this one kind of exception on. `refusal` says why."""

    def __init__(self, refusal: InvalidRequest) -> None:
        super().__init__(int(refusal.status))
        self.refusal = refusal


class _Once(Request):
    """A request whose JSON names every field once."""

    async def json(self) -> Any:
        """The body as JSON.

        Raises:
            UnreadableBody: a field is named twice.
            json.JSONDecodeError: it is no JSON.
        """
        return json.loads(await self.body(), object_pairs_hook=_object)


class Route(APIRoute):
    """A route that reads JSON so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler."""
        handler = super().get_route_handler()

        async def reading(request: Request) -> Response:
            return await handler(_Once(request.scope, request.receive))

        return reading


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableBody(InvalidRequest((twice[:NAME_LENGTH_MAX], "is there more than once; say it once")))
    return read
