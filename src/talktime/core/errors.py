"""Everything talktime refuses, and why.

    TalktimeError
     ├─ InvalidRequest        422  what was asked makes no sense; `errors` points at the fields
     ├─ Unauthorized          401  no token, or one that doesn't hold
     ├─ Forbidden             403  a token that may not do this
     ├─ NotFound              404  no such thing, or not yours: the two look the same on purpose
     ├─ InsufficientCredit    402  with what is `required` and what is `available`
     ├─ Conflict              409  not in this state; `allowed` says what is
     ├─ TooLarge              413  more bytes than any honest request has
     ├─ RateLimited           429  too many requests from one token or address
     └─ Unavailable           503  can't serve right now; the same request may succeed later

Each of them is an RFC 9457 problem document by `problem()`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from talktime.core.money import format_credits


class TalktimeError(Exception):
    """Anything talktime refuses. `status` is the HTTP status, `code` the stable name of the reason."""

    status: ClassVar[int] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members

    def problem(self) -> dict[str, Any]:
        """The problem document: `type`, `title`, `status`, `code`, `detail`, and this error's own members."""
        return {
            "type": f"urn:talktime:problem:{self.code}",
            "title": self.title,
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail,
            **self.members,
        }


class InvalidRequest(TalktimeError):
    """What was asked makes no sense. `errors` is a list of `{"field", "message"}`."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid_request"
    title = "The request makes no sense"

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__(
            "; ".join(f"{field} {message}" for field, message in errors),
            errors=[{"field": field, "message": message} for field, message in errors],
        )


class Unauthorized(TalktimeError):
    """No token, or one that doesn't hold."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"
    title = "Sign in"


class Forbidden(TalktimeError):
    """A token that may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    title = "Not allowed"


class NotFound(TalktimeError):
    """No such thing, or not the caller's."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"
    title = "Not found"

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what} here.")


class InsufficientCredit(TalktimeError):
    """Not enough credit. `required` and `available` are micro-credits."""

    status = HTTPStatus.PAYMENT_REQUIRED
    code = "insufficient_credit"
    title = "Not enough credit"

    def __init__(self, required: int, available: int) -> None:
        super().__init__(
            f"This needs {format_credits(required)} and {format_credits(available)} is available.",
            required=format_credits(required),
            available=format_credits(available),
        )
        self.required = required
        self.available = available


class Conflict(TalktimeError):
    """Not in this state.

    `state` is the record's, None where there is none; `allowed` the calls that can be made from there, by whoever may:
    `tracking`, `pause`, `resume` and `stop` on the chat, `chats` for another one, `debits` on the account,
    `refunds` on the record.
    """

    status = HTTPStatus.CONFLICT
    code = "conflict"
    title = "Not in this state"

    def __init__(self, detail: str, *, state: str | None, allowed: tuple[str, ...], **members: Any) -> None:
        super().__init__(detail, state=state, allowed=list(allowed), **members)


class TooLarge(TalktimeError):
    """More bytes than any honest request has."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"
    title = "Too large"


class RateLimited(TalktimeError):
    """Too many requests from one token or address."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "rate_limited"
    title = "Too many requests"


class Unavailable(TalktimeError):
    """The service can't do this right now; the same request may succeed later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    title = "Not available right now"


class DatabaseProblem(Exception):
    """The database can't be used as it is. The message tells the person who started the program what to do."""


class Repeated(Exception):
    """The request was answered before under the same idempotency key; `status` and `document` are that answer."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__("answered before")
        self.status = status
        self.document = document
