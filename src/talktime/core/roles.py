"""The roles of callers: a token names its role, and the role decides what the caller may do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A host's backend (`service`) may do everything. A user and an advisor may see and do what belongs to themselves.

    An operator may see everything, stop records, refund, and give and take credit.
    """

    SERVICE = "service"
    OPERATOR = "operator"
    USER = "user"
    ADVISOR = "advisor"
