"""Acts: who asked for which change, kept with the change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from talktime.core.errors import InvalidRequest
from talktime.core.ids import require_id
from talktime.core.roles import Role


class ActKind(StrEnum):
    """The changes whose callers are kept: credit that somebody moves, and a record that somebody stops."""

    ADD_CREDIT = "add_credit"
    DEBIT = "debit"
    REFUND = "refund"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Actor:
    """A caller: the role of a token and its subject, or a program of the host that uses the library.

    Raises:
        InvalidRequest: there is no such role, or the subject can't be an id.
    """

    role: Role
    subject: str

    def __post_init__(self) -> None:
        if self.role not in set(Role):
            raise InvalidRequest(("role", f"must be one of: {', '.join(Role)}"))
        object.__setattr__(self, "role", Role(self.role))
        subject: object = self.subject  # a host's value may be of any type
        if not isinstance(subject, str):
            raise InvalidRequest(("subject", f"must be a text, not of the type {type(subject).__name__}"))
        require_id("subject", subject)
