"""The library: everything the service does is a method here first.

    from talktime import Talktime

    async with Talktime.connect() as talktime:              # no URL: the embedded database
        await talktime.put_user("alice", "Alice")
        await talktime.put_advisor("maya", "Maya", Tariff.parse({"tiers": [{"rate": "1.00"}]}))
        await talktime.add_credit("alice", parse_credits("10.00"))
        snapshot = await talktime.initialize_time_tracking_for_chat("alice", "maya", "first chat")
        await talktime.stop("first chat")

Ids are the host's own strings. Amounts are micro-credits, instants and durations milliseconds, all integers; what is
returned is frozen. Each method raises a `TalktimeError` (see `talktime.errors`) for what it refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final

import asyncpg
import structlog

from talktime import ledger, tracking
from talktime.clock import EngineClock
from talktime.database.embedded import embedded_database
from talktime.database.migrate import ensure_current
from talktime.database.pool import open_pool
from talktime.database.queries import SQL
from talktime.database.saving import Told
from talktime.engine import UNREACHABLE, Command, Engine, Repeat
from talktime.errors import InvalidRequest, NotFound, Unavailable
from talktime.feed import Feed, message
from talktime.ids import new_id
from talktime.payer import Party, Reason, Rules
from talktime.presence import Presence
from talktime.settings import Settings, load_settings
from talktime.tariff import Tariff, price
from talktime.timers import ChatTimerManager
from talktime.views import Account, Advisor, ChatSummary, Entry, Message, Receipt, RecordView, SegmentView, Snapshot

log = structlog.get_logger()

POOL_SIZE: Final = 12
_KINDS: Final = ("purchase", "gift", "refund")
_STATES: Final = ("running", "paused", "ended", "active")
_PARTIES_KEPT: Final = 100_000
_ADVANCE_MAX_MS: Final = 10 * 366 * 86_400_000


class Talktime:
    """The meter, connected to its database. Get one with `Talktime.connect`."""

    def __init__(self, settings: Settings, url: str, pool: Any) -> None:
        self.settings = settings
        self._pool = pool
        rules = Rules(
            lease_ms=int(settings.presence_lease_seconds * 1000),
            recharge_ms=int(settings.recharge_seconds * 1000),
            abandon_ms=int(settings.abandon_seconds * 1000),
        )
        self.engine = Engine(pool, rules, self._publish)
        self.clock = EngineClock(pool)
        process_id = new_id()
        self.feed = Feed(url, process_id, self.engine, self._payer_of)
        self.feed.on_clock_moved = self.clock.resample
        self.presence = Presence(process_id, self.engine, self.clock, self._payer_of)
        self.timers = ChatTimerManager(self.engine, self._payer_of)
        self._parties: dict[str, tuple[str, str]] = {}

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, database_url: str | None = None, *, settings: Settings | None = None, work: bool = True
    ) -> AsyncIterator[Talktime]:
        """Open the database, and be a node: deadlines, presence and changes are looked after while the context lasts.

        Args:
            database_url: a PostgreSQL database whose schema is current; the embedded one, migrated, when not given.
            settings: all other settings; from the environment and `talktime.toml` when not given.
            work: False for a short visit that only asks and commands, and leaves the work to other nodes.

        Raises:
            DatabaseProblem: when the database can't be used as it is.
        """
        settings = load_settings(database_url=database_url) if settings is None else settings
        url = database_url or settings.database_url
        async with AsyncExitStack() as stack:
            embedded = url is None
            if url is None:
                url = await stack.enter_async_context(embedded_database(settings.data_dir))
            await ensure_current(url, embedded=embedded)
            pool = await stack.enter_async_context(open_pool(url, size=POOL_SIZE))
            talktime = cls(settings, url, pool)
            await talktime.clock.resample()
            async with talktime._working() if work else talktime._visiting():
                yield talktime

    # People.

    async def put_user(self, user_id: str, display_name: str) -> bool:
        """Create a user with an empty account, or rename; whether it was created."""
        created: bool = await self._fetchval("put_user", user_id, display_name)
        return created

    async def put_advisor(self, advisor_id: str, display_name: str, tariff: Tariff) -> tuple[Advisor, bool]:
        """Create an advisor, or change; a changed tariff is a new version. The advisor, and whether it was created."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["lock_name"], f"advisor {advisor_id}")
            row = await connection.fetchrow(SQL["lock_advisor"], advisor_id)
            version = 1 if row is None else row["tariff_version"]
            if row is None or Tariff.parse(row["tariff"]) != tariff:
                version += row is not None
                await connection.execute(SQL["insert_tariff"], advisor_id, version, tariff.document())
            await connection.execute(SQL["put_advisor"], advisor_id, display_name, version)
        return Advisor(advisor_id, display_name, tariff, version), row is None

    async def advisor(self, advisor_id: str) -> Advisor:
        """An advisor's name and current tariff."""
        return (await self._advisors([advisor_id]))[0]

    async def advisors(self, *, after: str = "", limit: int = 100) -> list[Advisor]:
        """Advisors in order of their ids."""
        rows = await self._fetch("advisors", after, limit)
        return await self._advisors([row["advisor_id"] for row in rows])

    async def users(self, *, after: str = "", limit: int = 100) -> list[Account]:
        """Users' accounts in order of their ids."""
        ids = [row["user_id"] for row in await self._fetch("users", after, limit)]
        units = await self.engine.read(ids)
        return [tracking.account_view(units[user_id]) for user_id in ids if user_id in units]

    # Credit.

    async def add_credit(
        self,
        user_id: str,
        amount: int,
        kind: str = "purchase",
        *,
        reference: str | None = None,
        repeat: Repeat | None = None,
    ) -> Account:
        """Add credit; records that ran out of it go on. `kind`: purchase, gift or refund."""
        _positive(amount)
        if kind not in _KINDS:
            raise InvalidRequest(("kind", f"must be one of: {', '.join(_KINDS)}"))
        account: Account = await self.engine.run(tracking.add_credit(user_id, amount, kind, reference, repeat))
        return account

    async def debit(
        self, user_id: str, amount: int, *, reference: str | None = None, repeat: Repeat | None = None
    ) -> Account:
        """Spend credit elsewhere; refused beyond what is available."""
        _positive(amount)
        account: Account = await self.engine.run(tracking.debit(user_id, amount, reference, repeat))
        return account

    async def account(self, user_id: str) -> Account:
        """What a user has: posted, committed by running meters, and available now."""
        units = await self.engine.read([user_id])
        if user_id not in units:
            raise NotFound("user")
        return tracking.account_view(units[user_id])

    async def entries(self, user_id: str, *, limit: int = 100, before: str | None = None) -> list[Entry]:
        """The ledger of a user, newest first; `before` an entry's id, for the next page."""
        if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
            raise InvalidRequest(("before", "must be the id of an entry"))
        rows = await self._fetch("entries", user_id, int(before) if before else 2**62, limit)
        if not rows:
            await self._require("user", user_id)
        return [_entry(row) for row in rows]

    # Chats and their timers.

    async def initialize_time_tracking_for_chat(
        self,
        user_id: str,
        advisor_id: str,
        chat_id: str,
        *,
        tariff_version: int | None = None,
        repeat: Repeat | None = None,
    ) -> Snapshot:
        """Start, resume, or switch the pair's record to this chat, which is made if it is new."""
        snapshot, _ = await self.create_chat(user_id, advisor_id, chat_id, tariff_version=tariff_version, repeat=repeat)
        return snapshot

    async def create_chat(
        self,
        user_id: str,
        advisor_id: str,
        chat_id: str | None = None,
        *,
        tariff_version: int | None = None,
        repeat: Repeat | None = None,
    ) -> tuple[Snapshot, bool]:
        """A chat whose record and timer start with it; of an existing one, `initialize_time_tracking_for_chat`."""
        started: tuple[Snapshot, bool] = await self.engine.run(
            tracking.initialize_time_tracking_for_chat(user_id, advisor_id, chat_id or new_id(), tariff_version, repeat)
        )
        self._remember(started[0].chat_id, (user_id, advisor_id))
        return started

    async def track(self, chat_id: str, *, tariff_version: int | None = None, repeat: Repeat | None = None) -> Snapshot:
        """`initialize_time_tracking_for_chat` for a chat that exists."""
        user_id, advisor_id = await self.chat_parties(chat_id)
        return await self._snapshot(tracking.track(user_id, advisor_id, chat_id, tariff_version, repeat))

    async def pause(self, chat_id: str, *, repeat: Repeat | None = None) -> Snapshot:
        """Pause the record; it resumes only by a person's act."""
        return await self._snapshot(tracking.pause(await self._payer_of(chat_id), chat_id, repeat))

    async def resume(self, chat_id: str, *, by: Party = Party.USER, repeat: Repeat | None = None) -> Snapshot:
        """Resume the record. An advisor can only while the user is there."""
        return await self._snapshot(tracking.resume(await self._payer_of(chat_id), chat_id, by, repeat))

    async def stop(self, chat_id: str, *, repeat: Repeat | None = None) -> Snapshot:
        """End the chat's record."""
        return await self._snapshot(tracking.stop(await self._payer_of(chat_id), chat_id, repeat))

    async def stop_record(self, record_id: str) -> tuple[RecordView, bool]:
        """End this very record, and no other that its chat may have gone on with. Also: whether it was active."""
        row = await self._record_row(record_id)
        stopped: bool = await self.engine.run(tracking.stop_record(row["user_id"], record_id))
        return await self.record(record_id), stopped

    async def heartbeat(self, chat_id: str, party: Party) -> Snapshot:
        """Proof of a party's presence without a socket."""
        return await self._snapshot(tracking.heartbeat(await self._payer_of(chat_id), chat_id, party))

    async def snapshot(self, chat_id: str) -> Snapshot:
        """What a screen shows of a chat, as of now."""
        user_id = await self._payer_of(chat_id)
        return (await self.engine.read([user_id], [chat_id]))[user_id].snapshot(chat_id)

    async def chat_parties(self, chat_id: str) -> tuple[str, str]:
        """The user and the advisor of a chat; they never change."""
        parties = self._parties.get(chat_id)
        if parties is None:
            row = await self._fetchrow("chat_parties", chat_id)
            if row is None:
                raise NotFound("chat")
            parties = row["user_id"], row["advisor_id"]
            self._remember(chat_id, parties)
        return parties

    async def chats_of_user(self, user_id: str, *, limit: int = 200) -> list[ChatSummary]:
        """A user's chats, newest first."""
        rows = await self._fetch("chats_of", user_id, None, limit)
        if not rows:
            await self._require("user", user_id)
        return await self._chats(rows)

    async def chats_of_advisor(self, advisor_id: str, *, limit: int = 200) -> list[ChatSummary]:
        """An advisor's chats, newest first."""
        rows = await self._fetch("chats_of", None, advisor_id, limit)
        if not rows:
            await self._require("advisor", advisor_id)
        return await self._chats(rows)

    # Records.

    async def record_parties(self, record_id: str) -> tuple[str, str]:
        """The user and the advisor of a record."""
        row = await self._record_row(record_id)
        return row["user_id"], row["advisor_id"]

    async def record(self, record_id: str) -> RecordView:
        """A record as it stands."""
        return (await self.record_snapshot(record_id)).record

    async def record_snapshot(self, record_id: str) -> Snapshot:
        """The snapshot of a record's current chat, with this record in it."""
        row = await self._record_row(record_id)
        return (await self._record_snapshots([row]))[0]

    async def records(self, state: str | None = None, *, limit: int = 200) -> list[Snapshot]:
        """Records, newest first: running, paused, ended, active (not ended), or all."""
        if state is not None and state not in _STATES:
            raise InvalidRequest(("state", f"must be one of: {', '.join(_STATES)}"))
        rows = await (
            self._fetch("list_all_records", limit) if state is None else self._fetch("list_records", state, limit)
        )
        snapshots = await self._record_snapshots(rows)
        return [
            s for s in snapshots if state in (None, s.record.state.value) or (state == "active" and s.record.is_active)
        ]

    async def receipt(self, record_id: str) -> Receipt:
        """A record's bill. What a running one has come to is posted first, so that its entries add up to its cost."""
        row = await self._record_row(record_id)
        await self.engine.settle([row["user_id"]], tracking.checkpoint)
        async with self.engine.reading() as connection:
            record = await self.engine.store.record(connection, record_id)
            if record is None:
                raise NotFound("record")
            names = await connection.fetchrow(SQL["names"], record.user_id, record.advisor_id)
            segments = await connection.fetch(SQL["segments"], record_id)
            entries = await connection.fetch(SQL["record_entries"], record_id)
        now = record.settled_at
        return ledger.receipt(
            record,
            now,
            names["user_name"],
            names["advisor_name"],
            tuple(_segment(segment, now) for segment in segments),
            tuple(_entry(entry) for entry in entries),
        )

    # Messages.

    async def send_message(self, chat_id: str, sender: Party, text: str, client_id: str) -> tuple[Message, bool]:
        """Store a message, in order, once: a repeated `client_id` gives the first one. Also: whether it is new."""
        await self.chat_parties(chat_id)
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                # The chat's row makes messages wait for each other, so positions have no gaps.
                place = await connection.fetchrow(SQL["next_message_position"], chat_id)
                row = await connection.fetchrow(SQL["message_by_client_id"], chat_id, sender.value, client_id)
                if row is not None:
                    raise _AlreadySent(message(row))  # noqa: TRY301  it rolls the transaction back
                message_id, position = new_id(), place["message_count"]
                at = await connection.fetchval(
                    SQL["insert_message"],
                    message_id,
                    place["user_id"],
                    chat_id,
                    position,
                    sender.value,
                    client_id,
                    text,
                )
        except _AlreadySent as repeat:
            return repeat.message, False
        except UNREACHABLE as error:
            raise Unavailable("The database can't be reached. Try again.") from error
        self.feed.publish_message(chat_id, position)
        return Message(message_id, chat_id, position, client_id, sender.value, text, at), True

    async def messages(self, chat_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        """The messages of a chat from position `after` on, oldest first."""
        await self.chat_parties(chat_id)
        return [message(row) for row in await self._fetch("messages", chat_id, after, limit)]

    # Time and health.

    async def now(self) -> int:
        """Engine time, from the database itself."""
        now: int = await self._fetchval("engine_now")
        return now

    async def advance_clock(self, duration_ms: int) -> int:
        """Move engine time ahead, applying every deadline on the way as of its own instant; what time it is then.

        A party with an open socket is present throughout. Time can't be moved back: for tests alone.
        """
        if not 0 <= duration_ms <= _ADVANCE_MAX_MS:
            raise InvalidRequest(("seconds", f"must be from 0 to {_ADVANCE_MAX_MS // 1000}"))
        async with self._pool.acquire() as connection, connection.transaction():
            offset_ms = await connection.fetchval(SQL["lock_clock"])
            target = await connection.fetchval(SQL["engine_now"]) + duration_ms
            await connection.execute(SQL["present_through"], target, self.engine.rules.lease_ms)
            await connection.execute(SQL["set_clock"], offset_ms + duration_ms)
        await self.timers.settle_due()
        await self.timers.check_health()
        await self.clock.resample()
        self.feed.publish_clock()
        return await self.now()

    async def check(self) -> None:
        """Raises Unavailable when the database can't be used."""
        await self._fetchval("engine_now")

    async def counts(self) -> dict[str, float]:
        """Running and paused records, and by how many seconds the oldest deadline is overdue."""
        row = await self._fetchrow("counts")
        return {name: float(value or 0) for name, value in row.items()}

    async def broken_rules(self) -> list[dict[str, Any]]:
        """Each rule of the design that doesn't hold: `rule`, `count`, `examples`, `repair`. Empty if all do."""
        async with self.engine.reading() as connection:
            broken = [dict(row) for row in await connection.fetch(SQL["broken_rules"])]
            wrong = [
                record.record_id
                for row in await connection.fetch(SQL["record_ids"])
                if (record := await self.engine.store.record(connection, row["record_id"])) is not None
                and record.charged != price(record.tariff, record.elapsed_ms, record.allowance_ms).cost
            ]
        if wrong:
            broken.append(
                {
                    "rule": "4: a record's charge is the price of its time",
                    "count": len(wrong),
                    "examples": wrong[:5],
                    "repair": "compare with: talktime receipt RECORD_ID",
                }
            )
        return broken

    # Inside.

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        await self.presence.register()
        heard = asyncio.Event()
        works = [
            self.feed.send(),
            self.feed.hear(heard),
            self.feed.deliver(),
            self.presence.run(),
            self.clock.follow(),
            self.timers.run_deadlines(),
            self.timers.run_every(float(self.settings.health_seconds), self.timers.check_health),
        ]
        if self.settings.checkpoint_seconds:
            works.append(self.timers.run_every(float(self.settings.checkpoint_seconds), self.timers.checkpoint))
        tasks = [asyncio.create_task(_reported(work)) for work in works]
        try:
            await heard.wait()
            yield
        finally:
            with suppress(*UNREACHABLE, asyncpg.PostgresError):
                await self.presence.close()
            await self.engine.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def _visiting(self) -> AsyncIterator[None]:
        """Without work of its own, a visitor still tells others what it has changed."""
        sender = asyncio.create_task(self.feed.send())
        try:
            yield
        finally:
            await self.engine.close()
            await self.feed.sent()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    def _publish(self, told: list[Told]) -> None:
        self.feed.publish(told)  # made after the engine, since it reads through it

    def _remember(self, chat_id: str, parties: tuple[str, str]) -> None:
        if len(self._parties) >= _PARTIES_KEPT:
            self._parties.clear()
        self._parties[chat_id] = parties

    async def _require(self, who: str, person_id: str) -> None:
        """Nobody's list is not an empty one. Raises NotFound; `who` is user or advisor."""
        if not await self._fetchval(f"{who}_exists", person_id):
            raise NotFound(who)

    async def _payer_of(self, chat_id: str) -> str:
        return (await self.chat_parties(chat_id))[0]

    async def _snapshot(self, command: Command) -> Snapshot:
        snapshot: Snapshot = await self.engine.run(command)
        return snapshot

    async def _record_row(self, record_id: str) -> Any:
        row = await self._fetchrow("record_parties", record_id)
        if row is None:
            raise NotFound("record")
        return row

    async def _record_snapshots(self, rows: list[Any]) -> list[Snapshot]:
        units = await self.engine.read({row["user_id"] for row in rows}, {row["chat_id"] for row in rows})
        snapshots: list[Snapshot] = []
        for row in rows:
            unit, record_id = units[row["user_id"]], row["record_id"]
            record = unit.payer.records.get(record_id) or unit.ended_record(record_id)
            if record is None:  # an ended one whose chat has gone on with another
                async with self.engine.reading() as connection:
                    record = await self.engine.store.record(connection, record_id)
            snapshots.append(unit.snapshot(row["chat_id"], record))
        return snapshots

    async def _advisors(self, ids: list[str]) -> list[Advisor]:
        async with self.engine.reading() as connection:
            found = await self.engine.store.advisors(connection, ids)
        if len(found) < len(ids):
            raise NotFound("advisor")
        return [Advisor(a.advisor_id, a.display_name, a.tariff, a.tariff_version) for a in (found[i] for i in ids)]

    async def _chats(self, rows: list[Any]) -> list[ChatSummary]:
        units = await self.engine.read({row["user_id"] for row in rows}, {row["chat_id"] for row in rows})
        summaries: list[ChatSummary] = []
        for row in rows:
            shown = units[row["user_id"]].snapshot(row["chat_id"])
            summaries.append(
                ChatSummary(
                    id=row["chat_id"],
                    user_id=row["user_id"],
                    user_name=row["user_name"],
                    advisor_id=row["advisor_id"],
                    advisor_name=row["advisor_name"],
                    duration_ms=shown.chat_duration_ms,
                    state=shown.record.state,
                    reason=shown.record.reason,
                    record_id=shown.record.id,
                    current=shown.record.is_active and shown.record.current_chat_id == row["chat_id"],
                    created_at=row["created_at"],
                    last_message=row["last_message"],
                )
            )
        return summaries

    async def _fetch(self, name: str, *arguments: Any) -> list[Any]:
        try:
            rows: list[Any] = await self._pool.fetch(SQL[name], *arguments)
        except UNREACHABLE as error:
            raise Unavailable("The database can't be reached. Try again.") from error
        return rows

    async def _fetchrow(self, name: str, *arguments: Any) -> Any:
        rows = await self._fetch(name, *arguments)
        return rows[0] if rows else None

    async def _fetchval(self, name: str, *arguments: Any) -> Any:
        row = await self._fetchrow(name, *arguments)
        return None if row is None else row[0]


class _AlreadySent(Exception):
    """A repeat: the transaction is rolled back, the first message stays."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message


async def _reported(work: Any) -> None:
    """A worker that ends by an error nobody foresaw is a fault that must be seen."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("worker_died", work=getattr(work, "__qualname__", "work"))
        raise


def _positive(amount: int) -> None:
    if amount <= 0:
        raise InvalidRequest(("amount", "must be more than 0"))


def _entry(row: Any) -> Entry:
    return Entry(str(row["entry_id"]), row["amount"], row["kind"], row["at"], row["record_id"], row["reference"])


def _segment(row: Any, now: int) -> SegmentView:
    ended_at = row["ended_at"]
    duration_ms = (now if ended_at is None else ended_at) - row["started_at"]
    return SegmentView(
        row["chat_id"],
        row["started_at"],
        ended_at,
        duration_ms,
        None if row["reason"] is None else Reason(row["reason"]),
    )
