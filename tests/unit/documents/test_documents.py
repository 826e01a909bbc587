"""Each document is declared once: its JSON is what it has always been, and its schema describes exactly that JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jsonschema_rs
import pytest

from talktime.documents.document import Document, Mark, encoded, fields_of
from talktime.documents.receipt import Receipt
from talktime.documents.receipt_form import RECEIPT as RECEIPT_FORM
from talktime.documents.receipt_form import IfPresent
from talktime.documents.schema import Schemas, name_of
from tests.unit.documents.samples import DOCUMENTS

WIRE = Path(__file__).with_name("wire.jsonl")


def texts() -> Iterator[str]:
    """The JSON of each document, as it travels."""
    for name, (document, options) in DOCUMENTS.items():
        yield json.dumps({name: document.document(**options)}, ensure_ascii=False)


def test_the_json_of_every_document_is_what_it_has_always_been() -> None:
    assert "\n".join(texts()) == WIRE.read_text(encoding="utf-8").rstrip()


def validator(document: Document) -> jsonschema_rs.Draft202012Validator:
    schemas = Schemas()
    reference = schemas.add(type(document))
    return jsonschema_rs.Draft202012Validator({**reference, "components": {"schemas": schemas.by_name}})


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_schema_of_a_document_describes_its_json(name: str) -> None:
    document, options = DOCUMENTS[name]
    validator(document).validate(document.document(**options))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_schema_of_a_document_describes_nothing_else(name: str) -> None:
    document, options = DOCUMENTS[name]
    check, right = validator(document), document.document(**options)
    confidential = {field.name for field in fields_of(type(document)) if field.is_confidential}
    assert not check.is_valid({**right, "another": 1})
    for field in right:
        without = {name: value for name, value in right.items() if name != field}
        assert check.is_valid(without) == (field in confidential), field
        assert not check.is_valid({**right, field: object_of_another_type(right[field])}), field


def object_of_another_type(value: Any) -> Any:
    return [] if isinstance(value, dict) else {}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_lists_the_fields_in_the_order_of_the_json(name: str) -> None:
    document, _ = DOCUMENTS[name]
    schemas = Schemas()
    schemas.add(type(document))
    properties = schemas.by_name[name_of(type(document))]["properties"]
    assert list(properties) == [*encoded(document, with_confidential=True), *added_later(properties)]


def added_later(properties: dict[str, Any]) -> list[str]:
    return [name for name in properties if name == "fingerprint"]


def test_only_a_type_that_json_can_show_may_be_declared() -> None:
    @dataclass(frozen=True)
    class Odd(Document):
        field: Annotated[complex, Mark("odd")]

    with pytest.raises(TypeError, match="not a type for a field of a document"):
        Odd(1j).document()


def test_the_form_of_a_receipt_has_the_fields_that_are_declared() -> None:
    assert names(RECEIPT_FORM) == declared_names(Receipt)


def names(form: Any) -> Any:
    """The fields of a form, and of what its fields contain; a tariff and terms are read by their own classes."""
    if isinstance(form, IfPresent):
        return names(form.form)
    if isinstance(form, list):
        return names(form[0])
    return {name: names(inner) for name, inner in form.items()} if isinstance(form, dict) else {}


def declared_names(document: type[Document]) -> Any:
    schemas = Schemas()
    schemas.add(document)

    def names_of(schema: dict[str, Any]) -> Any:
        schema = schema.get("items", schema)
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        if name in {"Tariff", "Terms"} or (name and "properties" not in schemas.by_name[name]):
            return {}
        found = schemas.by_name[name] if name else schema
        return {field: names_of(inner) for field, inner in found.get("properties", {}).items()}

    return names_of({"$ref": name_of(document)})
