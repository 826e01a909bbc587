"""Ids in addresses may contain a slash, which arrives as `%2F`.

The router sees decoded addresses, and would split such an id into two parts. So the slash is replaced by a Unicode
noncharacter, which no id may contain, until `decode_id` restores it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from talktime.core.ids import NONCHARACTER

SLASH_MARK: Final = NONCHARACTER


class EncodedSlashes:
    """The middleware that marks the slashes inside ids."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path: bytes = scope.get("raw_path") or b""
        if scope["type"] == "http" and b"%2f" in raw_path.lower():
            parts = raw_path.decode("ascii", "replace").split("/")
            scope = {**scope, "path": "/".join(unquote(part).replace("/", SLASH_MARK) for part in parts)}
        await self._app(scope, receive, send)


def decode_id(part: str) -> str:
    """The id in a part of an address."""
    return part.replace(SLASH_MARK, "/")
