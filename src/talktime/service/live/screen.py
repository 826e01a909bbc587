"""One live socket, from its connection to its end.

A screen signs in (`hello`, or a subprotocol) and names the chats that it watches. The service sends each watched chat's
snapshot, and then every change, message and sign of typing. The service sends no ticks.

    accept -> hello within 10 s -> watch, ping, heartbeat, message, typing, leave … -> close

A chat that does not exist is a problem of that chat alone, and the screen goes on with its other chats. A chat of
somebody else closes the socket, because no honest page asks for one.

    receiving        the messages that a screen sends
    message_handler  does what they ask for
    sending          the messages that the service sends
    send_queue       sends them, in order
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from talktime.core.errors import RateLimited, TooLarge
from talktime.core.record import Party
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.service.budgets import Budgets
from talktime.service.connections.doors import Ticket
from talktime.service.credentials import Credentials
from talktime.service.live.close_codes import CloseCode
from talktime.service.live.message_handler import MessageHandler
from talktime.service.live.message_limit import Admission, MessageLimit
from talktime.service.live.send_queue import SendQueue
from talktime.service.live.sending import (
    heartbeat_message,
    leases_message,
    snapshot_message,
    text_message,
    typing_message,
)
from talktime.service.live.sign_in import SignIn
from talktime.service.live.typing_signs import TypingSigns
from talktime.service.live.watches import Watches
from talktime.service.metrics import Metrics
from talktime.talktime import Talktime

FRAME_BYTES_MAX: Final = 16 * 1024

WAITING_MAX: Final = 100
"""How many messages of one screen may wait for those before them."""

_log = structlog.get_logger(__name__)


class Screen:
    """The service's end of one live socket. `SocketLeases` and `Feed` call its public methods."""

    def __init__(self, websocket: WebSocket, talktime: Talktime, ticket: Ticket) -> None:
        credentials: Credentials = websocket.app.state.credentials
        metrics: Metrics = websocket.app.state.metrics
        budgets: Budgets = websocket.app.state.budgets
        typing: TypingSigns = websocket.app.state.typing
        host = websocket.client.host if websocket.client else None
        on_screens: Callable[[str], None] | None = websocket.app.state.on_screens
        self._websocket = websocket
        self._talktime = talktime
        self._queue = SendQueue(websocket, talktime.node.clock.now_ms)
        self._sign_in = SignIn(credentials, talktime.node.key_ring, budgets, ticket, host, self._queue.close)
        self._watches = Watches(talktime, self, self._send_snapshot, on_screens)
        self._handler = MessageHandler(talktime, self, self._queue, self._sign_in, self._watches, typing, metrics)
        self._limit = MessageLimit(self._take_from_budget)
        self._budgets, self._host, self._has_heard = budgets, host, False
        self._waiting: asyncio.Queue[tuple[Mapping[str, object], float]] = asyncio.Queue(WAITING_MAX)
        self._received_at = time.monotonic()
        self._lease_seconds = float(talktime.settings.presence_lease_seconds)
        self._next_check = asyncio.get_running_loop().call_later(self._lease_seconds / 3, self._check_silence)

    async def run(self, token: str | None) -> CloseCode | None:
        """Serve the screen until one end closes the socket.

        Args:
            token: the token of the subprotocol, if there was one.

        Returns:
            The close code, if this end closed the socket.
        """
        if token is not None:
            await self._handler.sign_in(token)
        writer = asyncio.create_task(self._queue.write())
        reader = asyncio.create_task(self._read())
        worker = asyncio.create_task(self._handle())
        tasks = (writer, reader, worker)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._queue.is_closing:
                await asyncio.wait({writer})
        finally:
            self._sign_in.end()
            self._next_check.cancel()
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            self._watches.remove_all()
            for outcome in outcomes:
                if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect | TimeoutError):
                    _log.error("service.socket_failed", exc_info=outcome)
        return self._queue.close_code

    # What `Feed` calls.

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """A watched chat changed."""
        self._talktime.node.presence.learn(snapshot)
        self._watches.send_change(snapshot)

    def on_message(self, message: Message) -> None:
        """A text was sent in a watched chat."""
        self._queue.share(("message", message.chat_id), text_message(message))

    def on_typing(self, chat_id: str, party: Party) -> None:
        """A party is typing in a watched chat."""
        if self._sign_in.party != party:
            self._queue.share(("typing", chat_id, party), typing_message(chat_id, party), newest_only=True)

    # What `SocketLeases` calls.

    def send_heartbeat(self, leases: dict[str, int], now_ms: float, epoch: str) -> None:
        """Ask whether somebody is there, and tell when the leases end."""
        self._queue.share(("heartbeat",), heartbeat_message(leases, now_ms, epoch), newest_only=True)

    def send_leases(self, leases: dict[str, int]) -> None:
        """Tell when the leases end, because they were renewed."""
        self._queue.share(("leases",), leases_message(leases), newest_only=True)

    def lost(self) -> None:
        """Close the socket, because nothing was received for a whole lease."""
        self._queue.close(CloseCode.LOST, "nothing was received for a whole lease")

    def _send_snapshot(self, snapshot: Snapshot) -> None:
        caller = self._sign_in.caller
        snapshot = snapshot if caller is None else snapshot.seen_by(caller.role)
        self._queue.share(("snapshot", snapshot.chat_id), snapshot_message(snapshot))

    async def _read(self) -> None:
        """Receive messages until one end closes the socket. What proves presence counts on arrival."""
        while not self._queue.is_closing:
            frame = await self._websocket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            arrived_ms = self._talktime.node.clock.now_ms()
            self._received_at = time.monotonic()
            text = frame.get("text")
            # No screen learns in time of the lease that an empty frame would renew: the next heartbeat may never come.
            if self._sign_in.party is not None and text != "":
                self._talktime.node.presence.prove(self)
            if len(text or frame.get("bytes") or "") > FRAME_BYTES_MAX:
                self._queue.close(CloseCode.MESSAGE_TOO_LARGE, TooLarge.title)
            elif self._is_admitted():
                self._take(text, arrived_ms)

    def _take(self, text: str | None, arrived_ms: float) -> None:
        """Handle a message now, or after those that wait. The next frames are received meanwhile."""
        message = self._handler.handle_at_once(text, arrived_ms)
        if message is None:
            return
        if self._waiting.full():
            self._handler.refuse(RateLimited("Too many messages wait here: this message was dropped."), message)
        else:
            self._waiting.put_nowait((message, arrived_ms))

    async def _handle(self) -> None:
        """Handle the messages that need the database, one after the other."""
        while True:
            message, arrived_ms = await self._waiting.get()
            await self._handler.handle(message, arrived_ms)

    def _take_from_budget(self) -> float:
        """Count a message for its caller; what `Budgets.take` returns.

        The first message signs in. `SignIn` counts it, for the person who signs in: others at the same address must not
        be able to keep somebody with a token out.
        """
        is_first, self._has_heard = not self._has_heard, True
        if self._sign_in.caller is None and (is_first or self._sign_in.is_waiting):
            return 0.0
        return self._budgets.take(self._sign_in.caller, self._host)

    def _is_admitted(self) -> bool:
        admission = self._limit.admit()
        if admission is Admission.REFUSED:
            self._handler.refuse(RateLimited("Too many messages at once: this message was dropped. Send fewer."))
        elif admission is Admission.FLOOD:
            self._queue.close(CloseCode.FLOODING, RateLimited.title)
        return admission is Admission.ADMITTED

    def _check_silence(self) -> None:
        """Close the socket if it was silent for a whole lease; otherwise send a heartbeat.

        `SocketLeases` does both for sockets that hold leases, this method for all other sockets that are signed in.
        """
        self._next_check = asyncio.get_running_loop().call_later(self._lease_seconds / 3, self._check_silence)
        if self._sign_in.caller is None or self._watches.has_presence:
            return
        if time.monotonic() - self._received_at > self._lease_seconds:
            self.lost()
        else:
            presence = self._talktime.node.presence
            self.send_heartbeat(presence.leases(self), 0, presence.epoch)
