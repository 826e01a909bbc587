"""The answers to requests that are refused before they reach a route: complete HTTP answers, as bytes."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

from talktime.core.errors import TalktimeError
from talktime.service.http.envelope import HEADERS
from talktime.service.http.problems import MEDIA_TYPE

_COMMON: Final = "".join(f"{name.lower()}: {value}\r\n" for name, value in HEADERS.items())


def refusal_answer(error: TalktimeError) -> bytes:
    """The HTTP answer for a refusal, after which the connection is closed."""
    body = json.dumps(error.problem(), ensure_ascii=False).encode()
    status = HTTPStatus(error.status)
    head = (
        f"HTTP/1.1 {int(status)} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        f"connection: close\r\n{_COMMON}\r\n"
    )
    return head.encode("ascii") + body
