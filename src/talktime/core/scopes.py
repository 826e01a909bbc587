"""The scopes of access keys: which calls a key may make."""

from __future__ import annotations

from enum import StrEnum

from talktime.core.errors import Forbidden, InvalidRequest
from talktime.core.roles import Role


class Scope(StrEnum):
    """A key has one scope. A backend with two jobs has two keys.

    `service`: every call of a backend. `operator`: every call of an operator. `read`: the GETs of an operator.
    `credits`: the account of one user at a time, with its entries, credits, debits and payments under way.
    `events`: the events.
    """

    SERVICE = "service"
    OPERATOR = "operator"
    READ = "read"
    CREDITS = "credits"
    EVENTS = "events"

    @property
    def role(self) -> Role:
        """The role in which a key of this scope calls."""
        return Role.OPERATOR if self in {Scope.OPERATOR, Scope.READ} else Role.SERVICE


def parse_scope(text: str) -> Scope:
    """The scope of this name.

    Raises:
        InvalidRequest: there is no such scope.
    """
    try:
        return Scope(text)
    except ValueError:
        raise InvalidRequest(("scope", f"must be {', '.join(Scope)}")) from None


def require_scope(scope: Scope | None, method: str, offered: Scope | None) -> None:
    """Refuse a call that is not in the scope of its key.

    Args:
        scope: the scope of the key; None for a caller without a key, whose role alone counts.
        method: the method of the call.
        offered: the narrow scope to which the call belongs, if there is one.

    Raises:
        Forbidden: the call is not in the scope.
    """
    match scope:
        case None | Scope.SERVICE | Scope.OPERATOR:
            return
        case Scope.READ:
            allowed = method == "GET"
        case Scope.CREDITS | Scope.EVENTS:
            allowed = offered is scope
    if not allowed:
        raise Forbidden(f"A key of the scope {scope} may not do this.")
