"""The types of the fields of documents: whole numbers in Python, and what JSON shows of them.

Inside, money is micro-credits, instants are milliseconds since 1970 in engine time, durations milliseconds. In JSON
credits are decimal strings, instants are RFC 3339 in UTC, and durations are milliseconds in a field that ends in `_ms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from talktime.core.durations import parse_seconds, seconds
from talktime.core.instants import format_instant, parse_instant
from talktime.core.metadata import KEY_LENGTH_MAX, PAIRS_MAX, VALUE_LENGTH_MAX
from talktime.core.money import format_credits, parse_formatted
from talktime.documents.document import Kind

Schema = dict[str, Any]

CREDITS: Final[Schema] = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2,6}$"}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}
DURATION: Final[Schema] = {"type": "number", "minimum": 0}

METADATA: Final[Schema] = {
    "type": "object",
    "maxProperties": PAIRS_MAX,
    "propertyNames": {"minLength": 1, "maxLength": KEY_LENGTH_MAX},
    "additionalProperties": {"type": "string", "maxLength": VALUE_LENGTH_MAX},
}

CREDITS_INPUT: Final[Schema] = {"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,6})?$"}
"""An amount in a request: not negative, at most six places."""

DURATION_INPUT: Final[Schema] = {"anyOf": [DURATION, {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,3})?$"}]}
"""A number of seconds in a request, also as a decimal string."""


def reference(name: str) -> Schema:
    """A schema that refers to the schema with this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: Schema) -> Schema:
    """The schema of a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


Credits = Annotated[int, Kind(CREDITS, format_credits, parse_formatted)]
"""An amount of micro-credits; JSON shows a decimal string such as "8.75"."""

CreditsText = Annotated[str, Kind(CREDITS)]
"""An amount of credits as JSON shows it."""

Instant = Annotated[int, Kind(INSTANT, format_instant, parse_instant)]
"""Milliseconds since 1970; JSON shows RFC 3339 such as "2026-01-05T10:00:01.250Z"."""

InstantText = Annotated[str, Kind(INSTANT)]
"""An instant as JSON shows it."""

Milliseconds = Annotated[int, Kind({"type": "integer", "minimum": 0})]
"""A duration in milliseconds, in JSON too."""

MillisecondsAsSeconds = Annotated[int, Kind(DURATION, seconds, parse_seconds)]
"""A duration in milliseconds; JSON shows seconds with at most three decimals."""

Count = Annotated[int, Kind({"type": "integer", "minimum": 0})]
"""How many."""

Number = Annotated[int, Kind({"type": "integer", "minimum": 1})]
"""Which one of several, from 1."""

Metadata = Annotated[Mapping[str, str], Kind(METADATA, dict)]
"""The host's own texts, by key."""

Fingerprint = Annotated[str, Kind({"type": "string", "pattern": "^[0-9a-f]{64}$"})]
"""The SHA-256 of a document, in hex."""
