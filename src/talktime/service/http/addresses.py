"""A host's ids may hold anything, a slash too, which arrives as `%2F`.

The router sees addresses decoded and would take such an id for two parts of an address. So until the id is read its
slash is a character that no text has: a Unicode noncharacter, refused in ids.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from talktime.core.ids import NONCHARACTER

SLASH: Final = NONCHARACTER


class Addresses:
    """Keeps slashes inside ids apart from those between the parts of an address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path: bytes = scope.get("raw_path") or b""
        if scope["type"] == "http" and b"%2f" in raw_path.lower():
            parts = raw_path.decode("ascii", "replace").split("/")
            scope = {**scope, "path": "/".join(unquote(part).replace("/", SLASH) for part in parts)}
        await self._app(scope, receive, send)


def read_id(part: str) -> str:
    """The id that a part of an address stands for."""
    return part.replace(SLASH, "/")
