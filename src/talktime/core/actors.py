"""Acts: who asked for which change, kept with the change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
        InvalidRequest: the subject can't be an id.
    """

    role: Role
    subject: str

    def __post_init__(self) -> None:
        require_id("subject", self.subject)
