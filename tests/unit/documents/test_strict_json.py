"""JSON in which an object names a field twice is refused, wherever the object lies."""

from __future__ import annotations

import pytest

from talktime.documents.strict_json import RepeatedFieldError, parse_json


def test_json_that_names_each_field_once_is_read() -> None:
    assert parse_json(b'{"a": {"b": 1}, "c": [{"b": 2}, {"b": 3}]}') == {"a": {"b": 1}, "c": [{"b": 2}, {"b": 3}]}


@pytest.mark.parametrize("text", ['{"a": 1, "b": 2, "a": 1}', '[{"x": {"a": 1, "a": 2}}]', '{"a": 1, "\\u0061": 2}'])
def test_a_field_that_is_named_twice_is_refused(text: str) -> None:
    with pytest.raises(RepeatedFieldError) as refused:
        parse_json(text)
    assert refused.value.name == "a"


@pytest.mark.parametrize("text", ["", "{", "[1,]", b"\xff"])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the messages are Python's
        parse_json(text)
