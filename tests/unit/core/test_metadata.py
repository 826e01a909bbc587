"""Metadata is a few short texts. What is longer, or something else, is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from talktime.core.errors import InvalidRequest
from talktime.core.metadata import KEY_LENGTH_MAX, PAIRS_MAX, VALUE_LENGTH_MAX, check_metadata, require_metadata

LARGEST = {f"{number:0{KEY_LENGTH_MAX}}": "ü" * VALUE_LENGTH_MAX for number in range(PAIRS_MAX)}


@pytest.mark.parametrize("metadata", [{}, {"order": "4711", "note": ""}, LARGEST])
def test_short_texts_are_kept_as_a_copy(metadata: dict[str, str]) -> None:
    kept = check_metadata(metadata)
    assert kept == metadata
    assert kept is not metadata
    assert require_metadata(None) is None


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (None, "must be an object"),
        ("text", "must be an object"),
        ([], "must be an object"),
        (LARGEST | {"more": ""}, "must have at most 24 keys"),
        ({"key": 5}, "must have strings as keys and as values"),
        ({"key": None}, "must have strings as keys and as values"),
        ({"key": {"deep": "x"}}, "must have strings as keys and as values"),
        ({"": "x"}, "must have keys of 1 to 40 characters"),
        ({"k" * 41: "x"}, "must have keys of 1 to 40 characters"),
        ({"a\nb": "x"}, "must have keys of 1 to 40 characters"),
        ({"key": "v" * 501}, "must have values of at most 500 characters"),
        ({"key": "\0"}, "must have values of at most 500 characters"),
        ({"key": "\ud800"}, "must have values of at most 500 characters"),
    ],
)
def test_anything_else_is_refused(metadata: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_metadata(metadata)


def test_the_refusal_names_the_argument() -> None:
    with pytest.raises(InvalidRequest, match="metadata must have at most 24 keys"):
        require_metadata(LARGEST | {"more": ""})
