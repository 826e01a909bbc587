"""The answers of idempotency keys, as the objects that a method of the library returns.

An answer is kept as the JSON that a backend gets. What JSON does not show, the metadata, is read again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from talktime.core.errors import Repeated, refusal_of
from talktime.core.gifts import Gift
from talktime.core.instants import parse_instant
from talktime.core.money import parse_formatted
from talktime.documents.account import Account, Refund
from talktime.documents.decoding import decoded
from talktime.documents.snapshot import RecordView, Snapshot
from talktime.reading import people, records

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from talktime.engine.engine import Engine
    from talktime.engine.idempotency import Repeat

    T = TypeVar("T")


async def answer_once(
    engine: Engine, repeat: Repeat | None, first: Awaitable[T], again: Callable[[Engine, Repeated], Awaitable[T]]
) -> T:
    """Run `first`. If the key of a call of the library has an answer already, return this answer from `again` instead.

    Over HTTP the kept JSON is the answer.

    Raises:
        Repeated: a key of HTTP has an answer, or a version has written it that did not know all of its fields.
    """
    try:
        return await first
    except Repeated as repeated:
        if repeat is None or not repeat.is_of_library:
            raise
        refusal = refusal_of(repeated.document)
        if refusal is not None:
            raise refusal from None
        try:
            return await again(engine, repeated)
        except (KeyError, ValueError):
            raise repeated from None


async def account_again(engine: Engine, repeated: Repeated) -> Account:
    """The account that the first call returned."""
    json = repeated.document
    expiry = json["next_expiry"]
    gift = None if expiry is None else Gift(parse_formatted(expiry["amount"]), parse_instant(expiry["expires_at"]))
    account = decoded(Account, json, next_expiry=gift)
    return replace(account, metadata=(await people.account(engine, account.user_id)).metadata)


async def refund_again(_engine: Engine, repeated: Repeated) -> Refund:
    """The refund that the first call returned."""
    return decoded(Refund, repeated.document)


async def snapshot_again(engine: Engine, repeated: Repeated) -> Snapshot:
    """The snapshot that the first call returned."""
    json: dict[str, Any] = repeated.document
    chat = json["chat"]
    stored = (await records.record_snapshot(engine, json["record"]["id"])).record
    return decoded(
        Snapshot,
        json,
        record=decoded(RecordView, json["record"], metadata=stored.metadata),
        chat_id=chat["id"],
        user_id=chat["user_id"],
        advisor_id=chat["advisor_id"],
        chat_duration_ms=chat["duration_ms"],
    )


async def start_again(engine: Engine, repeated: Repeated) -> tuple[Snapshot, bool]:
    """The snapshot that the first start returned, and whether it made the chat."""
    return await snapshot_again(engine, repeated), repeated.status == _CREATED


_CREATED = 201
