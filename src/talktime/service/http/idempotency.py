"""The header `Idempotency-Key`: a repeated request changes nothing."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from pydantic import Field, TypeAdapter, ValidationError

from talktime.core.errors import RateLimited
from talktime.engine.idempotency import Repeat
from talktime.engine.requests import KEY_LENGTH_MAX, KEY_PATTERN, canonical_json
from talktime.service.budgets import Budgets
from talktime.service.tokens import caller_of

_header = Header(
    alias="Idempotency-Key",
    description="the caller's own name of this request; the same key and body again give the first answer again",
    examples=["order 4711"],
)
_Key = Annotated[str, Field(min_length=1, max_length=KEY_LENGTH_MAX, pattern=KEY_PATTERN)]
_keys: Final = TypeAdapter(_Key)


async def _make_repeat(request: Request, key: str) -> Repeat:
    budgets: Budgets = request.app.state.budgets
    if budgets.take_key(caller_of(request)):
        raise RateLimited("Too many idempotency keys of one person; send requests without a key, or wait.")
    # A body with other spaces, or with its fields in another order, is still the same request.
    body = await request.body()
    try:
        canonical = canonical_json(json.loads(body or b"{}"))
    except (ValueError, RecursionError):
        canonical = body  # not JSON, which is refused when the body is read
    return Repeat(
        caller=caller_of(request).name,
        method=request.method,
        path=request.scope["path"].removeprefix(request.scope.get("root_path", "")),
        key=key,
        body_hash=hashlib.sha256(canonical).digest(),
    )


async def read_repeat(request: Request) -> Repeat | None:
    """The idempotency key of a request that is refused before its body is read; None without a valid key."""
    try:
        key = _keys.validate_python(request.headers.get("Idempotency-Key"))
    except ValidationError:
        return None
    return await _make_repeat(request, key) if request.method == "POST" else None


async def required_repeat(request: Request, key: Annotated[_Key, _header]) -> Repeat:
    """The idempotency key of a call that moves money, which must have one."""
    return await _make_repeat(request, key)


async def optional_repeat(request: Request, key: Annotated[_Key | None, _header] = None) -> Repeat | None:
    """The idempotency key of a request, if there is one."""
    return None if key is None else await _make_repeat(request, key)


RequiredRepeat = Annotated[Repeat, Depends(required_repeat)]
OptionalRepeat = Annotated[Repeat | None, Depends(optional_repeat)]
