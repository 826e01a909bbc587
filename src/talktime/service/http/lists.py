"""The answer of a call that lists: a page, and the address of the next page in the header `Link` (RFC 8288)."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import Query, Request
from starlette.responses import JSONResponse

from talktime.core.ids import NAME_LENGTH_MAX
from talktime.service.http.bodies import Id

PAGE_SIZE: Final = 100

PersonQuery = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        description="only people whose id begins with this text, or whose name does, in small or capital letters",
        examples=["Ali"],
    ),
]
AfterId = Annotated[Id | None, Query(description="the `next` of the page before", examples=["alice"])]


def page_response(request: Request, document: dict[str, Any], *, cursor: str = "after") -> JSONResponse:
    """The page, with a link to the next page if there is one. `cursor` is the parameter that takes `next`."""
    following = document["next"]
    if following is None:
        return JSONResponse(document)
    return JSONResponse(document, headers={"Link": f'<{_address(request, cursor, following)}>; rel="next"'})


def _address(request: Request, cursor: str, following: str) -> str:
    """The path as the client wrote it, which a proxy may have shortened, and the query with the new place."""
    path = request.scope.get("raw_path", b"").decode("ascii", "replace") or quote(request.scope["path"])
    others = [(name, value) for name, value in request.query_params.multi_items() if name not in {"after", "before"}]
    return f"{path}?{urlencode([*others, (cursor, following)])}"
