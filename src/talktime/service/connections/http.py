"""One HTTP connection of talktime's own server.

uvicorn's protocol on httptools, which parses in C, has no bound on the size of a head, no deadline for a request, and
reads as many requests as come. This class adds what is missing:

    head        at most `HEAD_BYTES_MAX` bytes and `HEADERS_MAX` headers, then 431
    chunks      a body comes in at most `CHUNKS_MAX` chunks, then 413
    time        head and body must each arrive within the setting `request_seconds`, then 408
    pipelining  the next request is parsed when the one before is answered; until then it waits in the kernel
    answers     a client that takes nothing for `STALL_SECONDS` is cut off

httptools gives no way to stop in the middle of what it is fed. So it is fed small pieces, and what is fed between two
signs of progress (the end of a head, a part of a body) is counted.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from talktime.core.errors import TalktimeError, TooLarge
from talktime.service.connections.doors import Doors, Ticket
from talktime.service.connections.refusals import refusal_answer
from talktime.service.http.problems import HeadTooLarge, TooSlow, Unreadable

HEAD_BYTES_MAX: Final = 64 * 1024
"""The largest head of a request: the request line and all headers. The same bound holds for the trailers of a body."""

HEADERS_MAX: Final = 100

CHUNKS_MAX: Final = 2_000
"""The largest number of chunks of a body. Each takes its time, however small it is."""

PIECE_BYTES: Final = 1024
"""How much is parsed at once. A piece can contain some dozens of pipelined requests."""

STALL_SECONDS: Final = 60.0
"""How long a client may take nothing of an answer, or of a message of the live channel, that waits for it."""

LINGER_SECONDS: Final = 5.0
"""How long a connection that is closed may take to send what is left.

After a refusal, what the client still sends is read and thrown away for this long. Otherwise the client's system would
throw the answer away unread.
"""


class HttpConnection(HttpToolsProtocol):
    """uvicorn's HTTP connection, with bounds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        doors: Doors,
        request_seconds: float,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._doors = doors
        self._request_seconds = request_seconds
        self._ticket: Ticket | None = None
        self._waiting = bytearray()  # received, and not parsed yet
        self._fed_bytes = 0  # since the last progress
        self._has_progress = False
        self._chunks = 0  # of the body that is being read
        self._is_request_open = False
        self._is_head_complete = False
        self._refusal: TalktimeError | None = None
        self._is_handed_over = False
        self._is_lost = False
        self._is_paused = False
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the connection in, unless there are too many."""
        super().connection_made(cast("asyncio.Transport", transport))
        self.flow = _Flow(self.transport, self)
        self._ticket = self._doors.enter(self.client[0] if self.client else None)
        if self._ticket is None:
            self.transport.abort()
            return
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._is_lost = True
        self._clear_deadline()
        self._cancel_timers()
        self._waiting.clear()
        if self._ticket is not None:
            self._ticket.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, as far as requests may be parsed now. The rest waits, and nothing more is read."""
        if self._refusal is None and not self.transport.is_closing():
            self._waiting += data
            self.parse_waiting()

    def pause_writing(self) -> None:
        """The client takes nothing of the answer at the moment."""
        super().pause_writing()
        self._stall = self._stall or self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken what waited."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._is_request_open = True
        self._is_head_complete = False
        self._chunks = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer after the body. Trailers are ignored: nothing may change a head that has been read."""
        if self._is_head_complete:
            return
        if len(self.headers) >= HEADERS_MAX:
            self._refusal = HeadTooLarge(f"The request has more than {HEADERS_MAX} headers.")
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._has_progress = True
        if self._refusal is None:
            self._is_head_complete = True
            super().on_headers_complete()
            self._set_deadline()

    def on_chunk_header(self) -> None:
        """The size of the next chunk of a body."""
        self._has_progress = True
        self._chunks += 1
        if self._chunks > CHUNKS_MAX + 1:  # the last one is empty, and ends the body
            self._refusal = self._refusal or TooLarge(f"The body comes in more than {CHUNKS_MAX} chunks.")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._has_progress = True
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._has_progress = True
        self._is_request_open = False
        self._clear_deadline()
        if self._refusal is None:
            super().on_message_complete()

    # What uvicorn's protocol calls on itself.

    def on_response_complete(self) -> None:
        """A request is answered: the next one may be parsed."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._end_soon()

    def timeout_keep_alive_handler(self) -> None:
        """No request has come for a while."""
        super().timeout_keep_alive_handler()
        self._end_soon()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the protocol of the live channel."""
        self._clear_deadline()
        if self._is_answering:
            self._refuse(Unreadable("An upgrade must wait for the answers to earlier requests."))
            return
        self._is_handed_over = True
        self._waiting.clear()
        self.connections.discard(self)
        ticket, self._ticket = self._ticket, None
        head = [self.scope["method"].encode(), b" ", self.url, b" HTTP/1.1\r\n"]
        for name, value in self.scope["headers"]:
            head += [name, b": ", value, b"\r\n"]
        protocol = cast("Any", self.config.ws_protocol_class)(
            config=self.config, server_state=self.server_state, app_state=self.app_state, ticket=ticket
        )
        protocol.connection_made(self.transport)
        protocol.data_received(b"".join([*head, b"\r\n"]))
        self.transport.set_protocol(protocol)

    def parse_waiting(self) -> None:
        """Parse what waits, until nothing waits or the connection is full."""
        while self._waiting and not self._is_full():
            piece = bytes(self._waiting[:PIECE_BYTES])
            del self._waiting[:PIECE_BYTES]
            self._has_progress = False
            self._feed(piece)
            if self._is_handed_over:
                return
            self._fed_bytes = 0 if self._has_progress else self._fed_bytes + len(piece)
            if self._fed_bytes > HEAD_BYTES_MAX:
                self._refusal = HeadTooLarge(f"The head of the request is larger than {HEAD_BYTES_MAX // 1024} KiB.")
            if self._refusal is not None:
                self._refuse(self._refusal)
        if self.transport.is_closing() or self._refusal is not None:
            return
        if self._deadline is None and (self._is_request_open or self._fed_bytes):
            self._set_deadline()
        # While nothing waits, reading goes on, because only reading shows that the client has gone.
        self._pause_reading(is_wanted=bool(self._waiting))

    def _feed(self, piece: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # Another upgrade than WebSocket is ignored, and the request has been answered like any other.
            if self._should_upgrade():
                self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            self._refusal = self._refusal or Unreadable("This is not HTTP, or not the HTTP that a client may send.")

    @property
    def _is_answering(self) -> bool:
        return self._cycle is not None and not self._cycle.response_complete

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The latest request; None before the first. uvicorn declares it without the None."""
        return self.cycle

    def _is_full(self) -> bool:
        """Whether nothing may be parsed now: a request is being answered, or its body waits for the application."""
        if self._is_lost or self.transport.is_closing() or self._refusal is not None or self.pipeline:
            return True
        if not self._is_answering:
            return False
        return not self.cycle.more_body or len(self.cycle.body) > HIGH_WATER_LIMIT

    def _pause_reading(self, *, is_wanted: bool) -> None:
        if is_wanted != self._is_paused:
            self._is_paused = is_wanted
            if is_wanted:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    # Deadlines and the end.

    def give_way(self) -> None:
        """The node is full, and this client is late."""
        self._clear_deadline()
        self.transport.abort()

    def _set_deadline(self) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(self._request_seconds, self._give_up)
        self._doors.wait_for(self)

    def _clear_deadline(self) -> None:
        self._doors.wait_no_longer(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        """The head or the body of a request did not arrive in time."""
        host = self.client[0] if self.client else None
        self._doors.log.warning("service.request_too_slow", address=host, has_sent=self._is_request_open)
        if self._is_request_open or self._fed_bytes:
            self._refuse(TooSlow(f"The request was not complete within {self._request_seconds:g} s."))
        else:
            self.transport.close()
            self._end_soon()

    def _refuse(self, error: TalktimeError) -> None:
        """Answer with a refusal, unless an answer has begun, and close the connection."""
        self._refusal = error
        self._waiting.clear()
        self._unset_keepalive_if_required()
        self._clear_deadline()
        is_answered = self._is_head_complete and self.cycle.response_started
        if self._is_answering:
            # The application must not wait for the rest of the body, nor answer a second time.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not is_answered:
            self.transport.write(refusal_answer(error))
        self._pause_reading(is_wanted=False)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._end_soon()

    def _end_soon(self) -> None:
        self._clear_deadline()
        self._end = self._end or self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _cancel_timers(self) -> None:
        for timer in (self._stall, self._end):
            if timer is not None:
                timer.cancel()


class _Flow(FlowControl):
    """uvicorn pauses and resumes reading for each request alone; here the connection decides for all of them."""

    def __init__(self, transport: asyncio.Transport, connection: HttpConnection) -> None:
        super().__init__(transport)
        self._connection = connection

    def pause_reading(self) -> None:
        """The connection pauses by itself, after each piece."""

    def resume_reading(self) -> None:
        """The application waits for a body, or has answered: go on as soon as it has taken what is there."""
        self._connection.loop.call_soon(self._connection.parse_waiting)
