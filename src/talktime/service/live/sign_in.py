"""Who is signed in on one live socket, and until when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from talktime.core.errors import InvalidRequest, Unauthorized
from talktime.core.record import Party
from talktime.service.live.close_codes import CloseCode
from talktime.service.tokens import Caller, Tokens

HELLO_SECONDS: Final = 10.0


class SignIn:
    """Closes the socket if no sign-in comes in time, or when the token expires.

    Attributes:
        caller: who is signed in; None before the first `hello`.
        party: the party whose presence the screen proves; None for a backend and for an operator.
    """

    def __init__(self, tokens: Tokens, close: Callable[[CloseCode, str], None]) -> None:
        self._tokens = tokens
        self._close = close
        self.caller: Caller | None = None
        self.party: Party | None = None
        self._deadline = asyncio.get_running_loop().call_later(HELLO_SECONDS, self.demand)

    def accept(self, token: str) -> None:
        """Sign in, or extend the stay by a newer token of the same person. An invalid token closes the socket.

        Raises:
            InvalidRequest: somebody else is signed in on this socket.
        """
        try:
            caller = self._tokens.read(token)
        except Unauthorized as error:
            self._close(CloseCode.SIGN_IN, error.detail)
            return
        if self.caller is not None and self.caller.name != caller.name:
            raise InvalidRequest(
                ("token", "must be a token of the same person; open another socket for another person")
            )
        self.caller = caller
        self.party = Party(caller.role.value) if caller.is_person else None
        self.cancel_deadline()
        left_seconds = max(0.0, caller.expires_at - time.time())
        self._deadline = asyncio.get_running_loop().call_later(
            left_seconds, self._close, CloseCode.SIGN_IN, "the token has expired"
        )

    def demand(self) -> None:
        """Close the socket because nobody is signed in."""
        self._close(CloseCode.SIGN_IN, "say hello first")

    def cancel_deadline(self) -> None:
        """Do not close the socket later."""
        self._deadline.cancel()
