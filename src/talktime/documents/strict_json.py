"""JSON that names each field of an object once.

Programs read `{"amount": "1.00", "amount": "9.00"}` differently: some take the first amount, some the last. Where money
moves, there must be no doubt.
"""

from __future__ import annotations

import json
from typing import Any


class RepeatedFieldError(ValueError):
    """An object names a field more than once. `name` is the first such field."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the field {name} is named more than once")
        self.name = name


def parse_json(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        RepeatedFieldError: an object names a field more than once.
        ValueError: the text is not JSON.
    """
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise RepeatedFieldError(name)
            seen.add(name)
    return fields
