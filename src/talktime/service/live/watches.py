"""The chats that one screen watches.

The screen receives a snapshot of each chat first, and then every change once, in the order of the sequence numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from talktime.core.errors import RateLimited, TalktimeError, Unavailable
from talktime.core.record import Party
from talktime.documents.snapshot import Snapshot
from talktime.node.feed import Listener
from talktime.node.presence import Socket
from talktime.talktime import Talktime

WATCHES_MAX: Final = 200


class Watcher(Listener, Socket, Protocol):
    """What the feed and presence call for a screen."""


class Watches:
    """Subscribes a screen to the chats that it watches, and makes its person present in them."""

    def __init__(
        self,
        talktime: Talktime,
        watcher: Watcher,
        send: Callable[[Snapshot], None],
        on_screens: Callable[[str], None] | None,
    ) -> None:
        self._talktime = talktime
        self._watcher = watcher
        self._send = send
        self._on_screens = on_screens
        self._chats: dict[str, _WatchedChat] = {}

    def __len__(self) -> int:
        return len(self._chats)

    def __contains__(self, chat_id: str) -> bool:
        return chat_id in self._chats

    async def add(self, chat_id: str, party: Party | None) -> None:
        """Watch a chat, and send its snapshot. A chat that is watched already gets its snapshot again.

        `party` is the person of the screen. A screen without a party makes nobody present.

        Raises:
            RateLimited: the screen watches too many chats.
            NotFound: there is no such chat.
        """
        if chat_id in self._chats:
            self._chats[chat_id].hold_back()
            self._send_first(await self._talktime.snapshot(chat_id))
            return
        if len(self._chats) >= WATCHES_MAX:
            raise RateLimited(f"One socket watches at most {WATCHES_MAX} chats. Unwatch some, or open another socket.")
        # The subscription begins before the snapshot is read, so that no change falls between the two.
        self._chats[chat_id] = _WatchedChat(self._send)
        self._talktime.node.feed.subscribe(chat_id, self._watcher)
        try:
            if party is not None:
                snapshot = await self._talktime.node.presence.attach(self._watcher, chat_id, party)
                self._report(chat_id)
            else:
                snapshot = await self._talktime.snapshot(chat_id)
        except TalktimeError:
            self._unsubscribe(chat_id)
            raise
        self._send_first(snapshot)

    def send_change(self, snapshot: Snapshot) -> None:
        """Send a change of a chat, if the screen watches the chat and has not seen the change."""
        if snapshot.chat_id in self._chats:
            self._chats[snapshot.chat_id].send_change(snapshot)

    async def remove(self, chat_id: str, party: Party | None) -> None:
        """Watch a chat no longer."""
        if self._unsubscribe(chat_id) and party is not None:
            await self._talktime.node.presence.detach(self._watcher, chat_id)
            self._report(chat_id)

    async def remove_all(self, party: Party | None) -> None:
        """Watch nothing any more, because the socket is closed."""
        chat_ids = tuple(self._chats)
        for chat_id in chat_ids:
            self._unsubscribe(chat_id)
        if party is not None:
            # Without a database the leases end by themselves, at the same instant.
            with suppress(Unavailable, OSError):
                await self._talktime.node.presence.detach(self._watcher)
        for chat_id in chat_ids:
            self._report(chat_id)

    def _send_first(self, snapshot: Snapshot) -> None:
        if snapshot.chat_id in self._chats:
            self._chats[snapshot.chat_id].send_first(snapshot)

    def _unsubscribe(self, chat_id: str) -> bool:
        """Whether the chat was watched."""
        if self._chats.pop(chat_id, None) is None:
            return False
        self._talktime.node.feed.unsubscribe(chat_id, self._watcher)
        return True

    def _report(self, chat_id: str) -> None:
        if self._on_screens is not None:
            self._on_screens(chat_id)


class _WatchedChat:
    """Puts the snapshots of one chat in order.

    Changes that overtake the first snapshot are held back until the first snapshot is sent.
    """

    __slots__ = ("_early", "_send", "_sent")

    def __init__(self, send: Callable[[Snapshot], None]) -> None:
        self._send = send
        self._sent: int | None = None  # the last sequence number that was sent
        self._early: list[Snapshot] = []

    def hold_back(self) -> None:
        """Hold changes back until a first snapshot is sent again."""
        self._sent = None

    def send_first(self, snapshot: Snapshot) -> None:
        """Send the chat as it was read, then the changes that were held back."""
        early, self._early = self._early, []
        self._pass_on(snapshot)
        for change in early:
            self.send_change(change)

    def send_change(self, snapshot: Snapshot) -> None:
        """Send a change, unless the screen has seen it."""
        if self._sent is None:
            self._early.append(snapshot)
        elif snapshot.sequence > self._sent:
            self._pass_on(snapshot)

    def _pass_on(self, snapshot: Snapshot) -> None:
        self._sent = snapshot.sequence
        self._send(snapshot)
