"""How many callers a node remembers: the caller who was quiet longest is forgotten, and begins with a full budget."""

from __future__ import annotations

import pytest

from talktime.core.roles import Role
from talktime.service import budgets
from talktime.service.budgets import Budgets
from talktime.service.tokens import Caller


@pytest.fixture
def three_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "CALLERS_MAX", 3)
    monkeypatch.setattr(budgets, "KEYS_PER_HOUR", 1)


@pytest.mark.usefixtures("three_remembered")
def test_the_caller_who_was_quiet_longest_is_forgotten() -> None:
    few = Budgets(per_second=1, sockets_max=1)

    def is_refused(address: str) -> bool:
        return few.take(None, address) > 0

    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
        while not is_refused(address):
            pass
    assert is_refused("10.0.0.1")  # three are remembered
    assert not is_refused("10.0.0.4")  # in the place of the second, who was quiet longest
    assert is_refused("10.0.0.1")
    assert is_refused("10.0.0.3")
    assert not is_refused("10.0.0.2")


@pytest.mark.usefixtures("three_remembered")
def test_the_same_holds_for_requests_with_a_key() -> None:
    few = Budgets(per_second=1, sockets_max=1)

    def is_refused(user: str) -> bool:
        return few.take_key(Caller(Role.USER, user, None)) > 0

    assert [is_refused(user) for user in ("a", "b", "c")] == [False] * 3
    assert [is_refused(user) for user in ("a", "d", "a", "c", "b")] == [True, False, True, True, False]
