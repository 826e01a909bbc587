"""`Idempotency-Key`: repeating a request changes nothing the second time."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from pydantic import Field, TypeAdapter, ValidationError

from talktime.engine.idempotency import Repeat
from talktime.service.tokens import caller_of

_header = Header(
    alias="Idempotency-Key",
    description="the caller's own name of this request; the same key and body again give the first answer again",
    examples=["order-4711"],
)
_Key = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x20-\x7e]+$")]
_keys: Final = TypeAdapter(_Key)


async def _repeat(request: Request, key: str) -> Repeat:
    # What was said, not how it was spelt: key order and spaces don't make another request.
    body = await request.body()
    try:
        canonical = json.dumps(json.loads(body or b"{}"), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        canonical = body  # no JSON: it will be refused as a body, not here
    return Repeat(
        caller=caller_of(request).name,
        method=request.method,
        path=request.scope["path"].removeprefix(request.scope.get("root_path", "")),
        key=key,
        body_hash=hashlib.sha256(canonical).digest(),
    )


async def repeat_of(request: Request) -> Repeat | None:
    """The key of a request that may not be looked at further; None if it has none that holds."""
    try:
        key = _keys.validate_python(request.headers.get("Idempotency-Key"))
    except ValidationError:
        return None
    return await _repeat(request, key) if request.method == "POST" else None


async def required_repeat(request: Request, key: Annotated[_Key, _header]) -> Repeat:
    """The request's key, for what moves money."""
    return await _repeat(request, key)


async def optional_repeat(request: Request, key: Annotated[_Key | None, _header] = None) -> Repeat | None:
    """The request's key, if it has one."""
    return None if key is None else await _repeat(request, key)


RequiredRepeat = Annotated[Repeat, Depends(required_repeat)]
OptionalRepeat = Annotated[Repeat | None, Depends(optional_repeat)]
