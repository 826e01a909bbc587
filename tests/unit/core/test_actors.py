"""Actors: who is kept with a change."""

from __future__ import annotations

import pytest

from talktime.core.actors import Actor
from talktime.core.errors import InvalidRequest
from talktime.core.roles import Role


def test_the_subject_of_an_actor_is_an_id() -> None:
    assert Actor(Role.OPERATOR, "olga").subject == "olga"
    for subject in ("", "a\0b", "x" * 129):
        with pytest.raises(InvalidRequest, match=r"^subject must have 1 to 128 characters"):
            Actor(Role.SERVICE, subject)
