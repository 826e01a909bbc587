"""Which other sites may use the service from a browser: the origins in `TALKTIME_ORIGINS`.

Tokens are not in cookies, so a page of another site can do nothing without a token of its own. The pages of a site that
is named may call with their tokens. Clients other than browsers send no `Origin` and are not restricted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.websockets import WebSocket

from talktime.settings import without_default_port

REMEMBER_SECONDS: Final = 600
"""How long a browser may remember the answer to a preflight request."""


def allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    """Let pages of these origins call the service and load the client. Without origins, no answer has a CORS header."""
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


def is_allowed_origin(websocket: WebSocket) -> bool:
    """Whether the service itself or a named site has opened the socket. CORS does not apply to WebSockets.

    Only host and port are compared, because the scheme differs behind a proxy that ends TLS. The port that the origin's
    scheme has by default may be left out on either side: some proxies write it into `Host`.
    """
    origin = websocket.headers.get("origin")
    if origin is None:
        return True
    origin = without_default_port(origin.lower())
    if origin in websocket.app.state.origins:
        return True
    scheme, _, name = origin.partition("://")
    host = websocket.headers.get("host", "").lower()
    return (
        scheme in {"http", "https"}
        and without_default_port(f"{scheme}://{host}") == f"{scheme}://{name}"
        and bool(name)
    )
