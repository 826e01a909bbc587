"""What a problem document looks like: its schema, and an example of each code.

The schema and the examples follow from the errors themselves (`talktime.core.errors`).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from talktime.core.errors import (
    AllowedCall,
    Conflict,
    Forbidden,
    InsufficientCredit,
    InvalidRequest,
    NotFound,
    RateLimited,
    TalktimeError,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from talktime.core.money import parse_credits
from talktime.core.record import State
from talktime.documents.fields import CREDITS, Schema, reference
from talktime.service.http.problems import MEDIA_TYPE, MethodNotAllowed, ServerError

_EXAMPLES: Final[tuple[TalktimeError, ...]] = (
    Unauthorized("This needs a token: Authorization: Bearer …"),
    InsufficientCredit(parse_credits("1.00"), parse_credits("0.35")),
    Forbidden("A token of role user may not do this; it takes a token of role service."),
    NotFound("chat"),
    MethodNotAllowed("This address only knows GET, HEAD."),
    Conflict(
        "This record has ended.",
        state=State.ENDED.value,
        allowed=(AllowedCall.TRACKING,),
    ),
    TooLarge("The body is larger than 64 KiB."),
    InvalidRequest(("amount", "must be more than 0")),
    RateLimited("Too many requests at once; wait a moment."),
    ServerError("An error of talktime; the log has it."),
    Unavailable("The database can't be reached right now."),
)

EXAMPLES: Final = {error.code: {"summary": error.title, "value": error.problem()} for error in _EXAMPLES}
"""A problem document of each code."""

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
        "tariff_version": {"type": "integer", "description": "`conflict` of tariff versions: the current version"},
    },
    "allOf": [
        {"if": {"properties": {"code": {"const": error.code}}}, "then": {"required": list(error.members)}}
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
