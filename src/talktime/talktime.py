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

from collections.abc import Sequence
from typing import Any, Final

from talktime.core.errors import InvalidRequest, NotFound, Unavailable
from talktime.core.payer import Party
from talktime.core.tariff import Tariff
from talktime.core.terms import NO_TERMS, Terms
from talktime.database.loading import terms_of
from talktime.database.queries import SQL
from talktime.documents.account import Account
from talktime.documents.advisor import Advisor
from talktime.documents.chat import ChatSummary, Message, Pair
from talktime.documents.snapshot import RecordView, Snapshot
from talktime.engine import accounts, tracking
from talktime.engine.batching import UNREACHABLE, Command
from talktime.engine.idempotency import Repeat
from talktime.engine.new_ids import new_id
from talktime.node.feed import message
from talktime.reading.history import History

_STATES: Final = ("running", "paused", "ended", "active")


class Talktime(History):
    """The meter, connected to its database. Get one with `Talktime.connect`."""

    # People.

    async def put_user(self, user_id: str, display_name: str) -> bool:
        """Create a user with an empty account, or rename; whether it was created."""
        created: bool = await self._fetchval("put_user", user_id, display_name)
        return created

    async def put_advisor(
        self, advisor_id: str, display_name: str, tariff: Tariff, terms: Terms | None = None
    ) -> tuple[Advisor, bool]:
        """Create an advisor, or change; a changed tariff is a new version. The advisor, and whether it was created.

        What is changed holds for records that start from now on. Terms that are not given stay as they are.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL["lock_name"], f"advisor {advisor_id}")
            row = await connection.fetchrow(SQL["lock_advisor"], advisor_id)
            version = 1 if row is None else row["tariff_version"]
            if row is None or Tariff.parse(row["tariff"]) != tariff:
                version += row is not None
                await connection.execute(SQL["insert_tariff"], advisor_id, version, tariff.document())
            if terms is None:
                terms = NO_TERMS if row is None else terms_of(row)
            await connection.execute(
                SQL["put_advisor"],
                advisor_id,
                display_name,
                version,
                terms.share_ppm,
                terms.fee_per_minute,
                terms.fee_per_session,
            )
        return Advisor(advisor_id, display_name, tariff, version, terms), row is None

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
        return [accounts.account_view(units[user_id]) for user_id in ids if user_id in units]

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
        user_id, advisor_id = await self._parties_for(chat_id, repeat)
        return await self._snapshot(tracking.track(user_id, advisor_id, chat_id, tariff_version, repeat))

    async def pause(self, chat_id: str, *, by: str | None = None, repeat: Repeat | None = None) -> Snapshot:
        """Pause the record; it resumes only by a person's act."""
        user_id, _ = await self._parties_for(chat_id, repeat)
        return await self._snapshot(tracking.pause(user_id, chat_id, by, repeat))

    async def resume(self, chat_id: str, *, by: Party = Party.USER, repeat: Repeat | None = None) -> Snapshot:
        """Resume the record. An advisor can only while the user is there."""
        user_id, _ = await self._parties_for(chat_id, repeat)
        return await self._snapshot(tracking.resume(user_id, chat_id, by, repeat))

    async def stop(self, chat_id: str, *, by: str | None = None, repeat: Repeat | None = None) -> Snapshot:
        """End the chat's record."""
        user_id, _ = await self._parties_for(chat_id, repeat)
        return await self._snapshot(tracking.stop(user_id, chat_id, by, repeat))

    async def stop_record(self, record_id: str, *, by: str | None = None) -> tuple[RecordView, bool]:
        """End this very record, and no other that its chat may have gone on with. Also: whether it was active."""
        row = await self._record_row(record_id)
        stopped: bool = await self.engine.run(tracking.stop_record(row["user_id"], record_id, by))
        return await self.record(record_id), stopped

    async def heartbeat(self, chat_id: str, party: Party) -> Snapshot:
        """Proof of a party's presence without a socket."""
        return await self._snapshot(tracking.heartbeat(await self._payer_of(chat_id), chat_id, party))

    async def snapshot(self, chat_id: str) -> Snapshot:
        """What a screen shows of a chat, as of now."""
        user_id = await self._payer_of(chat_id)
        return (await self.engine.read([user_id], [chat_id]))[user_id].snapshot(chat_id)

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

    async def pairs_of(self, snapshots: Sequence[Snapshot]) -> dict[str, Pair]:
        """Who talks in these snapshots' records, by the record's id."""
        rows = await self._fetch("pairs_of", [s.record.id for s in snapshots], self.engine.rules.lease_ms)
        return {row["record_id"]: Pair(row["user_name"], row["advisor_name"], tuple(row["connected"])) for row in rows}

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

    # Inside.

    async def _parties_for(self, chat_id: str, repeat: Repeat | None) -> tuple[str, str]:
        """The parties of the chat that a request is about; that there is none is an answer to keep like any other."""
        try:
            return await self.chat_parties(chat_id)
        except NotFound as error:
            await self.keep_refusal(repeat, error)
            raise

    async def _snapshot(self, command: Command) -> Snapshot:
        snapshot: Snapshot = await self.engine.run(command)
        return snapshot

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
        return [
            Advisor(a.advisor_id, a.display_name, a.tariff, a.tariff_version, a.terms) for a in (found[i] for i in ids)
        ]

    async def _chats(self, rows: list[Any]) -> list[ChatSummary]:
        units = await self.engine.read({row["user_id"] for row in rows}, {row["chat_id"] for row in rows})
        summaries: list[ChatSummary] = []
        for row in rows:
            unit = units[row["user_id"]]
            shown, record = unit.snapshot(row["chat_id"]), unit.record_of(unit.chats[row["chat_id"]])
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
                    earned=0 if record is None else record.share_at(unit.now).advisor,
                    number=row["number"],
                )
            )
        return summaries


class _AlreadySent(Exception):
    """A repeat: the transaction is rolled back, the first message stays."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message
