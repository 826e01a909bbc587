"""Prints the OpenAPI document of the service, the calls of the test clock included.

.venv/bin/python scripts/openapi.py [--for-types]

The types of the client are made from less of it: without examples, and without words on the calls. So another wording
of a call does not make the types stale. The words on the fields of documents stay, as comments.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from talktime.asgi import create_app
from talktime.settings import load_settings


def document() -> dict[str, Any]:
    """The document, the same in every run."""
    settings = load_settings(secret="only to describe the service, never to sign", test_clock=True)  # noqa: S106
    return create_app(settings).openapi()


def for_types(described: dict[str, Any]) -> dict[str, Any]:
    """What of the document the types of the client are made from."""
    plain: dict[str, Any] = _without(described, {"example", "examples"})
    plain["paths"] = _without(plain["paths"], {"summary", "description"})
    for methods in plain["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                response["description"] = ""  # OpenAPI demands one
    return plain


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(inner, names) for name, inner in value.items() if name not in names}
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    printed = for_types(document()) if "--for-types" in sys.argv[1:] else document()
    print(json.dumps(printed, indent=2, ensure_ascii=False))
