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

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from talktime import logs
from talktime.background import Background
from talktime.blocking import Blocking, asks, each, waits, waits_for_part
from talktime.core.actors import Actor
from talktime.core.arguments import checks_arguments
from talktime.core.durations import seconds
from talktime.core.errors import InvalidRequest, NotFound, NotRunning, TalktimeError, Unauthorized, Unavailable
from talktime.core.ids import require_id, require_name, require_reference, require_text
from talktime.core.metadata import require_metadata
from talktime.core.pages import require_page
from talktime.core.periods import Period
from talktime.core.record import Party, Seller
from talktime.core.roles import Role
from talktime.core.scopes import parse_scope
from talktime.core.starts import changed_rule, start_mode
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.core.writing import check_message
from talktime.database.migrate import ensure_current
from talktime.database.pool import open_database, pool_size
from talktime.documents.access_key import AccessKey
from talktime.documents.account import Account, Entry, Refund
from talktime.documents.advisor import Advisor, Earnings
from talktime.documents.audit import RULES, Audit
from talktime.documents.chat import ChatSummary, Message, Messages, Pair, RecordSummary
from talktime.documents.event import Event, Events
from talktime.documents.import_report import ImportReport
from talktime.documents.import_rows import read_sources
from talktime.documents.last_audit import LastAudit
from talktime.documents.ledger import LedgerEntry
from talktime.documents.link import Link
from talktime.documents.offer import Offer, OfferVersion
from talktime.documents.old_rows import OldSession
from talktime.documents.page import Page, RecordWithSnapshot
from talktime.documents.receipt import Receipt
from talktime.documents.report import Report
from talktime.documents.snapshot import RecordView, Snapshot
from talktime.documents.statement import Statement
from talktime.documents.webhook import Delivery, Ping, Webhook
from talktime.documents.what_if import Replay
from talktime.engine import access_keys, imports, links
from talktime.engine import messages as engine_messages
from talktime.engine import people as engine_people
from talktime.engine import webhooks as engine_webhooks
from talktime.engine.accounts import AddCredit, AnnouncePayment, DebitCredit, RefundRecord, credit_kind, refund_request
from talktime.engine.idempotency import Repeat
from talktime.engine.links import LinkTarget
from talktime.engine.new_ids import new_id
from talktime.engine.parties import Parties
from talktime.engine.presence import LeaveChat, SendHeartbeat
from talktime.engine.requests import acting_role, as_repeat, credit_arguments, refund_arguments, start_arguments
from talktime.engine.timers import ChatTimerManager
from talktime.engine.tracking import (
    AcceptChat,
    DeclineChat,
    PauseChat,
    ResumeChat,
    StartChat,
    StopChat,
    StopRecord,
    TrackChat,
    caller_role,
)
from talktime.node.node import Node
from talktime.node.webhooks import ping_webhook
from talktime.reading import chats, history, kept_answers, ledger, people, receipts, records, statements
from talktime.reading import past_sessions as past
from talktime.reading.events import EventFilter, read_cursor, read_events, require_kept
from talktime.settings import ADDRESS_PATTERN, Settings, load_settings

if TYPE_CHECKING:
    from types import TracebackType

    from talktime.core.errors import Repeated
    from talktime.core.record import Record
    from talktime.engine.command import Command
    from talktime.engine.engine import Engine

MESSAGE_PAGE_BYTES: Final = 128 * 1024
"""How many bytes the texts of a page of messages may have. Building a larger answer would make others wait."""

_Result = TypeVar("_Result")

_FOLLOW_SECONDS: Final = 30.0
"""How long one question for new events waits."""

_LOOK_SECONDS: Final = 2.0
"""How long a program that watches the service waits for the database."""


@checks_arguments
class Talktime:
    """The meter, connected to its database. Get one with `Talktime.connect`.

    Attributes:
        node: the process's parts: deadlines, presence, feed, clock and auditor.
        settings: the settings that the process runs with.
        engine: runs commands and reads payers.
        timers: the timers of chats, under the names of the system that talktime replaces.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.engine: Engine = node.engine
        self.timers = ChatTimerManager(node.engine, node.parties)
        self.settings = node.settings
        self._seller = Seller(node.settings.name or "", node.settings.currency or "")

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
            MissingExtra: a setting, or the embedded database, needs a part of talktime that is not installed.
        """
        logs.configure_by_default()
        settings = load_settings(database_url=database_url) if settings is None else settings
        url = database_url or settings.database_url
        async with AsyncExitStack() as stack:
            is_embedded = url is None
            if url is None:
                from talktime.postgres.embedded import embedded_database  # noqa: PLC0415  only when it is used

                url = await stack.enter_async_context(embedded_database(settings.data_dir))
            access = await ensure_current(url, embedded=is_embedded, connect_seconds=float(settings.connect_seconds))
            process_id = new_id()
            database = await stack.enter_async_context(
                open_database(
                    url,
                    name=f"talktime {process_id}",
                    size=pool_size(settings.pool_size, access.connections_max),
                    seconds=float(settings.database_seconds),
                    connect_seconds=float(settings.connect_seconds),
                    is_pooled=access.is_pooled,
                )
            )
            node = Node(settings, url, database, process_id)
            await stack.enter_async_context(node.working() if work else node.visiting())
            yield cls(node)

    @classmethod
    def blocking(
        cls, database_url: str | None = None, *, settings: Settings | None = None, work: bool = True
    ) -> BlockingTalktime:
        """The library for programs without an event loop: Django, Flask, Celery.

        Every method is there, and returns when it is done. The first call connects, and `close`, or the end of a
        `with`, disconnects. The arguments are those of `connect`. A process that was forked from a connected one can't
        use the connection: a call there raises a `RuntimeError`.
        """
        return BlockingTalktime(lambda: cls.connect(database_url, settings=settings, work=work))

    # People.

    async def put_user(self, user_id: str, display_name: str, *, metadata: Mapping[str, str] | None = None) -> bool:
        """Create a user with an empty account, or rename the user. Returns whether the user was created.

        `metadata` is at most 24 texts by key, for the host's own programs and operators; None leaves it as it is.

        Raises:
            InvalidRequest: the id, the name or the metadata is not allowed.
        """
        require_id("user_id", user_id)
        require_name("display_name", display_name)
        return await engine_people.put_user(self.node.database, user_id, display_name, require_metadata(metadata))

    async def forget_user(self, user_id: str) -> int:
        """Forget who a user was, for good: the name becomes "Deleted", and metadata and messages are deleted.

        The metadata is that of the user, of the user's chats and of their records. The messages are those of the user's
        chats, with what advisors wrote. Entries, records and segments stay, because the books follow from them. A call
        that breaks off can be repeated.

        Returns:
            How many messages were deleted.

        Raises:
            NotFound: there is no such user.
        """
        return await engine_people.forget_user(self.node.database, user_id)

    async def put_advisor(
        self,
        advisor_id: str,
        display_name: str,
        tariff: Tariff,
        terms: Terms | None = None,
        *,
        starts: str | None = None,
        ring_ms: int | None = None,
        max_active: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[Advisor, bool]:
        """Create an advisor, or change the advisor. Returns the advisor, and whether the advisor was created.

        A changed tariff is a new version. A change holds for records that start later. What is None stays as it is.

        Args:
            advisor_id: the host's own id of the advisor.
            display_name: the name to show.
            tariff: what time with the advisor costs.
            terms: what the advisor gets of the cost.
            starts: how the advisor's records start: `present` (at first), `accepted` or `at_once`.
            ring_ms: how long a request rings, in milliseconds; at first 60,000.
            max_active: how many active records the advisor may have; 0 for no maximum, as at first.
            metadata: at most 24 texts by key, for the host's own programs and operators.

        Raises:
            InvalidRequest: an argument is not allowed.
        """
        require_id("advisor_id", advisor_id)
        require_name("display_name", display_name)
        return await engine_people.put_advisor(
            self.node.database,
            advisor_id,
            display_name,
            tariff,
            terms,
            lambda rule: changed_rule(rule, starts, ring_ms, max_active),
            require_metadata(metadata),
        )

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

    async def user_page(self, query: str | None = None, *, after: str | None = None, limit: int = 100) -> Page[Account]:
        """Users and their accounts: all in the order of their ids, or those whose id or name begins with `query`.

        Names are compared in small letters. Those whose ids begin with `query` come first. `after` is the `next` of the
        page before.

        Raises:
            InvalidRequest: `after` is no user, or `query` has a control character.
        """
        require_reference("query", query)
        return await people.account_page(self.engine, query, after=after, limit=limit)

    async def advisor_page(
        self, query: str | None = None, *, after: str | None = None, limit: int = 100
    ) -> Page[Advisor]:
        """Advisors: all in the order of their ids, or those whose id or name begins with `query`, as in `user_page`.

        Raises:
            InvalidRequest: `after` is no advisor, or `query` has a control character.
        """
        require_reference("query", query)
        return await people.advisor_page(self.engine, query, after=after, limit=limit)

    # Access keys.

    async def create_key(self, name: str, scope: str = "service") -> tuple[AccessKey, str]:
        """Make an access key for a backend. Returns the key and its secret.

        The secret goes where tokens go. It is stored nowhere, so it can't be shown again. HTTP has no such call, so
        that nobody can make other keys with a stolen key.

        Args:
            name: what is kept with everything that the key does.
            scope: `service`, `operator`, `read`, `credits` or `events`.

        Raises:
            InvalidRequest: the name or the scope is not allowed.
            Conflict: a valid key has this name.
        """
        require_id("name", name)
        return await access_keys.create_key(self.node.database, name, parse_scope(scope))

    async def keys(self) -> list[AccessKey]:
        """All access keys, the oldest first, also those that are revoked."""
        return await access_keys.list_keys(self.node.database)

    async def revoke_key(self, name_or_id: str) -> AccessKey:
        """Revoke an access key, and with it every token that the key has made.

        Every node refuses them at once; a node that hears nothing, after 2 seconds. A key that is revoked already stays
        as it is, with its `revoked_at`. A name means the valid key of this name, or else the one that was revoked last.

        Raises:
            NotFound: there is no such key.
        """
        key = await access_keys.revoke_key(self.node.database, name_or_id)
        self.node.key_ring.hear()
        self.node.feed.publish_revoked_key(key.id)
        return key

    async def use_key(self, secret: str) -> AccessKey:
        """The valid access key with this secret. This counts as a use of the key.

        Raises:
            Unauthorized: there is no such key, or the key was revoked.
        """
        key = await self.node.key_ring.use(secret)
        if key is None:
            raise Unauthorized("This key is unknown, or was revoked.")
        return key

    # Links.

    async def create_link(
        self, role: str, subject: str, *, page: str | None = None, address: str | None = None, key_id: str | None = None
    ) -> Link:
        """Make an address that signs a browser in, once, within five minutes.

        Args:
            role: `user`, `advisor` or `operator`.
            subject: the id of the user or the advisor, or a name for the operator.
            page: the page of the service to go on to, such as `/chat/c1`; None for the first page of the role.
            address: where browsers reach the service, with its path; None for the `address` of the settings.
            key_id: the access key with which the link ends, if it has not been used before.

        Raises:
            InvalidRequest: an argument is not allowed, or nobody says where browsers reach the service.
            NotFound: there is no such user or advisor.
        """
        target = links.LinkTarget(links.link_role(role), require_id("subject", subject), page, key_id)
        require_page("page", page)
        base = address or self.settings.address
        if base is None:
            raise InvalidRequest(("address", "is needed, or the setting TALKTIME_ADDRESS"))
        if re.match(ADDRESS_PATTERN, base) is None:
            raise InvalidRequest(("address", "must begin with https:// or http://, such as https://talk.example"))
        if target.role == Role.USER:
            await people.require_user(self.node.database, subject)
        elif target.role == Role.ADVISOR:
            await people.require_advisor(self.node.database, subject)
        return await links.create_link(self.node.database, target, base)

    async def use_link(self, code: str) -> LinkTarget:
        """Use a link up. Returns who signs in with it. `code` is the part of the address behind `#`.

        Raises:
            NotFound: there is no such link, or the link was used before, has expired, or ended with its access key.
        """
        target = await links.use_link(self.node.database, code)
        if target.key_id is not None and not await self.node.key_ring.is_valid(target.key_id):
            raise NotFound("link: the key that has made it was revoked")
        return target

    # Credit.

    async def add_credit(
        self,
        user_id: str,
        amount: int,
        kind: str = "purchase",
        *,
        reference: str | None = None,
        expires_at: int | None = None,
        metadata: Mapping[str, str] | None = None,
        key: str | None = None,
        repeat: Repeat | None = None,
        actor: Actor | None = None,
    ) -> Account:
        """Add credit. Records that ran out of credit resume.

        Args:
            user_id: whose account.
            amount: micro-credits, more than zero.
            kind: `purchase`, `gift` or `refund`. A gift is spent before bought credit.
            reference: the host's own number for it.
            expires_at: when a gift expires. What is neither spent nor committed at that instant is gone.
            metadata: at most 24 texts by key, to be kept with the entry.
            key: the idempotency key: a repeat with the same key and arguments gets the first answer.
            repeat: for the service: the request whose key this is.
            actor: who adds the credit, to be kept with the entry; None: its `by_role` and `by_subject` are None.

        Raises:
            InvalidRequest: an argument is not allowed.
            NotFound: there is no such user.
            Conflict: the account would hold too much, or too many gifts.
        """
        kept = require_metadata(metadata)
        arguments = credit_arguments(amount, reference, kept, expires_at)
        repeat = as_repeat(repeat, key, ("users", user_id, "credits"), kind=str(kind), **arguments)
        command = AddCredit(user_id, amount, credit_kind(kind), reference, expires_at, kept, repeat=repeat, actor=actor)
        return await self._run(command, kept_answers.account_again)

    async def debit(
        self,
        user_id: str,
        amount: int,
        *,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        key: str | None = None,
        repeat: Repeat | None = None,
        actor: Actor | None = None,
    ) -> Account:
        """Spend credit elsewhere, gifts first. More than is available is refused.

        `actor` and `metadata`, at most 24 texts by key, are kept with the entry. Without an `actor`, `by_role` and
        `by_subject` of the entry are None. `key` is an idempotency key, as of `add_credit`.

        Raises:
            InvalidRequest: the amount is not above zero, or the metadata is not allowed.
            NotFound: there is no such user.
            InsufficientCredit: more than is available.
        """
        kept = require_metadata(metadata)
        arguments = credit_arguments(amount, reference, kept)
        repeat = as_repeat(repeat, key, ("users", user_id, "debits"), **arguments)
        command = DebitCredit(user_id, amount, reference, kept, repeat=repeat, actor=actor)
        return await self._run(command, kept_answers.account_again)

    async def paying(
        self, user_id: str, duration_ms: int, *, key: str | None = None, repeat: Repeat | None = None
    ) -> Account:
        """Somebody is paying for this user: records that are out of credit wait this long from now on.

        A record that runs out of credit in this time waits to the same instant. Each record waits longer only once in a
        wait. A record that waits longer anyway stays as it is.

        Args:
            user_id: whose records.
            duration_ms: how long, at most 15 minutes.
            key: the idempotency key: a repeat with the same key and arguments gets the first answer.
            repeat: for the service: the request whose key this is.

        Raises:
            InvalidRequest: the duration is not allowed.
            NotFound: there is no such user.
        """
        repeat = as_repeat(repeat, key, ("users", user_id, "paying"), seconds=seconds(duration_ms))
        return await self._run(AnnouncePayment(user_id, duration_ms, repeat=repeat), kept_answers.account_again)

    async def refund(
        self,
        record_id: str,
        *,
        reason: str,
        borne_by: str,
        amount: int | None = None,
        duration_ms: int | None = None,
        dry_run: bool = False,
        key: str | None = None,
        repeat: Repeat | None = None,
        actor: Actor | None = None,
    ) -> Refund:
        """Give back what a record has cost, at most what was charged and not given back yet.

        Args:
            record_id: the record.
            reason: why, for the receipt.
            borne_by: `platform`, `advisor`, or `shared` in the proportion in which the cost was earned.
            amount: micro-credits; or
            duration_ms: the price of this much billed time, counted from the end.
            dry_run: compute the refund as it would be now, and give nothing back.
            key: the idempotency key: a repeat with the same key and arguments gets the first answer.
            repeat: for the service: the request whose key this is.
            actor: who refunds, to be kept with the entry; None: its `by_role` and `by_subject` are None.

        Raises:
            InvalidRequest: an argument is not allowed.
            NotFound: there is no such record.
            Conflict: more than was charged and not given back yet.
        """
        request = refund_request(reason=reason, borne_by=borne_by, amount=amount, duration_ms=duration_ms)
        arguments = refund_arguments(reason, borne_by, amount, duration_ms)
        if dry_run:
            parties = await self.record_parties(record_id)
            trial = RefundRecord(parties.user_id, record_id, request, is_dry_run=True, actor=actor)
            return await self.engine.dry_run(trial)
        repeat = as_repeat(repeat, key, ("records", record_id, "refunds"), **arguments)
        return await self._run_for(
            self.record_parties(record_id),
            repeat,
            lambda parties: RefundRecord(
                parties.user_id, record_id, request, is_dry_run=self.engine.is_trial, repeat=repeat, actor=actor
            ),
            kept_answers.refund_again,
        )

    async def account(self, user_id: str, *, at: int | None = None) -> Account:
        """A user's account, now or as of an instant: the balance, what running records hold, and what is available.

        Raises:
            NotFound: there is no such user.
        """
        if at is None or at >= await self.now():
            return await people.account(self.engine, user_id)
        return await history.account_as_of(self.engine, user_id, at)

    async def offer(self, user_id: str, advisor_id: str) -> Offer:
        """The price of a record that the user would start with this advisor now, and how long the credit would last.

        Show this to the user before a start, and start with the `version` of the offer as `offer_version`.

        Raises:
            NotFound: there is no such user, or no such advisor.
            Conflict: the two have an active record, which goes on at its own price.
        """
        return await people.offer(self.engine, user_id, advisor_id)

    async def entries(
        self,
        user_id: str,
        *,
        limit: int = 100,
        before: str | None = None,
        begin: int | None = None,
        end: int | None = None,
    ) -> list[Entry]:
        """The entries of a user's ledger, the newest first. `before` is the last id of the page before.

        With `begin` or `end`: only those that were posted from `begin` until just before `end`.

        Raises:
            NotFound: there is no such user.
            InvalidRequest: `before` is not the id of an entry.
        """
        period = Period(begin, end)
        return await people.list_entries(self.node.database, user_id, period, before=before, limit=limit)

    async def entry_page(
        self,
        *,
        query: str | None = None,
        user_id: str | None = None,
        advisor_id: str | None = None,
        record_id: str | None = None,
        kind: str | None = None,
        reference: str | None = None,
        begin: int | None = None,
        end: int | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[LedgerEntry]:
        """Entries of all users with all three sides, the newest first. An argument that is None does not filter.

        `by_role` and `by_subject` of an entry are None for what follows from time, and for a call without `actor`.

        Args:
            query: the beginning of a reference.
            user_id: of this user.
            advisor_id: of this advisor.
            record_id: of this record.
            kind: `purchase`, `gift`, `refund`, `debit`, `charge`, `share` or `expiry`.
            reference: with exactly this reference.
            begin: posted at this instant or later.
            end: posted before this instant.
            after: the `next` of the page before.
            limit: the largest number of entries.

        Raises:
            InvalidRequest: there is no such kind, `after` is no entry, or a text has a control character.
        """
        require_reference("query", query)
        require_reference("reference", reference)
        search = ledger.EntrySearch(user_id, advisor_id, record_id, kind, reference, query)
        period = Period(begin, end)
        return await ledger.entry_page(
            self.node.database, self.node.deadlines, search, period, after=after, limit=limit
        )

    def all_entries(
        self,
        *,
        query: str | None = None,
        user_id: str | None = None,
        advisor_id: str | None = None,
        record_id: str | None = None,
        kind: str | None = None,
        reference: str | None = None,
        begin: int | None = None,
        end: int | None = None,
    ) -> AsyncIterator[LedgerEntry]:
        """All entries of a period one after the other, the oldest first: `async for entry in talktime.all_entries(…)`.

        The arguments are those of `entry_page`. Charges of running records are posted up to `end` first, so the entries
        of a period that is over add up to its report. However many entries there are, few are in memory.

        Raises:
            InvalidRequest: there is no such kind, or a text has a control character.
        """
        require_reference("query", query)
        require_reference("reference", reference)
        search = ledger.EntrySearch(user_id, advisor_id, record_id, kind, reference, query)
        return ledger.all_entries(self.engine, self.node.deadlines, search, Period(begin, end))

    # Moving in.

    async def import_rows(
        self,
        sources: Mapping[str, Iterable[tuple[int, Mapping[str, object]]]],
        as_of: int,
        *,
        zone: tzinfo = UTC,
        dry_run: bool = False,
        actor: Actor | None = None,
    ) -> ImportReport:
        """Import people, balances and past conversations of another system, each once by its id; what was imported.

        A row that is there already stays as it is. If one row can't be imported, no row is. An import that is stopped
        in the middle can be run again.

        Args:
            sources: rows by the name of their source, such as `{"users": [(1, {"id": "alice"})]}`. A name begins with
                `users`, `advisors`, `balances`, `sessions` or `chats`. A row has its number, for the report.
            as_of: the instant that the balances belong to.
            zone: the time zone of instants that name no offset from UTC.
            dry_run: report what the import would do, and change nothing.
            actor: who imports, to be kept with the entries; None: their `by_role` and `by_subject` are None.

        Raises:
            InvalidRequest: `as_of` is in the future, or the name of a source says no kind of rows.
        """
        try:
            rows = list(read_sources(sources, zone))
        except ValueError as error:
            raise InvalidRequest(("sources", str(error))) from None
        return await imports.import_rows(self.engine, rows, as_of, dry_run=dry_run, actor=actor)

    async def past_sessions(
        self, *, user_id: str | None = None, advisor_id: str | None = None, after: str | None = None, limit: int = 100
    ) -> list[OldSession]:
        """Conversations that were imported from another system, the newest first. They are not records.

        Args:
            user_id: of this user.
            advisor_id: of this advisor.
            after: the id of the last session of the page before.
            limit: the largest number of sessions.

        Raises:
            InvalidRequest: `after` is no session.
        """
        return await past.past_sessions(self.node.database, user_id, advisor_id, after=after, limit=limit)

    # Events.

    async def event_page(
        self,
        *,
        types: Collection[str] | None = None,
        user_id: str | None = None,
        advisor_id: str | None = None,
        chat_id: str | None = None,
        record_id: str | None = None,
        after: str | None = None,
        limit: int = 100,
        wait: float = 0,
    ) -> Events:
        """The next events after a cursor, in order. `next` of the page is the cursor to go on from.

        Args:
            types: of these types, such as `record.ended`; None for all.
            user_id: of this user.
            advisor_id: of this advisor.
            chat_id: in this chat.
            record_id: of this record.
            after: the `next` of the page before; None for the oldest event, `latest` for what happens from now on.
            limit: the largest number of events.
            wait: for how many seconds to wait if there is no such event yet.

        Raises:
            InvalidRequest: there is no such type, or `after` is not a cursor.
            Gone: events after the cursor have been deleted because of their age.
        """
        wanted = EventFilter(types, user_id, advisor_id, chat_id, record_id)
        node = self.node
        return await read_events(node.database, node.event_horizon, wanted, after=after, limit=limit, wait=wait)

    async def events(
        self,
        *,
        types: Collection[str] | None = None,
        user_id: str | None = None,
        advisor_id: str | None = None,
        chat_id: str | None = None,
        record_id: str | None = None,
        after: str | None = None,
        follow: bool = True,
    ) -> AsyncIterator[Event]:
        """The events after a cursor one after the other: `async for event in talktime.events(after=…)`.

        The cursor of an event is its id. The other arguments and the refusals are those of `event_page`.

        Args:
            types, user_id, advisor_id, chat_id, record_id: which events.
            after: the id of the last event that the caller has handled; None for the oldest event, `latest` for what
                happens from now on.
            follow: whether to wait for events that are still to come, for ever.
        """
        wait = _FOLLOW_SECONDS if follow else 0
        while True:
            page = await self.event_page(
                types=types,
                user_id=user_id,
                advisor_id=advisor_id,
                chat_id=chat_id,
                record_id=record_id,
                after=after,
                wait=wait,
            )
            for event in page.data:
                yield event
            if not page.data and not follow:
                return
            after = page.next

    # Webhooks.

    async def create_webhook(self, url: str, types: Collection[str] | None = None) -> Webhook:
        """Send the events from now on to an address of the host. The answer has the secret, which no other call shows.

        Args:
            url: the address, which begins with `https://`.
            types: the types of events, such as `record.ended`; None or an empty list for all.

        Raises:
            InvalidRequest: the address or a type is not allowed, or there are too many webhooks.
        """
        self.node.webhook_sender().require_url(url)
        after = await self.node.event_horizon.settled()
        return await engine_webhooks.create_webhook(self.node.database, url, types, after)

    async def webhooks(self) -> list[Webhook]:
        """All webhooks, the oldest first, without their secrets."""
        return await engine_webhooks.list_webhooks(self.node.database)

    async def webhook(self, webhook_id: str) -> Webhook:
        """A webhook, without its secret.

        Raises:
            NotFound: there is no such webhook.
        """
        return await engine_webhooks.read_webhook(self.node.database, webhook_id)

    async def change_webhook(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        types: Collection[str] | None = None,
        enabled: bool | None = None,
        rotate_secret: bool = False,
    ) -> Webhook:
        """Change a webhook. What is left out stays as it is.

        Args:
            webhook_id: the webhook.
            url: the new address.
            types: the types of events; an empty list for all.
            enabled: whether events are sent. A webhook that is enabled again gets the events of the time between.
            rotate_secret: whether to make another secret, which the answer has. The old one signs a day longer.

        Raises:
            InvalidRequest: the address or a type is not allowed.
            NotFound: there is no such webhook.
        """
        if url is not None:
            self.node.webhook_sender().require_url(url)
        return await engine_webhooks.change_webhook(
            self.node.database,
            webhook_id,
            url=url,
            types=types,
            enabled=enabled,
            rotates_secret=rotate_secret,
        )

    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook, with its deliveries.

        Raises:
            NotFound: there is no such webhook.
        """
        await engine_webhooks.delete_webhook(self.node.database, webhook_id)

    async def delivery_page(
        self, webhook_id: str, *, state: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page[Delivery]:
        """The deliveries of a webhook, those of the newest events first.

        Args:
            webhook_id: the webhook.
            state: only `pending`, `delivered` or `failed` ones.
            after: the `next` of the page before.
            limit: the largest number of deliveries.

        Raises:
            InvalidRequest: there is no such state, or `after` is not the id of an event.
            NotFound: there is no such webhook.
        """
        return await engine_webhooks.list_deliveries(
            self.node.database,
            webhook_id,
            state=engine_webhooks.delivery_state(state),
            after=None if after is None else read_cursor(after),
            limit=limit,
        )

    async def replay_webhook(self, webhook_id: str, after: str) -> None:
        """Send the events after an event again, in order, also those that were delivered.

        Args:
            webhook_id: the webhook.
            after: the id of the event.

        Raises:
            InvalidRequest: `after` is not the id of an event.
            Gone: events after this one have been deleted because of their age.
            NotFound: there is no such webhook.
        """
        await require_kept(self.node.database, cursor := read_cursor(after))
        await engine_webhooks.replay_webhook(self.node.database, webhook_id, cursor)

    async def ping_webhook(self, webhook_id: str) -> Ping:
        """Send a message of the type `ping` to a webhook at once. The answer says how the receiver answered.

        If the receiver takes the message, everything that waits is sent, too.

        Raises:
            NotFound: there is no such webhook.
        """
        return await ping_webhook(self.node.database, self.node.webhook_sender(), webhook_id)

    # Chats and their timers.

    async def initialize_time_tracking_for_chat(
        self,
        user_id: str,
        advisor_id: str,
        chat_id: str,
        *,
        tariff_version: int | None = None,
        offer_version: str | None = None,
        starts: str | None = None,
        metadata: Mapping[str, str] | None = None,
        record_id: str | None = None,
        key: str | None = None,
        repeat: Repeat | None = None,
    ) -> Snapshot:
        """Start, resume, or switch the pair's record to this chat, which is made if it is new.

        The arguments are those of `create_chat`.

        Raises:
            InvalidRequest: an argument is not allowed.
            NotFound: there is no such user or advisor.
            InsufficientCredit: the next increment can't be paid.
            AdvisorBusy: the advisor has as many active records as the advisor may have.
            Conflict: the chat belongs to another pair, tariff or offer have changed, or the record is not active.
        """
        snapshot, _ = await self.create_chat(
            user_id,
            advisor_id,
            chat_id,
            tariff_version=tariff_version,
            offer_version=offer_version,
            starts=starts,
            metadata=metadata,
            record_id=record_id,
            key=key,
            repeat=repeat,
        )
        return snapshot

    async def create_chat(
        self,
        user_id: str,
        advisor_id: str,
        chat_id: str | None = None,
        *,
        tariff_version: int | None = None,
        offer_version: str | None = None,
        starts: str | None = None,
        metadata: Mapping[str, str] | None = None,
        record_id: str | None = None,
        key: str | None = None,
        repeat: Repeat | None = None,
    ) -> tuple[Snapshot, bool]:
        """Make a chat whose record starts with it. Returns the snapshot, and whether the chat was made.

        A chat that exists is tracked, as by `initialize_time_tracking_for_chat`.

        Args:
            user_id: who pays.
            advisor_id: who is paid.
            chat_id: the host's own id, or None for a new one.
            tariff_version: the version that the person has seen; a start with another current version is refused.
            offer_version: the `version` of the `Offer` that the person has seen. A start is refused where the tariff is
                another one, or where free time or the grace was used up meanwhile.
            starts: how a new record starts, if not as the advisor's records start: `present`, `accepted`, `at_once`.
            metadata: at most 24 texts by key, to be kept with the chat and with the record, if they are new.
            record_id: the active record that goes on in this chat. If that record has ended, no new record begins.
            key: the idempotency key: a repeat with the same key and arguments gets the first answer.
            repeat: for the service: the request whose key this is.

        Raises:
            InvalidRequest: an argument is not allowed.
            NotFound: there is no such user or advisor.
            InsufficientCredit: the next increment can't be paid.
            AdvisorBusy: the advisor has as many active records as the advisor may have.
            Conflict: the chat belongs to another pair, tariff or offer have changed, or the record is not active.
        """
        mode, kept = None if starts is None else start_mode(starts), require_metadata(metadata)
        promised = None if offer_version is None else OfferVersion.parse(offer_version)
        arguments = start_arguments(tariff_version, offer_version, mode, kept, record_id)
        ids = {"user_id": user_id, "advisor_id": advisor_id, "chat_id": chat_id}
        repeat = as_repeat(repeat, key, ("chats",), **ids, **arguments)
        chat_id = new_id() if chat_id is None else require_id("chat_id", chat_id)
        command = StartChat(
            user_id, advisor_id, chat_id, tariff_version, promised, mode, kept, self._seller, record_id, repeat=repeat
        )
        snapshot, created = await self._run(command, kept_answers.start_again)
        self.node.parties.remember(snapshot.chat_id, Parties(user_id, advisor_id))
        return snapshot, created

    async def track(
        self,
        chat_id: str,
        *,
        tariff_version: int | None = None,
        offer_version: str | None = None,
        starts: str | None = None,
        metadata: Mapping[str, str] | None = None,
        record_id: str | None = None,
        key: str | None = None,
        repeat: Repeat | None = None,
    ) -> Snapshot:
        """`initialize_time_tracking_for_chat` for a chat that exists.

        The arguments are those of `create_chat`.

        Raises:
            InvalidRequest: an argument is not allowed.
            NotFound: there is no such chat.
            InsufficientCredit: the next increment can't be paid.
            AdvisorBusy: the advisor has as many active records as the advisor may have.
            Conflict: tariff or offer have changed, or the record is not active.
        """
        mode, kept = None if starts is None else start_mode(starts), require_metadata(metadata)
        promised = None if offer_version is None else OfferVersion.parse(offer_version)
        arguments = start_arguments(tariff_version, offer_version, mode, kept, record_id)
        repeat = as_repeat(repeat, key, ("chats", chat_id, "tracking"), **arguments)
        return await self._run_in(
            chat_id,
            repeat,
            lambda user_id, advisor_id: TrackChat(
                user_id,
                advisor_id,
                chat_id,
                tariff_version,
                promised,
                mode,
                kept,
                self._seller,
                record_id,
                repeat=repeat,
            ),
        )

    async def accept(self, chat_id: str, *, key: str | None = None, repeat: Repeat | None = None) -> Snapshot:
        """Accept the chat's requested record, as the advisor: its timer starts. A record that started stays as it is.

        Raises:
            NotFound: there is no such chat.
            Conflict: the record has ended, or has left this chat.
        """
        repeat = as_repeat(repeat, key, ("chats", chat_id, "accept"))
        return await self._run_in(chat_id, repeat, lambda user_id, _: AcceptChat(user_id, chat_id, repeat=repeat))

    async def decline(
        self, chat_id: str, *, reason: str | None = None, key: str | None = None, repeat: Repeat | None = None
    ) -> Snapshot:
        """Decline the chat's requested record, as the advisor: it ends and costs nothing.

        An ended record stays as it is. `reason` is what the user is told.

        Raises:
            InvalidRequest: `reason` is blank, too long, or has control characters.
            NotFound: there is no such chat.
            Conflict: the advisor has accepted, or the record has left this chat.
        """
        repeat = as_repeat(repeat, key, ("chats", chat_id, "decline"), reason=reason)
        return await self._run_in(
            chat_id, repeat, lambda user_id, _: DeclineChat(user_id, chat_id, reason, repeat=repeat)
        )

    async def pause(
        self, chat_id: str, *, by: str | None = None, key: str | None = None, repeat: Repeat | None = None
    ) -> Snapshot:
        """Pause the record; only an act of a person resumes it. `by` is the role that the receipt names.

        Raises:
            InvalidRequest: `by` is no role.
            NotFound: there is no such chat.
            Conflict: the record has ended, or has left this chat.
        """
        role = caller_role(by)
        repeat = as_repeat(repeat, key, ("chats", chat_id, "pause"), by=acting_role(by))
        return await self._run_in(chat_id, repeat, lambda user_id, _: PauseChat(user_id, chat_id, role, repeat=repeat))

    async def resume(
        self, chat_id: str, *, by: Party = Party.USER, key: str | None = None, repeat: Repeat | None = None
    ) -> Snapshot:
        """Resume the record. An advisor can only undo the advisor's own pause, while the user is present.

        Raises:
            NotFound: there is no such chat.
            InsufficientCredit: the next increment can't be paid.
            Conflict: the record has ended or has left this chat; an advisor resumes what somebody else paused, or
                resumes without the user.
        """
        repeat = as_repeat(repeat, key, ("chats", chat_id, "resume"), by=None if by is Party.USER else str(by))
        return await self._run_in(chat_id, repeat, lambda user_id, _: ResumeChat(user_id, chat_id, by, repeat=repeat))

    async def stop(
        self,
        chat_id: str,
        *,
        record_id: str | None = None,
        by: str | None = None,
        key: str | None = None,
        repeat: Repeat | None = None,
        actor: Actor | None = None,
    ) -> Snapshot:
        """End the chat's record. A record that has ended stays as it is.

        Args:
            chat_id: the chat.
            record_id: the record that ends, so that a later record of the chat goes on; None for the latest record.
            by: the role that the receipt names.
            key: the idempotency key: a repeat with the same key and arguments gets the first answer.
            repeat: for the service: the request whose key this is.
            actor: who ends the record, for the table of acts.

        Raises:
            InvalidRequest: `by` is no role.
            NotFound: there is no such chat.
        """
        role = caller_role(by)
        repeat = as_repeat(repeat, key, ("chats", chat_id, "stop"), record_id=record_id, by=acting_role(by))

        def command(user_id: str, _: str) -> StopChat:
            return StopChat(user_id, chat_id, role, record_id, repeat=repeat, actor=actor)

        return await self._run_in(chat_id, repeat, command)

    async def stop_record(
        self, record_id: str, *, by: str | None = None, actor: Actor | None = None
    ) -> tuple[RecordView, bool]:
        """End this record and no other one of its chats. Returns the record, and whether it was active.

        Raises:
            InvalidRequest: `by` is no role.
            NotFound: there is no such record.
        """
        user_id, _ = await self.node.parties.of_record(record_id)
        was_active = await self.engine.run(StopRecord(user_id, record_id, caller_role(by), actor=actor))
        return await self.record(record_id), was_active

    async def heartbeat(self, chat_id: str, party: Party) -> Snapshot:
        """Prove that a party is present, without a socket.

        Raises:
            NotFound: there is no such chat.
        """
        proved = time.monotonic()
        user_id = await self.node.parties.payer_of(chat_id)
        return await self.engine.run(SendHeartbeat(user_id, chat_id, party, proved))

    async def leave(self, chat_id: str, party: Party) -> None:
        """A page of this party says that it closes: the party's lease ends soon, after `leave_seconds` of the settings.

        A lease that ends sooner stays as it is. A socket that watches the chat, a heartbeat or an act brings the party
        back. Nothing changes while another socket of the party watches the chat. A page of a chat that the record has
        left counts only until the party has come to the record's chat.

        Raises:
            NotFound: there is no such chat.
        """
        said = time.monotonic()
        user_id = await self.node.parties.payer_of(chat_id)
        await self.engine.run(LeaveChat(user_id, chat_id, party, said))

    async def snapshot(self, chat_id: str) -> Snapshot:
        """The snapshot of a chat, as of now.

        Raises:
            NotFound: there is no such chat.
        """
        return await chats.snapshot(self.engine, self.node.parties, chat_id)

    async def chats_of_user(self, user_id: str, *, after: str | None = None, limit: int = 200) -> list[ChatSummary]:
        """A user's chats, the newest first. `after` is the last chat of the page before.

        Raises:
            NotFound: there is no such user.
        """
        return await chats.chats_of_user(self.engine, user_id, after=after, limit=limit)

    async def chats_of_advisor(
        self, advisor_id: str, *, after: str | None = None, limit: int = 200
    ) -> list[ChatSummary]:
        """An advisor's chats, the newest first. `after` is the last chat of the page before.

        Raises:
            NotFound: there is no such advisor.
        """
        return await chats.chats_of_advisor(self.engine, advisor_id, after=after, limit=limit)

    async def chat_duration(self, chat_id: str, *, at: int | None = None) -> int:
        """How long a chat's timer had run up to an instant, or up to now, in milliseconds.

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

    async def send_message(
        self, chat_id: str, sender: Party, text: str, client_id: str, *, by: str | None = None
    ) -> tuple[Message, bool]:
        """Store a message, a repeated `client_id` only once. Returns the message, and whether it is new.

        `by` is the role of the caller. A host that names no role, or `service`, may always send. A user and an advisor
        need a running record, unless the setting `messages_when_stopped` is `allow`; before the first second of a
        record the user may send one note of at most 500 characters.

        Raises:
            InvalidRequest: `text` or `client_id` is empty, too long, or contains what no database stores; or `by` is
                no role.
            NotFound: there is no such chat.
            NotRunning: no time runs.
        """
        require_text("text", text)
        require_id("client_id", client_id)
        user_id = (await self.chat_parties(chat_id)).user_id
        note_of: Record | None = None
        if caller_role(by) not in {None, Role.SERVICE} and self.settings.messages_when_stopped == "refuse":
            record = await chats.latest_record(self.engine, user_id, chat_id)
            try:
                note_of = record if check_message(record, sender, text) else None
            except NotRunning:
                # A repeat of a message that was sent while time ran is not a new message.
                earlier = await engine_messages.sent_before(self.node.database, chat_id, sender, client_id)
                if earlier is None:
                    raise
                return earlier, False
        sent = await engine_messages.send_message(self.node.database, chat_id, sender, text, client_id, note_of=note_of)
        message, is_new = sent
        if is_new:
            self.node.feed.publish_message(user_id, chat_id, message.position)
        return sent

    async def messages(self, chat_id: str, *, after: int = 0, limit: int = 200) -> list[Message]:
        """The messages of a chat after position `after`, the oldest first.

        Raises:
            NotFound: there is no such chat.
        """
        page = await self.message_page(chat_id, after=after, limit=limit, bytes_max=2**62)
        return list(page.messages)

    async def message_page(
        self,
        chat_id: str,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 200,
        bytes_max: int = MESSAGE_PAGE_BYTES,
    ) -> Messages:
        """A page of a chat's messages, the oldest first: the first after position `after`, or the last before `before`.

        The page has fewer messages, but at least one message, when its texts have `bytes_max` bytes together. With
        `before`, `after` does not count.

        Raises:
            NotFound: there is no such chat.
        """
        await self.chat_parties(chat_id)
        if before is not None:
            return await chats.messages_before(
                self.node.database, chat_id, before=before, limit=limit, bytes_max=bytes_max
            )
        return await chats.messages(self.node.database, chat_id, after=after, limit=limit, bytes_max=bytes_max)

    async def mark_read(self, chat_id: str, party: Party, position: int) -> None:
        """Note that a party has read a chat up to the message at a position. What was read stays read.

        Raises:
            NotFound: there is no such chat.
        """
        await self.chat_parties(chat_id)
        await engine_messages.mark_read(self.node.database, chat_id, party, position)

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
        """Records, the newest first.

        `state` is `requested`, `running`, `paused` or `ended`, `active` for all but ended, or None for all.

        Raises:
            InvalidRequest: there is no such state.
        """
        page = await self.record_page(state, limit=limit)
        return [record.snapshot for record in page.items]

    async def record_page(
        self,
        state: str | None = None,
        *,
        query: str | None = None,
        user_id: str | None = None,
        advisor_id: str | None = None,
        reason: str | None = None,
        begin: int | None = None,
        end: int | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[RecordWithSnapshot]:
        """Records with their people, the newest first. An argument that is None does not filter.

        Args:
            state: `requested`, `running`, `paused`, `ended`, or `active`, which is all but ended.
            query: the id of a record, or of the chat, the user or the advisor of records.
            user_id: of this user.
            advisor_id: of this advisor.
            reason: only records whose time stopped for this reason from `begin` until just before `end`, also if they
                went on later; ordered by when their time last did, the latest first. `out_of_credit` finds cuts.
            begin: without `reason`, records that started at this instant or later.
            end: without `reason`, records that started before this instant.
            after: the `next` of the page before.
            limit: the largest number of records. A page may have fewer, although others follow.

        Raises:
            InvalidRequest: there is no such state or reason, or `after` is no record.
        """
        search = records.record_search(state=state, query=query, user_id=user_id, advisor_id=advisor_id, reason=reason)
        if reason is not None:
            await self.node.deadlines.settle_due()
        return await records.record_page(self.engine, search, Period(begin, end), after=after, limit=limit)

    async def records_of_user(self, user_id: str, *, after: str | None = None, limit: int = 100) -> list[RecordSummary]:
        """A user's records, the newest first. `after` is the id of the last record of the page before.

        Raises:
            NotFound: there is no such user.
        """
        return await records.records_of_user(self.engine, user_id, after=after, limit=limit)

    async def records_of_chat(self, chat_id: str, *, after: str | None = None, limit: int = 100) -> list[RecordSummary]:
        """The records that ran in a chat, the newest first. `after` is the id of the last record of the page before.

        Raises:
            NotFound: there is no such chat.
        """
        await self.chat_parties(chat_id)
        return await records.records_of_chat(self.engine, chat_id, after=after, limit=limit)

    async def record_parties(self, record_id: str) -> Parties:
        """The user and the advisor of a record.

        Raises:
            NotFound: there is no such record.
        """
        return await self.node.parties.of_record(record_id)

    async def pairs_of(self, snapshots: Sequence[Snapshot]) -> dict[str, Pair]:
        """The user and the advisor of each of these snapshots, by record id."""
        return await records.pairs_of(self.engine, snapshots)

    async def receipt(self, record_id: str, *, at: int | None = None) -> Receipt:
        """A record's receipt, now or as of an instant. A running record's charge is posted up to now first.

        Raises:
            NotFound: there is no such record.
            InvalidRequest: `at` is before the record's start.
        """
        return await receipts.receipt(self.engine, self.node.parties, record_id, at=at)

    # The books and the past.

    async def statement(
        self, advisor_id: str, begin: int, end: int, *, places: int = 2, sessions_max: int | None = None
    ) -> Statement:
        """An advisor's sessions from `begin` until just before `end`, at most 367 days, and what to pay.

        `payable` has `places` decimals, and the rest is carried. Statements of periods that follow each other, with the
        same `places`, add up to what can be paid of all that was earned.

        Raises:
            InvalidRequest: the period is empty, is longer than 367 days, or has more than `sessions_max`
                sessions; or `places` is not from 0 to 6.
            NotFound: there is no such advisor.
        """
        return await statements.statement(self.engine, advisor_id, begin, end, places=places, sessions_max=sessions_max)

    async def earnings(self, advisor_id: str, *, at: int | None = None) -> Earnings:
        """The earnings of an advisor up to and including an instant, or now.

        Raises:
            NotFound: there is no such advisor.
        """
        return await history.earnings(self.engine, self.node.deadlines, advisor_id, at)

    async def report(self, begin: int, end: int, *, books_max: int | None = None, by_person: bool = True) -> Report:
        """All books from `begin` until just before `end`, from the entries of the ledger.

        Without `by_person`, the books of all users are one book, and so are those of all advisors.

        Raises:
            InvalidRequest: the period is empty, or there are more than `books_max` books.
        """
        return await history.report(
            self.engine, self.node.deadlines, begin, end, books_max=books_max, by_person=by_person
        )

    async def replay(self, tariff: Tariff, begin: int, end: int, *, advisor_id: str | None = None) -> Replay:
        """The costs under another tariff of the records that started in a period and have ended.

        Raises:
            InvalidRequest: the period is empty.
            NotFound: there is no such advisor.
        """
        return await history.what_if(self.node.database, self.node.deadlines, tariff, begin, end, advisor_id)

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

    def last_audit(self) -> LastAudit:
        """When this node's auditor last got through all accounts, and how many breaches of each rule it has seen."""
        return self.node.auditor.last_audit()

    # The node.

    async def now(self) -> int:
        """Engine time, from the database itself."""
        return await self.node.now()

    async def advance_clock(self, duration_ms: int) -> int:
        """Move engine time ahead, for tests alone. Returns engine time after that.

        Every deadline on the way is applied as of its own instant. A party with an open socket is present all the time.

        Raises:
            InvalidRequest: the duration is negative, or longer than ten years.
        """
        return await self.node.advance_clock(duration_ms)

    async def check(self) -> None:
        """Raise Unavailable if this node can't work: no database, or a worker that has failed for a long time."""
        await self.node.database.fetch("engine_now", seconds=_LOOK_SECONDS)
        if late := self.node.supervisor.late():
            workers = ", ".join(f"{name} (for {seconds:.0f} s)" for name, seconds in sorted(late.items()))
            raise Unavailable(f"These workers of this node have not succeeded: {workers}.")

    async def counts(self) -> dict[str, float]:
        """The figures of the database for the metrics: records, nodes, deadlines, locks, the clock, outages."""
        database = self.node.database
        rows = [
            await database.fetch_row("counts", self.engine.durations.lease_ms, seconds=_LOOK_SECONDS),
            await database.fetch_row("lately", seconds=_LOOK_SECONDS),
        ]
        return {name: float(value or 0) for row in rows if row is not None for name, value in row.items()}

    def connections(self) -> tuple[dict[str, int], int]:
        """This process's pooled connections, `busy` and `idle`, and the largest possible number."""
        pool = self.node.database.pool
        idle = pool.get_idle_size()
        return {"busy": pool.get_size() - idle, "idle": idle}, pool.get_max_size()

    async def keep_refusal(self, repeat: Repeat | None, error: TalktimeError) -> None:
        """Keep a refusal as the answer of its idempotency key, if there is one, or raise the answer that came first."""
        await self.engine.keep_refusal(repeat, error)

    async def _run(self, command: Command[_Result], again: Callable[[Engine, Repeated], Awaitable[_Result]]) -> _Result:
        """Run a command; `again` reads the answer that its key has already."""
        return await kept_answers.answer_once(self.engine, command.repeat, self.engine.run(command), again)

    async def _run_in(
        self, chat_id: str, repeat: Repeat | None, command_of: Callable[[str, str], Command[Snapshot]]
    ) -> Snapshot:
        """Run the command of the user and the advisor of this chat."""
        return await self._run_for(
            self.chat_parties(chat_id), repeat, lambda parties: command_of(*parties), kept_answers.snapshot_again
        )

    async def _run_for(
        self,
        parties: Awaitable[Parties],
        repeat: Repeat | None,
        command_of: Callable[[Parties], Command[_Result]],
        again: Callable[[Engine, Repeated], Awaitable[_Result]],
    ) -> _Result:
        """Run the command of these parties. That nobody talks there is an answer to keep, like any other."""

        async def run() -> _Result:
            try:
                command = command_of(await parties)
            except NotFound as error:
                await self.keep_refusal(repeat, error)
                raise
            return await self.engine.run(command)

        return await kept_answers.answer_once(self.engine, repeat, run(), again)


def _timers(talktime: Talktime) -> ChatTimerManager:
    return talktime.timers


class BlockingTimers(Blocking[Talktime]):
    """`Talktime.timers`, whose methods return when they are done."""

    start_timer = waits_for_part(_timers, ChatTimerManager.start_timer)
    stop_timer = waits_for_part(_timers, ChatTimerManager.stop_timer)
    has_timer = waits_for_part(_timers, ChatTimerManager.has_timer)
    update_chat_time = waits_for_part(_timers, ChatTimerManager.update_chat_time)


class BlockingTalktime(Blocking[Talktime]):
    """The library for programs without an event loop: Django, Flask, Celery. Get one with `Talktime.blocking`.

        talktime = Talktime.blocking()      # connects with its first call

        def top_up(order):
            talktime.add_credit(order.user_id, order.amount, reference=order.id, key=f"order {order.id}")

    Every method of `Talktime` is here, with the same arguments, results and errors, and returns when it is done.
    `events` and `all_entries` are plain iterators. Any number of threads may use one object.

    Attributes:
        timers: the timers of chats, as `Talktime.timers`.
    """

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[Talktime]]) -> None:
        super().__init__(Background(connect))
        self.timers = BlockingTimers(self._background)

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            DatabaseProblem: the database can't be used as it is.
        """
        self._background.open()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect. Calls that wait in other threads end with a `RuntimeError`. A second time does nothing.

        A program that ends without this closes by itself.
        """
        self._background.close()

    # People.

    put_user = waits(Talktime.put_user)
    forget_user = waits(Talktime.forget_user)
    put_advisor = waits(Talktime.put_advisor)
    advisor = waits(Talktime.advisor)
    advisors = waits(Talktime.advisors)
    users = waits(Talktime.users)
    user_page = waits(Talktime.user_page)
    advisor_page = waits(Talktime.advisor_page)

    # Access keys.

    create_key = waits(Talktime.create_key)
    keys = waits(Talktime.keys)
    revoke_key = waits(Talktime.revoke_key)
    use_key = waits(Talktime.use_key)

    # Links.

    create_link = waits(Talktime.create_link)
    use_link = waits(Talktime.use_link)

    # Credit.

    add_credit = waits(Talktime.add_credit)
    debit = waits(Talktime.debit)
    paying = waits(Talktime.paying)
    refund = waits(Talktime.refund)
    account = waits(Talktime.account)
    offer = waits(Talktime.offer)
    entries = waits(Talktime.entries)
    entry_page = waits(Talktime.entry_page)
    all_entries = each(Talktime.all_entries)

    # Moving in.

    import_rows = waits(Talktime.import_rows)
    past_sessions = waits(Talktime.past_sessions)

    # Events.

    event_page = waits(Talktime.event_page)
    events = each(Talktime.events)

    # Webhooks.

    create_webhook = waits(Talktime.create_webhook)
    webhooks = waits(Talktime.webhooks)
    webhook = waits(Talktime.webhook)
    change_webhook = waits(Talktime.change_webhook)
    delete_webhook = waits(Talktime.delete_webhook)
    delivery_page = waits(Talktime.delivery_page)
    replay_webhook = waits(Talktime.replay_webhook)
    ping_webhook = waits(Talktime.ping_webhook)

    # Chats and their timers.

    initialize_time_tracking_for_chat = waits(Talktime.initialize_time_tracking_for_chat)
    create_chat = waits(Talktime.create_chat)
    track = waits(Talktime.track)
    accept = waits(Talktime.accept)
    decline = waits(Talktime.decline)
    pause = waits(Talktime.pause)
    resume = waits(Talktime.resume)
    stop = waits(Talktime.stop)
    stop_record = waits(Talktime.stop_record)
    heartbeat = waits(Talktime.heartbeat)
    leave = waits(Talktime.leave)
    snapshot = waits(Talktime.snapshot)
    chats_of_user = waits(Talktime.chats_of_user)
    chats_of_advisor = waits(Talktime.chats_of_advisor)
    chat_duration = waits(Talktime.chat_duration)
    chat_parties = waits(Talktime.chat_parties)

    # Messages.

    send_message = waits(Talktime.send_message)
    messages = waits(Talktime.messages)
    message_page = waits(Talktime.message_page)
    mark_read = waits(Talktime.mark_read)

    # Records.

    record = waits(Talktime.record)
    record_snapshot = waits(Talktime.record_snapshot)
    records = waits(Talktime.records)
    record_page = waits(Talktime.record_page)
    records_of_user = waits(Talktime.records_of_user)
    records_of_chat = waits(Talktime.records_of_chat)
    record_parties = waits(Talktime.record_parties)
    pairs_of = waits(Talktime.pairs_of)
    receipt = waits(Talktime.receipt)

    # The books and the past.

    statement = waits(Talktime.statement)
    earnings = waits(Talktime.earnings)
    report = waits(Talktime.report)
    replay = waits(Talktime.replay)

    # The rules that must always hold.

    audit = waits(Talktime.audit)
    broken_rules = waits(Talktime.broken_rules)
    repair = waits(Talktime.repair)
    breaches = asks(Talktime.breaches)
    last_audit = asks(Talktime.last_audit)

    # The node.

    now = waits(Talktime.now)
    advance_clock = waits(Talktime.advance_clock)
    check = waits(Talktime.check)
    counts = waits(Talktime.counts)
    connections = asks(Talktime.connections)
    keep_refusal = waits(Talktime.keep_refusal)
