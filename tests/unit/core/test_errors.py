"""The refusals: each has its own status and code, and a problem document."""

from __future__ import annotations

from talktime.core import errors
from talktime.core.errors import (
    AllowedCall,
    Conflict,
    InsufficientCredit,
    InvalidRequest,
    NotFound,
    Repeated,
    TalktimeError,
)
from talktime.core.record import State

CODES = {
    "InvalidRequest": (422, "invalid_request"),
    "Unauthorized": (401, "unauthorized"),
    "Forbidden": (403, "forbidden"),
    "NotFound": (404, "not_found"),
    "InsufficientCredit": (402, "insufficient_credit"),
    "Conflict": (409, "conflict"),
    "Gone": (410, "gone"),
    "TooLarge": (413, "too_large"),
    "RateLimited": (429, "rate_limited"),
    "Unavailable": (503, "unavailable"),
}


def test_each_refusal_has_its_own_status_and_code() -> None:
    refusals = [error for error in TalktimeError.__subclasses__() if error.__module__ == errors.__name__]
    assert {error.__name__: (error.status, error.code) for error in refusals} == CODES
    assert (TalktimeError.status, TalktimeError.code) == (500, "internal_error")


def test_the_drawing_of_refusals_names_each_with_its_status() -> None:
    for name, (status, _) in CODES.items():
        assert any(name in line and str(status) in line for line in (errors.__doc__ or "").splitlines()), name


def test_a_problem_document_has_the_refusal_and_its_members() -> None:
    assert InsufficientCredit(1_000_000, 350_000).problem() == {
        "type": "urn:talktime:problem:insufficient_credit",
        "title": "Not enough credit",
        "status": 402,
        "code": "insufficient_credit",
        "detail": "This needs 1.00 and 0.35 is available.",
        "required": "1.00",
        "available": "0.35",
    }


def test_wrong_fields_are_listed_and_told_in_the_text() -> None:
    error = InvalidRequest(("amount", "must not be negative"), ("kind", "is required"))
    assert str(error) == error.detail == "amount must not be negative; kind is required"
    assert error.members["errors"] == [
        {"field": "amount", "message": "must not be negative"},
        {"field": "kind", "message": "is required"},
    ]


def test_a_conflict_tells_the_state_and_the_calls_that_are_allowed() -> None:
    error = Conflict("It runs.", state=State.RUNNING, allowed=(AllowedCall.PAUSE, AllowedCall.STOP), refundable="1.00")
    assert error.members == {"state": "running", "allowed": ["pause", "stop"], "refundable": "1.00"}
    assert Conflict("No record.", state=None, allowed=()).members == {"state": None, "allowed": []}


def test_what_is_not_found_is_named() -> None:
    assert str(NotFound("chat")) == "There is no such chat here."


def test_a_repeat_carries_the_first_answer() -> None:
    repeated = Repeated(402, {"code": "insufficient_credit"})
    assert (repeated.status, repeated.document) == (402, {"code": "insufficient_credit"})
