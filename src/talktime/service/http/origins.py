"""Which other sites' pages may use the service from a browser: those that `TALKTIME_ORIGINS` names, exactly.

A page of another site can do nothing with a person's browser alone, since tokens are in no cookie. Naming a site lets
its pages call with the tokens that they were given. Programs that are no browsers send no `Origin`, and need no leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.websockets import WebSocket

REMEMBER_SECONDS: Final = 600
"""How long a browser need not ask again whether it may call."""


def share_with(app: FastAPI, origins: Sequence[str]) -> None:
    """Let pages of these origins call, and load the client. Without any, no answer mentions other sites."""
    app.state.origins = frozenset(origins)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Idempotency-Replayed", "Retry-After"],
            max_age=REMEMBER_SECONDS,
        )


def is_welcome(websocket: WebSocket) -> bool:
    """Whether the page that opened the socket is the service's own or of a named site; no rule of CORS covers sockets.

    The scheme is not compared with our own: behind a proxy that ends TLS it differs.
    """
    origin = websocket.headers.get("origin")
    if origin is None or origin.lower() in websocket.app.state.origins:
        return True
    return urlsplit(origin).netloc.lower() == websocket.headers.get("host", "").lower() != ""
