"""A document is declared once, as a frozen dataclass; its JSON and its JSON Schema follow from the declaration.

    @dataclass(frozen=True, slots=True)
    class Expiry(Document):
        amount: Credits
        expires_at: Annotated[Instant | None, "null if the gift does not expire"]

The fields, in their order, are the fields of the JSON object. The type of a field says how JSON shows the value
(`fields` has the types); text in `Annotated` describes the field. A value that follows from the fields is a property
marked with `shown`. `schema` makes the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Final, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

Encode = Callable[[Any], Any]

_Step = tuple[str | None, str, Any]
"""How one field of the JSON is made: its name, the attribute, and what encodes the value.

A step without a name adds several fields.
"""

_Getter = TypeVar("_Getter", bound=Callable[[Any], Any])


@dataclass(frozen=True, eq=False)  # types must be hashable, and a schema is a dict
class Kind:
    """In `Annotated`: how JSON shows the values of a type.

    `schema` describes the JSON, `encode` makes it (None: JSON shows the value itself), `decode` reads it again.
    """

    schema: dict[str, Any]
    encode: Encode | None = None
    decode: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Named:
    """In `Annotated`: the name of the field in JSON, where Python uses another one."""

    name: str


@dataclass(frozen=True)
class Columns:
    """In `Annotated`: JSON shows the values of this tuple as fields with these names, one for each value."""

    names: tuple[str, ...]


class Mark(NamedTuple):
    """In `Annotated`: one of the marks below."""

    name: str


INSIDE: Final = Mark("inside")
"""JSON does not show this field; other fields follow from it."""

INLINE: Final = Mark("inline")
"""JSON shows the fields of this document beside the others, without an object around them."""

CONFIDENTIAL: Final = Mark("confidential")
"""JSON shows this field only to readers who may see it; for others the field is absent."""

ADDED: Final = Mark("added")
"""The method `document` adds this field, which follows from the JSON of the others."""

NULLABLE: Final = Mark("nullable")
"""JSON may show null here, although this version has a value in every case."""


class Document:
    """Something that people and programs are shown: a frozen dataclass that knows its JSON."""

    __slots__ = ()

    schema_name: ClassVar[str]
    """The name of the schema, where it is not the name of the class."""

    def document(self) -> dict[str, Any]:
        """The JSON of this document, without the fields that are confidential."""
        return encoded(self)


def shown(*, after: str | None = None, as_: str | None = None) -> Callable[[_Getter], _Getter]:
    """Mark the getter of a property that JSON shows: behind the field `after`, or as the last one, with the name `as_`.

    `after` is the name in Python.
    """

    def mark(getter: _Getter) -> _Getter:
        getter.__dict__[_SHOWN] = after, as_
        return getter

    return mark


_SHOWN: Final = "_shown"


class Field(NamedTuple):
    """A field of a document that JSON shows; `attribute` is its name in Python, `type` its declared type."""

    name: str
    attribute: str
    type: Any

    @property
    def marks(self) -> tuple[Any, ...]:
        """The arguments of `Annotated` after the type."""
        return unwrapped(self.type)[1]

    @property
    def is_confidential(self) -> bool:
        """Whether only some readers are shown this field."""
        return CONFIDENTIAL in self.marks


def _find_fields(document: type) -> tuple[Field, ...]:
    types = get_type_hints(document, include_extras=True)
    found = [_field(each.name, types[each.name]) for each in fields(document)]
    found = [field for field in found if INSIDE not in field.marks]
    for attribute, getter in _getters(document):
        after, name = getattr(getter, _SHOWN)
        names = [field.attribute for field in found]
        place = len(found) if after is None else names.index(after) + 1
        found.insert(place, _field(attribute, get_type_hints(getter, include_extras=True)["return"], name))
    return tuple(found)


fields_of: Final[Callable[[type], tuple[Field, ...]]] = cache(_find_fields)
"""The fields that JSON shows of a document, in their order."""


def encoded(document: Document, *, with_confidential: bool = False) -> dict[str, Any]:
    """The JSON of a document."""
    result: dict[str, Any] = {}
    for name, attribute, encode in _steps(type(document), with_confidential):
        value = getattr(document, attribute)
        if name is None:
            result |= encode(value)
        else:
            result[name] = value if encode is None or value is None else encode(value)
    return result


def unwrapped(declared: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without its `Annotated`, and what that says."""
    if get_origin(declared) is Annotated:
        inner, *marks = get_args(declared)
        return inner, tuple(marks)
    return declared, ()


def without_none(declared: Any) -> tuple[Any, bool]:
    """A type without None, and whether None was part of it."""
    if get_origin(declared) not in {Union, UnionType}:
        return declared, False
    options = [option for option in get_args(declared) if option is not NoneType]
    return (options[0], True) if len(options) == 1 else (declared, False)


def mark_of(kind: type[_Mark], marks: tuple[Any, ...]) -> _Mark | None:
    """The mark of this kind, if there is one."""
    return next((mark for mark in marks if isinstance(mark, kind)), None)


_Mark = TypeVar("_Mark")


def _getters(document: type) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    members = {name: member for base in reversed(document.__mro__) for name, member in vars(base).items()}
    for name, member in members.items():
        if isinstance(member, property) and member.fget is not None and hasattr(member.fget, _SHOWN):
            yield name, member.fget


def _field(attribute: str, declared: Any, name: str | None = None) -> Field:
    named = mark_of(Named, unwrapped(declared)[1])
    return Field(name or (attribute if named is None else named.name), attribute, declared)


def _make_steps(document: type, with_confidential: bool) -> tuple[_Step, ...]:
    return tuple(
        _step(field)
        for field in fields_of(document)
        if ADDED not in field.marks and (with_confidential or not field.is_confidential)
    )


_steps: Final[Callable[[type, bool], tuple[_Step, ...]]] = cache(_make_steps)
"""How the JSON of a document is made, without or with the fields that are confidential."""


def _step(field: Field) -> _Step:
    inner, marks = unwrapped(field.type)
    if INLINE in marks:
        return None, field.attribute, inner.document
    columns = mark_of(Columns, marks)
    if columns is not None:
        return None, field.attribute, _columns(columns.names, _encoder(get_args(inner)[0]))
    return field.name, field.attribute, _encoder(field.type)


def _encoder(declared: Any) -> Encode | None:
    """The function that makes the JSON of a value of this type; None if JSON shows the value itself. Null is null.

    Raises:
        TypeError: a document can't have a field of this type.
    """
    inner, marks = unwrapped(declared)
    kind = mark_of(Kind, marks)
    if kind is not None:
        return kind.encode
    inner, is_optional = without_none(inner)
    if is_optional:
        return _encoder(inner)
    if get_origin(inner) is tuple:
        return _list(_encoder(get_args(inner)[0]))
    if isinstance(inner, type):
        if issubclass(inner, Document):
            return inner.document
        if issubclass(inner, StrEnum):
            return str
        if issubclass(inner, str | int):
            return None
    raise TypeError(f"{declared} is not a type for a field of a document")


def _list(encode: Encode | None) -> Encode:
    return list if encode is None else lambda values: [encode(value) for value in values]


def _columns(names: tuple[str, ...], encode: Encode | None) -> Encode:
    return lambda values: dict(zip(names, values if encode is None else map(encode, values), strict=True))
