"""Names that hosts may still use although they have been changed."""

from __future__ import annotations

import pytest

import talktime


def test_bearer_is_the_old_name_of_borne_by() -> None:
    with pytest.warns(DeprecationWarning, match="BorneBy"):
        old = talktime.Bearer  # type: ignore[attr-defined]  # only hosts of earlier versions name it
    assert old is talktime.BorneBy
