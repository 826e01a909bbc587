"""Access keys: made, listed, found and revoked.

The secret of a key is 256 random bits behind a prefix by which scanners of secrets know it: `tt_` and 64 hexadecimal
digits. Only its SHA-256 is stored. That is enough, because nobody can try 2^256 secrets: the slow hash that a password
needs would only make each call slow.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from talktime.core.errors import Conflict, NotFound
from talktime.core.scopes import Scope
from talktime.documents.access_key import AccessKey
from talktime.engine.new_ids import new_id

if TYPE_CHECKING:
    from talktime.database.pool import Database, Row

PREFIX: Final = "tt_"
_SECRET_BYTES: Final = 32
_SECRET_LENGTH: Final = len(PREFIX) + 2 * _SECRET_BYTES


async def create_key(database: Database, name: str, scope: Scope) -> tuple[AccessKey, str]:
    """Make a key.

    Returns:
        The key and its secret, which is stored nowhere.

    Raises:
        Conflict: a valid key has this name.
    """
    secret = PREFIX + secrets.token_hex(_SECRET_BYTES)
    row = await database.fetch_row("insert_access_key", new_id(), name, hash_secret(secret), scope.value)
    if row is None:
        raise Conflict(
            f"There is a valid key of the name {name!r}. Revoke it, or take another name.", state=None, allowed=()
        )
    return _read(row), secret


async def list_keys(database: Database) -> list[AccessKey]:
    """All keys, the oldest first, also those that are revoked."""
    return [_read(row) for row in await database.fetch("list_access_keys")]


async def revoke_key(database: Database, name_or_id: str) -> AccessKey:
    """Revoke a key. A key that is revoked already stays as it is. A name means its valid key, or else the last one.

    Raises:
        NotFound: there is no such key.
    """
    row = await database.fetch_row("revoke_access_key", name_or_id)
    if row is None:
        raise NotFound("key")
    return _read(row)


async def find_by_hash(database: Database, secret_hash: bytes) -> AccessKey | None:
    """The valid key whose secret has this hash."""
    row = await database.fetch_row("access_key_by_secret", secret_hash)
    return None if row is None else _read(row)


async def find_by_id(database: Database, key_id: str) -> AccessKey | None:
    """The valid key with this id."""
    row = await database.fetch_row("access_key_by_id", key_id)
    return None if row is None else _read(row)


def is_secret(text: str) -> bool:
    """Whether a credential looks like the secret of a key, and not like a token."""
    return text.startswith(PREFIX)


def hash_secret(secret: str) -> bytes:
    """The SHA-256 of a secret. If the text is far too long for a secret, only its beginning is hashed."""
    return hashlib.sha256(secret[: _SECRET_LENGTH + 1].encode(errors="replace")).digest()


def _read(row: Row) -> AccessKey:
    return AccessKey(
        row["key_id"], row["name"], Scope(row["scope"]), row["created_at"], row["used_at"], row["revoked_at"]
    )
