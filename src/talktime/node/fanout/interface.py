"""The interface of the fan-outs. A fan-out tells all nodes that something has changed.

A fan-out carries hints, and may lose them, repeat them or bring them late. Nothing that screens show comes from a hint:
the feed reads it from the tables. After a lost connection the feed reads everything again that its screens show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from talktime.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from talktime.node.hints import Hint

PING_SECONDS = 5.0
"""How long a connection may be silent before the process asks whether the connection is alive."""


class FanoutUnavailable(Unavailable):
    """Other nodes can't be told or heard right now. The message never contains an address."""


class Fanout(Protocol):
    """Tells all nodes what has changed, also the node that tells it.

    `open` comes before everything else but `send`. A process that only visits the database sends, and never opens.

    Attributes:
        carries_typing: whether signs of typing reach other nodes.
        hear: set by the feed; gets the valid hints, and a message about the invalid ones, or None.
    """

    carries_typing: bool
    hear: Callable[[Sequence[Hint], str | None], None]

    @property
    def is_open(self) -> bool:
        """Whether hints are heard, as far as this process knows."""

    async def wait(self) -> None:
        """Wait until the connection is lost, or until the next `ping`."""

    async def open(self) -> None:
        """Connect, and hear what is watched. What happened before is not heard.

        Raises:
            Unavailable: the connection can't be made.
        """

    async def ping(self) -> None:
        """Ask whether the connection is alive. A connection that does not answer in time is closed.

        Raises:
            Unavailable: the connection is dead.
        """

    def close(self) -> None:
        """Close the connection without asking the other end, which may be gone."""

    async def send(self, hints: Mapping[str, Sequence[Hint]]) -> None:
        """Tell all nodes.

        Args:
            hints: by the user whom they concern; those that concern all users stand under an empty id.

        Raises:
            Unavailable: some hints may be lost. Sending all of them again does no harm.
        """

    async def watch(self, user_id: str, chat_id: str) -> None:
        """Hear what concerns this user and this chat from now on. A second call has no effect.

        Raises:
            Unavailable: the database can't be used.
        """

    def unwatch(self, user_id: str, chat_id: str) -> None:
        """Hear no more of this chat, because no screen of this node shows it."""
