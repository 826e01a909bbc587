"""The presence of people, from the proofs of one node.

A *socket* watches chats, each as one *party*: `(chat_id, party)` is a *seat*. Several sockets may hold one seat, such
as two tabs of one user. Each message of a socket proves that its person is there, for all seats that the socket holds.

    watch, prove ──> the seat answers ──> silent, if no socket of the seat answered a heartbeat
                          ^                 │
                          └───── prove ─────┘        unwatch by the last socket ──> vacated, until its proof is stored

A *beat* is one heartbeat to all sockets: `begin_beat` says when it began; every seat that was not silent before has to
answer; `end_beat` gives the seats that did not. A node vouches only for seats that answered: every one of them was
certainly held at `oldest_proof`, and of no later instant is this known.

Instants are seconds on the monotonic clock of the process. Nothing here reads that clock: methods take the instant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection

    from talktime.core.record import Party

SocketT = TypeVar("SocketT")

Seat = tuple[str, "Party"]
"""A chat's id, and as whom its sockets watch."""


@dataclass(slots=True)
class _Held:
    """One socket: the seats that it holds, and when it last proved presence."""

    proved: float
    seats: set[Seat] = field(default_factory=set)


class Proofs(Generic[SocketT]):
    """The seats that the sockets of one process hold, and the last proof of each."""

    def __init__(self) -> None:
        self._sockets: dict[SocketT, _Held] = {}
        self._holders: dict[Seat, set[SocketT]] = {}
        self._silent: set[Seat] = set()
        self._unanswered: set[Seat] = set()
        # The last proofs of closed sockets, while another socket holds the seat.
        self._closed_sockets: dict[Seat, float] = {}
        self._vacated: dict[Seat, float] = {}  # last proofs of seats that no socket holds, until they are stored

    def __len__(self) -> int:
        return len(self._sockets)

    # Sockets come, prove presence, and go.

    def watch(self, socket: SocketT, seat: Seat, at: float) -> None:
        """The socket holds the seat from now on, which proves presence."""
        held = self._sockets.setdefault(socket, _Held(at))
        held.proved = at
        held.seats.add(seat)
        self._holders.setdefault(seat, set()).add(socket)

    def prove(self, socket: SocketT, at: float) -> set[Seat]:
        """Note a message of the socket. Returns the seats that were silent until now."""
        held = self._sockets.get(socket)
        if held is None:
            return set()
        held.proved = at
        self._unanswered -= held.seats
        returned = held.seats & self._silent
        self._silent -= returned
        return returned

    def unwatch(self, socket: SocketT, chat_id: str | None = None) -> None:
        """The socket gives up its seats of this chat, or all of its seats. What the socket proved still counts."""
        held = self._sockets.get(socket)
        if held is None:
            return
        for seat in [seat for seat in held.seats if chat_id in (None, seat[0])]:
            proved = max(held.proved, self._closed_sockets.get(seat, held.proved))
            if self.release(socket, seat):
                self._silent.discard(seat)
                self._closed_sockets.pop(seat, None)
                self._vacated[seat] = proved
            elif seat in self._holders:
                self._closed_sockets[seat] = proved
        if chat_id is None:
            del self._sockets[socket]

    def release(self, socket: SocketT, seat: Seat) -> bool:
        """Take the seat from the socket, and keep no last proof, unlike `unwatch`.

        Returns:
            Whether no socket holds the seat any more.
        """
        held = self._sockets.get(socket)
        if held is not None:
            held.seats.discard(seat)
        holders = self._holders.get(seat)
        if holders is None:
            return False
        holders.discard(socket)
        if holders:
            return False
        del self._holders[seat]
        self._unanswered.discard(seat)
        return True

    # Questions.

    def sockets(self) -> tuple[SocketT, ...]:
        """All sockets."""
        return tuple(self._sockets)

    def seats(self) -> Collection[Seat]:
        """The seats that sockets hold."""
        return self._holders.keys()

    def seats_of(self, socket: SocketT) -> set[Seat]:
        """The seats that this socket holds."""
        held = self._sockets.get(socket)
        return set() if held is None else set(held.seats)

    def is_held(self, seat: Seat, *, other_than: SocketT | None = None) -> bool:
        """Whether a socket, other than this one, holds the seat."""
        return any(socket is not other_than for socket in self._holders.get(seat, ()))

    def last_proof(self, seat: Seat) -> float | None:
        """The last proof of a seat that a socket holds; None for other seats."""
        holders = self._holders.get(seat)
        if not holders:
            return None
        return max(*(self._sockets[socket].proved for socket in holders), self._closed_sockets.get(seat, 0.0))

    def lapsed(self, at: float, lease_seconds: float) -> list[SocketT]:
        """The sockets that have proved nothing for a whole lease."""
        return [socket for socket, held in self._sockets.items() if at - held.proved >= lease_seconds]

    # Beats.

    def begin_beat(self) -> None:
        """A heartbeat goes out: every seat that is not silent has to answer."""
        self._unanswered = self._holders.keys() - self._silent

    @property
    def has_unanswered(self) -> bool:
        """Whether a seat has not answered this beat."""
        return bool(self._unanswered)

    def end_beat(self, began: float) -> list[Seat]:
        """The seats that fell silent in the beat that began then: they did not answer, and are silent from now on."""
        silent = [
            seat
            for seat in self._holders
            if seat not in self._silent and (proved := self.last_proof(seat)) is not None and proved < began
        ]
        self._silent |= set(silent)
        return silent

    def answering(self) -> set[Seat]:
        """The seats that are not silent."""
        return self._holders.keys() - self._silent

    def oldest_proof(self, now: float) -> float:
        """The oldest of the last proofs of the seats that answer; `now` if there are none."""
        proofs = (self.last_proof(seat) for seat in self.answering())
        return min((proved for proved in proofs if proved is not None), default=now)

    # Seats that no socket holds any more.

    def vacated(self) -> dict[Seat, float]:
        """The last proofs of the seats that were given up, and are not stored yet."""
        return dict(self._vacated)

    def mark_stored(self, seat: Seat, proved: float) -> None:
        """This last proof of a vacated seat is stored, unless a later one has come in the meantime."""
        if self._vacated.get(seat) == proved:
            del self._vacated[seat]
