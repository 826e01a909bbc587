"""The id of a request: the same in the answer, in its problem document, in logs, in events, and at the proxy.

A proxy of the settings may give the id in `X-Request-ID`. Otherwise the service makes one. It is no secret and says
nothing about a person.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Scope

HEADER: Final = "X-Request-ID"

_RAW_HEADER: Final = HEADER.lower().encode()
# A longer id, or an id with other characters, could break the lines of the log.
_ID: Final = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")


def request_id_of(scope: Scope) -> str:
    """The id that came with the request, or a new one."""
    given = [value for name, value in scope["headers"] if name == _RAW_HEADER]
    if len(given) == 1 and _ID.fullmatch(given[0]):
        return str(given[0], "ascii")
    return secrets.token_hex(16)


def without_request_id(scope: Scope) -> Scope:
    """The request of a client that is not a proxy: its own id is not believed."""
    headers = [(name, value) for name, value in scope["headers"] if name != _RAW_HEADER]
    return scope if len(headers) == len(scope["headers"]) else {**scope, "headers": headers}
