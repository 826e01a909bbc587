"""Actors: who is kept with a change."""

from __future__ import annotations

from typing import cast

import pytest

from talktime.core.actors import Actor
from talktime.core.errors import InvalidRequest
from talktime.core.roles import Role


def test_the_subject_of_an_actor_is_an_id() -> None:
    assert Actor(Role.OPERATOR, "olga").subject == "olga"
    for subject in ("", "a\0b", "x" * 129):
        with pytest.raises(InvalidRequest, match=r"^subject must have 1 to 128 characters"):
            Actor(Role.SERVICE, subject)
    with pytest.raises(InvalidRequest, match="subject must be a text, not of the type int"):
        Actor(Role.SERVICE, cast("str", 17))


def test_an_actor_has_a_role_that_can_be_read_again() -> None:
    assert Actor(cast("Role", "operator"), "olga").role is Role.OPERATOR
    for role in ("boss", None, 7):
        with pytest.raises(InvalidRequest, match="role must be one of: service, operator, user, advisor"):
            Actor(cast("Role", role), "me")
