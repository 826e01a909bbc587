"""The page `/docs`: the OpenAPI document for people. It loads nothing from another address."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from fastapi import APIRouter, Request
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from talktime.documents.fields import CREDITS, CREDITS_INPUT
from talktime.service.live.close_codes import CloseCode
from talktime.service.pages.routes import page

router = APIRouter(include_in_schema=False)

_CODE: Final = re.compile(r"`([^`]+)`")
_CREDITS: Final = {CREDITS["pattern"], CREDITS_INPUT["pattern"]}


_ROOTS_KEPT: Final = 8
"""For how many paths below which the service is mounted the page is kept: making it takes long."""


@router.get("/docs")
async def show_docs(request: Request) -> Response:
    """Every call with its parameters, its body, its answers and an example, and every document."""
    root = str(request.scope.get("root_path", ""))
    pages: dict[str, bytes] = request.app.state.docs_pages
    if root not in pages:
        if len(pages) >= _ROOTS_KEPT:
            pages.clear()
        pages[root] = bytes(_make_page(request).body)
    return HTMLResponse(pages[root])


def _make_page(request: Request) -> Response:
    document = request.app.openapi()
    calls = [
        _call(document, method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    groups = [
        (tag["name"], tag["description"], [call for call in calls if call["tag"] == tag["name"]])
        for tag in document["tags"]
    ]
    schemas = document["components"]["schemas"]
    documents = {name: _document(schema) for name, schema in schemas.items()}
    return page(request, "docs", groups=groups, documents=documents, close_codes=tuple(CloseCode))


def _call(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = next(iter(operation.get("requestBody", {"content": {}})["content"].values()), None)
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "about": _paragraphs(operation["description"]),
        "tag": operation["tags"][0],
        "needs_token": bool(operation["security"]),
        "parameters": [_parameter(parameter) for parameter in operation.get("parameters", [])],
        "body": None if body is None else _fields(_resolved(document, body["schema"])),
        "request": None if body is None else _text(body.get("example")),
        "answers": [_answer(status, response) for status, response in operation["responses"].items()],
    }


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": parameter["name"],
        "place": {"path": "path", "query": "query", "header": "header"}[parameter["in"]],
        "required": parameter.get("required", False),
        "type": _type(parameter["schema"]),
        "about": _marked(parameter.get("description", "")),
    }


def _answer(status: str, response: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = next(iter(response.get("content", {}).values()), {})
    return {
        "status": status,
        "about": response["description"],
        "document": _type(content.get("schema", {})),
        "example": _text(content.get("example")),
    }


def _document(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "about": _paragraphs(schema.get("description", "")),
        "fields": _fields(schema),
        "values": schema.get("enum", []),
    }


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that this one refers to. An optional body is described by the schema of the body that is sent."""
    for option in (schema, *schema.get("anyOf", [])):
        if "$ref" in option:
            resolved: dict[str, Any] = document["components"]["schemas"][_name(option)]
            return resolved
    return schema


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": _type(field),
            "required": name in required,
            "about": _marked(field.get("description", "")),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(schema: dict[str, Any]) -> list[str]:
    """The types that a value may have, in words; the name of a document begins with a capital."""
    if "$ref" in schema:
        return [_name(schema)]
    if "enum" in schema or "const" in schema:
        return [f'"{value}"' for value in schema.get("enum", [schema.get("const")])]
    if "anyOf" in schema:
        return list(dict.fromkeys(text for option in schema["anyOf"] for text in _type(option)))
    if schema.get("type") == "array":
        return ["list of", *_type(schema.get("items", {}))]
    return [_plain_type(schema)] if "type" in schema else []


def _plain_type(schema: dict[str, Any]) -> str:
    if schema.get("pattern") in _CREDITS:
        return "credits"
    return "instant" if schema.get("format") == "date-time" else str(schema["type"])


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[1]


def _paragraphs(text: str) -> list[Markup]:
    return [_marked(paragraph) for paragraph in text.split("\n\n") if paragraph]


def _marked(text: str) -> Markup:
    """The text for a page, with code where it has backticks."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  it is escaped before


def _text(example: Any) -> str | None:
    if example is None or isinstance(example, str):
        return example
    return json.dumps(example, indent=2, ensure_ascii=False)
