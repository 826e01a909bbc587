"""The chats that one screen watches.

The screen receives a snapshot of each chat first, and then every change once, in the order of the sequence numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from talktime.core.errors import RateLimited, TalktimeError
from talktime.core.record import Party
from talktime.documents.snapshot import Snapshot
from talktime.node.feed import Listener
from talktime.node.presence import Socket
from talktime.talktime import Talktime

WATCHES_MAX: Final = 200

NUMBERS_MAX: Final = 50
"""Under how many numbers a screen receives changes that are read together. After more it sees a gap, and asks again."""


class Watcher(Listener, Socket, Protocol):
    """A screen, as its watches know it: the feed and presence call it."""


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

    @property
    def has_presence(self) -> bool:
        """Whether the screen proves presence in a chat."""
        return any(watched.is_present for watched in self._chats.values())

    async def add(self, chat_id: str, party: Party | None) -> None:
        """Watch a chat, and send its snapshot. A chat that is watched already gets its snapshot again.

        `party` is the person whom the screen makes present in the chat. A screen without a party makes nobody present.

        Raises:
            RateLimited: the screen watches too many chats.
            NotFound: there is no such chat.
        """
        if chat_id in self._chats:
            watched = self._chats[chat_id]
            watched.hold_back()
            self._send_first(await self._take_seat(chat_id, party, watched))
            return
        if len(self._chats) >= WATCHES_MAX:
            raise RateLimited(f"One socket watches at most {WATCHES_MAX} chats. Unwatch some, or open another socket.")
        # The subscription begins before the snapshot is read, so that no change falls between the two.
        watched = self._chats[chat_id] = _WatchedChat(self._send)
        try:
            await self._talktime.node.feed.subscribe(chat_id, self._watcher)
            snapshot = await self._take_seat(chat_id, party, watched)
        except TalktimeError:
            self._unsubscribe(chat_id)
            raise
        self._send_first(snapshot)

    def send_change(self, snapshot: Snapshot) -> None:
        """Send a change of a chat, if the screen watches the chat and has not seen the change."""
        if snapshot.chat_id in self._chats:
            self._chats[snapshot.chat_id].send_change(snapshot)

    def remove(self, chat_id: str, *, leaving: bool = False) -> None:
        """Watch a chat no longer. With `leaving`, the person's page of the chat closes."""
        watched = self._unsubscribe(chat_id)
        if watched is None or not watched.is_present:
            return
        presence = self._talktime.node.presence
        (presence.leave if leaving else presence.detach)(self._watcher, chat_id)
        self._report(chat_id)

    def remove_all(self) -> None:
        """Watch nothing any more, because the socket is closed."""
        chat_ids = tuple(self._chats)
        for chat_id in chat_ids:
            self._unsubscribe(chat_id)
        self._talktime.node.presence.detach(self._watcher)
        for chat_id in chat_ids:
            self._report(chat_id)

    async def _take_seat(self, chat_id: str, party: Party | None, watched: _WatchedChat) -> Snapshot:
        """Make the party present in the chat, or nobody. Returns the chat's snapshot."""
        presence = self._talktime.node.presence
        if party is not None and not watched.is_present:
            snapshot = await presence.attach(self._watcher, chat_id, party)
            presence.look_away(self._watcher, chat_id)
            watched.is_present = True
            self._report(chat_id)
            return snapshot
        if party is None:
            presence.observe(self._watcher, chat_id)
            if watched.is_present:
                presence.detach(self._watcher, chat_id)
                watched.is_present = False
                self._report(chat_id)
        return await self._talktime.snapshot(chat_id)

    def _send_first(self, snapshot: Snapshot) -> None:
        if snapshot.chat_id in self._chats:
            self._chats[snapshot.chat_id].send_first(snapshot)

    def _unsubscribe(self, chat_id: str) -> _WatchedChat | None:
        """The chat that is watched no longer; None if it was not watched."""
        watched = self._chats.pop(chat_id, None)
        if watched is not None:
            self._talktime.node.feed.unsubscribe(chat_id, self._watcher)
            self._talktime.node.presence.look_away(self._watcher, chat_id)
        return watched

    def _report(self, chat_id: str) -> None:
        if self._on_screens is not None:
            self._on_screens(chat_id)


class _WatchedChat:
    """Puts the snapshots of one chat in order.

    Changes that overtake the first snapshot are held back until the first snapshot is sent. Where the feed has left
    numbers out, the screen receives the snapshot under each of them: a snapshot is whole. `is_present` tells whether
    the screen makes its person present in the chat.
    """

    __slots__ = ("_early", "_send", "_sent", "is_present")

    def __init__(self, send: Callable[[Snapshot], None]) -> None:
        self.is_present = False
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
        """Send a change, unless the screen has seen a later one.

        The same number comes again when all chats are read again, after an outage or a lost connection.
        """
        if self._sent is None:
            self._early.append(snapshot)
        elif snapshot.sequence >= self._sent:
            first = max(self._sent + 1, snapshot.sequence - NUMBERS_MAX + 1)
            for number in range(first, snapshot.sequence):
                self._send(replace(snapshot, sequence=number))
            self._pass_on(snapshot)

    def _pass_on(self, snapshot: Snapshot) -> None:
        self._sent = snapshot.sequence
        self._send(snapshot)
