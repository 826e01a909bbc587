"""Which of several media types a client prefers, by its header `Accept` (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def best_media_type(accept: str, offered: Sequence[str]) -> str:
    """The offered type that the client prefers; the first one if the client has no preference or wants no other."""
    best, best_quality = offered[0], 0.0
    qualities = _qualities(accept)
    for media_type in offered:
        main = media_type.partition("/")[0]
        names = (media_type, f"{main}/*", "*/*")
        quality = next((qualities[name] for name in names if name in qualities), 0.0)
        if quality > best_quality:
            best, best_quality = media_type, quality
    return best


def _qualities(accept: str) -> dict[str, float]:
    """The weight of each type that the header names."""
    qualities: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        weights = [word.removeprefix("q=") for word in parameters if word.startswith("q=")]
        qualities[name] = _weight(weights[0]) if weights else 1.0
    return qualities


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
