"""The HTTP reference, from the OpenAPI document of the service itself.

Nothing is written down twice: calls, fields and their bounds come from `create_app().openapi()`, and who may make a
call comes from the routes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from talktime.asgi import create_app
from talktime.core.roles import Role
from talktime.documents.fields import CREDITS, CREDITS_INPUT
from talktime.service.http.access import RequireRole
from talktime.settings import load_settings

_TITLES: Final = {
    "people": "Users and advisors",
    "chats": "Chats and their timers",
    "records": "Records",
    "history": "As of an instant",
    "service": "Tokens, price, time",
    "health": "Health",
}
_BOUNDS: Final = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}

_DECIDED_BY_BODY: Final = {
    ("POST", "/v1/chats"): "Tokens of role `service`, `user`; `user` only for themselves.",
}
"""Calls whose route lets every token in, because only the body says whose chat it is."""

_CREDITS: Final = {CREDITS["pattern"], CREDITS_INPUT["pattern"]}

_Json = dict[str, Any]


@cache
def _app() -> FastAPI:
    return create_app(load_settings(secret="only to describe the service, never to sign"))  # noqa: S106  signs nothing


def write_openapi(folder: Path) -> None:
    """Write the OpenAPI document beside `asyncapi.yaml`, which refers to it."""
    (folder / "openapi.json").write_text(json.dumps(_app().openapi(), indent=2, ensure_ascii=False), encoding="utf-8")


def calls() -> str:
    """Every call: what it does, who may make it, what it takes, what it answers."""
    document = _app().openapi()
    callers = _callers(_app())
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", ["other"])[0]
            text = "\n\n".join(_call(method.upper(), path, operation, callers.get((method.upper(), path))))
            groups.setdefault(tag, []).append(text)
    return "\n\n".join(
        f"## {_TITLES.get(tag, tag.capitalize())}\n\n" + "\n\n".join(found) for tag, found in groups.items()
    )


def documents() -> str:
    """Every JSON document that is sent or answered: its fields with their types and bounds."""
    schemas = _app().openapi()["components"]["schemas"]
    return "\n\n".join("\n\n".join(_document(name, schemas[name])) for name in sorted(schemas))


def _callers(app: FastAPI) -> dict[tuple[str, str], str]:
    """Who may make each call, in words."""
    found: dict[tuple[str, str], str] = {}
    for part in app.routes:
        for route in getattr(part, "original_router", app.router).routes:
            if isinstance(route, APIRoute):
                guards = [d.call for d in route.dependant.dependencies if isinstance(d.call, RequireRole)]
                for method in route.methods or ():
                    found[method, route.path] = _guarded(guards[0]) if guards else "Anyone, without a token."
    return found | _DECIDED_BY_BODY


def _guarded(guard: RequireRole) -> str:
    roles = [role for role in Role if role in guard.roles]
    names = ", ".join(f"`{role}`" for role in roles)
    people = {Role.USER, Role.ADVISOR} & guard.roles
    if guard.owned is None or not people:
        return f"Tokens of role {names}."
    own = "for themselves" if guard.owned in {"user", "advisor"} else f"for a {guard.owned} of their own"
    return f"Tokens of role {names}; {' and '.join(f'`{role}`' for role in roles if role in people)} only {own}."


def _call(method: str, path: str, operation: _Json, callers: str | None) -> Iterator[str]:
    yield f"### {method} {path} {{: #{_anchor(method, path)} }}"
    yield str(operation.get("description", operation.get("summary", "")))
    if callers is not None:
        yield f"**Who:** {callers}"
    parameters = [_parameter(parameter) for parameter in operation.get("parameters", [])]
    if parameters:
        yield "| parameter | is | type |\n| --- | --- | --- |\n" + "\n".join(parameters)
    body = operation.get("requestBody")
    if body is not None:
        content = next(iter(body["content"].values()))
        optional = "" if body.get("required") else " (may be left out)"
        yield f"**Body**{optional}: {_type(content['schema'])}"
        yield from _examples(content)
    answers = [
        f"{status} {_type(content.get('schema', {}))}"
        for status, response in operation["responses"].items()
        for content in response.get("content", {}).values()
    ]
    yield "**Answers:** " + ", ".join(answers)
    for response in operation["responses"].values():
        for kind, content in response.get("content", {}).items():
            if "problem" not in kind:
                yield from _examples(content)


def _examples(content: _Json) -> Iterator[str]:
    named = [example.get("value") for example in content.get("examples", {}).values()]
    for example in [content["example"]] if "example" in content else named[:1]:
        yield f"```json\n{json.dumps(example, indent=2, ensure_ascii=False)}\n```"


def _parameter(parameter: _Json) -> str:
    schema = parameter.get("schema", {})
    about = parameter.get("description") or schema.get("description") or ""
    where = {"path": "in the path", "query": "in the query", "header": "a header"}[parameter["in"]]
    required = ", required" if parameter.get("required") and parameter["in"] != "path" else ""
    default = f"; `{schema['default']}` when not given" if schema.get("default") is not None else ""
    return f"| `{parameter['name']}` | {where}{required}. {_cell(about)} | {_type(schema)}{default} |"


def _document(name: str, schema: _Json) -> Iterator[str]:
    yield f"## {name} {{: #{name.lower()} }}"
    if schema.get("description"):
        yield schema["description"]
    if "enum" in schema:
        yield "One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + "."
    fields = schema.get("properties", {})
    if fields:
        required = set(schema.get("required", []))
        rows = [
            (f"`{field}`", _type(about), _field(about, is_required=field in required))
            for field, about in fields.items()
        ]
        if any(about for _, _, about in rows):
            yield "| field | type | is |\n| --- | --- | --- |\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)
        else:
            yield "| field | type |\n| --- | --- |\n" + "\n".join(f"| {' | '.join(row[:2])} |" for row in rows)
    elif "enum" not in schema:
        yield f"Type: {_type(schema)}" if schema.get("type") != "object" else "It has no fields."


def _field(schema: _Json, *, is_required: bool) -> str:
    parts = [_cell(schema["description"])] if schema.get("description") else []
    parts += [words.format(schema[key]) for key, words in _BOUNDS.items() if key in schema]
    if schema.get("default") is not None:
        parts.append(f"`{json.dumps(schema['default'])}` when not given")
    elif not is_required:
        parts.append("optional")
    return "; ".join(parts)


def _type(schema: _Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](http-documents.md#{name.lower()})"
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if options:
        return " or ".join(dict.fromkeys(_type(option) for option in options))
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values:
        return " or ".join(f"`{json.dumps(value)}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return _plain_type(schema)


def _plain_type(schema: _Json) -> str:
    if schema.get("format") == "date-time":
        return "instant"
    if schema.get("pattern") in _CREDITS:
        return "credits"
    kind = schema.get("type", "any JSON")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _anchor(method: str, path: str) -> str:
    return f"{method}{path}".lower().replace("/", "-").replace("{", "").replace("}", "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
