"""What changed, told to every node in commit order.

Changes are collected after their commit and sent by one `NOTIFY` as soon as the one before is through, so that a busy
node sends one for many: a `NOTIFY` inside every transaction would cap the whole database. Every node, this one
included, hears of changes the same way, reads the chats that its own screens show, and hands each numbered change out.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg
import structlog

from talktime.core.errors import Unavailable
from talktime.database.pool import connect
from talktime.database.queries import SQL
from talktime.documents.chat import Message
from talktime.engine.batching import UNREACHABLE, Engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from talktime.core.payer import Party
    from talktime.database.saving import Told
    from talktime.documents.snapshot import Snapshot

log = structlog.get_logger()

CHANNEL: Final = "talktime"
PAYLOAD_MAX: Final = 7_500  # PostgreSQL takes 8,000 bytes
_RETRY_SECONDS: Final = 0.5
_SPACING_SECONDS: Final = 0.01
_UNSENT_MAX: Final = 100_000


class Listener(Protocol):
    """A screen's side of the feed. Plain calls on the event loop; they must not block.

    Snapshots come numbered, one for each number, in order. A listener drops numbers it has seen.
    """

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """The chat changed."""

    def on_message(self, message: Message) -> None:
        """Somebody wrote. After a lost connection it may come twice."""

    def on_typing(self, chat_id: str, party: Party) -> None:
        """Somebody is typing."""


class Feed:
    """Sends and hears changes, and hands them to whoever subscribed to their chats."""

    def __init__(self, url: str, process_id: str, engine: Engine, payer_of: Callable[[str], Awaitable[str]]) -> None:
        self._url = url
        self._process_id = process_id
        self._engine = engine
        self._payer_of = payer_of
        self._listeners: dict[str, set[Listener]] = {}
        self._unsent: list[list[Any]] = []
        self._heard: list[list[Any]] = []
        self._sending = False
        self._wake_sender = asyncio.Event()
        self._wake_reader = asyncio.Event()
        self._lost = asyncio.Event()
        self.on_clock_moved: Callable[[], Awaitable[None]] | None = None
        self.is_ahead: Callable[[int], bool] = lambda _instant_ms: False

    def subscribe(self, chat_id: str, listener: Listener) -> None:
        """Hand this chat's changes to the listener from now on."""
        self._listeners.setdefault(chat_id, set()).add(listener)

    def unsubscribe(self, chat_id: str, listener: Listener) -> None:
        """No more."""
        listeners = self._listeners.get(chat_id)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[chat_id]

    def publish(self, told: list[Told]) -> None:
        """Tell every node of numbered changes."""
        self._send(*(["snapshot", chat_id, sequence] for chat_id, sequence in told))

    def publish_message(self, chat_id: str, position: int) -> None:
        """Tell every node of a message."""
        self._send(["message", chat_id, position])

    def publish_typing(self, chat_id: str, party: Party) -> None:
        """Tell every node that somebody is typing."""
        self._send(["typing", chat_id, party.value])

    def publish_clock(self) -> None:
        """Tell every node that engine time was moved."""
        self._send(["clock", "", 0])

    def _send(self, *changes: list[Any]) -> None:
        self._unsent += changes
        if len(self._unsent) > _UNSENT_MAX:  # the database has been away for long; screens will see the gap and ask
            del self._unsent[: len(self._unsent) - _UNSENT_MAX]
        self._wake_sender.set()

    async def send(self) -> None:
        """Send what was published, for ever; retried while the database is away."""
        while True:
            await self._wake_sender.wait()
            self._wake_sender.clear()
            changes, self._unsent = self._unsent, []
            self._sending = True
            try:
                await self._engine.pool.execute(SQL["notify"], _payloads(changes))
            except (*UNREACHABLE, asyncpg.PostgresError):
                self._unsent[:0] = changes
                await asyncio.sleep(_RETRY_SECONDS)
                self._wake_sender.set()
            finally:
                self._sending = False
            # Each notification is a commit of its own: what is published meanwhile shares the next one.
            await asyncio.sleep(_SPACING_SECONDS)

    async def sent(self) -> None:
        """Wait until what was published is sent, for a few tries."""
        for _ in range(10):
            if not self._unsent and not self._sending:
                return
            await asyncio.sleep(_RETRY_SECONDS / 10)

    async def hear(self, ready: asyncio.Event) -> None:
        """Listen, for ever. Whatever was missed while the connection was lost is made up for by reading."""
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
        """Read what changed and hand it out, for ever, in the order it was heard."""
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

    def _on_notification(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        for change in json.loads(payload):
            kind, chat_id, _ = change
            if kind == "clock" or chat_id in self._listeners:
                self._heard.append(change)
        if self._heard:
            self._wake_reader.set()

    async def _deliver(self, heard: list[list[Any]]) -> None:
        snapshots = await self._snapshots({chat_id for kind, chat_id, _ in heard if kind == "snapshot"})
        # A screen that is told of a time asks for it at once: by then this process must have heard of it, too.
        moved = any(kind == "clock" for kind, _, _ in heard)
        moved = moved or any(self.is_ahead(snapshot.server_time) for snapshot in snapshots.values())
        if moved and self.on_clock_moved is not None:
            await self.on_clock_moved()
        wanted = [(chat_id, position) for kind, chat_id, position in heard if kind == "message"]
        messages = await self._messages(wanted) if wanted else {}
        for kind, chat_id, value in heard:
            for listener in tuple(self._listeners.get(chat_id, ())):
                if kind == "snapshot" and chat_id in snapshots:
                    listener.on_snapshot(replace(snapshots[chat_id], sequence=value))
                elif kind == "message" and (chat_id, value) in messages:
                    listener.on_message(messages[chat_id, value])
                elif kind == "typing":
                    listener.on_typing(chat_id, value)

    async def _snapshots(self, chat_ids: set[str]) -> dict[str, Snapshot]:
        if not chat_ids:
            return {}
        payers = {chat_id: await self._payer_of(chat_id) for chat_id in chat_ids}
        units = await self._engine.read(payers.values(), chat_ids)
        return {chat_id: units[user_id].snapshot(chat_id) for chat_id, user_id in payers.items()}

    async def _messages(self, wanted: list[tuple[str, int]]) -> dict[tuple[str, int], Message]:
        rows = await self._engine.pool.fetch(SQL["messages_at"], *map(list, zip(*wanted, strict=True)))
        return {(row["chat_id"], row["position"]): message(row) for row in rows}

    async def _catch_up(self, since: int) -> None:
        for snapshot in (await self._snapshots(set(self._listeners))).values():
            for listener in tuple(self._listeners.get(snapshot.chat_id, ())):
                listener.on_snapshot(snapshot)
        for row in await self._engine.pool.fetch(SQL["messages_since"], list(self._listeners), since):
            for listener in tuple(self._listeners.get(row["chat_id"], ())):
                listener.on_message(message(row))

    async def _last_minute(self) -> int | None:
        """A minute ago in engine time: from when to read messages again; None while the database is away."""
        try:
            now: int = await self._engine.pool.fetchval(SQL["engine_now"])
        except (*UNREACHABLE, asyncpg.PostgresError):
            return None
        return now - 60_000


def message(row: Any) -> Message:
    """A message from its row."""
    return Message(
        row["message_id"], row["chat_id"], row["position"], row["client_id"], row["sender"], row["text"], row["at"]
    )


def _payloads(changes: list[list[Any]]) -> list[str]:
    """The changes as JSON lists that fit a notification each."""
    payloads: list[str] = []
    parts: list[str] = []
    size = 2
    for change in changes:
        part = json.dumps(change, ensure_ascii=False)
        length = len(part.encode()) + 2
        if parts and size + length > PAYLOAD_MAX:
            payloads.append(f"[{', '.join(parts)}]")
            parts, size = [], 2
        parts.append(part)
        size += length
    if parts:
        payloads.append(f"[{', '.join(parts)}]")
    return payloads
