"""The fingerprint of a document: another document has another fingerprint."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def fingerprint(document: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of a JSON document without its own `fingerprint`: keys in order, no spaces, UTF-8.

    The fingerprint shows every change, made by accident or by hand. It is not a signature: a forger can compute a new
    fingerprint. So compare it with a fingerprint that came another way.
    """
    fields = {name: value for name, value in document.items() if name != "fingerprint"}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
