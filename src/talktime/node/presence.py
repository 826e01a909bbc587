"""Presence is a lease, and a live socket renews it without a write of its own.

A server process has one row, `nodes`. Every third of a lease it sends each socket a heartbeat, and as soon as all have
answered, or a sixth of a lease later, moves its row to the oldest proof among those that answered: that one write
renews the lease of all of them. It comes soon, since should this process die only the row counts, whatever was told. A
socket that did not answer is taken out: its own last proof is stored with its watch, so that everybody knows
in advance when its lease ends; when it speaks again it is put back. When a socket closes, its last proof becomes the
record's lease. When the process dies, its row stays where it was last moved to, and a lease after that all its
sockets' leases end; a row that has lapsed never comes back to life.

How long ago a socket proved presence is measured on this process's monotonic clock; only ages leave it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg
import structlog

from talktime.core.errors import TalktimeError
from talktime.core.payer import Party
from talktime.database.queries import SQL
from talktime.engine import tracking
from talktime.engine.batching import UNREACHABLE, Engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable

    from talktime.documents.snapshot import Snapshot
    from talktime.engine.batching import Command
    from talktime.node.clock import EngineClock

log = structlog.get_logger()

_ANSWER_SECONDS_MAX: Final = 5.0

Key = tuple[str, Party]


class Socket(Protocol):
    """What presence needs of a socket. Plain calls on the event loop."""

    def send_heartbeat(self, leases: dict[str, int], now_ms: int, epoch: str) -> None:
        """Ask whether anybody is there, and tell when the leases of its running chats end."""

    def lost(self) -> None:
        """It has been silent for a whole lease: close it."""


@dataclass(slots=True)
class _Held:
    """A socket of ours: when it last spoke (monotonic seconds), and what it watches."""

    proved: float
    keys: set[Key] = field(default_factory=set)


class Presence:
    """The sockets of this process and the leases they hold."""

    def __init__(
        self, process_id: str, engine: Engine, clock: EngineClock, payer_of: Callable[[str], Awaitable[str]]
    ) -> None:
        self._process_id = process_id
        self._engine = engine
        self._clock = clock
        self._payer_of = payer_of
        self._lease_seconds = engine.rules.lease_ms / 1000
        self._sockets: dict[Hashable, _Held] = {}
        self._holders: dict[Key, set[Hashable]] = {}
        self._silent: set[Key] = set()
        self._unanswered: set[Key] = set()
        self._all_answered = asyncio.Event()
        self._earlier: dict[Key, float] = {}  # what a tab proved that is closed, while another is open
        self._gone: dict[Key, float] = {}  # last proofs of what nobody watches any more, until they are stored
        self._known: dict[str, dict[Party, int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._renewed_at = 0  # what our row says: all that counts should this process die
        self._lives = 0
        self.node_id = ""

    @property
    def epoch(self) -> str:
        """Changes when this process's engine time had to jump."""
        return self._clock.epoch

    def __len__(self) -> int:
        return len(self._sockets)

    async def register(self) -> None:
        """Begin to be a node: this process has a new one whenever the one before has lapsed."""
        self._lives += 1
        self.node_id = f"{self._process_id}.{self._lives}"
        self._renewed_at = await self._engine.pool.fetchval(SQL["register_node"], self.node_id)

    async def attach(self, socket: Hashable, chat_id: str, party: Party) -> Snapshot:
        """The socket watches the chat as this party, from now on. It answers with the chat's snapshot.

        Raises:
            NotFound: when there is no such chat.
        """
        held = self._sockets.setdefault(socket, _Held(time.monotonic()))
        held.proved = time.monotonic()
        key = (chat_id, party)
        held.keys.add(key)
        self._holders.setdefault(key, set()).add(socket)
        try:
            snapshot = await self._watch(key)
        except BaseException:
            self._drop(socket, key)
            raise
        self.learn(snapshot)
        return snapshot

    def learn(self, snapshot: Snapshot) -> None:
        """A chat that begins to run has a lease to be told at once, not only from the next heartbeat on."""
        if not snapshot.timer.running:
            self._known.pop(snapshot.chat_id, None)
        elif snapshot.timer.lease_until is not None:
            self._known.setdefault(snapshot.chat_id, dict.fromkeys(Party, snapshot.timer.lease_until))

    async def detach(self, socket: Hashable, chat_id: str | None = None) -> None:
        """The socket no longer watches this chat, or any; what it has proved still counts for a lease."""
        held = self._sockets.get(socket)
        if held is None:
            return
        keys = [key for key in held.keys if chat_id is None or key[0] == chat_id]
        for key in keys:
            proved = max(held.proved, self._earlier.get(key, held.proved))
            if self._drop(socket, key):
                self._silent.discard(key)
                self._earlier.pop(key, None)
                self._gone[key] = proved
            elif key in self._holders:
                self._earlier[key] = proved
        if chat_id is None:
            self._sockets.pop(socket, None)
        await self._store_gone()

    def prove(self, socket: Hashable) -> None:
        """An application message came: somebody is there. Call it first."""
        held = self._sockets.get(socket)
        if held is None:
            return
        held.proved = time.monotonic()
        self._answer(held.keys)
        back = held.keys & self._silent
        if back:
            self._silent -= back
            self._spawn(self._return(back))

    def is_present(self, chat_id: str, party: Party, *, other_than: Hashable = None) -> bool:
        """Whether a socket of this process watches the chat as this party."""
        return any(socket is not other_than for socket in self._holders.get((chat_id, party), ()))

    def leases(self, socket: Hashable) -> dict[str, int]:
        """When the leases of the running chats it watches end, as far as this process knows."""
        held = self._sockets.get(socket)
        if held is None:
            return {}
        chats = {chat_id for chat_id, _ in held.keys} & self._known.keys()
        return {chat_id: min(self._until(chat_id, party) for party in Party) for chat_id in chats}

    async def run(self) -> None:
        """Heartbeats and renewals, for ever."""
        while True:
            began = time.monotonic()
            try:
                await self._beat(began)
            except (*UNREACHABLE, asyncpg.PostgresError, TalktimeError) as error:
                log.warning("presence.renewal_failed", cause=repr(error))
            await asyncio.sleep(max(0.0, began + self._lease_seconds / 3 - time.monotonic()))

    async def close(self) -> None:
        """Leave properly: every socket's last proof is stored, and the node is gone."""
        for socket in tuple(self._sockets):
            await self.detach(socket)
        if self._tasks:
            await asyncio.wait(self._tasks)
        if await self._store_gone():  # else the node lapses, and whoever buries it ends what it has held
            await self._engine.pool.execute(SQL["forget_node"], self.node_id)

    async def _beat(self, began: float) -> None:
        await self.learn_leases()
        now_ms = int(self._clock.now_ms())
        self._unanswered = self._holders.keys() - self._silent
        self._all_answered.clear()
        self._answer(())
        for socket, held in tuple(self._sockets.items()):
            if time.monotonic() - held.proved >= self._lease_seconds:
                socket.lost()  # type: ignore[attr-defined]
            else:
                socket.send_heartbeat(self.leases(socket), now_ms, self.epoch)  # type: ignore[attr-defined]
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._lease_seconds / 6, _ANSWER_SECONDS_MAX)):
                await self._all_answered.wait()
        proofs = {key: self._proved(key) for key in self._holders}
        silent = [key for key, proved in proofs.items() if proved < began and key not in self._silent]
        self._silent |= set(silent)
        failed = await self._each(
            silent,
            lambda user_id, key: (
                tracking.fall_silent(user_id, *key, self.node_id, self._proved(key)) if key in self._holders else None
            ),
        )
        self._silent -= failed
        if failed or not await self._store_gone():
            return  # renewing the node would renew the very leases that must end
        oldest = min((proved for key, proved in proofs.items() if key not in self._silent), default=time.monotonic())
        age_ms = int((time.monotonic() - oldest) * 1000)
        renewed = await self._engine.pool.fetchval(SQL["renew_node"], self.node_id, age_ms, self._engine.rules.lease_ms)
        if renewed is None:
            await self._start_over()
        else:
            self._renewed_at = renewed

    async def _start_over(self) -> None:
        """We were away for longer than a lease, so others have ended our sockets' leases: begin as another node."""
        log.warning("presence.node_lapsed", node_id=self.node_id)
        await self.register()
        await self._return(set(self._holders) - self._silent)

    async def learn_leases(self) -> None:
        """Read how far the leases reach that are stored; what sockets are told follows from it."""
        chats = list({chat_id for chat_id, _ in self._holders})
        if not chats:
            self._known = {}
            return
        rows = await self._engine.pool.fetch(SQL["leases"], chats, self._engine.rules.lease_ms)
        self._known = {
            row["chat_id"]: {Party.USER: row["user_until"], Party.ADVISOR: row["advisor_until"]} for row in rows
        }

    def _until(self, chat_id: str, party: Party) -> int:
        known = self._known[chat_id][party]
        if (chat_id, party) not in self._holders:
            return known
        # What this process has heard and not stored is not told: should it die, the screens would have to take it back.
        age_ms = (time.monotonic() - self._proved((chat_id, party))) * 1000
        stored_ms = min(self._renewed_at, int(self._clock.now_ms() - age_ms))
        return max(known, stored_ms + self._engine.rules.lease_ms)

    def _proved(self, key: Key) -> float:
        proofs = [self._sockets[socket].proved for socket in self._holders.get(key, ())]
        return max([*proofs, self._earlier.get(key, 0.0)] if proofs else [time.monotonic()])

    def _drop(self, socket: Hashable, key: Key) -> bool:
        """Forget that the socket watches this; whether nobody does any more."""
        held = self._sockets.get(socket)
        if held is not None:
            held.keys.discard(key)
        holders = self._holders.get(key)
        if holders is None:
            return False
        holders.discard(socket)
        if holders:
            return False
        del self._holders[key]
        self._answer((key,))
        return True

    def _answer(self, keys: Iterable[Key]) -> None:
        self._unanswered.difference_update(keys)
        if not self._unanswered:
            self._all_answered.set()

    async def _watch(self, key: Key) -> Snapshot:
        chat_id, party = key
        user_id = await self._payer_of(chat_id)
        snapshot: Snapshot = await self._engine.run(tracking.watch(user_id, chat_id, party, self.node_id))
        return snapshot

    async def _return(self, keys: Iterable[Key]) -> None:
        await self._each(
            keys, lambda user_id, key: tracking.watch(user_id, *key, self.node_id) if key in self._holders else None
        )

    async def _store_gone(self) -> bool:
        """Store the last proofs of what nobody watches any more; whether all are stored. Tried again at every beat."""
        gone = dict(self._gone)
        failed = await self._each(
            gone,
            lambda user_id, key: (
                None if key in self._holders else tracking.unwatch(user_id, *key, self.node_id, gone[key])
            ),
        )
        for key in gone.keys() - failed:
            if self._gone.get(key) == gone[key]:
                del self._gone[key]
        return not self._gone

    async def _each(self, keys: Iterable[Key], command: Callable[[str, Key], Command | None]) -> set[Key]:
        """Run a command for each key together, so that they share transactions; those that could not be stored.

        None instead of a command: it is no longer needed.
        """
        wanted = list(keys)

        async def one(key: Key) -> None:
            needed = command(await self._payer_of(key[0]), key)
            if needed is not None:
                await self._engine.run(needed)

        results = await asyncio.gather(*(one(key) for key in wanted), return_exceptions=True)
        failed = {key: result for key, result in zip(wanted, results, strict=True) if isinstance(result, BaseException)}
        for cause in failed.values():
            log.warning("presence.not_stored", cause=repr(cause))
        return set(failed)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
