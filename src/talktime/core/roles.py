"""As whom somebody calls talktime."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A host's backend may do everything, an operator may look, stop and refund, people may do what is theirs."""

    SERVICE = "service"
    OPERATOR = "operator"
    USER = "user"
    ADVISOR = "advisor"
