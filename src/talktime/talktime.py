"""The library: everything that the service does is a method here first.

    from talktime import Talktime

    async with Talktime.connect() as talktime:              # no URL: the embedded database
        await talktime.put_user("alice", "Alice")
        await talktime.put_advisor("maya", "Maya", Tariff.parse({"tiers": [{"rate": "1.00"}]}))
        await talktime.add_credit("alice", parse_credits("10.00"))
        snapshot = await talktime.initialize_time_tracking_for_chat("alice", "maya", "first chat")
        await talktime.stop("first chat")

Ids are the host's own strings of 1 to 128 characters. Amounts are micro-credits, instants and durations milliseconds,
all integers. Every object that a method returns is frozen. Each method raises a `TalktimeError` (see `talktime.errors`)
for what it refuses, and `Unavailable` when the database can't be reached.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from talktime import logs
from talktime.core.errors import NotFound, TalktimeError
from talktime.core.ids import require_id, require_name
from talktime.core.record import Party
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.database.migrate import ensure_current
from talktime.database.pool import open_database
from talktime.documents.account import Account, Entry, Refund
from talktime.documents.advisor import Advisor, Earnings
from talktime.documents.audit import RULES, Audit
from talktime.documents.chat import ChatSummary, Message, Pair
from talktime.documents.receipt import Receipt
from talktime.documents.report import Report
from talktime.documents.snapshot import RecordView, Snapshot
from talktime.documents.statement import Statement
from talktime.documents.what_if import Replay
from talktime.engine import messages as engine_messages
from talktime.engine import people as engine_people
from talktime.engine.accounts import AddCredit, DebitCredit, RefundRecord, refund_request
from talktime.engine.idempotency import Repeat
from talktime.engine.new_ids import new_id
from talktime.engine.parties import Parties
from talktime.engine.presence import SendHeartbeat
from talktime.engine.tracking import PauseChat, ResumeChat, StartChat, StopChat, StopRecord, TrackChat
from talktime.node.node import Node
from talktime.reading import chats, history, people, receipts, records, statements
from talktime.settings import Settings, load_settings

if TYPE_CHECKING:
    from talktime.engine.engine import Engine
    from talktime.node.deadlines import ChatTimerManager

POOL_SIZE: Final = 12

"""How credit can be added."""


class Talktime:
    """The meter, connected to its database. Get one with `Talktime.connect`.

    Attributes:
        node: the process's parts: presence, feed, clock and auditor.
        settings: the settings that the process runs with.
        engine: runs commands and reads payers.
        timers: the timers of chats, under the names of the system that talktime replaces.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.engine: Engine = node.engine
        self.timers: ChatTimerManager = node.timers
        self.settings = node.settings

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, database_url: str | None = None, *, settings: Settings | None = None, work: bool = True
    ) -> AsyncIterator[Self]:
        """Open the database and be a node, which looks after deadlines, presence and changes while the context lasts.

        Args:
            database_url: a PostgreSQL database whose schema is current; None for the embedded one, which is migrated.
            settings: all other settings; None for those of the environment and `talktime.toml`.
            work: False for a short visit that asks and commands, and leaves the work of a node to other processes.

        Raises:
            DatabaseProblem: the database can't be used as it is.
        """
        logs.configure_by_default()
        settings = load_settings(database_url=database_url) if settings is None else settings
        url = database_url or settings.database_url
        async with AsyncExitStack() as stack:
            is_embedded = url is None
            if url is None:
                from talktime.postgres.embedded import embedded_database  # noqa: PLC0415  only when it is used

                url = await stack.enter_async_context(embedded_database(settings.data_dir))
            await ensure_current(url, embedded=is_embedded)
            database = await stack.enter_async_context(open_database(url, size=POOL_SIZE))
            node = Node(settings, url, database)
            await node.clock.resample()
            await stack.enter_async_context(node.working() if work else node.visiting())
            yield cls(node)

    # People.

    async def put_user(self, user_id: str, display_name: str) -> bool:
        """Create a user with an empty account, or rename the user; whether the user was created.

        Raises:
            InvalidRequest: the id or the name is not allowed.
        """
        require_id("user_id", user_id)
        require_name("display_name", display_name)
        return await engine_people.put_user(self.node.database, user_id, display_name)

    async def put_advisor(
        self, advisor_id: str, display_name: str, tariff: Tariff, terms: Terms | None = None
    ) -> tuple[Advisor, bool]:
        """Create an advisor, or change the advisor; the advisor, and whether the advisor was created.

        A changed tariff is a new version. A change holds for records that start later. Terms of None stay as they are.

        Raises:
            InvalidRequest: the id or the name is not allowed.
        """
        require_id("advisor_id", advisor_id)
        require_name("display_name", display_name)
        return await engine_people.put_advisor(self.node.database, advisor_id, display_name, tariff, terms)

    async def advisor(self, advisor_id: str) -> Advisor:
        """An advisor, with the current tariff and terms.

        Raises:
            NotFound: there is no such advisor.
        """
        return await people.advisor(self.engine, advisor_id)

    async def advisors(self, *, after: str = "", limit: int = 100) -> list[Advisor]:
        """The advisors whose ids follow `after`, in the order of the ids."""
        return await people.list_advisors(self.engine, after=after, limit=limit)

    async def users(self, *, after: str = "", limit: int = 100) -> list[Account]:
        """The accounts of the users whose ids follow `after`, in the order of the ids."""
        return await people.list_accounts(self.engine, after=after, limit=limit)

    # Credit.

    async def add_credit(
        self,
        user_id: str,
        amount: int,
        kind: str = "purchase",
        *,
        reference: str | None = None,
        expires_at: int | None = None,
        repeat: Repeat | None = None,
    ) -> Account:
        """Add credit. Records that ran out of credit resume.

        Args:
            user_id: whose account.
            amount: micro-credits, more than zero.
            kind: `purchase`, `gift` or `refund`. A gift is spent before bought credit.
            reference: the host's own number for it.
            expires_at: when a gift expires. What is neither spent nor committed at that instant is gone.
            repeat: the idempotency key.

        Raises:
            InvalidRequest: an argument is not allowed.
            NotFound: there is no such user.
            Conflict: the account can't hold so much, or so many gifts.
        """
        return await self.engine.run(AddCredit(user_id, amount, kind, reference, expires_at, repeat=repeat))

    async def debit(
        self, user_id: str, amount: int, *, reference: str | None = None, repeat: Repeat | None = None
    ) -> Account:
        """Spend credit elsewhere, gifts first. More than is available is refused.

        Raises:
            InvalidRequest: the amount is not above zero.
            NotFound: there is no such user.
            InsufficientCredit: more than is available.
        """
        return await self.engine.run(DebitCredit(user_id, amount, reference, repeat=repeat))

    async def refund(
        self,
        record_id: str,
        *,
        reason: str,
        borne_by: str,
        amount: int | None = None,
        duration_ms: int | None = None,
        repeat: Repeat | None = None,
    ) -> Refund:
        """Give back what a record has cost, at most what was charged and not given back yet.

        Args:
            record_id: the record.
            reason: why, for the receipt.
            borne_by: `platform`, `advisor`, or `shared` in the proportion in which the cost was earned.
            amount: micro-credits; or
            duration_ms: the price of this much billed time, counted from the end.
            repeat: the idempotency key.

        Raises:
            InvalidRequest: an argument is not allowed.
            NotFound: there is no such record.
            Conflict: more than was charged and not given back yet.
        """
        request = refund_request(reason=reason, borne_by=borne_by, amount=amount, duration_ms=duration_ms)
        try:
            user_id, _ = await self.record_parties(record_id)
        except NotFound as error:
            await self.keep_refusal(repeat, error)
            raise
        return await self.engine.run(RefundRecord(user_id, record_id, request, repeat=repeat))

    async def account(self, user_id: str, *, at: int | None = None) -> Account:
        """A user's account, now or as of an instant: the balance, what running meters hold, and what is available.

        Raises:
            NotFound: there is no such user.
        """
        if at is None or at >= await self.now():
            return await people.account(self.engine, user_id)
        return await history.account_as_of(self.engine, user_id, at)

    async def entries(self, user_id: str, *, limit: int = 100, before: str | None = None) -> list[Entry]:
        """The entries of a user's ledger, the newest first. `before` is the last id of the page before.

        Raises:
            NotFound: there is no such user.
            InvalidRequest: `before` is not the id of an entry.
        """
        return await people.list_entries(self.node.database, user_id, before=before, limit=limit)

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
        """Start, resume, or switch the pair's record to this chat, which is made if it is new.

        Raises:
            InvalidRequest: an id is not allowed.
            NotFound: there is no such user or advisor.
            InsufficientCredit: the next increment can't be paid.
            Conflict: the chat belongs to another pair, or the tariff has another version.
        """
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
        """Make a chat whose record and timer start with it; the snapshot, and whether the chat was made.

        A chat that exists is tracked, as by `initialize_time_tracking_for_chat`.

        Args:
            user_id: who pays.
            advisor_id: who is paid.
            chat_id: the host's own id, or None for a new one.
            tariff_version: the version that the person has seen; a start with another current version is refused.
            repeat: the idempotency key.

        Raises:
            InvalidRequest: an id is not allowed.
            NotFound: there is no such user or advisor.
            InsufficientCredit: the next increment can't be paid.
            Conflict: the chat belongs to another pair, or the tariff has another version.
        """
        chat_id = new_id() if chat_id is None else require_id("chat_id", chat_id)
        command = StartChat(user_id, advisor_id, chat_id, tariff_version, repeat=repeat)
        snapshot, created = await self.engine.run(command)
        self.node.parties.remember(chat_id, Parties(user_id, advisor_id))
        return snapshot, created

    async def track(self, chat_id: str, *, tariff_version: int | None = None, repeat: Repeat | None = None) -> Snapshot:
        """`initialize_time_tracking_for_chat` for a chat that exists.

        Raises:
            NotFound: there is no such chat.
            InsufficientCredit: the next increment can't be paid.
            Conflict: the tariff has another version.
        """
        user_id, advisor_id = await self._parties_for(chat_id, repeat)
        return await self.engine.run(TrackChat(user_id, chat_id, advisor_id, tariff_version, repeat=repeat))

    async def pause(self, chat_id: str, *, by: str | None = None, repeat: Repeat | None = None) -> Snapshot:
        """Pause the record; only an act of a person resumes it. `by` is the role that the receipt names.

        Raises:
            NotFound: there is no such chat.
            Conflict: the record has ended, or has left this chat.
        """
        user_id, _ = await self._parties_for(chat_id, repeat)
        return await self.engine.run(PauseChat(user_id, chat_id, by, repeat=repeat))

    async def resume(self, chat_id: str, *, by: Party = Party.USER, repeat: Repeat | None = None) -> Snapshot:
        """Resume the record. An advisor can only resume while the user is present.

        Raises:
            NotFound: there is no such chat.
            InsufficientCredit: the next increment can't be paid.
            Conflict: the record has ended or has left this chat, or an advisor resumes without the user.
        """
        user_id, _ = await self._parties_for(chat_id, repeat)
        return await self.engine.run(ResumeChat(user_id, chat_id, by, repeat=repeat))

    async def stop(self, chat_id: str, *, by: str | None = None, repeat: Repeat | None = None) -> Snapshot:
        """End the chat's record. `by` is the role that the receipt names.

        Raises:
            NotFound: there is no such chat.
        """
        user_id, _ = await self._parties_for(chat_id, repeat)
        return await self.engine.run(StopChat(user_id, chat_id, by, repeat=repeat))

    async def stop_record(self, record_id: str, *, by: str | None = None) -> tuple[RecordView, bool]:
        """End this record and no other one of its chats; the record, and whether it was active.

        Raises:
            NotFound: there is no such record.
        """
        user_id, _ = await self.node.parties.of_record(record_id)
        was_active = await self.engine.run(StopRecord(user_id, record_id, by))
        return await self.record(record_id), was_active

    async def heartbeat(self, chat_id: str, party: Party) -> Snapshot:
        """Prove that a party is present, without a socket.

        Raises:
            NotFound: there is no such chat.
        """
        user_id = await self.node.parties.payer_of(chat_id)
        return await self.engine.run(SendHeartbeat(user_id, chat_id, party))

    async def snapshot(self, chat_id: str) -> Snapshot:
        """What a screen of the chat shows now.

        Raises:
            NotFound: there is no such chat.
        """
        return await chats.snapshot(self.engine, self.node.parties, chat_id)

    async def chats_of_user(self, user_id: str, *, limit: int = 200) -> list[ChatSummary]:
        """A user's chats, the newest first.

        Raises:
            NotFound: there is no such user.
        """
        return await chats.chats_of_user(self.engine, user_id, limit=limit)

    async def chats_of_advisor(self, advisor_id: str, *, limit: int = 200) -> list[ChatSummary]:
        """An advisor's chats, the newest first.

        Raises:
            NotFound: there is no such advisor.
        """
        return await chats.chats_of_advisor(self.engine, advisor_id, limit=limit)

    async def chat_duration(self, chat_id: str, *, at: int | None = None) -> int:
        """How long a chat's timer had run by an instant, or by now, in milliseconds.

        Raises:
            NotFound: there is no such chat.
        """
        return await history.chat_duration(self.engine, self.node.parties, chat_id, at)

    async def chat_parties(self, chat_id: str) -> Parties:
        """The user and the advisor of a chat.

        Raises:
            NotFound: there is no such chat.
        """
        return await self.node.parties.of_chat(chat_id)

    # Messages.

    async def send_message(self, chat_id: str, sender: Party, text: str, client_id: str) -> tuple[Message, bool]:
        """Store a message once; the message, and whether it is new. A repeated `client_id` gives the first message.

        Raises:
            NotFound: there is no such chat.
        """
        await self.chat_parties(chat_id)
        sent = await engine_messages.send_message(self.node.database, chat_id, sender, text, client_id)
        message, is_new = sent
        if is_new:
            self.node.feed.publish_message(chat_id, message.position)
        return sent

    async def messages(self, chat_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        """The messages of a chat after position `after`, the oldest first.

        Raises:
            NotFound: there is no such chat.
        """
        await self.chat_parties(chat_id)
        return await chats.messages(self.node.database, chat_id, after=after, limit=limit)

    # Records.

    async def record(self, record_id: str) -> RecordView:
        """A record as it stands.

        Raises:
            NotFound: there is no such record.
        """
        return (await self.record_snapshot(record_id)).record

    async def record_snapshot(self, record_id: str) -> Snapshot:
        """The snapshot of a record's current chat, with this record in it.

        Raises:
            NotFound: there is no such record.
        """
        return await records.record_snapshot(self.engine, record_id)

    async def records(self, state: str | None = None, *, limit: int = 200) -> list[Snapshot]:
        """Records, the newest first: `running`, `paused`, `ended`, `active` (running or paused), or all.

        Raises:
            InvalidRequest: there is no such state.
        """
        return await records.list_records(self.engine, state, limit=limit)

    async def record_parties(self, record_id: str) -> Parties:
        """The user and the advisor of a record.

        Raises:
            NotFound: there is no such record.
        """
        return await self.node.parties.of_record(record_id)

    async def pairs_of(self, snapshots: Sequence[Snapshot]) -> dict[str, Pair]:
        """Who talks in the records of these snapshots, by record id."""
        return await records.pairs_of(self.engine, snapshots)

    async def receipt(self, record_id: str, *, at: int | None = None) -> Receipt:
        """A record's receipt, now or as of an instant. A running record's charge is posted up to now first.

        Raises:
            NotFound: there is no such record.
            InvalidRequest: `at` is before the record's start.
        """
        return await receipts.receipt(self.engine, self.node.parties, record_id, at=at)

    # The books and the past.

    async def statement(self, advisor_id: str, begin: int, end: int) -> Statement:
        """An advisor's sessions from `begin` until just before `end`, at most a year and a day.

        Raises:
            InvalidRequest: the period is empty, or longer than a year and a day.
            NotFound: there is no such advisor.
        """
        return await statements.statement(self.engine, advisor_id, begin, end)

    async def earnings(self, advisor_id: str, *, at: int | None = None) -> Earnings:
        """What an advisor's sessions have brought up to and including an instant, or now.

        Raises:
            NotFound: there is no such advisor.
        """
        return await history.earnings(self.engine, self.timers, advisor_id, at)

    async def report(self, begin: int, end: int) -> Report:
        """All books from `begin` until just before `end`, from the entries of the ledger.

        Raises:
            InvalidRequest: the period is empty.
        """
        return await history.report(self.node.database, self.timers, begin, end)

    async def replay(self, tariff: Tariff, begin: int, end: int, *, advisor_id: str | None = None) -> Replay:
        """What the sessions that started in a period, and have ended, would have cost under another tariff.

        Raises:
            InvalidRequest: the period is empty.
            NotFound: there is no such advisor.
        """
        return await history.what_if(self.node.database, self.timers, tariff, begin, end, advisor_id)

    # The rules that must always hold.

    async def audit(self, on_progress: Callable[[int, int], None] = lambda _done, _all: None) -> Audit:
        """Check every rule. `on_progress` learns how many accounts are done, of how many."""
        return await self.node.auditor.audit(on_progress)

    async def broken_rules(self) -> list[dict[str, Any]]:
        """Each broken rule: `rule`, `says`, `count`, `examples`, `repair`. Empty if every rule holds."""
        return (await self.audit()).broken()

    async def repair(self, audit: Audit) -> None:
        """Compute the stored totals and deadlines of all users with a finding from the facts."""
        await self.node.auditor.repair(audit.users)

    def breaches(self) -> dict[int, int]:
        """How many breaches of each rule this node has seen. It looks at some accounts every minute."""
        return {rule: self.node.auditor.breaches(rule) for rule in RULES}

    # The node.

    async def now(self) -> int:
        """Engine time, from the database itself."""
        return await self.node.now()

    async def advance_clock(self, duration_ms: int) -> int:
        """Move engine time ahead, for tests alone; engine time after that.

        Every deadline on the way is applied as of its own instant. A party with an open socket is present all the time.

        Raises:
            InvalidRequest: the duration is negative, or longer than ten years.
        """
        return await self.node.advance_clock(duration_ms)

    async def check(self) -> None:
        """Nothing, if the database can be used; else raises Unavailable."""
        await self.node.now()

    async def counts(self) -> dict[str, float]:
        """Running and paused records, nodes, and by how many seconds the oldest deadline is overdue."""
        row = await self.node.database.fetch_row("counts", self.engine.rules.lease_ms)
        return {} if row is None else {name: float(value or 0) for name, value in row.items()}

    def connections(self) -> tuple[dict[str, int], int]:
        """This process's pooled connections, `busy` and `idle`, and the largest possible number."""
        pool = self.node.database.pool
        idle = pool.get_idle_size()
        return {"busy": pool.get_size() - idle, "idle": idle}, pool.get_max_size()

    async def keep_refusal(self, repeat: Repeat | None, error: TalktimeError) -> None:
        """Keep a refusal as the answer of its idempotency key, if there is one, or raise the answer that came first."""
        await self.engine.keep_refusal(repeat, error)

    async def _parties_for(self, chat_id: str, repeat: Repeat | None) -> Parties:
        """The parties of a chat. That there is no such chat is an answer to keep, like any other."""
        try:
            return await self.chat_parties(chat_id)
        except NotFound as error:
            await self.keep_refusal(repeat, error)
            raise
