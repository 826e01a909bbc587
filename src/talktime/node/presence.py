"""Presence is a lease, and a live socket renews the lease without a write of its own.

Each node has one row in `nodes`. Every third of a lease the node sends each socket a heartbeat. As soon as all seats
have answered, or after a sixth of a lease, the node moves its row to the oldest proof among the seats that answered.
This one write renews the leases of all of them. The write comes soon after the heartbeat, because only the row counts
if the node dies. Then the node tells each socket the renewed leases: should the network fail before the next
heartbeat, the screen and the charge stop at one instant.

A seat that did not answer is taken out: its last proof is stored with its watch, so that everybody knows in advance
when its lease ends. When the seat answers again, it is put back. When the last socket of a seat closes, the last proof
becomes the record's own lease. When the process dies, its row stays where it was; one lease later the leases of all its
sockets end. A row that has lapsed never comes back to life.

`core.proofs` keeps who proved presence and when, on the monotonic clock of the process. Only the age of a proof leaves
this process. So a proof counts from the instant at which it came, however late the database takes it: while the
database is away, heartbeats go on, proofs are kept here, and the first renewal tells their ages.

A socket that only looks at a chat (`observe`) holds no seat. It is told when the chat's lease ends, like the others.

Three workers do this (see `node`): `ask` sends heartbeats and needs no database, `renew` moves the row, and
`store_changes` stores who came back and who is gone, many in one transaction.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from talktime.core.errors import TalktimeError, Unavailable
from talktime.core.proofs import Proofs
from talktime.core.record import Party
from talktime.database.failures import DatabaseUnavailable, LockWait
from talktime.database.queries import arrays
from talktime.engine.presence import StoreSilence, UnwatchChat, WatchChat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from talktime.core.proofs import Seat
    from talktime.documents.snapshot import Snapshot
    from talktime.engine.command import Command
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory
    from talktime.node.clock import EngineClock

log = structlog.get_logger()

_ANSWER_SECONDS_MAX: Final = 5.0
_LEARN_SECONDS: Final = 1.0
_GATHER_SECONDS: Final = 0.02
_STORE_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 4.0
_OVERDUE_SHARE: Final = 0.75
"""The share of a lease after which the row of this process is renewed before anything else happens."""


class Socket(Protocol):
    """A socket, as presence knows it. The calls are not asynchronous and must not block the event loop."""

    def send_heartbeat(self, leases: dict[str, int], now_ms: int, epoch: str) -> None:
        """Ask whether the person is there, and tell when the leases of the watched running chats end."""

    def send_leases(self, leases: dict[str, int]) -> None:
        """Tell when the leases of the watched running chats end, because the node has renewed the leases."""

    def lost(self) -> None:
        """The socket was silent for a whole lease: close it."""


class SocketLeases:
    """The sockets of this process and the leases that they hold."""

    def __init__(
        self,
        process_id: str,
        engine: Engine,
        clock: EngineClock,
        parties: PartyDirectory,
        settings: Mapping[str, str],
    ) -> None:
        self._process_id = process_id
        self._settings = dict(settings)  # what all nodes must share, for the row of the node
        self._engine = engine
        self._database = engine.database
        self._clock = clock
        self._parties = parties
        self._lease_seconds = engine.durations.lease_ms / 1000
        self._proofs: Proofs[Socket] = Proofs()
        self._all_answered = asyncio.Event()
        self._stored_leases: dict[str, dict[Party, int]] = {}
        self._learning: asyncio.Task[None] | None = None
        self._next_ask = 0.0
        self._observed: dict[Socket, set[str]] = {}  # the chats that sockets show without a party
        self._left: dict[Seat, float] = {}  # when the last page of a vacated seat said that it closes
        self._silent: set[Seat] = set()  # seats that fell silent, until that is stored
        self._returned: set[Seat] = set()  # seats that answer again, until that is stored
        self._must_renew = asyncio.Event()
        self._must_store = asyncio.Event()
        self._round_over = asyncio.Event()
        self._renewing = asyncio.Lock()
        self._storing = asyncio.Lock()
        self._renewed_at = 0  # what our row says
        self._renewed_monotonic = 0.0
        self._rows = 0
        self.node_id = ""
        self.late_workers: Callable[[], Iterable[str]] = lambda: ()
        """Names the workers of this process that fail for long, for the row of the node."""

    @property
    def epoch(self) -> str:
        """Changes when this process's engine time had to jump."""
        return self._clock.epoch

    @property
    def is_overdue(self) -> bool:
        """Whether the row of this process was not renewed for so long that its leases may have ended."""
        return time.monotonic() - self._renewed_monotonic > self._lease_seconds * _OVERDUE_SHARE

    async def register(self) -> None:
        """Begin to be a node. A process whose row has lapsed registers a new row."""
        self._rows += 1
        self.node_id = f"{self._process_id}.{self._rows}"
        self._renewed_at = await self._database.fetch_value("register_node", self.node_id, self._settings)
        self._renewed_monotonic = time.monotonic()

    async def attach(self, socket: Socket, chat_id: str, party: Party) -> Snapshot:
        """The socket watches the chat as this party from now on.

        Returns:
            The chat's snapshot.

        Raises:
            NotFound: there is no such chat.
            Unavailable: the database can't be used.
        """
        seat = (chat_id, party)
        proved = time.monotonic()
        self._proofs.watch(socket, seat, proved)
        self._left.pop(seat, None)
        try:
            user_id = await self._parties.payer_of(chat_id)
            if self.is_overdue:
                await self.renew()  # another node may have removed the row to which the watch belongs
            snapshot = await self._engine.run(WatchChat(user_id, chat_id, party, self.node_id, proved))
        except BaseException as error:
            if isinstance(error, TalktimeError) and not isinstance(error, Unavailable):
                self._proofs.release(socket, seat)
                self._note_answers()
            else:
                # The watch may be stored all the same. Nobody would end it, and its lease would never end.
                self.detach(socket, chat_id)
            raise
        self.learn(snapshot)
        return snapshot

    def observe(self, socket: Socket, chat_id: str) -> None:
        """The socket shows the chat and proves nothing. It is told when the chat's lease ends."""
        self._observed.setdefault(socket, set()).add(chat_id)

    def look_away(self, socket: Socket, chat_id: str) -> None:
        """The socket no longer observes the chat."""
        chats = self._observed.get(socket, set())
        chats.discard(chat_id)
        if not chats:
            self._observed.pop(socket, None)

    def learn(self, snapshot: Snapshot) -> None:
        """Note the lease of a chat that begins to run: its screens learn the lease before the next heartbeat."""
        if not snapshot.timer.running:
            self._stored_leases.pop(snapshot.chat_id, None)
        elif snapshot.timer.lease_until is not None:
            self._stored_leases.setdefault(snapshot.chat_id, dict.fromkeys(Party, snapshot.timer.lease_until))

    def leave(self, socket: Socket, chat_id: str) -> None:
        """The page of this socket says that it closes. If no other socket holds the seat, the lease ends soon."""
        seats = [seat for seat in self._proofs.seats_of(socket) if seat[0] == chat_id]
        self.detach(socket, chat_id)
        self._left |= {seat: time.monotonic() for seat in seats if not self._proofs.is_held(seat)}

    def detach(self, socket: Socket, chat_id: str | None = None) -> None:
        """The socket no longer watches this chat, or any chat. What the socket has proved counts for one lease.

        The worker `store_changes` stores this soon, together with that of other sockets.
        """
        self._proofs.unwatch(socket, chat_id)
        self._note_answers()
        self._must_store.set()

    def prove(self, socket: Socket) -> None:
        """A message of the application came, so the person is there. Call this before anything else."""
        returned = self._proofs.prove(socket, time.monotonic())
        self._note_answers()
        if returned:
            self._silent -= returned
            self._returned |= returned
            self._must_store.set()

    def is_present(self, chat_id: str, party: Party, *, other_than: Socket | None = None) -> bool:
        """Whether a socket of this process, other than this one, watches the chat as the party."""
        return self._proofs.is_held((chat_id, party), other_than=other_than)

    def leases(self, socket: Socket) -> dict[str, int]:
        """When the leases of the running chats that the socket shows end, as far as this process knows."""
        shown = {chat_id for chat_id, _ in self._proofs.seats_of(socket)} | self._observed.get(socket, set())
        chats = shown & self._stored_leases.keys()
        return {chat_id: min(self._lease_until(chat_id, party) for party in Party) for chat_id in chats}

    async def close(self) -> None:
        """Leave properly, within a few seconds: each socket's last proof is stored, and the node's row is gone."""
        for socket in self._proofs.sockets():
            self._proofs.unwatch(socket)
        # If a proof is not stored, the row stays: the node lapses, and another node ends what its sockets held.
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS), self._storing:
                if not await self._store_vacated():
                    await self._database.fetch("forget_node", self.node_id)

    # The workers: each has a method that waits, and a method that does one round.

    async def wait_to_ask(self) -> None:
        """Wait for the next heartbeat."""
        await asyncio.sleep(max(0.0, self._next_ask - time.monotonic()))

    async def ask(self) -> None:
        """Send a heartbeat to all sockets and wait for the answers. A silent database holds up no heartbeat."""
        began = time.monotonic()
        self._next_ask = began + self._lease_seconds / 3
        await self._try_to_learn_leases()
        self._proofs.begin_beat()
        self._all_answered.clear()
        self._note_answers()
        self._send_heartbeats()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._lease_seconds / 6, _ANSWER_SECONDS_MAX)):
                await self._all_answered.wait()
        if silent := self._proofs.end_beat(began):
            self._silent |= set(silent)
            self._must_store.set()
        self._must_renew.set()

    async def wait_to_renew(self) -> None:
        """Wait until the sockets have answered a heartbeat."""
        await self._must_renew.wait()

    async def renew(self) -> None:
        """Move the row of this process to the oldest proof of the seats that answer.

        Raises:
            DatabaseUnavailable: the database can't be used. The next round tries again.
        """
        async with self._renewing:
            self._must_renew.clear()
            try:
                await self._note_ended_proofs()
                await self._renew()
            except BaseException:
                self._must_renew.set()
                raise

    async def wait_to_store(self) -> None:
        """Wait until somebody came back or is gone, and a moment longer: many leave at once."""
        await self._must_store.wait()
        await asyncio.sleep(_GATHER_SECONDS)

    async def store_changes(self) -> None:
        """Store who is gone, who fell silent, and who answers again: many in one transaction, and each only once.

        Raises:
            DatabaseUnavailable: the database can't be used. The next round tries again.
        """
        async with self._storing:
            self._must_store.clear()
            try:
                failed = await self._store_vacated() | await self._store_silence() | await self._watch_returned()
            except BaseException:
                self._must_store.set()
                raise
            self._round_over.set()
            if failed:
                self._must_store.set()
            for error in failed.values():
                if not isinstance(error, LockWait):  # a payer that another transaction has locked is tried again
                    raise error

    async def learn_leases(self) -> None:
        """Read how far the stored leases reach. What sockets are told follows from that.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        chats = list({chat_id for chat_id, _ in self._proofs.seats()}.union(*self._observed.values()))
        if not chats:
            self._stored_leases = {}
            return
        rows = await self._database.fetch("leases", chats, self._engine.durations.lease_ms)
        self._stored_leases = {
            row["chat_id"]: {Party.USER: row["user_until"], Party.ADVISOR: row["advisor_until"]} for row in rows
        }

    async def _try_to_learn_leases(self) -> None:
        """Read the leases, but wait only a moment for the answer. If it comes later, the next heartbeat tells it."""

        async def learn() -> None:
            with suppress(DatabaseUnavailable):
                await self.learn_leases()

        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(learn())
        await asyncio.wait({self._learning}, timeout=min(_LEARN_SECONDS, self._lease_seconds / 12))

    def _send_heartbeats(self) -> None:
        now_ms = int(self._clock.now_ms())
        lapsed = self._proofs.lapsed(time.monotonic(), self._lease_seconds)
        for socket in self._proofs.sockets():
            if socket in lapsed:
                socket.lost()
            else:
                socket.send_heartbeat(self.leases(socket), now_ms, self.epoch)

    def _send_leases(self) -> None:
        for socket in {*self._proofs.sockets(), *self._observed}:
            if leases := self.leases(socket):
                socket.send_leases(leases)

    async def _renew(self) -> None:
        now = time.monotonic()
        age_ms = int((now - self._proofs.oldest_proof(now)) * 1000)
        lease_ms, late_workers = self._engine.durations.lease_ms, sorted(self.late_workers())
        renewed_at = await self._database.fetch_value("renew_node", self.node_id, age_ms, lease_ms, late_workers)
        if renewed_at is not None:
            self._renewed_at = renewed_at
            self._renewed_monotonic = now
            self._send_leases()
            return
        # This process was away for longer than a lease, and others have ended its sockets' leases.
        log.warning("presence.node_lapsed", node_id=self.node_id)
        await self.register()
        self._returned |= self._proofs.answering()
        self._must_store.set()

    def _lease_until(self, chat_id: str, party: Party) -> int:
        stored = self._stored_leases[chat_id][party]
        proved = self._proofs.last_proof((chat_id, party))
        if proved is None:
            return stored
        # Only what is stored is told: should this process die, screens would have to take the rest back.
        proved_at_ms = int(self._clock.now_ms() - (time.monotonic() - proved) * 1000)
        return max(stored, min(self._renewed_at, proved_at_ms) + self._engine.durations.lease_ms)

    def _note_answers(self) -> None:
        if not self._proofs.has_unanswered:
            self._all_answered.set()

    async def _note_ended_proofs(self) -> None:
        """See to it that no seat is renewed that is silent or vacated.

        Usually `store_changes` has stored all of them in a moment. A seat whose payer is locked would have to wait for
        the lock, and the leases of all others with it: its last proof is noted without the payer's lock. What follows
        from the proof for the payer's deadline is stored once the payer is free.
        """
        if not self._ended_proofs():
            return
        self._must_store.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(_STORE_SECONDS, self._lease_seconds / 12)):
                while self._ended_proofs():
                    self._round_over.clear()
                    await self._round_over.wait()
        now = time.monotonic()
        rows = [
            {"chat_id": chat_id, "party": party.value, "age_ms": int((now - proved) * 1000)}
            for (chat_id, party), proved in self._ended_proofs().items()
        ]
        if rows:
            await self._database.fetch("note_proofs", *arrays("note_proofs", rows), self.node_id)

    def _ended_proofs(self) -> dict[Seat, float]:
        """The last proofs of the seats that are silent or vacated, and whose commands are not through."""
        vacated = {seat: at for seat, at in self._proofs.vacated().items() if not self._proofs.is_held(seat)}
        silent = {seat: at for seat in self._silent if (at := self._proofs.last_proof(seat)) is not None}
        return vacated | silent

    async def _watch_returned(self) -> dict[Seat, Exception]:
        """Store that seats answer again.

        Returns:
            The seats whose command failed, each with its error. The next round tries them again.
        """
        returned, self._returned = self._returned, set()

        def command(user_id: str, seat: Seat) -> Command[object] | None:
            chat_id, party = seat
            proved = self._proofs.last_proof(seat)
            return None if proved is None else WatchChat(user_id, chat_id, party, self.node_id, proved)

        failed = await self._run_each(returned, command)
        self._returned |= failed.keys()
        return failed

    async def _store_silence(self) -> dict[Seat, Exception]:
        """Store the last proofs of seats that fell silent. Returns the same as `_watch_returned`."""
        silent = set(self._silent)

        def command(user_id: str, seat: Seat) -> Command[object] | None:
            chat_id, party = seat
            proved = self._proofs.last_proof(seat)
            if seat not in self._silent or proved is None:
                return None
            return StoreSilence(user_id, chat_id, party, self.node_id, proved)

        failed = await self._run_each(silent, command)
        self._silent -= silent - failed.keys()
        return failed

    async def _store_vacated(self) -> dict[Seat, Exception]:
        """Store the last proofs of vacated seats. Returns the same as `_watch_returned`."""
        vacated, left = self._proofs.vacated(), dict(self._left)

        def command(user_id: str, seat: Seat) -> Command[object] | None:
            if self._proofs.is_held(seat):
                return None
            chat_id, party = seat
            return UnwatchChat(user_id, chat_id, party, self.node_id, vacated[seat], left.get(seat))

        failed = await self._run_each(vacated, command)
        for seat in vacated.keys() - failed.keys():
            self._proofs.mark_stored(seat, vacated[seat])
            if seat in left and self._left.get(seat) == left[seat]:
                del self._left[seat]
        return failed

    async def _run_each(
        self, seats: Iterable[Seat], command: Callable[[str, Seat], Command[object] | None]
    ) -> dict[Seat, Exception]:
        """Run a command for each seat, all together, so that the commands share transactions.

        `command` gives None for a seat that needs no command any more.

        Returns:
            The seats whose command failed, each with its error.
        """
        wanted = list(seats)

        async def run(seat: Seat) -> None:
            needed = command(await self._parties.payer_of(seat[0]), seat)
            if needed is not None:
                await self._engine.run(needed)

        results = await asyncio.gather(*(run(seat) for seat in wanted), return_exceptions=True)
        failed: dict[Seat, Exception] = {}
        for seat, result in zip(wanted, results, strict=True):
            if isinstance(result, Exception):
                failed[seat] = result
            elif result is not None:
                raise result
        for cause, count in Counter(map(repr, failed.values())).items():
            log.warning("presence.not_stored", cause=cause, seats=count)
        return failed
