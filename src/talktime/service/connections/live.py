"""One connection of the live channel, in talktime's own server.

uvicorn's protocol parses all frames of what it receives, before the application has taken the first. This class adds:

    flow control    a frame is parsed when the application has taken the message before, and the answers before are sent
    fragments       at most `FRAGMENTS_MAX` for one message, then 1008
    control frames  `CONTROL_PER_SECOND` on average (pings, pongs), then 1008
    time            the handshake is answered at once; who takes nothing for `STALL_SECONDS` is cut off

    compression     small buffers: see `_COMPRESSION`
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame

from talktime.service.connections.doors import Doors, Ticket
from talktime.service.connections.http import LINGER_SECONDS, PIECE_BYTES, STALL_SECONDS
from talktime.service.connections.refusals import refusal_answer
from talktime.service.http.problems import Unreadable
from talktime.service.live.close_codes import CloseCode
from talktime.service.token_bucket import TokenBucket

FRAGMENTS_MAX: Final = 16
"""How many frames one message may come in. No browser sends more than one for a message of 16 KiB."""

CONTROL_PER_SECOND: Final = 5.0
CONTROL_BURST: Final = 50.0

LATE_BYTES_MAX: Final = 16 * 1024
"""How much is still parsed after the service has sent its close frame, to find the close frame of the other end."""

DISCARD_SECONDS: Final = 1.0
"""How long what comes is thrown away after an error, so that the other end can read the close frame."""

_COMPRESSION: Final = ServerPerMessageDeflateFactory(
    client_no_context_takeover=True, server_max_window_bits=9, compress_settings={"memLevel": 1}
)
"""How messages are compressed (permessage-deflate).

Between two changes a screen receives heartbeats and the ends of leases, which differ in a few digits. A window of 512
bytes holds the last ones, so each costs about 20 bytes instead of 100 to 140. The smallest buffers take about 9 KiB for
each socket; uvicorn's own, for both directions, take 43 KiB. What a screen sends is compressed alone, so that the
service keeps nothing for it between two messages.
"""

TICKET: Final = "talktime.ticket"
"""The name of the connection's `Ticket` among the extensions of its scope."""


class LiveConnection(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket connection, with bounds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        doors: Doors,
        ticket: Ticket | None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn.available_extensions = [_COMPRESSION]
        self.close_timeout = LINGER_SECONDS
        self._doors = doors
        self._ticket = ticket
        self._waiting = bytearray()  # received, and not parsed yet
        self._control = TokenBucket(CONTROL_PER_SECOND, CONTROL_BURST)
        self._late_bytes = 0
        self._is_stalled = False
        self._is_broken_off = False
        self._is_lost = False
        self._stall: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None

    # What the transport calls.

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._is_lost = True
        self._waiting.clear()
        for timer in (self._stall, self._end):
            if timer is not None:
                timer.cancel()
        if self._ticket is not None:
            self._ticket.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, as far as frames may be parsed now. The rest waits, and nothing more is read."""
        if self.close_sent:
            self._late_bytes += len(data)
        if self._late_bytes <= LATE_BYTES_MAX:
            self._waiting += data
            self._parse_waiting()

    def pause_writing(self) -> None:
        """The screen takes nothing at the moment, so nothing more is read from it."""
        super().pause_writing()
        self._is_stalled = True
        self._stall = self._stall or self.loop.call_later(STALL_SECONDS, self.transport.abort)
        self._pause_reading(is_wanted=True)

    def resume_writing(self) -> None:
        """The screen has taken what waited."""
        super().resume_writing()
        self._is_stalled = False
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        self.loop.call_soon(self._parse_waiting)

    # What the server calls.

    def shutdown(self) -> None:
        """Close with 1012, and wait a moment for the close frame of the screen. A second call closes at once.

        If the connection were closed at once, the other end's system could throw the close frame away unread.
        """
        if self.close_sent or not self.handshake_complete:
            super().shutdown()
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": int(CloseCode.RESTARTING)})
        self.conn.send_close(int(CloseCode.RESTARTING))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(DISCARD_SECONDS, self.transport.close)
        self._end_soon()
        self._parse_waiting()

    # What uvicorn's protocol calls on itself.

    async def receive(self) -> ASGIReceiveEvent:
        """The next message for the application."""
        message = await self.queue.get()
        if self.queue.empty():
            self.loop.call_soon(self._parse_waiting)
        return message

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message of the application."""
        if self._is_broken_off:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.close":
            # The other end's close frame may wait already, behind messages that are thrown away now.
            self._late_bytes += len(self._waiting)
            if self._late_bytes > LATE_BYTES_MAX:
                self._waiting.clear()
            self.loop.call_soon(self._parse_waiting)

    def send_receive_event_to_app(self) -> None:
        """Give a whole message to the application. Until it is taken, the next frames wait."""
        # The base class would pause reading now. Reading goes on while no frame waits, because only reading shows that
        # the screen has gone.
        was_paused, self.read_paused = self.read_paused, True
        super().send_receive_event_to_app()
        self.read_paused = was_paused

    def handle_connect(self, event: Any) -> None:
        """Answer a handshake. The application finds the connection's ticket in its scope."""
        super().handle_connect(event)
        if self.handshake_initiated and not self.close_sent:
            cast("dict[str, Any]", self.scope["extensions"])[TICKET] = self._ticket

    def handle_cont(self, event: Frame) -> None:
        """The next fragment of a message."""
        super().handle_cont(event)
        if len(self.frames) > FRAGMENTS_MAX:
            self._break_off("too many fragments")

    def handle_ping(self) -> None:
        """A ping of the protocol. Its pong is sent, unless there are too many pings."""
        if self._admit_control():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """A pong of the protocol. Nobody has asked for a pong."""
        if self._admit_control():
            super().handle_pong(event)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The application has ended. The rest of its messages must be sent within a short time."""
        super().on_task_complete(task)
        self._end_soon()

    def _parse_waiting(self) -> None:
        while self._waiting and not self._is_full():
            piece = bytes(self._waiting[:PIECE_BYTES])
            del self._waiting[:PIECE_BYTES]
            super().data_received(piece)
            if not self.handshake_initiated and self.conn.handshake_exc is not None:
                self._refuse_handshake()
        if self.transport.is_closing():
            self._waiting.clear()
            return
        self._pause_reading(is_wanted=self._is_stalled or bool(self._waiting))

    def _is_full(self) -> bool:
        """Whether nothing may be parsed now: the application or the screen has not taken all yet."""
        if self._is_lost or self.transport.is_closing():
            return True
        if self.close_sent or not self.handshake_initiated:
            return False
        return self._is_stalled or not self.queue.empty()

    def _pause_reading(self, *, is_wanted: bool) -> None:
        if is_wanted != self.read_paused and not self.transport.is_closing():
            self.read_paused = is_wanted
            if is_wanted:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _admit_control(self) -> bool:
        if not self._control.take():
            return True
        self._break_off("too many control frames")
        return False

    def _break_off(self, reason: str) -> None:
        """Close the connection of somebody who breaks the rules of the service."""
        if self.close_sent:
            return
        host = self.client[0] if self.client else None
        self._doors.log.warning("service.socket_broken_off", reason=reason, address=host)
        self.conn.fail(int(CloseCode.BROKEN_RULE), reason)
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """End a connection whose frames can't be read further. The close frame has been made, and is sent here."""
        close = self.conn.close_sent
        code, reason = (close.code, close.reason) if close is not None else (1006, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.frames = []
        self._discard(DISCARD_SECONDS)

    def _refuse_handshake(self) -> None:
        self.handshake_complete = True
        self.transport.write(refusal_answer(Unreadable("The handshake of the WebSocket can't be read.")))
        self._discard(DISCARD_SECONDS)

    def _discard(self, seconds: float) -> None:
        """Throw away what still comes, and close after some seconds.

        If the connection were closed at once, the other end's system could throw the close frame away unread.
        """
        self.close_sent = True
        self._is_broken_off = True
        self._late_bytes = LATE_BYTES_MAX + 1
        self._waiting.clear()
        self.close_timer = self.close_timer or self.loop.call_later(seconds, self.transport.close)
        self._end = self._end or self.loop.call_later(seconds + LINGER_SECONDS, self.transport.abort)
        self._pause_reading(is_wanted=False)

    def _end_soon(self) -> None:
        self._end = self._end or self.loop.call_later(LINGER_SECONDS, self.transport.abort)
