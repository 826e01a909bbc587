"""Documents from their JSON: what `Document.document` has written, read again.

Answers to idempotency keys are kept as JSON. A repeat in the library gets the objects that the first call got.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from talktime.documents.document import CONFIDENTIAL, INSIDE, Document, Kind, Named, mark_of, unwrapped, without_none

D = TypeVar("D", bound=Document)


def decoded(document: type[D], json: dict[str, Any], **inside: Any) -> D:
    """The document that this JSON shows.

    Args:
        document: the class.
        json: the JSON that `Document.document` has made.
        inside: the fields that JSON does not show. They have their defaults if they are left out.

    Raises:
        KeyError: the JSON lacks a field without a default, because an older version has written it.
        ValueError: the JSON is not of this document.
    """
    declared: type = document
    types = get_type_hints(declared, include_extras=True)
    values = dict(inside)
    for field in fields(declared):
        inner, marks = unwrapped(types[field.name])
        if field.name in inside or INSIDE in marks or CONFIDENTIAL in marks:
            continue
        named = mark_of(Named, marks)
        name = field.name if named is None else named.name
        if name in json or field.default is MISSING:
            values[field.name] = _value(inner, marks, json[name])
    return document(**values)


def _value(declared: Any, marks: tuple[Any, ...], value: Any) -> Any:
    kind = mark_of(Kind, marks)
    if value is None:
        return None
    if kind is not None:
        return value if kind.decode is None else kind.decode(value)
    inner, is_optional = without_none(declared)
    if is_optional:
        return _value(*unwrapped(inner), value)
    if get_origin(inner) is tuple:
        return tuple(_value(*unwrapped(get_args(inner)[0]), each) for each in value)
    if isinstance(inner, type) and issubclass(inner, Document):
        return decoded(inner, value)
    return inner(value) if isinstance(inner, type) and issubclass(inner, StrEnum) else value
