"""Reads what a caller sends to say who calls: a token, or the secret of an access key.

A token of talktime is read without the database. A key, and a token that a key has made, is asked for in the database,
at most once in two seconds (see `talktime.node.key_ring`). `identity` reads the tokens of the host's own identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from talktime.core.errors import Unauthorized
from talktime.engine.access_keys import is_secret
from talktime.service.connections.rare_log import RareLog
from talktime.service.tokens import AnotherSecret, Caller, Tokens

if TYPE_CHECKING:
    from talktime.service.connector import Connector
    from talktime.service.identity import Identity

_SAME_FOR_ALL: Final = (
    "The program that made this token has another TALKTIME_SECRET, or none: it then signs with the secret in its own"
    " data folder. Give both programs the same secret, or name the other one in TALKTIME_ACCEPTED_SECRETS."
)


class Credentials:
    """Reads tokens, those of the host's own identity too, and keys."""

    def __init__(self, tokens: Tokens, connector: Connector, identity: Identity | None = None) -> None:
        self._tokens = tokens
        self._connector = connector
        self._identity = identity
        self._refusals = RareLog()

    def is_new_key(self, credential: str) -> bool:
        """Whether this looks like a key, and was not seen before: a stranger may have made it up."""
        if not is_secret(credential):
            return False
        talktime = self._connector.current
        return talktime is None or not talktime.node.key_ring.knows(credential)

    def read_at_once(self, credential: str) -> Caller | None:
        """The caller whose token can be read without waiting for anything; None if `read` has to be asked.

        Raises:
            Unauthorized: this is no valid token.
        """
        if is_secret(credential) or (self._identity is not None and self._identity.signs(credential)):
            return None
        caller = self._read_own(credential)
        return caller if caller.key_id is None else None

    async def read(self, credential: str) -> Caller:
        """The caller who sends this.

        Raises:
            Unauthorized: it is neither a valid token nor a valid key.
            Unavailable: the database, or the keys of the host's identity, are needed and can't be read.
        """
        if is_secret(credential):
            talktime = await self._connector.talktime()
            key = await talktime.use_key(credential)
            return Caller(key.scope.role, key.name, None, key.scope, key.id)
        if self._identity is not None and self._identity.signs(credential):
            return await self._identity.read(credential)
        caller = self._read_own(credential)
        if caller.key_id is not None:
            talktime = await self._connector.talktime()
            if not await talktime.node.key_ring.is_valid(caller.key_id):
                raise Unauthorized("The key that has made this token was revoked.")
        return caller

    def _read_own(self, token: str) -> Caller:
        try:
            return self._tokens.read(token)
        except AnotherSecret:
            self._refusals.warning("token.another_secret", advice=_SAME_FOR_ALL)
            raise
