"""Committed changes, told to every node in the order of their commits.

A process collects changes after their commit and sends them as soon as those before are sent, so a busy process sends
once for many changes. A `NOTIFY` inside every transaction would cap the whole database. Every node, also the one that
made the change, hears of changes in the same way (see `fanout`).

What is heard is only a hint that something changed, and anybody could have sent it (see `hints`). The node reads what
its own screens show from the tables, and hands that to the screens.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from talktime.core.errors import NotFound
from talktime.core.record import Party
from talktime.database.failures import DatabaseUnavailable
from talktime.database.pool import WORK_SECONDS
from talktime.database.queries import arrays
from talktime.engine.messages import read_message
from talktime.engine.screens import snapshot_of
from talktime.node.hints import Hint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from talktime.database.saving import AccountChange
    from talktime.documents.chat import Message
    from talktime.documents.snapshot import Snapshot
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory
    from talktime.node.fanout.interface import Fanout

log = structlog.get_logger()

_SPACING_SECONDS: Final = 0.01
_FLUSH_SECONDS: Final = 0.5
_UNSENT_MAX: Final = 100_000
_HEARD_MAX: Final = 10_000
"""How many hints may wait. After more, everything that screens show is read again."""

_MISSED_MS: Final = 60_000
"""How far back before the last sign of life messages are read again after a lost connection."""

_LOG_EVERY: Final = 1_000
"""Only every thousandth refused hint is logged."""


class Listener(Protocol):
    """A screen, as the feed knows it. The calls are not asynchronous and must not block the event loop.

    Snapshots come in the order of their numbers. Some numbers are left out, because changes that follow each other
    quickly are read together. After a lost connection a number may come again.
    """

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """The account of the chat changed."""

    def on_message(self, message: Message) -> None:
        """A message was sent. After a lost connection it may come twice."""

    def on_typing(self, chat_id: str, party: Party) -> None:
        """A party is typing."""


class Feed:
    """Sends and hears changes, and hands them to the listeners of their chats.

    `send`, `listen` and `deliver` each do one round of a worker; `wait_to_send` and so on wait for the round.
    """

    def __init__(self, fanout: Fanout, engine: Engine, parties: PartyDirectory, now_ms: Callable[[], float]) -> None:
        self.fanout = fanout
        fanout.hear = self.hear
        self._now_ms = now_ms
        self._engine = engine
        self._database = engine.database
        self._parties = parties
        self._listeners: dict[str, set[Listener]] = {}
        self._users: dict[str, str] = {}  # the users of the chats that have listeners
        self._chats: dict[str, set[str]] = {}  # these chats by user
        self._numbers: dict[str, int] = {}
        self._unsent: list[tuple[str, Hint]] = []  # each with the user whom the hint concerns
        self._heard: dict[Hint, None] = {}
        self._is_sending = False
        self._unsent_since: float | None = None
        self._heard_since: float | None = None
        self._wake_sender = asyncio.Event()
        self._wake_reader = asyncio.Event()
        self._heard_until: int | None = None
        self._must_catch_up = False
        self.hints_refused = 0
        self.on_clock_moved: Callable[[], Awaitable[None]] | None = None
        self.on_key_revoked: Callable[[], None] = lambda: None
        self.is_ahead: Callable[[int], bool] = lambda _instant_ms: False

    def lag_seconds(self) -> float:
        """How long the oldest change waits in this process: to be sent, or to be handed to its screens."""
        since = [at for at in (self._unsent_since, self._heard_since) if at is not None]
        return time.monotonic() - min(since) if since else 0.0

    async def subscribe(self, chat_id: str, listener: Listener) -> None:
        """Hand what concerns this chat to the listener from now on: messages, and all changes of the account.

        Raises:
            NotFound: there is no such chat.
            DatabaseUnavailable: the database can't be used.
        """
        user_id = await self._parties.payer_of(chat_id)
        self._listeners.setdefault(chat_id, set()).add(listener)
        self._users[chat_id] = user_id
        self._chats.setdefault(user_id, set()).add(chat_id)
        try:
            await self.fanout.watch(user_id, chat_id)
        except BaseException:
            self.unsubscribe(chat_id, listener)
            raise

    def unsubscribe(self, chat_id: str, listener: Listener) -> None:
        """Hand nothing more that concerns this chat to the listener."""
        listeners = self._listeners.get(chat_id)
        if listeners is None:
            return
        listeners.discard(listener)
        if not listeners:
            del self._listeners[chat_id]
            self._numbers.pop(chat_id, None)
            user_id = self._users.pop(chat_id)
            self._chats[user_id].discard(chat_id)
            if not self._chats[user_id]:
                del self._chats[user_id]
            self.fanout.unwatch(user_id, chat_id)

    def publish(self, changes: list[AccountChange]) -> None:
        """Tell every node of numbered changes."""
        for change in changes:
            self._send(change.user_id, Hint("account", change.user_id, change.sequence))

    def publish_message(self, user_id: str, chat_id: str, position: int) -> None:
        """Tell every node of a message."""
        self._send(user_id, Hint("message", chat_id, position))

    def publish_typing(self, user_id: str, chat_id: str, party: Party) -> None:
        """Tell every node that a party is typing."""
        self._send(user_id, Hint("typing", chat_id, party.value))

    def read_again(self) -> None:
        """Hand every chat with listeners to its listeners, as the chat is now."""
        self._heard |= dict.fromkeys(Hint("read", chat_id, 0) for chat_id in self._listeners)
        self._wake_reader.set()

    def publish_clock(self) -> None:
        """Tell every node that engine time was moved."""
        self._send("", Hint("clock", "", 0))

    def publish_revoked_key(self, key_id: str) -> None:
        """Tell every node that an access key was revoked."""
        self._send("", Hint("key", key_id, 0))

    def _send(self, user_id: str, hint: Hint) -> None:
        self._unsent.append((user_id, hint))
        self._unsent_since = self._unsent_since or time.monotonic()
        # That many wait only if the others can't be told for long. Screens see the gap in the numbers and ask again.
        del self._unsent[: max(0, len(self._unsent) - _UNSENT_MAX)]
        self._wake_sender.set()

    async def wait_to_send(self) -> None:
        """Wait until something was published."""
        # Each notification is a commit of its own: changes that are published meanwhile share the next round.
        await asyncio.sleep(_SPACING_SECONDS)
        await self._wake_sender.wait()

    async def send(self) -> None:
        """Send what was published. What can't be sent is kept for the next round.

        Raises:
            Unavailable: the other nodes can't be told.
        """
        unsent, self._unsent = self._unsent, []
        self._wake_sender.clear()
        if not unsent:
            return
        hints: dict[str, list[Hint]] = {}
        for user_id, hint in unsent:
            hints.setdefault(user_id, []).append(hint)
        self._is_sending = True
        try:
            await self.fanout.send(hints)
        except BaseException:
            self._unsent[:0] = unsent
            self._wake_sender.set()
            raise
        finally:
            self._is_sending = False
        self._unsent_since = time.monotonic() if self._unsent else None

    async def flush(self) -> None:
        """Wait until what was published is sent, but not for long."""
        for _ in range(10):
            if not self._unsent and not self._is_sending:
                return
            await asyncio.sleep(_FLUSH_SECONDS / 10)

    async def listen(self) -> None:
        """Connect the fan-out if it is lost, and read what was missed; otherwise ask whether its connection is alive.

        Raises:
            Unavailable: the connection is dead, or can't be made.
        """
        now = int(self._now_ms())
        if self.fanout.is_open:
            await self.fanout.ping()
            self._heard_until = now
            return
        missed_since, self._heard_until = self._heard_until, self._heard_until or now
        await self.fanout.open()
        if missed_since is not None:
            # A worker that is stopped here catches up in its next round, because `_heard_until` stays.
            try:
                await self._catch_up(missed_since - _MISSED_MS)
            except BaseException:
                self.fanout.close()
                raise
        self._heard_until = now

    async def wait_to_deliver(self) -> None:
        """Wait until something was heard."""
        await self._wake_reader.wait()

    async def deliver(self) -> None:
        """Read what changed and hand it to listeners, in the order in which it was heard.

        Raises:
            DatabaseUnavailable: the database can't be used. What was heard is delivered in the next round.
        """
        self._wake_reader.clear()
        heard, self._heard = self._heard, {}
        try:
            if self._must_catch_up and self._heard_until is not None:
                await self._catch_up(self._heard_until - _MISSED_MS)
                self._must_catch_up = False
            await self._deliver(list(heard))
        except BaseException:
            self._heard = heard | self._heard
            self._wake_reader.set()
            raise
        self._heard_since = time.monotonic() if self._heard else None

    def hear(self, hints: Sequence[Hint], wrong: str | None) -> None:
        """Take hints that were heard. `wrong` is a message about the invalid ones, or None."""
        if wrong is not None:
            self.hints_refused += 1
            if self.hints_refused % _LOG_EVERY == 1:
                log.warning("feed.hint_refused", cause=wrong, refused=self.hints_refused)
        for hint in hints:
            # The number is read from the tables, so all changes of one account are one.
            if hint.kind == "clock":
                self._heard[Hint("clock", "", 0)] = None
            elif hint.kind == "key":
                self.on_key_revoked()
            elif hint.kind == "account":
                self._heard |= dict.fromkeys(Hint("snapshot", chat_id, 0) for chat_id in self._chats.get(hint.id, ()))
            elif hint.id in self._listeners:
                self._heard[hint._replace(value=0) if hint.kind == "snapshot" else hint] = None
        if len(self._heard) > _HEARD_MAX:
            self._heard.clear()
            self._must_catch_up = True
        if self._heard or self._must_catch_up:
            self._heard_since = self._heard_since or time.monotonic()
            self._wake_reader.set()

    async def _deliver(self, heard: list[Hint]) -> None:
        snapshots = await self._snapshots({hint.id for hint in heard if hint.kind in {"snapshot", "read"}})
        # A screen that learns of a time asks for this time at once, so this process must know of it first.
        is_moved = any(hint.kind == "clock" for hint in heard)
        is_moved = is_moved or any(self.is_ahead(snapshot.server_time) for snapshot in snapshots.values())
        if is_moved and self.on_clock_moved is not None:
            await self.on_clock_moved()
        messages = await self._messages([hint for hint in heard if hint.kind == "message"])
        for hint in heard:
            if hint.kind in {"snapshot", "read"} and hint.id in snapshots:
                self._hand_out(snapshots[hint.id], is_new=hint.kind == "snapshot")
            for listener in self._listeners_of(hint.id):
                with _contained():
                    if hint.kind == "message" and (hint.id, hint.value) in messages:
                        listener.on_message(messages[hint.id, hint.value])
                    elif hint.kind == "typing":
                        listener.on_typing(hint.id, Party(str(hint.value)))

    def _listeners_of(self, chat_id: str) -> tuple[Listener, ...]:
        return tuple(self._listeners.get(chat_id, ()))

    def _hand_out(self, snapshot: Snapshot, *, is_new: bool) -> None:
        """Hand a snapshot to its listeners.

        `is_new`: somebody says that the chat has changed. If its number says that it has not, nothing is handed out.
        """
        chat_id = snapshot.chat_id
        if is_new and snapshot.sequence <= self._numbers.get(chat_id, -1):
            return
        if chat_id in self._listeners:
            self._numbers[chat_id] = snapshot.sequence
        for listener in self._listeners_of(chat_id):
            with _contained():
                listener.on_snapshot(snapshot)

    async def _snapshots(self, chat_ids: set[str]) -> dict[str, Snapshot]:
        """The snapshots of those chats that exist and can be read."""
        try:
            return await self._read(chat_ids)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if len(chat_ids) > 1:  # one chat must not keep the others from their screens
                alone = [await self._snapshots({chat_id}) for chat_id in chat_ids]
                return {chat_id: snapshot for found in alone for chat_id, snapshot in found.items()}
            if not isinstance(error, NotFound):
                log.exception("feed.chat_unreadable")
            return {}

    async def _read(self, chat_ids: set[str]) -> dict[str, Snapshot]:
        if not chat_ids:
            return {}
        payers = {chat_id: await self._parties.payer_of(chat_id) for chat_id in chat_ids}
        loaded = await self._engine.read(payers.values(), chat_ids)
        return {chat_id: snapshot_of(loaded[user_id], chat_id) for chat_id, user_id in payers.items()}

    async def _messages(self, hints: list[Hint]) -> dict[tuple[str, int | str], Message]:
        if not hints:
            return {}
        wanted = [{"chat_id": hint.id, "position": hint.value} for hint in hints]
        rows = await self._database.fetch("messages_at", *arrays("messages_at", wanted))
        return {(row["chat_id"], row["position"]): read_message(row) for row in rows}

    async def _catch_up(self, since: int) -> None:
        """Hand everything that may have been missed since an instant to the listeners."""
        for snapshot in (await self._snapshots(set(self._listeners))).values():
            self._hand_out(snapshot, is_new=False)
        chat_ids = list(self._listeners)
        for row in await self._database.fetch("messages_since", chat_ids, since, seconds=WORK_SECONDS):
            for listener in self._listeners_of(row["chat_id"]):
                with _contained():
                    listener.on_message(read_message(row))


@contextmanager
def _contained() -> Iterator[None]:
    """A listener that fails keeps nothing from the others."""
    try:
        yield
    except Exception:  # the other screens must hear of the change, whatever is wrong with this one
        log.exception("feed.listener_failed")
