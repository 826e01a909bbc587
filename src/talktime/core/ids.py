"""Ids, names and other short texts that hosts choose: which ones talktime accepts.

The library, HTTP and the command line all follow these rules.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from talktime.core.errors import InvalidRequest

ID_LENGTH_MAX: Final = 128
NAME_LENGTH_MAX: Final = 200
REFERENCE_LENGTH_MAX: Final = 200
EXPLANATION_LENGTH_MAX: Final = 500
MESSAGE_LENGTH_MAX: Final = 4_000

NONCHARACTER: Final = "\ufdd0"
"""A code point that no text may contain. HTTP routing uses it in place of a slash inside an id."""

AFTER_ALL: Final = "\U0010ffff" * (NAME_LENGTH_MAX + 1)
"""A text that comes after every id and every name."""

_CONTROL: Final = frozenset({"Cc", "Cs"})  # control characters, and halves of surrogate pairs, which UTF-8 can't hold


def has_control_characters(text: str) -> bool:
    """Whether `text` contains a character that no id or name may contain."""
    return NONCHARACTER in text or not _CONTROL.isdisjoint(map(unicodedata.category, text))


def is_id(text: str) -> bool:
    """Whether `text` can be an id: 1 to 128 characters, none of them a control character."""
    return 0 < len(text) <= ID_LENGTH_MAX and not has_control_characters(text)


def is_name(text: str) -> bool:
    """Whether `text` can be the name of a person: 1 to 200 characters, not only spaces, no control characters."""
    return len(text) <= NAME_LENGTH_MAX and bool(text.strip()) and not has_control_characters(text)


def is_reference(text: str) -> bool:
    """Whether `text` can be a host's own reference: at most 200 characters, none of them a control character."""
    return len(text) <= REFERENCE_LENGTH_MAX and not has_control_characters(text)


def is_explanation(text: str) -> bool:
    """Whether `text` explains an act: 1 to 500 characters, not only spaces, no control characters."""
    return len(text) <= EXPLANATION_LENGTH_MAX and bool(text.strip()) and not has_control_characters(text)


def require_explanation(field: str, text: str) -> None:
    """Refuse a text that explains nothing. `field` names the argument.

    Raises:
        InvalidRequest: `text` is blank or too long, or contains a control character.
    """
    if not is_explanation(text):
        msg = f"must have 1 to {EXPLANATION_LENGTH_MAX} characters, not only spaces, and no control characters"
        raise InvalidRequest((field, msg))


def require_reference(field: str, text: str | None) -> None:
    """Refuse a text that can't be a host's own reference. None is allowed. `field` names the argument.

    Raises:
        InvalidRequest: `text` is too long, or contains a control character.
    """
    if text is not None and not is_reference(text):
        raise InvalidRequest((field, f"must have at most {REFERENCE_LENGTH_MAX} characters, and no control characters"))


def require_text(field: str, text: str) -> str:
    """`text`, if it can be a message. `field` names the argument in the error.

    Raises:
        InvalidRequest: `text` is empty, too long, or contains what no database stores.
    """
    is_storable = "\0" not in text and "Cs" not in map(unicodedata.category, text)
    if not 0 < len(text) <= MESSAGE_LENGTH_MAX or not is_storable:
        raise InvalidRequest((field, f"must have 1 to {MESSAGE_LENGTH_MAX} characters, and no NUL"))
    return text


def require_id(field: str, text: str) -> str:
    """`text`, if it can be an id. `field` names the argument in the error.

    Raises:
        InvalidRequest: `text` is empty, too long, or contains a control character.
    """
    if not is_id(text):
        raise InvalidRequest((field, f"must have 1 to {ID_LENGTH_MAX} characters, and no control characters"))
    return text


def require_name(field: str, text: str) -> str:
    """`text`, if it can be the name of a person. `field` names the argument in the error.

    Raises:
        InvalidRequest: `text` is blank, too long, or contains a control character.
    """
    if not is_name(text):
        msg = f"must have 1 to {NAME_LENGTH_MAX} characters, not only spaces, and no control characters"
        raise InvalidRequest((field, msg))
    return text
