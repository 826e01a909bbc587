"""The live channel: one socket per screen.

A screen says who it is (`hello`, or a subprotocol), which chats it watches, and that somebody is there; it is sent each
watched chat's snapshot and then every change of it, messages and typing. Nothing ticks.

    accept -> hello within 10 s -> watch, ping, heartbeat, message, typing … -> close

A chat that doesn't exist is a problem of that chat alone: the others of the page go on. Somebody else's closes the
socket, since no honest page asks for one.

`close_codes` says why a socket is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from fastapi import APIRouter
from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from talktime.core.errors import InvalidRequest, RateLimited, TalktimeError, TooLarge, Unauthorized, Unavailable
from talktime.core.ids import is_id
from talktime.core.instants import instant
from talktime.core.payer import Party
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot
from talktime.service.http.access import NotYours, require_own
from talktime.service.http.chats import party_of
from talktime.service.http.origins import is_welcome
from talktime.service.http.problems import ServerError, invalid_request, refused
from talktime.service.live.close_codes import CloseCode
from talktime.service.live.receiving import About, Hello, Saying, Turnstile, Typing, Verdict, parse
from talktime.service.live.sending import Outbox
from talktime.service.live.watched import Watched
from talktime.service.metrics import Metrics
from talktime.service.opening import opening_of
from talktime.service.tokens import Caller, Tokens
from talktime.talktime import Talktime

SUBPROTOCOL: Final = "bearer."
HELLO_SECONDS: Final = 10.0
FRAME_BYTES_MAX: Final = 16 * 1024
WATCHES_MAX: Final = 200
C0_MAX: Final = 2**53  # a browser's clock, in milliseconds; NaN is not below it

router = APIRouter(prefix="/v1")
_log = structlog.get_logger(__name__)


@router.websocket("/live")
async def live(websocket: WebSocket) -> None:
    """One screen, from its connection to its end."""
    offered = next((name for name in websocket.scope["subprotocols"] if name.startswith(SUBPROTOCOL)), None)
    await websocket.accept(offered)
    if not is_welcome(websocket):
        # Accepted first: a browser tells a page nothing of a handshake that was refused, so it would try for ever.
        await websocket.close(CloseCode.NOT_ALLOWED, "this site is not among TALKTIME_ORIGINS")
        return
    try:
        talktime = await opening_of(websocket).talktime()
    except Unavailable as error:
        await websocket.close(CloseCode.UNAVAILABLE, error.title)
        return
    metrics: Metrics = websocket.app.state.metrics
    with metrics.sockets.track_inprogress():
        code = await Screen(websocket, talktime).run(offered)
    if code is not None:
        metrics.count_close(code)


class Screen:
    """The server's end of one live socket; also what `Presence` and `Feed` call back."""

    def __init__(self, websocket: WebSocket, talktime: Talktime) -> None:
        self._websocket = websocket
        self._talktime = talktime
        self._tokens: Tokens = websocket.app.state.tokens
        self._metrics: Metrics = websocket.app.state.metrics
        self._on_screens: Callable[[str], None] | None = websocket.app.state.on_screens
        self._outbox = Outbox(websocket, talktime.node.clock.now_ms)
        self._caller: Caller | None = None
        self._party: Party | None = None  # whose presence this screen proves
        self._watched = Watched(self._send_snapshot)
        self._turnstile = Turnstile()
        self._heard_at = time.monotonic()
        self._lease_seconds = float(talktime.settings.presence_lease_seconds)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(HELLO_SECONDS, self._outbox.close, CloseCode.SIGN_IN, "say hello first")
        self._beat = loop.call_later(self._lease_seconds / 3, self._on_beat)

    async def run(self, subprotocol: str | None) -> int | None:
        """Serve the screen until either end closes; the code if it was this end."""
        if subprotocol is not None:
            self._sign_in(subprotocol.removeprefix(SUBPROTOCOL))
        writer = asyncio.create_task(self._outbox.write())
        reader = asyncio.create_task(self._read())
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
            if self._outbox.is_closing:
                await asyncio.wait({writer})
        finally:
            self._deadline.cancel()
            self._beat.cancel()
            for task in (writer, reader):
                task.cancel()
            await self._leave()
            for outcome in await asyncio.gather(writer, reader, return_exceptions=True):
                if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect | TimeoutError):
                    _log.error("service.socket_failed", exc_info=outcome)
        return self._outbox.close_code

    # What Presence and Feed call back: plain calls, on the loop.

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """A watched chat changed."""
        self._talktime.node.presence.learn(snapshot)
        self._watched.change(snapshot)

    def on_message(self, message: Message) -> None:
        """Somebody said something in a watched chat."""
        self._outbox.put({"type": "message", "chat_id": message.chat_id, "message": message.document()})

    def on_typing(self, chat_id: str, party: Party) -> None:
        """Somebody is writing in a watched chat."""
        if self._party != party:
            self._outbox.put({"type": "typing", "chat_id": chat_id, "party": str(party)})

    def send_heartbeat(self, leases: dict[str, int], now_ms: float, epoch: str) -> None:
        """Presence asks whether somebody is there, and tells how long it counts on it."""
        self._outbox.put({"type": "heartbeat", "s2": now_ms, "epoch": epoch, "leases": _instants(leases)})

    def lost(self) -> None:
        """Nothing was heard for a whole lease."""
        self._outbox.close(CloseCode.LOST, "nothing heard for a whole lease")

    # What the screen says.

    async def _read(self) -> None:
        while not self._outbox.is_closing:
            frame = await self._websocket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            arrived_ms = self._talktime.node.clock.now_ms()
            self._heard_at = time.monotonic()
            if self._party is not None:
                self._talktime.node.presence.prove(self)
            text = frame.get("text")
            if len(text or frame.get("bytes") or "") > FRAME_BYTES_MAX:
                self._outbox.close(CloseCode.MESSAGE_TOO_LARGE, TooLarge.title)
            elif self._is_admitted():
                await self._take(text, arrived_ms)

    def _is_admitted(self) -> bool:
        match self._turnstile.admit():
            case Verdict.TAKEN:
                return True
            case Verdict.REFUSED:
                self._problem(RateLimited("Too many messages at once; this one was dropped. Send fewer."))
            case Verdict.FLOOD:
                self._outbox.close(CloseCode.FLOODING, RateLimited.title)
        return False

    async def _take(self, text: str | None, arrived_ms: float) -> None:
        message: dict[str, Any] = {}
        try:
            message = parse(text)
            await self._obey(message, arrived_ms)
        except NotYours:
            self._outbox.close(CloseCode.NOT_ALLOWED, "not yours")
        except ValidationError as error:
            self._problem(
                invalid_request({**found, "loc": ("body", *found["loc"])} for found in error.errors()),
                message,
            )
        except TalktimeError as error:
            self._problem(error, message)
        except Exception as error:  # noqa: BLE001  one message that fails must not take the screen with it
            problem = refused(error)
            _log.exception("service.message_failed", type=message.get("type"))
            if isinstance(problem, Unavailable | ServerError) and message.get("type") == "watch":
                # A watch that failed is not asked again on an open socket; a new socket will.
                self._outbox.close(CloseCode.UNAVAILABLE, problem.title)
            else:
                self._problem(problem, message)

    async def _obey(self, message: dict[str, Any], arrived_ms: float) -> None:
        kind = message.get("type")
        if kind == "hello":
            self._sign_in(Hello.model_validate(message).token)
            return
        caller = self._caller
        if caller is None:
            self._outbox.close(CloseCode.SIGN_IN, "say hello first")
            return
        match kind:
            case "ping":
                self._pong(message.get("c0"), arrived_ms)
            case "heartbeat":
                pass  # that it came is all it says, and `_read` has noticed
            case "watch":
                await self._watch(caller, About.model_validate(message).chat_id)
            case "unwatch":
                chat_id = About.model_validate(message).chat_id
                if self._forget(chat_id) and self._party is not None:
                    await self._talktime.node.presence.detach(self, chat_id)
                    self._tell(chat_id)
            case "message":
                await self._say(caller, Saying.model_validate(message))
            case "typing":
                typing = Typing.model_validate(message)
                await require_own(self._talktime, caller, "chat", typing.chat_id)
                await self._talktime.chat_parties(typing.chat_id)  # a backend may name any, but not none
                self._talktime.node.feed.publish_typing(typing.chat_id, party_of(caller, typing.party))
            case _:
                raise InvalidRequest(("type", "must be hello, watch, unwatch, ping, heartbeat, message or typing"))

    def _sign_in(self, token: str) -> None:
        """Who is there. A second hello with a newer token of the same person prolongs the stay."""
        try:
            caller = self._tokens.read(token)
        except Unauthorized as error:
            self._outbox.close(CloseCode.SIGN_IN, error.detail)
            return
        if self._caller is not None and self._caller.name != caller.name:
            raise InvalidRequest(("token", "must be of the same person; open another socket for another"))
        self._caller = caller
        self._party = Party(caller.role.value) if caller.is_person else None
        self._deadline.cancel()
        left_seconds = max(0.0, caller.expires_at - time.time())
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(left_seconds, self._outbox.close, CloseCode.SIGN_IN, "this token has expired")

    def _pong(self, c0: object, arrived_ms: float) -> None:
        if isinstance(c0, bool) or not isinstance(c0, int | float) or not abs(c0) < C0_MAX:
            raise InvalidRequest(("c0", "must be a number of milliseconds"))
        presence = self._talktime.node.presence
        leases = _instants(presence.leases(self))
        error_ms = round(self._talktime.node.clock.error_ms(), 2)
        stamps = {"c0": c0, "s1": arrived_ms, "s2": 0, "error_ms": error_ms}
        self._outbox.put({"type": "pong", **stamps, "epoch": presence.epoch, "leases": leases})

    async def _watch(self, caller: Caller, chat_id: str) -> None:
        """Watch a chat; asking again gives the snapshot again."""
        await require_own(self._talktime, caller, "chat", chat_id)
        if chat_id in self._watched:
            self._watched.begin(chat_id)
            self._watched.show(await self._talktime.snapshot(chat_id))
            return
        if len(self._watched) >= WATCHES_MAX:
            raise RateLimited(f"One socket watches at most {WATCHES_MAX} chats. Unwatch some, or open another.")
        # Listening begins before the snapshot is read: no change can fall between the two.
        self._watched.begin(chat_id)
        self._talktime.node.feed.subscribe(chat_id, self)
        try:
            if self._party is not None:
                snapshot = await self._talktime.node.presence.attach(self, chat_id, self._party)
                self._tell(chat_id)
            else:
                snapshot = await self._talktime.snapshot(chat_id)
        except TalktimeError:
            self._forget(chat_id)
            raise
        self._watched.show(snapshot)

    def _forget(self, chat_id: str) -> bool:
        if not self._watched.end(chat_id):
            return False
        self._talktime.node.feed.unsubscribe(chat_id, self)
        return True

    def _tell(self, chat_id: str) -> None:
        if self._on_screens is not None:
            self._on_screens(chat_id)

    async def _say(self, caller: Caller, saying: Saying) -> None:
        await require_own(self._talktime, caller, "chat", saying.chat_id)
        sender = party_of(caller, saying.party)
        message, created = await self._talktime.send_message(saying.chat_id, sender, saying.text, saying.client_id)
        if not created or saying.chat_id not in self._watched:
            # Nothing new to tell everybody, but whoever sent it waits to hear that it arrived.
            self.on_message(message)

    async def _leave(self) -> None:
        watched = list(self._watched)
        for chat_id in watched:
            self._forget(chat_id)
        if self._party is not None:
            with contextlib.suppress(Unavailable, OSError):
                # A database that is away hears nothing; the lease then ends by itself, at the same instant.
                await self._talktime.node.presence.detach(self)
        for chat_id in watched:
            self._tell(chat_id)

    def _send_snapshot(self, snapshot: Snapshot) -> None:
        self._outbox.put({"type": "snapshot", "chat_id": snapshot.chat_id, "snapshot": snapshot.document()})

    def _problem(self, error: TalktimeError, message: dict[str, Any] | None = None) -> None:
        self._metrics.count_refusal(error.code)
        answer: dict[str, Any] = {"type": "problem", "problem": error.problem()}
        for name in ("chat_id", "client_id"):
            given = (message or {}).get(name)
            if isinstance(given, str) and is_id(given):
                answer[name] = given
        self._outbox.put(answer)

    def _on_beat(self) -> None:
        """Presence keeps in touch with the people it counts on; this does the same for everybody else."""
        self._beat = asyncio.get_running_loop().call_later(self._lease_seconds / 3, self._on_beat)
        if self._caller is None or (self._party is not None and self._watched):
            return
        if time.monotonic() - self._heard_at > self._lease_seconds:
            self.lost()
        else:
            self.send_heartbeat({}, 0, self._talktime.node.presence.epoch)


def _instants(leases: dict[str, int]) -> dict[str, str]:
    return {chat_id: instant(until) for chat_id, until in leases.items()}
