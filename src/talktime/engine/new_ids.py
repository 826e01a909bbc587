"""Ids that talktime makes."""

from __future__ import annotations

import secrets
import time
from uuid import UUID


def new_id() -> str:
    """A UUID of version 7 (RFC 9562), so ids sort by the time at which they were made: milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
    return str(UUID(int=value))
