"""Hints that something has changed, as they travel from node to node.

Any role of the database can send a notification, any client of a Redis can publish, and an older or newer node may send
what this one does not know. So every part of a payload is checked, and nothing that a hint says is shown to anybody: a
hint only names what to read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core.ids import is_id
from talktime.core.record import Party

if TYPE_CHECKING:
    from collections.abc import Iterable

PAYLOAD_BYTES_MAX: Final = 7_500  # PostgreSQL takes 8,000 bytes
_NUMBER_MAX: Final = 2**63 - 1  # the largest number that PostgreSQL stores
_PARTS: Final = 3


class InvalidHint(Exception):
    """A part of a payload that this version of the program would not send."""


class Hint(NamedTuple):
    """Something has changed. `value` is a sequence number, the position of a message, or a party.

    `id` is the user's id in a hint of the kind `account`, the id of an access key in a hint of the kind `key`, and a
    chat's id in all others.
    """

    kind: str
    id: str
    value: int | str


def payloads(hints: Iterable[Hint]) -> list[str]:
    """The hints as JSON lists, each of which fits into one notification."""
    texts: list[str] = []
    parts: list[str] = []
    size = 2
    for hint in hints:
        part = json.dumps(hint, ensure_ascii=False)
        length = len(part.encode()) + 2
        if parts and size + length > PAYLOAD_BYTES_MAX:
            texts.append(f"[{', '.join(parts)}]")
            parts, size = [], 2
        parts.append(part)
        size += length
    if parts:
        texts.append(f"[{', '.join(parts)}]")
    return texts


def read_hints(payload: str) -> tuple[list[Hint], str | None]:
    """The hints in a payload, and what is wrong with the rest of the payload; None if nothing is."""
    try:
        parts = json.loads(payload)
    except (ValueError, RecursionError):
        return [], "the payload is not JSON"
    if not isinstance(parts, list):
        return [], "the payload is not a list"
    hints: list[Hint] = []
    wrong: str | None = None
    for part in parts:
        try:
            hints.append(_read(part))
        except InvalidHint as error:
            wrong = str(error)
    return hints, wrong


def _read(part: object) -> Hint:
    if not isinstance(part, list) or len(part) != _PARTS:
        raise InvalidHint("a hint is not a list of three")
    kind, about, value = part
    if not isinstance(kind, str) or kind not in _VALUES:
        raise InvalidHint("a hint has an unknown kind")
    if not isinstance(about, str) or not (is_id(about) or kind == "clock"):
        raise InvalidHint("a hint names no chat and no user")
    if not _VALUES[kind](value):
        raise InvalidHint("a hint has a wrong value")
    return Hint(kind, about, value)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _NUMBER_MAX


def _is_party(value: object) -> bool:
    return isinstance(value, str) and value in set(Party)


_VALUES: Final = {
    "account": _is_number,
    "snapshot": _is_number,  # a change of one chat, from the version before
    "message": _is_number,
    "clock": _is_number,
    "key": _is_number,  # an access key was revoked
    "typing": _is_party,
}
