"""The ids, names and other short texts that hosts may choose."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from talktime.core.errors import InvalidRequest
from talktime.core.ids import (
    NONCHARACTER,
    has_control_characters,
    is_explanation,
    is_id,
    is_name,
    is_reference,
    require_id,
    require_name,
    require_reference,
    require_text,
)


@pytest.mark.parametrize(
    ("accepts", "shortest", "longest"),
    [(is_id, 1, 128), (is_name, 1, 200), (is_reference, 0, 200), (is_explanation, 1, 500)],
)
def test_each_text_has_a_shortest_and_a_longest_length(
    accepts: Callable[[str], bool], shortest: int, longest: int
) -> None:
    assert accepts("x" * shortest)
    assert accepts("x" * longest)
    assert not accepts("x" * (longest + 1))
    assert accepts("") is (shortest == 0)


@pytest.mark.parametrize("accepts", [is_id, is_name, is_reference, is_explanation])
@pytest.mark.parametrize("character", ["\n", "\x00", "\x7f", "\ud800", NONCHARACTER])
def test_no_text_may_contain_a_control_character(accepts: Callable[[str], bool], character: str) -> None:
    assert accepts("maya")
    assert not accepts(f"ma{character}ya")
    assert has_control_characters(character)


def test_letters_of_any_language_spaces_and_slashes_are_allowed() -> None:
    for text in ("Zoë Müller", "何でも", "a/b", "😀", " "):
        assert is_id(text)
        assert not has_control_characters(text)


def test_a_name_or_an_explanation_is_more_than_spaces() -> None:
    assert [accepts("  ") for accepts in (is_id, is_reference, is_name, is_explanation)] == [True, True, False, False]


def test_a_required_id_or_name_that_is_wrong_is_refused_with_the_field() -> None:
    assert (require_id("chat_id", "chat"), require_name("display_name", "Maya")) == ("chat", "Maya")
    with pytest.raises(InvalidRequest) as caught:
        require_id("chat_id", "")
    message = "must have 1 to 128 characters, and no control characters"
    assert caught.value.members == {"errors": [{"field": "chat_id", "message": message}]}
    with pytest.raises(InvalidRequest) as caught:
        require_name("display_name", " ")
    message = "must have 1 to 200 characters, not only spaces, and no control characters"
    assert caught.value.members == {"errors": [{"field": "display_name", "message": message}]}


@pytest.mark.parametrize("text", ["", "x" * 4_001, "a\0b", "\ud800"])
def test_a_message_that_no_database_stores_is_refused(text: str) -> None:
    assert require_text("text", "two\nlines\t" + "x" * 3_990) != ""
    with pytest.raises(InvalidRequest, match=r"^text must have 1 to 4000 characters, and no NUL$"):
        require_text("text", text)


@pytest.mark.parametrize("text", ["x" * 201, "a\0b", "\n"])
def test_a_reference_that_no_database_stores_is_refused(text: str) -> None:
    require_reference("reference", None)
    require_reference("reference", "")
    with pytest.raises(
        InvalidRequest, match=r"^reference must have at most 200 characters, and no control characters$"
    ):
        require_reference("reference", text)
