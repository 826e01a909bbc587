"""The chats that one screen watches: each is told its snapshot first, then every change once, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from talktime.documents.snapshot import Snapshot


class _Watch:
    """A watched chat: the last sequence number sent; until there is one, `early` keeps changes that overtook it."""

    __slots__ = ("early", "last")

    def __init__(self) -> None:
        self.last: int | None = None
        self.early: list[Snapshot] = []


class Watched:
    """What one screen watches; `send` puts a snapshot on its way."""

    def __init__(self, send: Callable[[Snapshot], None]) -> None:
        self._send = send
        self._watches: dict[str, _Watch] = {}

    def __len__(self) -> int:
        return len(self._watches)

    def __contains__(self, chat_id: str) -> bool:
        return chat_id in self._watches

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._watches))

    def begin(self, chat_id: str) -> None:
        """From now on, or anew: changes wait until `show` has shown the chat."""
        self._watches.setdefault(chat_id, _Watch()).last = None

    def show(self, snapshot: Snapshot) -> None:
        """Send the chat as it was read, and the changes that overtook it."""
        watch = self._watches.get(snapshot.chat_id)
        if watch is None:
            return
        early, watch.early = watch.early, []
        self._pass_on(watch, snapshot)
        for later in early:
            self.change(later)

    def change(self, snapshot: Snapshot) -> None:
        """A chat changed: send it, if the screen has not seen it."""
        watch = self._watches.get(snapshot.chat_id)
        if watch is None:
            return
        if watch.last is None:
            watch.early.append(snapshot)
        elif snapshot.sequence > watch.last:
            self._pass_on(watch, snapshot)

    def end(self, chat_id: str) -> bool:
        """No longer; whether it was watched."""
        return self._watches.pop(chat_id, None) is not None

    def _pass_on(self, watch: _Watch, snapshot: Snapshot) -> None:
        watch.last = snapshot.sequence
        self._send(snapshot)
