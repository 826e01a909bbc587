"""Metadata: a few short texts that a host keeps with its people, chats, records and credit. The meter never reads them.

    {"order": "4711", "campaign": "spring"}

Metadata is for programs of the host and for operators. Users and advisors are not shown metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from talktime.core.errors import InvalidRequest
from talktime.core.ids import has_control_characters

Metadata = Mapping[str, str]

PAIRS_MAX: Final = 24
KEY_LENGTH_MAX: Final = 40
VALUE_LENGTH_MAX: Final = 500


def check_metadata(metadata: object) -> dict[str, str]:
    """A copy of metadata that is allowed: at most 24 texts, whose keys have 1 to 40 characters.

    Raises:
        ValueError: the metadata is not allowed. The message tells the sender what to change.
    """
    if not isinstance(metadata, Mapping):
        msg = "must be an object"
        raise ValueError(msg)  # noqa: TRY004  callers handle one error type for everything that is not allowed
    if len(metadata) > PAIRS_MAX:
        msg = f"must have at most {PAIRS_MAX} keys"
        raise ValueError(msg)
    if any(not isinstance(text, str) for pair in metadata.items() for text in pair):
        msg = "must have strings as keys and as values"
        raise ValueError(msg)
    if any(not 0 < len(key) <= KEY_LENGTH_MAX or has_control_characters(key) for key in metadata):
        msg = f"must have keys of 1 to {KEY_LENGTH_MAX} characters, and no control characters"
        raise ValueError(msg)
    if any(len(value) > VALUE_LENGTH_MAX or has_control_characters(value) for value in metadata.values()):
        msg = f"must have values of at most {VALUE_LENGTH_MAX} characters, and no control characters"
        raise ValueError(msg)
    return dict(metadata)


def require_metadata(metadata: Metadata | None) -> dict[str, str] | None:
    """A copy of metadata that is allowed; None if there is none.

    Raises:
        InvalidRequest: the metadata is not allowed.
    """
    try:
        return None if metadata is None else check_metadata(metadata)
    except ValueError as error:
        raise InvalidRequest(("metadata", str(error))) from None
