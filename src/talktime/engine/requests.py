"""Requests with an idempotency key, however they come: the same key and the same arguments are one request.

A method of the library does the same as one call of HTTP. So its key is a key of that call, of one more backend, and
stands for its path and its body: an order that a webhook reports over HTTP and a job reports with the library is
credited once. Over HTTP an amount can be written in several ways, and a default can be left out. So what is compared is
what the request asks for, written in one way: the arguments that the method gets in both cases.

The caller is no argument. Over HTTP the token names the caller, and all backends are one caller.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from talktime.core.durations import seconds
from talktime.core.errors import InvalidRequest
from talktime.core.ids import NONCHARACTER
from talktime.core.money import format_credits
from talktime.core.roles import Role
from talktime.engine.idempotency import LIBRARY, LIBRARY_PLACE, Repeat

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_LENGTH_MAX: Final = 200

KEY_PATTERN: Final = r"^[\x20-\x7e]+$"


def is_key(text: str) -> bool:
    """Whether `text` can be an idempotency key: 1 to 200 characters of printable ASCII."""
    return len(text) <= KEY_LENGTH_MAX and re.fullmatch(KEY_PATTERN[1:-1], text) is not None


def as_repeat(repeat: Repeat | None, key: str | None, path: tuple[str, ...], **arguments: Any) -> Repeat | None:
    """The idempotency key of a command, with its request: from HTTP, or from the argument of the library; or None.

    Args:
        repeat: the request of HTTP, without its arguments.
        key: the key of a call of the library.
        path: the parts of the path of the HTTP call, behind `/v1`.
        arguments: the body of the HTTP call, as JSON. An argument that is None was left out.

    Raises:
        InvalidRequest: the key is not allowed.
    """
    if repeat is None and key is None:
        return None
    asked = {name: value for name, value in arguments.items() if value is not None}
    arguments_hash = hashlib.sha256(canonical_json(asked)).digest()
    if repeat is not None:
        return replace(repeat, arguments_hash=arguments_hash)
    if key is None or not is_key(key):
        raise InvalidRequest(
            (LIBRARY_PLACE, f"must have 1 to {KEY_LENGTH_MAX} characters, all of them printable ASCII")
        )
    address = "/".join(("/v1", *(part.replace("/", NONCHARACTER) for part in path)))
    return Repeat(LIBRARY, "POST", address, key, arguments_hash, arguments_hash, LIBRARY_PLACE)


def canonical_json(value: object) -> bytes:
    """JSON written in one way: a body with other spaces, or with its fields in another order, is the same body."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def credit_arguments(
    amount: int, reference: str | None, metadata: Mapping[str, str] | None, expires_at: int | None = None
) -> dict[str, Any]:
    """The arguments of a credit or a debit, as its body has them."""
    return {
        "amount": format_credits(amount),
        "reference": reference,
        "metadata": None if metadata is None else dict(metadata),
        "expires_at": expires_at,
    }


def start_arguments(
    tariff_version: int | None,
    offer_version: str | None,
    starts: str | None,
    metadata: Mapping[str, str] | None,
    record_id: str | None,
) -> dict[str, Any]:
    """The arguments of a start, as its body has them."""
    return {
        "tariff_version": tariff_version,
        "offer_version": offer_version,
        "starts": None if starts is None else str(starts),
        "metadata": None if metadata is None else dict(metadata),
        "record_id": record_id,
    }


def refund_arguments(reason: str, borne_by: str, amount: int | None, duration_ms: int | None) -> dict[str, Any]:
    """The arguments of a refund, as its body has them."""
    return {
        "reason": reason,
        "borne_by": str(borne_by),
        "amount": None if amount is None else format_credits(amount),
        "seconds": None if duration_ms is None else seconds(duration_ms),
    }


def acting_role(by: str | None) -> str | None:
    """The role for which a backend acts, where HTTP could not say so; None for the backend itself."""
    return None if by is None or by == Role.SERVICE else str(by)
