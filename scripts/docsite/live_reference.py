"""The messages of the live channel, from `docs/reference/asyncapi.yaml`. A test holds that file to the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ASYNCAPI: Final = Path(__file__).parents[2] / "docs" / "reference" / "asyncapi.yaml"

_Json = dict[str, Any]


def asyncapi() -> _Json:
    """The AsyncAPI document."""
    document: _Json = yaml.safe_load(ASYNCAPI.read_text(encoding="utf-8"))
    return document


def messages_of(document: _Json, action: str) -> dict[str, _Json]:
    """The messages that the service receives (`receive`) or sends (`send`), by the key that the file gives them."""
    keys: list[str] = []
    for operation in document["operations"].values():
        # What answers a message goes the other way.
        same_way = operation if operation["action"] == action else operation.get("reply", {})
        keys += [message["$ref"].rsplit("/", 1)[1] for message in same_way.get("messages", ())]
    return {key: document["components"]["messages"][key] for key in keys}


def messages() -> str:
    """Every message: what it is for, its fields, an example."""
    document = asyncapi()
    parts: list[str] = []
    for title, action in (("From the screen", "receive"), ("From the service", "send")):
        parts.append(f"## {title}")
        for key, message in messages_of(document, action).items():
            parts += _message(document, key, message)
    return "\n\n".join(parts)


def close_codes() -> dict[int, str]:
    """Why the service closes a socket, by the close code."""
    return {int(code): why for code, why in asyncapi()["channels"]["live"]["x-close-codes"].items()}


def _message(document: _Json, key: str, message: _Json) -> Iterator[str]:
    yield f"### `{message['name']}` {{: #{key.lower()} }}"
    yield message["summary"] + " " + message.get("description", "").strip()
    payload = message["payload"]
    required = payload["required"]
    rows = []
    for name, schema in payload["properties"].items():
        if name == "type":
            continue
        about = _about(document, schema)
        optional = "" if name in required else "Optional. "
        rows.append(f"| `{name}` | {_type(document, schema)} | {optional}{about} |")
    if rows:
        yield "| field | type | is |\n| --- | --- | --- |\n" + "\n".join(rows)
    for example in message.get("examples", ())[:1]:
        yield f"```json\n{json.dumps(example['payload'], ensure_ascii=False)}\n```"


def _resolved(document: _Json, schema: _Json) -> _Json:
    reference = schema.get("$ref", "")
    if not reference.startswith("#/"):
        return schema
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}


def _about(document: _Json, schema: _Json) -> str:
    return " ".join(_resolved(document, schema).get("description", "").split()).replace("|", "\\|")


def _type(document: _Json, schema: _Json) -> str:
    reference = schema.get("$ref", "")
    if reference.startswith("openapi.json"):
        name = reference.rsplit("/", 1)[1]
        return f"[{name}](http-documents.md#{name.lower()})"
    if reference.endswith("/Id"):
        return "id"
    found = _resolved(document, schema)
    if "enum" in found:
        return " or ".join(f"`{value}`" for value in found["enum"])
    if "anyOf" in found:
        return " or ".join(_type(document, option) for option in found["anyOf"])
    if found.get("type") == "object":
        return "object of instants"
    return str(found.get("type", ""))
