"""The refusals of talktime, each with its HTTP status.

    TalktimeError
     ├─ InvalidRequest        422  a value is not acceptable; `errors` names the fields
     ├─ Unauthorized          401  the request has no token, or an invalid token
     ├─ Forbidden             403  the token's role may not do this
     ├─ NotFound              404  there is no such thing, or it belongs to other people: callers can't tell which
     ├─ InsufficientCredit    402  the request needs the credit `required`, and only `available` is there
     ├─ Conflict              409  the state does not allow the request; `allowed` lists the calls that it allows
     │   ├─ NotRunning        409  a message of a party needs a running record
     │   └─ AdvisorBusy       409  the advisor has as many active records as the advisor may have
     ├─ Gone                  410  rows that the request asks for were deleted because of their age
     ├─ TooLarge              413  the request has more bytes than any honest request
     ├─ RateLimited           429  one token or address sent too many requests
     └─ Unavailable           503  talktime can't answer right now; the same request may succeed later

Three more exceptions are no refusals: `DatabaseProblem` is for the person who starts the program, `Repeated` carries an
answer that was given before, and `Mistakes` is raised for a tariff or terms that can't be read. HTTP answers with the
RFC 9457 problem document that `TalktimeError.problem` builds.
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import Any, ClassVar, Final, cast

from talktime.core.money import format_credits, parse_formatted


class TalktimeError(Exception):
    """A refusal. `status` is its HTTP status, `code` a stable name for programs, `title` a short text for people.

    Attributes:
        detail: what is refused, and what to do, in a sentence.
        members: the further fields of the problem document, by name, as JSON has them.
    """

    status: ClassVar[int] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members

    def problem(self) -> dict[str, Any]:
        """The problem document: `type`, `title`, `status`, `code`, `detail`, and the further members of this error."""
        return {
            "type": f"urn:talktime:problem:{self.code}",
            "title": self.title,
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail,
            **self.members,
        }


class InvalidRequest(TalktimeError):
    """Values of the request are not acceptable. `errors` lists a `{"field", "message"}` for each of them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid_request"
    title = "The request makes no sense"

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__(
            "; ".join(f"{field} {message}" for field, message in errors),
            errors=[{"field": field, "message": message} for field, message in errors],
        )

    @property
    def errors(self) -> list[dict[str, str]]:
        """The fields that are not acceptable, each as `{"field", "message"}`."""
        return list(self.members["errors"])


class Unauthorized(TalktimeError):
    """The request has no token, or an invalid token."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"
    title = "Sign in"


class Forbidden(TalktimeError):
    """The token's role may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    title = "Not allowed"


class NotFound(TalktimeError):
    """There is no such thing, or it belongs to other people."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"
    title = "Not found"

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what} here.")


class InsufficientCredit(TalktimeError):
    """The account has not enough credit. `required` and `available` are micro-credits.

    `available` is None where the caller is the advisor, who does not see what the user has.
    """

    status = HTTPStatus.PAYMENT_REQUIRED
    code = "insufficient_credit"
    title = "Not enough credit"

    def __init__(self, required: int, available: int | None) -> None:
        if available is None:
            super().__init__("The user has not enough credit to go on.", required=format_credits(required))
        else:
            super().__init__(
                f"This needs {format_credits(required)} and {format_credits(available)} is available.",
                required=format_credits(required),
                available=format_credits(available),
            )
        self.required = required
        self.available = available


class AllowedCall(StrEnum):
    """A call that the state of a record or an account allows to callers who may make the call."""

    TRACKING = "tracking"
    ACCEPT = "accept"
    DECLINE = "decline"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    CHATS = "chats"
    DEBITS = "debits"
    REFUNDS = "refunds"


class Conflict(TalktimeError):
    """The state of a record or an account does not allow the request.

    `state` is the record's state, None if no record is concerned. `allowed` lists the calls that this state allows to
    callers who may make them: `tracking`, `accept`, `decline`, `pause`, `resume` and `stop` on the chat, `chats` (with
    another id where the chat belongs to another pair), `debits` on the account, `refunds` on the record. `members` may
    have more, such as `tariff_version` and `refundable`.
    """

    status = HTTPStatus.CONFLICT
    code = "conflict"
    title = "Not in this state"

    def __init__(self, detail: str, *, state: str | None, allowed: tuple[AllowedCall, ...], **members: Any) -> None:
        # The JSON of an error has plain strings, not the members of enumerations.
        stated = None if state is None else str(state)
        super().__init__(detail, state=stated, allowed=[call.value for call in allowed], **members)

    @property
    def state(self) -> str | None:
        """The state of the record, None if no record is concerned."""
        return cast("str | None", self.members["state"])

    @property
    def allowed(self) -> list[str]:
        """The calls that the state allows."""
        return list(self.members["allowed"])


class AdvisorBusy(Conflict):
    """The advisor has as many active records as the advisor may have.

    `ends_at` is the earliest instant at which one of them is known to end, None if no end is known.
    """

    code = "advisor_busy"
    title = "The advisor is busy"

    @property
    def ends_at(self) -> str | None:
        """The instant, as a text of RFC 3339; None if no end is known."""
        return cast("str | None", self.members["ends_at"])


class NotRunning(Conflict):
    """A message of a party needs a running record, because the talk is what the user pays for."""

    code = "not_running"
    title = "No time runs"


class Gone(TalktimeError):
    """Rows that the request asks for were deleted because of their age."""

    status = HTTPStatus.GONE
    code = "gone"
    title = "Deleted because of its age"


class TooLarge(TalktimeError):
    """The request has more bytes than any honest request."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"
    title = "Too large"


class RateLimited(TalktimeError):
    """One token or address sent too many requests."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "rate_limited"
    title = "Too many requests"


class Unavailable(TalktimeError):
    """Talktime can't answer right now. The same request may succeed later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    title = "Not available right now"


class DatabaseProblem(Exception):
    """The program can't use the database. The message tells the person who started the program what to do."""


class Mistakes(ValueError):
    """A document has mistakes.

    Attributes:
        errors: a `(path, message)` for each mistake, such as `("tiers[1].rate", "must not be negative")`.
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{path}: {message}" for path, message in errors))


class Repeated(Exception):
    """The same request was answered before under the same idempotency key: `status` and `document` are this answer."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__("answered before")
        self.status = status
        self.document = document


_KEPT_REFUSALS: Final[dict[str, type[TalktimeError]]] = {
    error.code: error for error in (NotFound, InsufficientCredit, Conflict, NotRunning, AdvisorBusy)
}
_COMMON_MEMBERS: Final = frozenset({"type", "title", "status", "code", "detail"})


def refusal_of(problem: dict[str, Any]) -> TalktimeError | None:
    """The refusal of a problem document that was kept as an answer; None if the document is not a problem."""
    if not str(problem.get("type")).startswith("urn:talktime:problem:"):
        return None
    refusal_type = _KEPT_REFUSALS[problem["code"]]
    refusal = refusal_type.__new__(refusal_type)
    members = {name: value for name, value in problem.items() if name not in _COMMON_MEMBERS}
    # Each class says its detail in words of its own, which are in the document already.
    TalktimeError.__init__(refusal, problem["detail"], **members)
    if isinstance(refusal, InsufficientCredit):
        available = members.get("available")
        refusal.required = parse_formatted(members["required"])
        refusal.available = None if available is None else parse_formatted(available)
    return refusal
