"""Webhooks: made, changed and deleted. No payer's lock is needed."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Final

from talktime.core.durations import DAY_MS
from talktime.core.errors import InvalidRequest, NotFound
from talktime.documents.event import EventType, read_event_type
from talktime.documents.page import Page
from talktime.documents.webhook import Delivery, DeliveryState, Webhook
from talktime.engine.new_ids import new_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from talktime.database.pool import Database, Row

WEBHOOKS_MAX: Final = 50
OLD_SECRET_MS: Final = DAY_MS
"""For how long the secret before a rotation signs as well."""

_SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


async def create_webhook(database: Database, url: str, types: Collection[str] | None, after: int) -> Webhook:
    """Make a webhook for the events after an event, with its secret.

    Raises:
        InvalidRequest: there is no such type, or there are too many webhooks.
    """
    wanted = _require_types(types)
    if len(await database.fetch("webhooks")) >= WEBHOOKS_MAX:
        raise InvalidRequest(("url", f"would be one webhook too many: there are {WEBHOOKS_MAX} at most"))
    secret = new_secret()
    row = await database.fetch_row("insert_webhook", new_id(), url, wanted, secret, after)
    assert row is not None  # noqa: S101  an insert gives its row
    return _read(row, secret)


async def list_webhooks(database: Database) -> list[Webhook]:
    """All webhooks, the oldest first."""
    return [_read(row) for row in await database.fetch("webhooks")]


async def change_webhook(
    database: Database,
    webhook_id: str,
    *,
    url: str | None,
    types: Collection[str] | None,
    enabled: bool | None,
    rotates_secret: bool,
) -> Webhook:
    """Change a webhook. An argument that is None changes nothing. An empty `types` means all types.

    Raises:
        InvalidRequest: there is no such type.
        NotFound: there is no such webhook.
    """
    secret = new_secret() if rotates_secret else None
    changed = (url, _require_types(types), types is not None, enabled, secret, OLD_SECRET_MS)
    row = await database.fetch_row("change_webhook", webhook_id, *changed)
    return _read(_require(row), secret)


async def delete_webhook(database: Database, webhook_id: str) -> None:
    """Delete a webhook, with its deliveries.

    Raises:
        NotFound: there is no such webhook.
    """
    _require(await database.fetch_row("delete_webhook", webhook_id))


async def read_webhook(database: Database, webhook_id: str) -> Webhook:
    """A webhook.

    Raises:
        NotFound: there is no such webhook.
    """
    return _read(_require(await database.fetch_row("webhook", webhook_id)))


async def replay_webhook(database: Database, webhook_id: str, after: int) -> None:
    """Send the events after an event again.

    Raises:
        NotFound: there is no such webhook.
    """
    _require(await database.fetch_row("replay_webhook", webhook_id, after))


async def list_deliveries(
    database: Database, webhook_id: str, *, state: DeliveryState | None, after: int | None, limit: int
) -> Page[Delivery]:
    """The deliveries of a webhook, the newest event first.

    Raises:
        NotFound: there is no such webhook.
    """
    await read_webhook(database, webhook_id)
    rows = await database.fetch("deliveries", webhook_id, state, 2**62 if after is None else after, limit + 1)
    items = tuple(_read_delivery(row) for row in rows[:limit])
    return Page(items, items[-1].event_id if len(rows) > limit else None)


def delivery_state(state: str | None) -> DeliveryState | None:
    """The state of a delivery that a caller names; None for all.

    Raises:
        InvalidRequest: there is no such state.
    """
    if state is not None and state not in set(DeliveryState):
        raise InvalidRequest(("state", f"must be one of: {', '.join(DeliveryState)}"))
    return None if state is None else DeliveryState(state)


def _require(row: Row | None) -> Row:
    if row is None:
        raise NotFound("webhook")
    return row


def _require_types(types: Collection[str] | None) -> list[str] | None:
    """The types, sorted; None for all."""
    wanted = sorted(set(types or ()))
    if not set(wanted) <= set(EventType):
        raise InvalidRequest(("types", f"must be an empty list for all, or some of: {', '.join(EventType)}"))
    return wanted or None


def _read(row: Row, secret: str | None = None) -> Webhook:
    types = row["types"]
    return Webhook(
        id=row["webhook_id"],
        url=row["url"],
        types=None if types is None else tuple(map(read_event_type, types)),
        enabled=row["is_enabled"],
        disabled_reason=row["disabled_reason"],
        failing_since=row["failing_since"],
        created_at=row["created_at"],
        old_secret_until=row["old_secret_until"],
        secret=secret,
    )


def _read_delivery(row: Row) -> Delivery:
    return Delivery(
        event_id=str(row["event_id"]),
        type=read_event_type(row["type"]),
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        next_at=row["next_at"],
        tried_at=row["tried_at"],
        status=row["status"],
        error=row["error"],
    )
