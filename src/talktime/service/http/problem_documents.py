"""Problem documents: their schema, and an example of each code.

The schema and the examples follow from the errors themselves (`talktime.core.errors`).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from talktime.core.errors import (
    AdvisorBusy,
    AllowedCall,
    Conflict,
    Forbidden,
    Gone,
    InsufficientCredit,
    InvalidRequest,
    NotFound,
    NotRunning,
    RateLimited,
    TalktimeError,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from talktime.core.money import parse_credits
from talktime.core.record import State
from talktime.documents.fields import CREDITS, INSTANT, Schema, reference
from talktime.service.http.problems import (
    MEDIA_TYPE,
    HeadTooLarge,
    MethodNotAllowed,
    ServerError,
    TooSlow,
    Unreadable,
    WrongHost,
)

_EXAMPLES: Final[tuple[TalktimeError, ...]] = (
    Unreadable("This is not HTTP, or not the HTTP that a client may send."),
    Unauthorized("This needs a token: Authorization: Bearer …"),
    InsufficientCredit(parse_credits("1.00"), parse_credits("0.35")),
    Forbidden("A token of role user may not do this; it takes a token of role service."),
    NotFound("chat"),
    MethodNotAllowed("This address only knows GET, HEAD."),
    TooSlow("The request was not complete within 15 s."),
    Conflict(
        "The record of this chat has ended. Start tracking on this chat to begin a new one.",
        state=State.ENDED,
        allowed=(AllowedCall.TRACKING,),
    ),
    NotRunning(
        "Messages are sent only while the time of the conversation runs.",
        state=State.PAUSED,
        allowed=(AllowedCall.RESUME, AllowedCall.STOP),
    ),
    AdvisorBusy(
        "Maya takes at most 2 conversations at once. Try again later.",
        state=None,
        allowed=(),
        ends_at="2026-01-05T10:01:00.000Z",
    ),
    Gone("Events after this cursor were deleted because of their age. Leave `after` out for all that are kept."),
    TooLarge("The body is larger than 64 KiB."),
    WrongHost("The service is not called so; TALKTIME_HOSTS lists its names."),
    InvalidRequest(("amount", "must be more than 0")),
    RateLimited("Too many requests at once; wait a moment."),
    HeadTooLarge("The head of the request is larger than 64 KiB."),
    ServerError("An error of talktime; the log has it."),
    Unavailable("The database can't be reached right now."),
)

EXAMPLES: Final = {error.code: {"summary": error.title, "value": error.problem()} for error in _EXAMPLES}
"""A problem document of each code."""


def _required(error: TalktimeError) -> list[str]:
    """The fields that every refusal of this kind has. An advisor is not told what the user has `available`."""
    return [name for name in error.members if name != "available"]


PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "RFC 9457: why the request was refused. Programs decide by `code`, which is stable; some codes have"
    " fields of their own.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "for people; the words may change"},
        "status": {"type": "integer", "description": "the HTTP status"},
        "code": {"type": "string", "enum": sorted(EXAMPLES)},
        "detail": {"type": "string", "description": "for people; the words may change"},
        "request_id": {"type": "string", "description": "the id of the request, as in `X-Request-ID` and in the logs"},
        "errors": {
            "type": "array",
            "description": "`invalid_request`: what is wrong with which field",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "required": {**CREDITS, "description": "`insufficient_credit`: the credit that the request needs"},
        "available": {**CREDITS, "description": "`insufficient_credit`: the credit that is available"},
        "state": {
            "anyOf": [reference("State"), {"type": "null"}],
            "description": "`conflict`: the state of the record; null where no record is concerned",
        },
        "allowed": {
            "type": "array",
            "description": "`conflict`: the calls that the state allows to callers who may make them",
            "items": reference("AllowedCall"),
        },
        "refundable": {**CREDITS, "description": "`conflict` of a refund: what can still be given back"},
        "ends_at": {
            "anyOf": [INSTANT, {"type": "null"}],
            "description": "`advisor_busy`: when an active record of the advisor ends if nobody acts, or null",
        },
        "tariff_version": {"type": "integer", "description": "`conflict` of tariff versions: the current version"},
    },
    "allOf": [
        {"if": {"properties": {"code": {"const": error.code}}}, "then": {"required": _required(error)}}
        for error in _EXAMPLES
        if error.members
    ],
}


def refusals() -> dict[str, Any]:
    """The responses of every call that is refused or fails."""
    return {
        "4XX": _response("Refused. Nothing has changed.", range(400, 500)),
        "5XX": _response("Failed, or not available right now.", range(500, 600)),
    }


def _response(description: str, statuses: range) -> dict[str, Any]:
    codes = [error.code for error in _EXAMPLES if HTTPStatus(error.status) in statuses]
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": reference("Problem"), "examples": examples}},
    }
