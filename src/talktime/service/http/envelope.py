"""The outermost layer: headers, a count and HEAD for everything, and an answer even to what nobody expected."""

from __future__ import annotations

from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talktime.service.http.problems import problem_response, refused
from talktime.service.metrics import Metrics

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self';"
        " object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_log = structlog.get_logger(__name__)


class Envelope:
    """Wraps every answer. None allows another site to read it; `origins` does, for the sites that are named."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # HEAD is GET without the body: the answer is made the same, and what is sent stays behind.
        is_head = scope["method"] == "HEAD"
        inner: Scope = {**scope, "method": "GET"} if is_head else scope
        status = 0
        # One dictionary, which the scopes of all layers below share.
        state = inner.setdefault("state", {})

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if scope["path"].removeprefix(scope.get("root_path", "")).startswith(("/v1/", "/demo/")):
                    headers["Cache-Control"] = "no-store"
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(inner, receive, send_wrapped)
        except Exception as error:
            _log.exception("service.request_failed", method=scope["method"], route=_route(inner))
            if status:
                raise
            await problem_response(refused(error))(inner, receive, send_wrapped)
        self._metrics.count_request(scope["method"], _route(inner), status)
        if "refusal" in state:
            self._metrics.count_refusal(state["refusal"])


def _route(scope: Scope) -> str:
    """The route's pattern: ids in it would be personal data, and never-ending."""
    return str(getattr(scope.get("route"), "path", "other"))
