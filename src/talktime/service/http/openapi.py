"""The OpenAPI document.

Operation ids are the names of the routes' functions (`add_credit` is `addCredit`), descriptions are their docstrings.
The schemas of answers come from the declarations in `talktime.documents`, those of requests from `bodies`. The examples
in `examples.json` were recorded from a running service; a test records them again and compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from talktime.core.errors import AllowedCall
from talktime.documents.fields import reference
from talktime.service.http.bodies import DECLARED
from talktime.service.http.documents import SCHEMAS
from talktime.service.http.problem_documents import EXAMPLES, PROBLEM, refusals

_JSON: Final = "application/json"
_SCHEMAS: Final = "#/components/schemas/"
_EXAMPLES_FILE: Final = Path(__file__).with_name("examples.json")
_SERVERS: Final = ({"url": "/", "description": "The service that this document comes from."},)
_TAGS: Final = {
    "people": "Users with their credit, advisors with their tariffs.",
    "chats": "Chats, their timers and their messages.",
    "records": "Conversation time records, receipts and refunds.",
    "events": "What happened, in order, for the host's own programs.",
    "history": "The past: earnings, durations and the books of a period.",
    "service": "Tokens, prices and time.",
    "health": "For load balancers and Prometheus.",
    "demo": "Calls of the demo alone.",
}


def _operation_id(route: APIRoute) -> str:
    """The id of a route's operation: the name of its function, in the style of JSON and TypeScript."""
    first, *others = route.name.split("_")
    return first + "".join(word.title() for word in others)


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`."""
    if app.openapi_schema is None:
        SCHEMAS.add(AllowedCall)
        for route in app.routes:
            if isinstance(route, APIRoute):
                route.operation_id = _operation_id(route)
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            servers=list(_SERVERS),
        )
        components = document["components"]
        components["examples"] = EXAMPLES
        operations = [operation for methods in document["paths"].values() for operation in methods.values()]
        for operation in operations:
            _complete(operation)
        tags = {operation["tags"][0] for operation in operations}
        document["tags"] = [{"name": tag, "description": text} for tag, text in _TAGS.items() if tag in tags]
        schemas = {**components["schemas"], **SCHEMAS.by_name, "Problem": PROBLEM}
        components["schemas"] = _used(document["paths"], _with_references(schemas))
        app.openapi_schema = _with_references(document)
    return app.openapi_schema


def _complete(operation: dict[str, Any]) -> None:
    operation["summary"] = _sentence(operation["operationId"])
    operation.setdefault("security", [])  # a call that needs no token says so, too
    operation["responses"].pop("422", None)  # the framework's own description of what is invalid
    operation["responses"] |= refusals()
    for place in (*operation.get("parameters", []), *operation.get("requestBody", {"content": {}})["content"].values()):
        place["schema"] = _without_null(place["schema"])
    _add_examples(operation, _examples().get(operation["operationId"], {}))


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without null: a parameter or a body that may be left out is left out, not null."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) != 1:
        return schema
    return {**options[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _sentence(name: str) -> str:
    """`Add credit` for `addCredit`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words[:1].upper() + words[1:]


def _add_examples(operation: dict[str, Any], examples: dict[str, Any]) -> None:
    if "request" in examples:
        operation["requestBody"]["content"][_JSON]["example"] = examples["request"]
    for status, response in operation["responses"].items():
        for content in response.get("content", {}).values():
            if status in examples.get("responses", {}):
                content.setdefault("example", examples["responses"][status])  # other forms have their own


@cache
def _examples() -> dict[str, Any]:
    examples: dict[str, Any] = json.loads(_EXAMPLES_FILE.read_text(encoding="utf-8"))
    return examples


def _used(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas that the paths refer to, and the schemas that those refer to: the demo has some of its own."""
    names: set[str] = set()
    new = set(_references(paths))
    while new:
        names |= new
        new = {name for each in new for name in _references(schemas[each])} - names
    return {name: schemas[name] for name in sorted(names)}


def _references(value: Any) -> Iterator[str]:
    """The names of the schemas that a part of the document refers to."""
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str) and target.startswith(_SCHEMAS):
            yield target.removeprefix(_SCHEMAS)
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _with_references(value: Any) -> Any:
    """The document with a reference wherever a schema says that it is declared elsewhere (`bodies.DECLARED`)."""
    if isinstance(value, dict):
        if DECLARED in value:
            about = {name: inner for name, inner in value.items() if name == "description"}
            return {**reference(value[DECLARED]), **about}
        return {name: _with_references(inner) for name, inner in value.items()}
    return [_with_references(inner) for inner in value] if isinstance(value, list) else value
