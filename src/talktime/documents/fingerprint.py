"""A short name for exactly this document: a different one has another name. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def fingerprint(document: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of a JSON document without its own `fingerprint`: keys in order, no spaces, UTF-8.

    It finds every change, made by accident or by hand. It is no signature: whoever means to deceive can compute it
    anew, so compare it with one that came another way.
    """
    told = {name: value for name, value in document.items() if name != "fingerprint"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
