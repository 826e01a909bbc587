"""Connections to PostgreSQL, with instants as integers.

Tables hold `timestamptz`, since people read them; the program counts milliseconds since 1970, since it computes with
them. The connection translates, so that no other place has to.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

_POSTGRES_EPOCH_MS: Final = 946_684_800_000  # 2000-01-01, from which PostgreSQL counts microseconds

Connection = asyncpg.Connection
Pool = asyncpg.Pool


class _Connection(asyncpg.Connection):
    """A pooled connection. Ours never change session state, so there is nothing to reset between two uses."""

    def get_reset_query(self) -> str:
        return ""


async def prepare(connection: Any) -> None:
    """Teach a connection our types."""
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda milliseconds: ((milliseconds - _POSTGRES_EPOCH_MS) * 1000,),
        decoder=lambda microseconds: microseconds[0] // 1000 + _POSTGRES_EPOCH_MS,
    )
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


SESSION: Final = {
    "application_name": "talktime",
    "search_path": "talktime, public",
    "timezone": "UTC",
    # A node that is stopped in the middle of a transaction must not hold a payer's lock for ever.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
}


def open_pool(url: str, *, size: int) -> AbstractAsyncContextManager[Any]:
    """A pool of at most `size` connections."""
    return asyncpg.create_pool(
        url, min_size=1, max_size=size, connection_class=_Connection, init=prepare, server_settings=SESSION
    )


async def connect(url: str, name: str) -> Any:
    """One connection of its own, for LISTEN."""
    connection = await asyncpg.connect(url, server_settings=SESSION | {"application_name": name})
    await prepare(connection)
    return connection
