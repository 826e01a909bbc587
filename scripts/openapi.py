"""Prints the OpenAPI document of the service, the calls of the test clock included.

.venv/bin/python scripts/openapi.py [--without-examples]
"""

from __future__ import annotations

import json
import sys
from typing import Any

from talktime.asgi import create_app
from talktime.settings import load_settings


def document(*, with_examples: bool = True) -> dict[str, Any]:
    """The document, the same in every run. The types of the client need no examples."""
    settings = load_settings(secret="only to describe the service, never to sign", test_clock=True)  # noqa: S106
    described = create_app(settings).openapi()
    return described if with_examples else _without_examples(described)


def _without_examples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_examples(inner) for name, inner in value.items() if name not in {"example", "examples"}}
    return [_without_examples(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    found = document(with_examples="--without-examples" not in sys.argv[1:])
    print(json.dumps(found, indent=2, ensure_ascii=False))
