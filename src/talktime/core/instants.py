"""Instants in milliseconds since 1970, and the RFC 3339 text that JSON shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant(milliseconds: int) -> str:
    """RFC 3339 in UTC with milliseconds, such as `2026-01-05T10:00:01.250Z`."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def parse_instant(text: object) -> int:
    """Milliseconds of an RFC 3339 instant with its offset, such as `2026-01-05T10:00:01.250Z`; truncated.

    Raises:
        ValueError: in words for the person who sent it.
    """
    match = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    try:
        moment = None if match is None else datetime.fromisoformat(match[0].upper())
        since = None if moment is None else moment - _EPOCH
    except (ValueError, OverflowError):
        since = None
    if since is None or since < timedelta(0):
        msg = "must be an instant with its offset, such as 2026-01-05T10:00:01.250Z"
        raise ValueError(msg)
    return since // timedelta(milliseconds=1)


def instant_or_none(milliseconds: int | None) -> str | None:
    """`instant`, or None for what has not happened."""
    return None if milliseconds is None else instant(milliseconds)
