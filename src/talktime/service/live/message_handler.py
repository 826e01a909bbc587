"""Does what the messages of one screen ask for, and answers what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog
from pydantic import ValidationError

from talktime.core.errors import InvalidRequest, TalktimeError, Unavailable
from talktime.service.http.access import NotOwned, acting_party, require_owner
from talktime.service.http.problems import ServerError, invalid_request, to_refusal
from talktime.service.live.close_codes import CloseCode
from talktime.service.live.receiving import (
    ChatMessage,
    HelloMessage,
    TextMessage,
    TypingMessage,
    WatchMessage,
    parse_message,
)
from talktime.service.live.send_queue import SendQueue
from talktime.service.live.sending import pong_message, problem_message, text_message
from talktime.service.live.sign_in import SignIn
from talktime.service.live.typing_signs import TypingSigns
from talktime.service.live.watches import Watcher, Watches
from talktime.service.metrics import Metrics
from talktime.service.tokens import Caller
from talktime.talktime import Talktime

_HELLO: Final = "hello"

C0_MAX: Final = 2**53
"""The largest reading of a browser's clock, in milliseconds. NaN is not below it either."""

_log = structlog.get_logger(__name__)


class MessageHandler:
    """Handles one message after the other. No message can end the socket by an error."""

    def __init__(
        self,
        talktime: Talktime,
        watcher: Watcher,
        queue: SendQueue,
        sign_in: SignIn,
        watches: Watches,
        typing: TypingSigns,
        metrics: Metrics,
    ) -> None:
        self._talktime = talktime
        self._watcher = watcher
        self._queue = queue
        self._sign_in = sign_in
        self._watches = watches
        self._typing = typing
        self._metrics = metrics

    def handle_at_once(self, text: str | None, arrived_ms: float) -> Mapping[str, object] | None:
        """Do what a message asks for, if that needs no database.

        Args:
            text: the frame; None for a frame of bytes.
            arrived_ms: engine time at which the frame came.

        Returns:
            The message, if it is for `handle`.
        """
        if text == "" and (self._sign_in.caller is not None or self._sign_in.is_waiting):
            self._queue.answer({})
            return None
        message: dict[str, object] = {}
        with self._answering(message):
            message.update(parse_message(text))
            match message.get("type"):
                case "hello" if self._sign_in.accept_at_once(HelloMessage.model_validate(message).token):
                    pass
                case "ping" if self._sign_in.caller is not None:
                    self._pong(message.get("c0"), arrived_ms)
                case "heartbeat" if self._sign_in.caller is not None:
                    pass  # it only proves presence, and every message does so on arrival
                case _:
                    return message
        return None

    async def handle(self, message: Mapping[str, object], arrived_ms: float) -> None:
        """Do what a message asks for. `arrived_ms` is engine time at which the message came."""
        with self._answering(message):
            await self._dispatch(message, arrived_ms)

    async def sign_in(self, token: str) -> None:
        """Sign in with the token of the connection itself."""
        with self._answering({"type": _HELLO}):
            await self._sign_in.accept(token)

    @contextmanager
    def _answering(self, message: Mapping[str, object]) -> Iterator[None]:
        """Answer with a problem document whatever goes wrong with the message."""
        try:
            yield
        except NotOwned:
            self._queue.close(CloseCode.NOT_ALLOWED, "this chat belongs to somebody else")
        except ValidationError as error:
            errors = ({**detail, "loc": ("body", *detail["loc"])} for detail in error.errors())
            self.refuse(invalid_request(errors), message)
        except Exception as error:  # noqa: BLE001  a message that fails must not end the socket
            refusal = to_refusal(error)
            if isinstance(refusal, ServerError):
                _log.exception("service.message_failed", type=message.get("type"))
            if isinstance(refusal, Unavailable | ServerError) and message.get("type") in {"watch", _HELLO}:
                # A client does not repeat these on an open socket, but does so on a new one.
                self._queue.close(CloseCode.UNAVAILABLE, refusal.title)
            else:
                self.refuse(refusal, message)

    def refuse(self, error: TalktimeError, message: Mapping[str, object] | None = None) -> None:
        """Answer a message with a problem document that names the chat and the `client_id` of the message."""
        self._metrics.count_refusal(error.code)
        self._queue.answer(problem_message(error, message or {}))

    async def _dispatch(self, message: Mapping[str, object], arrived_ms: float) -> None:
        if message.get("type") == _HELLO:
            await self._sign_in.accept(HelloMessage.model_validate(message).token)
            return
        caller = self._sign_in.caller
        if caller is None:
            self._sign_in.demand()
            return
        match message.get("type"):
            case "ping":  # which came before the sign-in was done
                self._pong(message.get("c0"), arrived_ms)
            case "heartbeat":
                pass
            case "watch":
                await self._watch(caller, WatchMessage.model_validate(message))
            case "unwatch":
                self._watches.remove(ChatMessage.model_validate(message).chat_id)
            case "leave":
                self._watches.remove(ChatMessage.model_validate(message).chat_id, leaving=True)
            case "message":
                await self._send_text(caller, TextMessage.model_validate(message))
            case "typing":
                await self._publish_typing(caller, TypingMessage.model_validate(message))
            case _:
                kinds = "hello, watch, unwatch, leave, ping, heartbeat, message or typing"
                raise InvalidRequest(("type", f"must be {kinds}"))

    def _pong(self, c0: object, arrived_ms: float) -> None:
        if isinstance(c0, bool) or not isinstance(c0, int | float) or not abs(c0) < C0_MAX:
            raise InvalidRequest(("c0", "must be a number of milliseconds"))
        presence = self._talktime.node.presence
        clock_error_ms = self._talktime.node.clock.error_ms()
        leases = presence.leases(self._watcher)
        self._queue.answer(pong_message(c0, arrived_ms, clock_error_ms, presence.epoch, leases))

    async def _watch(self, caller: Caller, body: WatchMessage) -> None:
        await require_owner(self._talktime, caller, "chat", body.chat_id)
        await self._watches.add(body.chat_id, self._sign_in.party if body.presence else None)

    async def _send_text(self, caller: Caller, body: TextMessage) -> None:
        await require_owner(self._talktime, caller, "chat", body.chat_id)
        sender = acting_party(caller, body.party)
        message, created = await self._talktime.send_message(
            body.chat_id, sender, body.text, body.client_id, by=caller.role
        )
        if not created or body.chat_id not in self._watches:
            # The feed does not bring the message to this screen, which waits for the answer.
            self._queue.answer(text_message(message))

    async def _publish_typing(self, caller: Caller, body: TypingMessage) -> None:
        await require_owner(self._talktime, caller, "chat", body.chat_id)
        parties = await self._talktime.chat_parties(body.chat_id)  # a backend may name any chat, but it must exist
        party = acting_party(caller, body.party)
        if self._typing.is_due(body.chat_id, party):
            self._talktime.node.feed.publish_typing(parties.user_id, body.chat_id, party)
