"""The access keys that this process has seen in use: whether they are still valid, and when they were last used.

A backend sends its key with each call, and the database is not asked each time: an answer counts for `CHECK_SECONDS`.
So every node refuses a revoked key after this time, whatever the node hears. Who revokes a key also tells all nodes,
over the fan-out, and a node that hears this asks again at once. A hint that is lost, late or forged changes nothing but
when the database is asked.

A live socket makes no calls. So the sockets that signed in with a key, or with a token that a key has made, are listed
here, and the worker `keys` asks for their keys as often as a call would.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from talktime.database.queries import arrays
from talktime.engine.access_keys import find_by_hash, find_by_id, hash_secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from talktime.database.pool import Database
    from talktime.documents.access_key import AccessKey

CHECK_SECONDS: Final = 2.0
"""How long a node may accept a key that was revoked, if the node hears nothing. A node that hears needs no time."""

USES_SECONDS: Final = 60.0
"""How often the last uses are stored."""

KEYS_MAX: Final = 10_000
"""How many keys are remembered."""


class _Seen:
    """A valid key, and when the database was last asked for it, on the monotonic clock."""

    __slots__ = ("asked_at", "key")

    def __init__(self, key: AccessKey, asked_at: float) -> None:
        self.key = key
        self.asked_at = asked_at


class KeyRing:
    """Finds valid keys. `look` is one round of the worker `keys`, and `wait` waits for the round.

    Attributes:
        monotonic: the clock, in seconds, by which an answer of the database grows old.
    """

    def __init__(self, database: Database, now_ms: Callable[[], float]) -> None:
        self._database = database
        self._now_ms = now_ms
        self._seen: OrderedDict[bytes | str, _Seen] = OrderedDict()
        self._asking: dict[bytes | str, asyncio.Task[AccessKey | None]] = {}
        self._sockets: defaultdict[str, set[Callable[[], None]]] = defaultdict(set)
        self._uses: dict[str, int] = {}
        self.monotonic = time.monotonic
        self._uses_stored_at = self.monotonic()
        self._hints = 0
        self._wake = asyncio.Event()

    def knows(self, secret: str) -> bool:
        """Whether a key with this secret was valid when it was last used here."""
        return hash_secret(secret) in self._seen

    async def use(self, secret: str) -> AccessKey | None:
        """The valid key with this secret, whose last use is now.

        Raises:
            Unavailable: the database can't be asked.
        """
        secret_hash = hash_secret(secret)
        key = await self._find(secret_hash, lambda: find_by_hash(self._database, secret_hash))
        if key is not None:
            self._uses[key.id] = int(self._now_ms())
        return key

    async def is_valid(self, key_id: str) -> bool:
        """Whether the key with this id is valid. This does not count as a use of the key.

        Raises:
            Unavailable: the database can't be asked.
        """
        return await self._find(key_id, lambda: find_by_id(self._database, key_id)) is not None

    def add_socket(self, key_id: str, close: Callable[[], None]) -> None:
        """Call `close` when the key is revoked."""
        self._sockets[key_id].add(close)

    def remove_socket(self, key_id: str, close: Callable[[], None]) -> None:
        """The socket is closed."""
        closers = self._sockets[key_id]
        closers.discard(close)
        if not closers:
            del self._sockets[key_id]

    def hear(self) -> None:
        """Somebody says that a key was revoked: ask for every key again."""
        self._hints += 1
        self._seen.clear()
        self._wake.set()

    async def wait(self) -> None:
        """Wait until the sockets' keys are due to be asked for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_SECONDS):
                await self._wake.wait()

    async def look(self) -> None:
        """Close the sockets of keys that were revoked, and store the last uses once in a while.

        Raises:
            Unavailable: the database can't be asked. The next round tries again.
        """
        self._wake.clear()
        if self._sockets:
            key_ids = list(self._sockets)
            valid = {row["key_id"] for row in await self._database.fetch("valid_access_keys", key_ids)}
            for key_id in key_ids:
                if key_id not in valid:
                    for close in list(self._sockets.get(key_id, ())):
                        close()
        if self.monotonic() - self._uses_stored_at >= USES_SECONDS:
            await self.store_uses()

    async def store_uses(self) -> None:
        """Store when keys were last used.

        Raises:
            Unavailable: the database can't be used. The uses are kept for the next time.
        """
        uses, self._uses = self._uses, {}
        self._uses_stored_at = self.monotonic()
        if not uses:
            return
        rows = arrays("save_key_uses", ({"key_id": key_id, "used_at": at} for key_id, at in uses.items()))
        try:
            await self._database.fetch("save_key_uses", *rows)
        except BaseException:
            self._uses = uses | self._uses
            raise

    async def _find(self, name: bytes | str, ask: Callable[[], Awaitable[AccessKey | None]]) -> AccessKey | None:
        """The key as it was at most `CHECK_SECONDS` ago. Calls that come together ask once."""
        seen = self._seen.get(name)
        if seen is not None and self.monotonic() - seen.asked_at < CHECK_SECONDS:
            self._seen.move_to_end(name)
            return seen.key
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.create_task(self._ask(name, ask), name="talktime key")
            task.add_done_callback(lambda _task: self._asking.pop(name, None))
        # A caller who goes away must not cancel what others wait for.
        return await asyncio.shield(task)

    async def _ask(self, name: bytes | str, ask: Callable[[], Awaitable[AccessKey | None]]) -> AccessKey | None:
        asked_at, hints = self.monotonic(), self._hints
        key = await ask()
        if key is None:
            self._seen.pop(name, None)
        elif hints == self._hints:  # otherwise the key may have been revoked since the database was asked
            self._seen[name] = _Seen(key, asked_at)
            self._seen.move_to_end(name)
            if len(self._seen) > KEYS_MAX:
                self._seen.popitem(last=False)
        return key
