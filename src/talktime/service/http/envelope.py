"""The outermost middleware: headers, metrics and HEAD for every answer, and an answer to unexpected errors too."""

from __future__ import annotations

from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talktime.service.http.problems import REQUEST_ID, make_problem_response, to_refusal
from talktime.service.http.request_ids import HEADER, request_id_of
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
    """Adds to every answer what all answers have in common."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # HEAD is handled as GET, and the body of the answer is left out.
        is_head = scope["method"] == "HEAD"
        inner: Scope = {**scope, "method": "GET"} if is_head else scope
        status = 0
        # The layers below share this dictionary, so a problem response can leave its code here.
        state = inner.setdefault("state", {})
        request_id = state[REQUEST_ID] = request_id_of(scope)

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers[HEADER] = request_id
                if scope["path"].removeprefix(scope.get("root_path", "")).startswith(("/v1/", "/demo/")):
                    headers["Cache-Control"] = "no-store"
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(inner, receive, send_wrapped)
            except Exception as error:
                _log.exception("service.request_failed", method=scope["method"], route=_route(inner))
                if status:
                    raise
                await make_problem_response(to_refusal(error))(inner, receive, send_wrapped)
        self._metrics.count_request(scope["method"], _route(inner), status)
        if "refusal" in state:
            self._metrics.count_refusal(state["refusal"])


def _route(scope: Scope) -> str:
    """The pattern of the route. Ids would be personal data, and would make endless different metrics."""
    return str(getattr(scope.get("route"), "path", "other"))
