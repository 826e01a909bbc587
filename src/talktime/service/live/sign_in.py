"""The sign-in of one live socket: who, and until when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from talktime.core.errors import Forbidden, InvalidRequest, RateLimited, Unauthorized
from talktime.core.record import Party
from talktime.core.scopes import require_scope
from talktime.service.budgets import Budgets
from talktime.service.connections.doors import Ticket
from talktime.service.credentials import Credentials
from talktime.service.live.close_codes import CloseCode
from talktime.service.tokens import Caller

if TYPE_CHECKING:
    from talktime.node.key_ring import KeyRing

HELLO_SECONDS: Final = 10.0


class SignIn:
    """Closes the socket if no sign-in comes in time, when the token expires, or when its key is revoked.

    Attributes:
        caller: who is signed in; None before the first `hello`.
        party: the party whose presence the screen proves; None for a backend and for an operator.
        is_waiting: whether somebody is signing in, which takes a moment.
    """

    def __init__(
        self,
        credentials: Credentials,
        key_ring: KeyRing,
        budgets: Budgets,
        ticket: Ticket,
        host: str | None,
        close: Callable[[CloseCode, str], None],
    ) -> None:
        self._credentials = credentials
        self._key_ring = key_ring
        self._budgets = budgets
        self._ticket = ticket
        self._host = host
        self._close = close
        self.caller: Caller | None = None
        self.party: Party | None = None
        self.is_waiting = False
        self._is_over = False
        self._deadline = asyncio.get_running_loop().call_later(HELLO_SECONDS, self.demand)

    def accept_at_once(self, token: str) -> bool:
        """Sign in as `accept` does, if this is possible without waiting. Returns whether it was possible.

        Raises:
            InvalidRequest: somebody else is signed in on this socket.
        """
        try:
            caller = self._credentials.read_at_once(token)
        except Unauthorized as error:
            self._close(CloseCode.SIGN_IN, error.detail)
            return True
        self.is_waiting = caller is None
        if caller is not None:
            self._admit(caller)
        return not self.is_waiting

    async def accept(self, token: str) -> None:
        """Sign in with a token or an access key, or extend the stay by a newer token of the same person.

        An invalid token closes the socket, and so does a person who has too many sockets already.

        Raises:
            InvalidRequest: somebody else is signed in on this socket.
            RateLimited: too many keys that were not seen before came from this address.
            Unavailable: a key can't be checked now.
        """
        try:
            # The database is asked for a key, so keys that somebody makes up are counted before that.
            if self._credentials.is_new_key(token) and self._budgets.take(None, self._host):
                raise RateLimited("Too many requests at once; wait a moment.")
            caller = await self._credentials.read(token)
            require_scope(caller.scope, "GET", None)  # to watch a chat is to read
        except Unauthorized as error:
            self._close(CloseCode.SIGN_IN, error.detail)
            return
        except Forbidden as error:
            self._close(CloseCode.NOT_ALLOWED, error.detail)
            return
        finally:
            self.is_waiting = False
        if not self._is_over:  # otherwise the socket was closed meanwhile
            self._admit(caller)

    def demand(self) -> None:
        """Close the socket because nobody is signed in."""
        self._close(CloseCode.SIGN_IN, "say hello first")

    def end(self) -> None:
        """The socket is closed."""
        self._is_over = True
        self._deadline.cancel()
        self._forget_key()
        if self.caller is not None:
            self._budgets.close_socket(self.caller)

    def _admit(self, caller: Caller) -> None:
        if self.caller is not None and self.caller.name != caller.name:
            raise InvalidRequest(
                ("token", "must be a token of the same person; open another socket for another person")
            )
        if self.caller is None and not self._budgets.open_socket(caller):
            self._close(CloseCode.FLOODING, "too many sockets of one person")
            return
        self._budgets.take(caller, self._host)  # a sign-in counts, and is not refused
        self._ticket.vouch()
        self._forget_key()
        self.caller = caller
        if caller.key_id is not None:
            self._key_ring.add_socket(caller.key_id, self._on_revoked)
        self.party = Party(caller.role.value) if caller.is_person else None
        self._deadline.cancel()
        if caller.expires_at is not None:
            left_seconds = max(0.0, caller.expires_at - time.time())
            self._deadline = asyncio.get_running_loop().call_later(
                left_seconds, self._close, CloseCode.SIGN_IN, "the token has expired"
            )

    def _on_revoked(self) -> None:
        self._close(CloseCode.SIGN_IN, "the key was revoked")

    def _forget_key(self) -> None:
        if self.caller is not None and self.caller.key_id is not None:
            self._key_ring.remove_socket(self.caller.key_id, self._on_revoked)
