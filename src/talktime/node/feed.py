"""Committed changes, told to every node in the order of their commits.

A process collects changes after their commit and sends them by one `NOTIFY` as soon as the one before is through, so a
busy process sends one notification for many changes. A `NOTIFY` inside every transaction would cap the whole database.
Every node, also the one that made the change, hears of changes in the same way, reads the chats that its own screens
show, and hands each numbered change to these screens.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import asyncpg
import structlog

from talktime.core.errors import Unavailable
from talktime.core.record import Party
from talktime.database.pool import UNREACHABLE, connect
from talktime.database.queries import SQL, arrays
from talktime.engine.messages import read_message
from talktime.engine.screens import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from talktime.database.saving import ChatChange
    from talktime.documents.chat import Message
    from talktime.documents.snapshot import Snapshot
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory

log = structlog.get_logger()

CHANNEL: Final = "talktime"
PAYLOAD_BYTES_MAX: Final = 7_500  # PostgreSQL takes 8,000 bytes
_RETRY_SECONDS: Final = 0.5
_SPACING_SECONDS: Final = 0.01
_UNSENT_MAX: Final = 100_000
_MISSED_MS: Final = 60_000
"""How far back messages are read again after a lost connection."""


class Listener(Protocol):
    """What the feed calls on a screen. The calls are plain and must not block the event loop.

    Snapshots come numbered, one for each number, in order. A listener drops the numbers that it has seen.
    """

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """The chat changed."""

    def on_message(self, message: Message) -> None:
        """A message was sent. After a lost connection it may come twice."""

    def on_typing(self, chat_id: str, party: Party) -> None:
        """A party is typing."""


class _Change(NamedTuple):
    """A change as it crosses the channel. `value` is a sequence number, a message's position, or a party."""

    kind: str
    chat_id: str
    value: int | str


class Feed:
    """Sends and hears changes, and hands them to the listeners of their chats."""

    def __init__(self, url: str, process_id: str, engine: Engine, parties: PartyDirectory) -> None:
        self._url = url
        self._process_id = process_id
        self._engine = engine
        self._database = engine.database
        self._parties = parties
        self._listeners: dict[str, set[Listener]] = {}
        self._unsent: list[_Change] = []
        self._heard: list[_Change] = []
        self._is_sending = False
        self._wake_sender = asyncio.Event()
        self._wake_reader = asyncio.Event()
        self._lost = asyncio.Event()
        self.on_clock_moved: Callable[[], Awaitable[None]] | None = None
        self.is_ahead: Callable[[int], bool] = lambda _instant_ms: False

    def subscribe(self, chat_id: str, listener: Listener) -> None:
        """Hand this chat's changes to the listener from now on."""
        self._listeners.setdefault(chat_id, set()).add(listener)

    def unsubscribe(self, chat_id: str, listener: Listener) -> None:
        """Hand no more changes of this chat to the listener."""
        listeners = self._listeners.get(chat_id)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[chat_id]

    def publish(self, changes: list[ChatChange]) -> None:
        """Tell every node of numbered changes."""
        self._send(*(_Change("snapshot", change.chat_id, change.sequence) for change in changes))

    def publish_message(self, chat_id: str, position: int) -> None:
        """Tell every node of a message."""
        self._send(_Change("message", chat_id, position))

    def publish_typing(self, chat_id: str, party: Party) -> None:
        """Tell every node that a party is typing."""
        self._send(_Change("typing", chat_id, party.value))

    def publish_clock(self) -> None:
        """Tell every node that engine time was moved."""
        self._send(_Change("clock", "", 0))

    def _send(self, *changes: _Change) -> None:
        self._unsent += changes
        # The database has been away for long if so many wait. Screens see the gap in the numbers and ask again.
        del self._unsent[: max(0, len(self._unsent) - _UNSENT_MAX)]
        self._wake_sender.set()

    async def send(self) -> None:
        """Send what was published, for ever. While the database is away, sending is tried again."""
        while True:
            await self._wake_sender.wait()
            self._wake_sender.clear()
            changes, self._unsent = self._unsent, []
            self._is_sending = True
            try:
                await self._database.pool.execute(SQL["notify"], _payloads(changes))
            except (*UNREACHABLE, asyncpg.PostgresError):
                self._unsent[:0] = changes
                await asyncio.sleep(_RETRY_SECONDS)
                self._wake_sender.set()
            finally:
                self._is_sending = False
            # Each notification is a commit of its own: changes that are published meanwhile share the next one.
            await asyncio.sleep(_SPACING_SECONDS)

    async def flush(self) -> None:
        """Wait until what was published is sent, but not for ever."""
        for _ in range(10):
            if not self._unsent and not self._is_sending:
                return
            await asyncio.sleep(_RETRY_SECONDS / 10)

    async def hear(self, ready: asyncio.Event) -> None:
        """Listen, for ever. After a lost connection everything that may have been missed is read."""
        missed_since: int | None = None
        while True:
            self._lost.clear()
            try:
                connection = await connect(self._url, f"talktime {self._process_id}")
                try:
                    connection.add_termination_listener(lambda _connection: self._lost.set())
                    await connection.add_listener(CHANNEL, self._on_notification)
                    ready.set()
                    if missed_since is not None:
                        await self._catch_up(missed_since)
                    await self._lost.wait()
                    missed_since = None
                finally:
                    connection.terminate()
            except (*UNREACHABLE, asyncpg.PostgresError, Unavailable) as error:
                log.warning("feed.lost", cause=repr(error))
            if missed_since is None:
                missed_since = await self._last_minute()
            await asyncio.sleep(_RETRY_SECONDS)

    async def deliver(self) -> None:
        """Read what changed and hand it to listeners, for ever, in the order in which it was heard."""
        while True:
            await self._wake_reader.wait()
            self._wake_reader.clear()
            heard, self._heard = self._heard, []
            try:
                await self._deliver(heard)
            except (*UNREACHABLE, asyncpg.PostgresError, Unavailable) as error:
                log.warning("feed.delivery_delayed", cause=repr(error))
                self._heard[:0] = heard
                await asyncio.sleep(_RETRY_SECONDS)
                self._wake_reader.set()

    def _on_notification(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        for parts in json.loads(str(payload)):
            change = _Change(*parts)
            if change.kind == "clock" or change.chat_id in self._listeners:
                self._heard.append(change)
        if self._heard:
            self._wake_reader.set()

    async def _deliver(self, heard: list[_Change]) -> None:
        snapshots = await self._snapshots({change.chat_id for change in heard if change.kind == "snapshot"})
        # A screen that learns of a time asks for this time at once, so this process must know of it first.
        is_moved = any(change.kind == "clock" for change in heard)
        is_moved = is_moved or any(self.is_ahead(snapshot.server_time) for snapshot in snapshots.values())
        if is_moved and self.on_clock_moved is not None:
            await self.on_clock_moved()
        messages = await self._messages([change for change in heard if change.kind == "message"])
        for change in heard:
            for listener in tuple(self._listeners.get(change.chat_id, ())):
                self._hand_out(change, listener, snapshots, messages)

    def _hand_out(
        self,
        change: _Change,
        listener: Listener,
        snapshots: dict[str, Snapshot],
        messages: dict[tuple[str, int | str], Message],
    ) -> None:
        kind, chat_id, value = change
        if kind == "snapshot" and chat_id in snapshots and isinstance(value, int):
            listener.on_snapshot(replace(snapshots[chat_id], sequence=value))
        elif kind == "message" and (chat_id, value) in messages:
            listener.on_message(messages[chat_id, value])
        elif kind == "typing" and isinstance(value, str):
            listener.on_typing(chat_id, Party(value))

    async def _snapshots(self, chat_ids: set[str]) -> dict[str, Snapshot]:
        if not chat_ids:
            return {}
        payers = {chat_id: await self._parties.payer_of(chat_id) for chat_id in chat_ids}
        loaded = await self._engine.read(payers.values(), chat_ids)
        return {chat_id: snapshot_of(loaded[user_id], chat_id) for chat_id, user_id in payers.items()}

    async def _messages(self, changes: list[_Change]) -> dict[tuple[str, int | str], Message]:
        if not changes:
            return {}
        wanted = [{"chat_id": change.chat_id, "position": change.value} for change in changes]
        rows = await self._database.pool.fetch(SQL["messages_at"], *arrays("messages_at", wanted))
        return {(row["chat_id"], row["position"]): read_message(row) for row in rows}

    async def _catch_up(self, since: int) -> None:
        for snapshot in (await self._snapshots(set(self._listeners))).values():
            for listener in tuple(self._listeners.get(snapshot.chat_id, ())):
                listener.on_snapshot(snapshot)
        for row in await self._database.pool.fetch(SQL["messages_since"], list(self._listeners), since):
            for listener in tuple(self._listeners.get(row["chat_id"], ())):
                listener.on_message(read_message(row))

    async def _last_minute(self) -> int | None:
        """The instant from which messages are read again; None while the database is away."""
        try:
            now: int = await self._database.pool.fetchval(SQL["engine_now"])
        except (*UNREACHABLE, asyncpg.PostgresError):
            return None
        return now - _MISSED_MS


def _payloads(changes: list[_Change]) -> list[str]:
    """The changes as JSON lists, each of which fits into one notification."""
    payloads: list[str] = []
    parts: list[str] = []
    size = 2
    for change in changes:
        part = json.dumps(change, ensure_ascii=False)
        length = len(part.encode()) + 2
        if parts and size + length > PAYLOAD_BYTES_MAX:
            payloads.append(f"[{', '.join(parts)}]")
            parts, size = [], 2
        parts.append(part)
        size += length
    if parts:
        payloads.append(f"[{', '.join(parts)}]")
    return payloads
