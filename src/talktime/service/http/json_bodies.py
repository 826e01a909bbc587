"""Reads what others send: JSON bounded in depth and in fields, no field twice, and no unknown parameter."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from itertools import accumulate
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from talktime.core.errors import InvalidRequest
from talktime.documents.strict_json import RepeatedFieldError, parse_json
from talktime.service.http.query import parameters_of, require_known_parameters

NAME_LENGTH_MAX: Final = 80
"""How much of a field's name an error shows."""

DEPTH_MAX: Final = 16
"""How deep objects and lists may be inside each other. The deepest document, a tariff with its tiers, needs 4."""

FIELDS_MAX: Final = 1_000
"""How many fields all objects of one document may have together. A tariff with 50 tiers has 212."""

# A string that never ends is taken to the end of the text, so no part of a text is looked at twice.
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a surrogate pair, as JSON can write it. UTF-8, and so no answer and no database, can hold one alone."""

_STEPS: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


class UnreadableBody(HTTPException):
    """A body was refused while it was read. `refusal` says why. FastAPI passes on only this kind of exception."""

    def __init__(self, refusal: InvalidRequest) -> None:
        super().__init__(int(refusal.status))
        self.refusal = refusal


def read_json(text: str) -> Any:
    """The value of a JSON text. The time that this takes grows with the length of the text, whatever the text says.

    Raises:
        InvalidRequest: a field is named more than once or by what is no text, or the text is too deep or has too many
            fields.
        ValueError: the text is not JSON.
    """
    # A text with few brackets and colons has few of both outside of its strings. Almost every text is one.
    if text.count("[") + text.count("{") > DEPTH_MAX or text.count(":") > FIELDS_MAX:
        _check_structure(_STRING.sub("", text))
    try:
        value = parse_json(text)
    except RepeatedFieldError as error:
        name = error.name[:NAME_LENGTH_MAX].encode(errors="replace").decode()
        raise InvalidRequest((name, "must not be named more than once")) from None
    if _HALF.search(text):
        _check_names(value)
    return value


class StrictRequest(Request):
    """A request whose JSON is read by `read_json`."""

    async def json(self) -> Any:
        """The body as JSON.

        Raises:
            UnreadableBody: the body is refused, or is null, which FastAPI takes for a body that was left out.
            ValueError: the body is not JSON in UTF-8.
        """
        try:
            value = read_json((await self.body()).decode("utf-8-sig"))
        except InvalidRequest as refusal:
            raise UnreadableBody(refusal) from None
        if value is None:
            raise UnreadableBody(InvalidRequest(("body", "must be an object, not null")))
        return value


class StrictRoute(APIRoute):
    """A route that reads its body by `read_json`, and refuses parameters that it does not have."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, for a strict request."""
        handler = super().get_route_handler()
        known = parameters_of(self.dependant)

        async def handle_strictly(request: Request) -> Response:
            require_known_parameters(request, known)
            return await handler(StrictRequest(request.scope, request.receive))

        return handle_strictly


def _check_names(value: Any) -> None:
    """Refuse a name of a field that has half of a surrogate pair. What fields hold is checked field by field."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if any("\ud800" <= character <= "\udfff" for name in part for character in name):
                raise InvalidRequest(("body", "must have names of Unicode text, without halves of surrogate pairs"))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _check_structure(structure: str) -> None:
    """Refuse what is too deep or has too many fields. `structure` is the text without its strings."""
    if structure.count(":") > FIELDS_MAX:
        raise InvalidRequest(("body", f"must have at most {FIELDS_MAX} fields"))
    if max(accumulate(map(_STEPS.__getitem__, _BRACKET.findall(structure))), default=0) > DEPTH_MAX:
        raise InvalidRequest(("body", f"must not be nested deeper than {DEPTH_MAX} levels"))
