"""The JSON Schema of documents, from their declarations."""

from __future__ import annotations

import inspect
from enum import StrEnum
from typing import Any, get_args, get_origin

from talktime.documents.document import (
    INLINE,
    NULLABLE,
    Columns,
    Document,
    Field,
    Kind,
    fields_of,
    mark_of,
    unwrapped,
    without_none,
)
from talktime.documents.fields import Schema, or_null, reference
from talktime.documents.tariff import TARIFF_SCHEMAS


def name_of(declared: type[Document | StrEnum]) -> str:
    """The name of the schema of a document or an enumeration."""
    return str(vars(declared).get("schema_name", declared.__name__))


class Schemas:
    """The schemas of documents and of all that their fields refer to, by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Schema] = dict(TARIFF_SCHEMAS)

    def add(self, declared: type[Document | StrEnum]) -> Schema:
        """A reference to the schema of a document or an enumeration, which is added if it is new."""
        name = name_of(declared)
        if name not in self.by_name:
            self.by_name[name] = {}  # so that a document may contain documents of its own kind
            self.by_name[name] = self._object(declared) if issubclass(declared, Document) else _enumeration(declared)
        return reference(name)

    def _object(self, document: type[Document]) -> Schema:
        return {
            "type": "object",
            "description": _description(document),
            "properties": self._properties(document),
            "required": [name for field in fields_of(document) for name in self._required(field)],
            "additionalProperties": False,
        }

    def _properties(self, document: type[Document]) -> Schema:
        properties: Schema = {}
        for field in fields_of(document):
            inner, marks = unwrapped(field.type)
            columns = mark_of(Columns, marks)
            if INLINE in marks:
                properties |= self._properties(inner)
            elif columns is not None:
                properties |= dict.fromkeys(columns.names, self._type(get_args(inner)[0]))
            else:
                properties[field.name] = self._described(field)
        return properties

    def _required(self, field: Field) -> list[str]:
        inner, marks = unwrapped(field.type)
        columns = mark_of(Columns, marks)
        if INLINE in marks:
            return [name for each in fields_of(inner) for name in self._required(each)]
        if columns is not None:
            return list(columns.names)
        return [] if field.is_confidential else [field.name]

    def _described(self, field: Field) -> Schema:
        schema = self._type(field.type)
        text = mark_of(str, field.marks)
        return schema if text is None else {**schema, "description": text}

    def _type(self, declared: Any) -> Schema:
        inner, marks = unwrapped(declared)
        kind = mark_of(Kind, marks)
        schema = self._plain_type(inner) if kind is None else kind.schema
        return or_null(schema) if NULLABLE in marks else schema

    def _plain_type(self, declared: Any) -> Schema:
        inner, is_optional = without_none(declared)
        if is_optional:
            return or_null(self._type(inner))
        if get_origin(inner) is tuple:
            return {"type": "array", "items": self._type(get_args(inner)[0])}
        if issubclass(inner, Document | StrEnum):
            return self.add(inner)
        return {"type": {bool: "boolean", int: "integer", str: "string"}[inner]}


def _enumeration(values: type[StrEnum]) -> Schema:
    return {"type": "string", "description": _description(values), "enum": [each.value for each in values]}


def _description(declared: type) -> str:
    return inspect.cleandoc(declared.__doc__ or "")
