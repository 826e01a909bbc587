"""Every refusal becomes a problem document (RFC 9457), whether a route, the framework or the database refuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from talktime.core.errors import (
    InvalidRequest,
    Mistakes,
    NotFound,
    Repeated,
    TalktimeError,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from talktime.database.failures import unavailable
from talktime.service.http.json_bodies import UnreadableBody

MEDIA_TYPE: Final = "application/problem+json"
REQUEST_ID: Final = "request_id"
"""The member of a problem document, and of the state of a request, that has the id of the request."""

ERRORS_MAX: Final = 20

RETRY_SECONDS: Final = 1
"""When a request that found the service unavailable should be tried again."""

FIELD_LENGTH_MAX: Final = 120

FIELDS: Final = {"begin": "from", "end": "to", "duration_ms": "seconds", "ring_ms": "ring_seconds"}
"""The fields of a request that have other names than the arguments of the library."""

_WHOLE: Final = {"tariff", "terms"}  # the path of an error that concerns the whole document

_MESSAGES: Final = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be a string",
    "string_unicode": "must be Unicode text, without halves of surrogate pairs",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large",
    "int_from_float": "must be a whole number",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be a JSON object, sent with Content-Type: application/json",
    "json_invalid": "is not JSON",
}


class MethodNotAllowed(TalktimeError):
    """The address exists, but not with this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"
    title = "Not with this method"


class HeadTooLarge(TalktimeError):
    """The request line and the headers have more bytes, or are more, than those of any honest request."""

    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    code = "head_too_large"
    title = "Too many headers"


class WrongHost(TalktimeError):
    """The service was called under a name that is not its own."""

    status = HTTPStatus.MISDIRECTED_REQUEST
    code = "wrong_host"
    title = "Wrong name"


class TooSlow(TalktimeError):
    """The request did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT
    code = "too_slow"
    title = "Too slow"


class Unreadable(TalktimeError):
    """The request is not HTTP."""

    status = HTTPStatus.BAD_REQUEST
    code = "unreadable"
    title = "Not HTTP"


class ProblemResponse(JSONResponse):
    """An answer that is a problem document. It leaves its code in the scope, where `envelope` counts the code."""

    media_type = MEDIA_TYPE

    def __init__(self, document: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(document, status, headers)
        self._document = document
        self._code = str(document["code"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, with the id of the request.

        A repeat with the same idempotency key gets the same document, so that document has no id: the header has it.
        """
        state = scope.setdefault("state", {})
        state["refusal"] = self._code
        is_repeatable = any(name == b"idempotency-key" for name, _ in scope.get("headers", ()))
        if REQUEST_ID in state and not is_repeatable:
            self.body = self.render({**self._document, REQUEST_ID: state[REQUEST_ID]})
            self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


class ServerError(TalktimeError):
    """Something failed in talktime. Only the log says what."""


def make_problem_response(error: TalktimeError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer for a refusal."""
    all_headers = dict(headers or {})
    if isinstance(error, Unauthorized):
        all_headers["WWW-Authenticate"] = 'Bearer realm="talktime"'
    if isinstance(error, Unavailable):
        all_headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return ProblemResponse(error.problem(), error.status, all_headers)


def invalid_request(errors: Iterable[Mapping[str, Any]]) -> InvalidRequest:
    """The errors that pydantic found, with the field names of the request, such as `tariff.tiers[0].rate`."""
    messages: list[tuple[str, str]] = []
    for error in errors:
        field = _field(error["loc"], error["type"])
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, Mistakes):
            messages += [(field if path in _WHOLE else f"{field}.{path}", message) for path, message in cause.errors]
        elif isinstance(cause, ValueError):
            messages.append((field, str(cause)))
        else:
            messages.append((field, _MESSAGES.get(error["type"], _sentence(error["msg"]))))
    return InvalidRequest(*((field[:FIELD_LENGTH_MAX], message) for field, message in messages[:ERRORS_MAX]))


def with_field_names(error: InvalidRequest, request: Request) -> InvalidRequest:
    """The refusal of the library, which names its arguments, with the fields of the request.

    A parameter that the call does not have keeps the name that the client has sent.
    """
    names = {argument: field for argument, field in FIELDS.items() if argument not in request.query_params}
    return InvalidRequest(*((names.get(each["field"], each["field"]), each["message"]) for each in error.errors))


def to_refusal(error: Exception) -> TalktimeError:
    """An error of a framework or a driver as a `TalktimeError`."""
    if isinstance(error, TalktimeError):
        return error
    if isinstance(error, RequestValidationError):
        return invalid_request(error.errors())
    if isinstance(error, HTTPException):
        return _http_refusal(error)
    return unavailable(error) or ServerError("An error of talktime; the log has it.")


def add_handlers(app: FastAPI) -> None:
    """Make `app` answer every refusal with a problem document.

    Unexpected errors are answered by `envelope`, which adds its headers to them as well.
    """

    async def refuse(request: Request, error: Exception) -> JSONResponse:
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        if "Allow" in headers:
            # The router names the methods of one route, but an address may have two.
            path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
            headers["Allow"] = ", ".join(_methods_at(app.openapi()["paths"], path)) or headers["Allow"]
        refusal = with_field_names(error, request) if isinstance(error, InvalidRequest) else to_refusal(error)
        if isinstance(refusal, MethodNotAllowed) and "Allow" in headers:
            refusal = MethodNotAllowed(f"This address only knows {headers['Allow']}.")
        return make_problem_response(refusal, headers)

    async def answer_again(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, Repeated):
            raise error
        response_class = ProblemResponse if error.status >= HTTPStatus.BAD_REQUEST else JSONResponse
        return response_class(error.document, error.status, {"Idempotency-Replayed": "true"})

    for error_class in (TalktimeError, HTTPException, RequestValidationError):
        app.add_exception_handler(error_class, refuse)
    app.add_exception_handler(Repeated, answer_again)


def _methods_at(paths: Mapping[str, Mapping[str, Any]], path: str) -> list[str]:
    parts = path.split("/")
    allowed: set[str] = set()
    for template, methods in paths.items():
        pattern = template.split("/")
        if len(pattern) == len(parts) and all(a == b or a.startswith("{") for a, b in zip(pattern, parts, strict=True)):
            allowed.update(method.upper() for method in methods)
    # `envelope` answers HEAD for every address with GET.
    return sorted(allowed | ({"HEAD"} if "GET" in allowed else set()))


def _http_refusal(error: HTTPException) -> TalktimeError:
    if isinstance(error, UnreadableBody):
        return error.refusal
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound("address")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed("This address does not know this method.")
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge("The body is larger than 64 KiB.")
    if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return InvalidRequest(("body", "can't be read: send JSON in UTF-8, with Content-Type: application/json"))
    return ServerError("An error of talktime; the log has it.")


def _field(location: tuple[int | str, ...], kind: str) -> str:
    place, *path = location
    if kind == "json_invalid" or not path:
        return str(place)
    if place == "header":
        return str(path[-1]).title()
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")


def _sentence(message: str) -> str:
    words = message.removeprefix("String ").removeprefix("Input ").removeprefix("Value error, ")
    words = words.replace("should ", "must ", 1)
    return words[:1].lower() + words[1:]
