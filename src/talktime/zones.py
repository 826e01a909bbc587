"""Time zones by their names, such as `Europe/Berlin`: those of the system, else those of the package `tzdata`."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo


def find_zone(name: str) -> tzinfo:
    """The time zone of this name.

    Raises:
        ValueError: there is no such time zone.
    """
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # no such name, no such file, or a folder
        msg = "must be the name of a time zone, such as Europe/Berlin"
        raise ValueError(msg) from None
