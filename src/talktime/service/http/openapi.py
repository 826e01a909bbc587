"""The OpenAPI document, and the page that makes it readable."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from talktime.documents.fields import reference
from talktime.service.http.bodies import DECLARED
from talktime.service.http.documents import SCHEMAS
from talktime.service.http.problems import MEDIA_TYPE
from talktime.service.live.close_codes import CloseCode
from talktime.service.pages.routes import page

router = APIRouter(include_in_schema=False)

_PROBLEM: Final = {
    "type": "object",
    "description": "RFC 9457: why the request was refused. `code` is stable; some codes have members of their own.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {
            "enum": [
                "conflict", "forbidden", "insufficient_credit", "internal_error", "invalid_request",
                "method_not_allowed", "not_found", "rate_limited", "too_large", "unauthorized", "unavailable",
            ]
        },
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "required": {"type": "string", "description": "insufficient_credit: what it needs"},
        "available": {"type": "string", "description": "insufficient_credit: what there is"},
        "state": {
            "enum": ["running", "paused", "ended", None],
            "description": "conflict: the state of the record, null where there is none",
        },
        "allowed": {
            "type": "array",
            "items": {"enum": ["tracking", "pause", "resume", "stop", "chats", "debits", "refunds"]},
            "description": "conflict: the calls that can be made from there, by whoever may",
        },
        "refundable": {"type": "string", "description": "conflict of a refund: what can still be given back"},
        "tariff_version": {"type": "integer", "description": "conflict of tariff versions: the one that holds"},
    },
    "allOf": [
        {"if": {"properties": {"code": {"const": code}}}, "then": {"required": members}}
        for code, members in (
            ("conflict", ["state", "allowed"]),
            ("insufficient_credit", ["required", "available"]),
            ("invalid_request", ["errors"]),
        )
    ],
}  # fmt: skip
_REFUSALS: Final = {
    "4XX": "Refused: nothing has changed",
    "5XX": "Failed, or not available right now",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`: every call can be refused, and a refusal is always a problem document."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas |= SCHEMAS.by_name | {"Problem": _PROBLEM}
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for methods in document["paths"].values():
            for operation in methods.values():
                # The framework's own description of what is invalid is not what we answer.
                operation["responses"].pop("422", None)
                for status, description in _REFUSALS.items():
                    operation["responses"][status] = {"description": description, "content": content}
        app.openapi_schema = _with_references(document)
    return app.openapi_schema


def _with_references(value: Any) -> Any:
    """The document with a reference wherever a schema says that it is declared elsewhere (`bodies.DECLARED`)."""
    if isinstance(value, dict):
        if DECLARED in value:
            return reference(value[DECLARED])
        return {name: _with_references(inner) for name, inner in value.items()}
    return [_with_references(inner) for inner in value] if isinstance(value, list) else value


@router.get("/docs")
async def read(request: Request) -> Response:
    """The OpenAPI document for people, made here: it loads nothing from anywhere."""
    document = request.app.openapi()
    calls = [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation.get("description", operation.get("summary", "")),
            "tag": operation.get("tags", ["other"])[0],
            "token": bool(operation.get("security")),
            "parameters": [parameter for parameter in operation.get("parameters", []) if parameter["in"] != "path"],
            "body": _schema(document, operation.get("requestBody")),
            "answers": [
                (status, _name(response)) for status, response in operation["responses"].items() if status.isdigit()
            ],
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    groups = {tag: [call for call in calls if call["tag"] == tag] for tag in dict.fromkeys(c["tag"] for c in calls)}
    shapes = {
        name: _fields(schema)
        for name, schema in sorted(document["components"]["schemas"].items())
        if "properties" in schema
    }
    return page(request, "docs", groups=groups, shapes=shapes, close_codes=tuple(CloseCode))


def _schema(document: dict[str, Any], body: dict[str, Any] | None) -> list[dict[str, Any]] | None:
    if body is None:
        return None
    schema = next(iter(body["content"].values()))["schema"]
    for option in (schema, *schema.get("anyOf", [])):
        if "$ref" in option:
            return _fields(document["components"]["schemas"][option["$ref"].rsplit("/", 1)[1]])
    return _fields(schema)


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": _type(field),
            "required": name in required,
            "about": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "enum" in schema or "const" in schema:
        return " | ".join(f'"{value}"' for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(option) for option in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind = schema.get("type", "anything")
    return " | ".join(kind) if isinstance(kind, list) else str(kind)


def _name(response: dict[str, Any]) -> str:
    for content in response.get("content", {}).values():
        return _type(content.get("schema", {}))
    return ""
