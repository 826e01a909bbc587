"""The scopes of access keys."""

from __future__ import annotations

import pytest

from talktime.core.errors import Forbidden, InvalidRequest
from talktime.core.roles import Role
from talktime.core.scopes import Scope, parse_scope, require_scope


def test_a_scope_has_the_role_of_its_widest_call() -> None:
    assert {scope.value: scope.role for scope in Scope} == {
        "service": Role.SERVICE,
        "operator": Role.OPERATOR,
        "read": Role.OPERATOR,
        "credits": Role.SERVICE,
        "events": Role.SERVICE,
    }


@pytest.mark.parametrize(
    ("scope", "method", "offered", "allowed"),
    [
        (None, "POST", None, True),
        (Scope.SERVICE, "POST", None, True),
        (Scope.OPERATOR, "POST", Scope.CREDITS, True),
        (Scope.READ, "GET", None, True),
        (Scope.READ, "POST", None, False),
        (Scope.READ, "POST", Scope.CREDITS, False),
        (Scope.CREDITS, "POST", Scope.CREDITS, True),
        (Scope.CREDITS, "GET", Scope.CREDITS, True),
        (Scope.CREDITS, "GET", None, False),
        (Scope.CREDITS, "GET", Scope.EVENTS, False),
        (Scope.EVENTS, "GET", Scope.EVENTS, True),
        (Scope.EVENTS, "GET", None, False),
    ],
)
def test_a_narrow_scope_allows_only_its_own_calls(
    scope: Scope | None, method: str, offered: Scope | None, allowed: bool
) -> None:
    if allowed:
        require_scope(scope, method, offered)
    else:
        with pytest.raises(Forbidden, match=f"of the scope {scope}"):
            require_scope(scope, method, offered)


def test_an_unknown_scope_is_refused() -> None:
    assert parse_scope("read") is Scope.READ
    with pytest.raises(InvalidRequest, match="service, operator, read, credits, events"):
        parse_scope("everything")
