"""Presence is a lease, and a live socket renews the lease without a write of its own.

Each server process has one row in `nodes`. Every third of a lease the process sends each socket a heartbeat. As soon
as all seats have answered, or after a sixth of a lease, the process moves its row to the oldest proof among the seats
that answered. This one write renews the leases of all of them. The write comes soon after the heartbeat, because only
the row counts if the process dies.

A seat that did not answer is taken out: its last proof is stored with its watch, so that everybody knows in advance
when its lease ends. When the seat answers again, it is put back. When the last socket of a seat closes, the last proof
becomes the record's own lease. When the process dies, its row stays where it was; one lease later the leases of all its
sockets end. A row that has lapsed never comes back to life.

`core.proofs` keeps who proved presence and when, on the monotonic clock of the process. Only the age of a proof leaves
this process.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

import asyncpg
import structlog

from talktime.core.errors import TalktimeError
from talktime.core.proofs import Proofs
from talktime.core.record import Party
from talktime.database.pool import UNREACHABLE
from talktime.database.queries import SQL
from talktime.engine.presence import StoreSilence, UnwatchChat, WatchChat

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from talktime.core.proofs import Seat
    from talktime.documents.snapshot import Snapshot
    from talktime.engine.command import Command
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory
    from talktime.node.clock import EngineClock

log = structlog.get_logger()

_ANSWER_SECONDS_MAX: Final = 5.0


class Socket(Protocol):
    """What presence calls on a socket. The calls are plain and must not block the event loop."""

    def send_heartbeat(self, leases: dict[str, int], now_ms: int, epoch: str) -> None:
        """Ask whether the person is there, and tell when the leases of the watched running chats end."""

    def lost(self) -> None:
        """The socket was silent for a whole lease: close it."""


class Presence:
    """The sockets of this process and the leases that they hold."""

    def __init__(self, process_id: str, engine: Engine, clock: EngineClock, parties: PartyDirectory) -> None:
        self._process_id = process_id
        self._engine = engine
        self._clock = clock
        self._parties = parties
        self._lease_seconds = engine.rules.lease_ms / 1000
        self._proofs: Proofs[Socket] = Proofs()
        self._all_answered = asyncio.Event()
        self._stored_leases: dict[str, dict[Party, int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._renewed_at = 0  # what our row says
        self._rows = 0
        self.node_id = ""

    @property
    def epoch(self) -> str:
        """Changes when this process's engine time had to jump."""
        return self._clock.epoch

    async def register(self) -> None:
        """Begin to be a node. A process whose row has lapsed registers a new row."""
        self._rows += 1
        self.node_id = f"{self._process_id}.{self._rows}"
        self._renewed_at = await self._engine.database.pool.fetchval(SQL["register_node"], self.node_id)

    async def attach(self, socket: Socket, chat_id: str, party: Party) -> Snapshot:
        """The socket watches the chat as this party from now on.

        Returns:
            The chat's snapshot.

        Raises:
            NotFound: there is no such chat.
        """
        seat = (chat_id, party)
        self._proofs.watch(socket, seat, time.monotonic())
        try:
            user_id = await self._parties.payer_of(chat_id)
            snapshot = await self._engine.run(WatchChat(user_id, chat_id, party, self.node_id))
        except BaseException:
            self._proofs.release(socket, seat)
            self._note_answers()
            raise
        self.learn(snapshot)
        return snapshot

    def learn(self, snapshot: Snapshot) -> None:
        """Note the lease of a chat that begins to run: its screens learn the lease before the next heartbeat."""
        if not snapshot.timer.running:
            self._stored_leases.pop(snapshot.chat_id, None)
        elif snapshot.timer.lease_until is not None:
            self._stored_leases.setdefault(snapshot.chat_id, dict.fromkeys(Party, snapshot.timer.lease_until))

    async def detach(self, socket: Socket, chat_id: str | None = None) -> None:
        """The socket no longer watches this chat, or any chat. What the socket has proved counts for one lease."""
        self._proofs.unwatch(socket, chat_id)
        self._note_answers()
        await self._store_vacated()

    def prove(self, socket: Socket) -> None:
        """A message of the application came, so the person is there. Call this before anything else."""
        returned = self._proofs.prove(socket, time.monotonic())
        self._note_answers()
        if returned:
            self._spawn(self._watch_again(returned))

    def is_present(self, chat_id: str, party: Party, *, other_than: Socket | None = None) -> bool:
        """Whether a socket of this process, other than this one, watches the chat as the party."""
        return self._proofs.is_held((chat_id, party), other_than=other_than)

    def leases(self, socket: Socket) -> dict[str, int]:
        """When the leases of the running chats that the socket watches end, as far as this process knows."""
        chats = {chat_id for chat_id, _ in self._proofs.seats_of(socket)} & self._stored_leases.keys()
        return {chat_id: min(self._lease_until(chat_id, party) for party in Party) for chat_id in chats}

    async def run(self) -> None:
        """Send heartbeats and renew the node, for ever."""
        while True:
            began = time.monotonic()
            try:
                await self.beat(began)
            except (*UNREACHABLE, asyncpg.PostgresError, TalktimeError) as error:
                log.warning("presence.renewal_failed", cause=repr(error))
            await asyncio.sleep(max(0.0, began + self._lease_seconds / 3 - time.monotonic()))

    async def close(self) -> None:
        """Leave properly: the last proof of each socket is stored, and the node's row is gone."""
        for socket in self._proofs.sockets():
            await self.detach(socket)
        if self._tasks:
            await asyncio.wait(self._tasks)
        # If a proof is not stored, the row stays: the node lapses, and another node ends what its sockets held.
        if await self._store_vacated():
            await self._engine.database.pool.execute(SQL["forget_node"], self.node_id)

    async def beat(self, began: float) -> None:
        """One heartbeat to all sockets, and the renewal that follows from the answers.

        `began` is when the beat began, in seconds of the monotonic clock.
        """
        await self.learn_leases()
        self._proofs.begin_beat()
        self._all_answered.clear()
        self._note_answers()
        self._send_heartbeats()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._lease_seconds / 6, _ANSWER_SECONDS_MAX)):
                await self._all_answered.wait()
        # Renewing the node while a silence or a vacated seat is not stored would renew the very leases that must end.
        if await self._store_silence(self._proofs.end_beat(began)) and await self._store_vacated():
            await self._renew()

    async def learn_leases(self) -> None:
        """Read how far the stored leases reach. What sockets are told follows from that."""
        chats = list({chat_id for chat_id, _ in self._proofs.seats()})
        if not chats:
            self._stored_leases = {}
            return
        rows = await self._engine.database.pool.fetch(SQL["leases"], chats, self._engine.rules.lease_ms)
        self._stored_leases = {
            row["chat_id"]: {Party.USER: row["user_until"], Party.ADVISOR: row["advisor_until"]} for row in rows
        }

    def _send_heartbeats(self) -> None:
        now_ms = int(self._clock.now_ms())
        lapsed = self._proofs.lapsed(time.monotonic(), self._lease_seconds)
        for socket in self._proofs.sockets():
            if socket in lapsed:
                socket.lost()
            else:
                socket.send_heartbeat(self.leases(socket), now_ms, self.epoch)

    async def _renew(self) -> None:
        now = time.monotonic()
        age_ms = int((now - self._proofs.oldest_proof(now)) * 1000)
        lease_ms = self._engine.rules.lease_ms
        renewed_at = await self._engine.database.pool.fetchval(SQL["renew_node"], self.node_id, age_ms, lease_ms)
        if renewed_at is not None:
            self._renewed_at = renewed_at
            return
        # This process was away for longer than a lease, and others have ended its sockets' leases.
        log.warning("presence.node_lapsed", node_id=self.node_id)
        await self.register()
        await self._watch_again(self._proofs.answering())

    def _lease_until(self, chat_id: str, party: Party) -> int:
        stored = self._stored_leases[chat_id][party]
        proved = self._proofs.last_proof((chat_id, party))
        if proved is None:
            return stored
        # Only what is stored is told: should this process die, screens would have to take the rest back.
        proved_at_ms = int(self._clock.now_ms() - (time.monotonic() - proved) * 1000)
        return max(stored, min(self._renewed_at, proved_at_ms) + self._engine.rules.lease_ms)

    def _note_answers(self) -> None:
        if not self._proofs.has_unanswered:
            self._all_answered.set()

    async def _watch_again(self, seats: Iterable[Seat]) -> None:
        def command(user_id: str, seat: Seat) -> Command[object] | None:
            chat_id, party = seat
            return WatchChat(user_id, chat_id, party, self.node_id) if self._proofs.is_held(seat) else None

        await self._run_each(seats, command)

    async def _store_silence(self, silent: list[Seat]) -> bool:
        """Store the last proofs of seats that fell silent; whether all are stored."""

        def command(user_id: str, seat: Seat) -> Command[object] | None:
            chat_id, party = seat
            proved = self._proofs.last_proof(seat)
            return None if proved is None else StoreSilence(user_id, chat_id, party, self.node_id, proved)

        failed = await self._run_each(silent, command)
        self._proofs.mark_answering(failed)
        return not failed

    async def _store_vacated(self) -> bool:
        """Store the last proofs of vacated seats; whether all are stored. The next beat tries the others again."""
        vacated = self._proofs.vacated()

        def command(user_id: str, seat: Seat) -> Command[object] | None:
            if self._proofs.is_held(seat):
                return None
            chat_id, party = seat
            return UnwatchChat(user_id, chat_id, party, self.node_id, vacated[seat])

        failed = await self._run_each(vacated, command)
        for seat in vacated.keys() - failed:
            self._proofs.mark_stored(seat, vacated[seat])
        return not self._proofs.vacated()

    async def _run_each(
        self, seats: Iterable[Seat], command: Callable[[str, Seat], Command[object] | None]
    ) -> set[Seat]:
        """Run a command for each seat, all together, so that the commands share transactions.

        `command` gives None for a seat that needs no command any more.

        Returns:
            The seats whose command failed.
        """
        wanted = list(seats)

        async def run(seat: Seat) -> None:
            needed = command(await self._parties.payer_of(seat[0]), seat)
            if needed is not None:
                await self._engine.run(needed)

        results = await asyncio.gather(*(run(seat) for seat in wanted), return_exceptions=True)
        failed = {
            seat: result for seat, result in zip(wanted, results, strict=True) if isinstance(result, BaseException)
        }
        for cause in failed.values():
            log.warning("presence.not_stored", cause=repr(cause))
        return set(failed)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
