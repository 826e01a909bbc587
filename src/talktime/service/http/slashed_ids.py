"""Ids in addresses may contain a slash, which arrives as `%2F`, and may be `.` or `..`.

The router sees decoded addresses, and would split an id with a slash into two parts. So the slash is replaced by a
Unicode noncharacter, which no id may contain, until `decode_id` restores it.

Browsers and HTTP clients remove the parts `.` and `..` from an address, even if they are written as `%2E`. So a client
writes the same noncharacter before such an id, `%EF%B7%90..`, and it is removed here.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from talktime.core.ids import NONCHARACTER

SLASH_MARK: Final = NONCHARACTER

_ENCODED_MARK: Final = b"%ef%b7%90"
_DOTS: Final = frozenset({f"{NONCHARACTER}.", f"{NONCHARACTER}.."})


class EncodedSlashes:
    """The middleware that marks the slashes inside ids, and removes the marks before ids of dots."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path: bytes = scope.get("raw_path") or b""
        lower = raw_path.lower()
        if scope["type"] == "http" and (b"%2f" in lower or _ENCODED_MARK in lower):
            parts = raw_path.decode("ascii", "replace").split("/")
            scope = {**scope, "path": "/".join(map(_marked, parts))}
        await self._app(scope, receive, send)


def _marked(part: str) -> str:
    """A part of an address, decoded, with a mark for each slash inside."""
    decoded = unquote(part)
    if decoded in _DOTS:
        return decoded.removeprefix(NONCHARACTER)
    return decoded.replace("/", SLASH_MARK)


def decode_id(part: str) -> str:
    """The id in a part of an address."""
    return part.replace(SLASH_MARK, "/")
