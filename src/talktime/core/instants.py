"""Instants: points in engine time.

Inside talktime an instant is a whole number of milliseconds since 1970-01-01T00:00:00Z. In JSON an instant is RFC 3339
text in UTC with milliseconds, such as `2026-01-05T10:00:01.250Z`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT_MAX: Final = 253_402_300_799_999
"""The last instant that RFC 3339 can write: 9999-12-31T23:59:59.999Z."""

_EPOCH_WITHOUT_ZONE: Final = datetime(1970, 1, 1)  # noqa: DTZ001  its text has no offset, and needs none


def first_instant(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first instant from `low` to `high` at which `holds` is true: false before it, and true from it on."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def format_instant(instant: int) -> str:
    """The RFC 3339 text of an instant."""
    moment = _EPOCH_WITHOUT_ZONE + timedelta(milliseconds=instant)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def parse_instant(text: object) -> int:
    """The instant of an RFC 3339 text that names its offset from UTC. Fractions of a millisecond are cut off.

    Raises:
        ValueError: `text` is not such a text, or the instant is before 1970 or after 9999. The message tells the sender
            of the text what to change.
    """
    match = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    try:
        since_epoch = None if match is None else datetime.fromisoformat(match[0].upper()) - EPOCH
    except (ValueError, OverflowError):
        since_epoch = None
    if since_epoch is None or since_epoch < timedelta(0):
        msg = "must be an instant with its offset, such as 2026-01-05T10:00:01.250Z"
        raise ValueError(msg)
    instant = since_epoch // timedelta(milliseconds=1)
    if instant > INSTANT_MAX:  # its offset from UTC leads into the year 10000
        msg = "must not be after the year 9999"
        raise ValueError(msg)
    return instant
