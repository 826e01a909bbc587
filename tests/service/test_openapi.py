"""The OpenAPI document: every operation is complete, and its examples are what a running service answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from talktime.asgi import create_app
from talktime.core.errors import TalktimeError
from talktime.documents.verification import verify
from talktime.service.http import openapi
from talktime.settings import Settings, load_settings
from tests.service.story import masked, recorded
from tests.services import Service, settings_for

EXAMPLES = Path(openapi.__file__).with_name("examples.json")
WITHOUT_TOKEN = {"getMetrics", "getPrice", "getTime", "isAlive", "isReady", "useLink"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of a service with the test clock; no database is asked."""
    app = create_app(load_settings(secret="a secret for tests, long enough to sign", test_clock=True))
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The bodies that an operation takes and answers: where each stands, and its media type object."""
    for kind in operation.get("requestBody", {"content": {}})["content"].values():
        yield "request", kind
    for status, response in operation["responses"].items():
        for kind in response.get("content", {}).values():  # 204 has none
            yield status, kind


def validator(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"components": document["components"], **schema}, validate_formats=True)


def test_every_operation_says_what_it_does_and_who_may_call(document: dict[str, Any]) -> None:
    for operation in operations(document):
        name = operation["operationId"]
        assert operation["summary"], name
        assert operation["description"].strip().endswith("."), name
        assert operation["security"] == ([] if name in WITHOUT_TOKEN else [{"token": []}]), name
        assert operation["tags"][0] in {tag["name"] for tag in document["tags"]}, name


def test_every_parameter_is_described_and_has_an_example(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for parameter in operation.get("parameters", []):
            where = operation["operationId"], parameter["name"]
            assert parameter["description"], where
            examples = [each["value"] for each in parameter.get("examples", {}).values()]
            examples = examples or parameter["schema"].get("examples", [])
            assert examples, where
            for example in examples:
                assert validator(document, parameter["schema"]).is_valid(example), where


def test_the_document_names_a_server(document: dict[str, Any]) -> None:
    assert document["servers"] == [{"url": "/", "description": "The service that this document comes from."}]


def test_every_body_has_an_example_that_is_valid(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for place, content in contents(operation):
            where = operation["operationId"], place
            if "examples" in content:
                names = [each["$ref"].rsplit("/", 1)[1] for each in content["examples"].values()]
                examples = [document["components"]["examples"][name]["value"] for name in names]
            else:
                examples = [content["example"]]
            assert examples, where
            for example in examples:
                validator(document, content["schema"]).validate(example)


def test_every_error_has_an_example(document: dict[str, Any]) -> None:
    errors: list[type[TalktimeError]] = [TalktimeError]
    for error in errors:
        errors += error.__subclasses__()
    codes = {error.code for error in errors}
    assert set(document["components"]["examples"]) == codes
    assert set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == codes


def test_every_schema_is_used_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    used = set(references(document))
    for kind in ("schemas", "examples"):
        names = {f"#/components/{kind}/{name}" for name in document["components"][kind]}
        assert {reference for reference in used if f"/{kind}/" in reference} == names


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_field_of_a_request_is_described(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for place, content in contents(operation):
            if place == "request":
                for name in {reference.rsplit("/", 1)[1] for reference in references(content["schema"])}:
                    for field, schema in document["components"]["schemas"][name].get("properties", {}).items():
                        assert schema.get("description"), (operation["operationId"], name, field)


async def test_the_examples_are_what_a_running_service_answers(
    start: Callable[..., AbstractAsyncContextManager[Service]], database_url: str, tmp_path: Path
) -> None:
    settings: Settings = settings_for(
        database_url, tmp_path, test_clock=True, webhook_private=True, presence_lease_seconds=600
    )
    async with start(create_app, settings) as service:
        examples = await recorded(service)
    if os.environ.get("RECORD_EXAMPLES"):
        EXAMPLES.write_text(json.dumps(examples, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    written = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    assert masked(examples) == masked(written), "record the examples again: RECORD_EXAMPLES=1 pytest with this test"


def test_the_receipt_among_the_examples_is_right() -> None:
    receipt = json.loads(EXAMPLES.read_text(encoding="utf-8"))["getReceipt"]["responses"]["200"]
    assert [check for check in verify(receipt) if not check.holds] == []
