"""The library's part about money: accounts, entries, receipts, and whether all of it is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.instants import instant
from talktime.core.payer import Reason
from talktime.core.refunds import Bearer, Wish
from talktime.database.queries import SQL
from talktime.documents import receipt as ledger
from talktime.documents.account import Account, Entry, Refund
from talktime.documents.audit import RULES, Audit
from talktime.documents.receipt import CAUSES, Receipt, SegmentView, SharedEntry
from talktime.documents.statement import Figures, Session, Statement
from talktime.engine import accounts, tracking
from talktime.engine.idempotency import Repeat
from talktime.node.node import Node

_PERIOD_MAX_MS: Final = 367 * 86_400_000
_KINDS: Final = ("purchase", "gift", "refund")


class Books(Node):
    """What `Talktime` knows about money."""

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
        """Add credit; records that ran out of it go on. `kind`: purchase, gift or refund.

        A gift is spent before what was bought, and may expire: what is neither spent nor committed by then is gone.
        """
        _positive(amount)
        if kind not in _KINDS:
            raise InvalidRequest(("kind", f"must be one of: {', '.join(_KINDS)}"))
        if expires_at is not None and kind != "gift":
            raise InvalidRequest(("expires_at", "is for gifts only"))
        account: Account = await self.engine.run(
            accounts.add_credit(user_id, amount, kind, reference, expires_at, repeat)
        )
        return account

    async def debit(
        self, user_id: str, amount: int, *, reference: str | None = None, repeat: Repeat | None = None
    ) -> Account:
        """Spend credit elsewhere, gifts first; refused beyond what is available."""
        _positive(amount)
        account: Account = await self.engine.run(accounts.debit(user_id, amount, reference, repeat))
        return account

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
        """Give back what a record has cost: an amount, or the price of its last so many billed milliseconds.

        `borne_by`: platform, advisor, or shared as it was earned. Never more than was charged and not given back yet.
        """
        if (amount is None) == (duration_ms is None):
            raise InvalidRequest(("amount", "or seconds: one of the two"))
        if (amount or duration_ms or 0) <= 0:
            raise InvalidRequest(("amount" if duration_ms is None else "seconds", "must be more than 0"))
        if not reason.strip():
            raise InvalidRequest(("reason", "must not be blank"))
        if borne_by not in set(Bearer):
            raise InvalidRequest(("borne_by", f"must be one of: {', '.join(Bearer)}"))
        try:
            row = await self._record_row(record_id)
        except NotFound as error:
            await self.keep_refusal(repeat, error)
            raise
        wish = Wish(reason, Bearer(borne_by), amount, duration_ms)
        given: Refund = await self.engine.run(accounts.refund(row["user_id"], record_id, wish, repeat))
        return given

    async def account(self, user_id: str) -> Account:
        """What a user has: posted, committed by running meters, and available now."""
        units = await self.engine.read([user_id])
        if user_id not in units:
            raise NotFound("user")
        return accounts.account_view(units[user_id])

    async def entries(self, user_id: str, *, limit: int = 100, before: str | None = None) -> list[Entry]:
        """The ledger of a user, newest first; `before` an entry's id, for the next page."""
        if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
            raise InvalidRequest(("before", "must be the id of an entry"))
        rows = await self._fetch("entries", user_id, int(before) if before else 2**62, limit)
        if not rows:
            await self._require("user", user_id)
        return [_entry(row) for row in rows]

    async def receipt(self, record_id: str, *, at: int | None = None) -> Receipt:
        """A record's bill; as of an instant that has passed, if one is given.

        What a running record has come to is posted first, so that its entries add up to its cost.
        """
        row = await self._record_row(record_id)
        await self.engine.settle([row["user_id"]], tracking.checkpoint)
        async with self.engine.reading() as connection:
            record = await self.engine.store.record(connection, record_id)
            if record is None:
                raise NotFound("record")
            names = await connection.fetchrow(SQL["names"], record.user_id, record.advisor_id)
            segments = await connection.fetch(SQL["segments"], record_id)
            entries = await connection.fetch(SQL["record_entries"], record_id)
            shared = await connection.fetch(SQL["shared_entries"], record_id)
            now = record.settled_at if record.is_running else await connection.fetchval(SQL["engine_now"])
        if at is not None and at < record.started_at:
            raise InvalidRequest(("at", f"must not be before the record began, at {instant(record.started_at)}"))
        return ledger.receipt(
            record,
            now if at is None else min(at, now),
            (names["user_name"], names["advisor_name"]),
            [_segment(segment, record.settled_at) for segment in segments],
            [_entry(entry) for entry in entries],
            [_shared(entry) for entry in shared],
        )

    async def statement(self, advisor_id: str, begin: int, end: int) -> Statement:
        """An advisor's sessions from `begin` until just before `end`; what running ones have come to is posted first.

        Raises InvalidRequest for a period that is empty or longer than a year and a day.
        """
        if not 0 < end - begin <= _PERIOD_MAX_MS:
            raise InvalidRequest(("to", f"must be after from, by at most {_PERIOD_MAX_MS // 86_400_000} days"))
        name = await self._fetchval("advisor_name", advisor_id)
        if name is None:
            raise NotFound("advisor")
        running = await self._fetch("statement_payers", advisor_id)
        await self.engine.settle([row["user_id"] for row in running], tracking.checkpoint)
        rows = await self._fetch("statement", advisor_id, begin, end)
        return Statement(advisor_id, name, begin, end, tuple(_session(row) for row in rows))

    async def audit(self, on_progress: Callable[[int, int], None] = lambda _done, _all: None) -> Audit:
        """Check every rule of the design; `on_progress` is told how many accounts are done, of how many."""
        return await self.auditor.audit(on_progress)

    async def broken_rules(self) -> list[dict[str, Any]]:
        """Each rule of the design that doesn't hold: `rule`, `says`, `count`, `examples`, `repair`. Empty if all do."""
        return (await self.audit()).broken()

    async def repair(self, audit: Audit) -> None:
        """Make the stored totals and deadlines of all users with a finding anew from the facts."""
        await self.auditor.repair(audit.users)

    def breaches(self) -> dict[int, int]:
        """How many breaches of each rule this node has seen, as it looks at some accounts every minute."""
        return {rule: self.auditor.seen(rule) for rule in RULES}


def _positive(amount: int) -> None:
    if amount <= 0:
        raise InvalidRequest(("amount", "must be more than 0"))


def _entry(row: Any) -> Entry:
    return Entry(
        id=str(row["entry_id"]),
        amount=row["amount"],
        gift=row["gift_amount"],
        kind=row["kind"],
        at=row["at"],
        record_id=row["record_id"],
        reference=row["reference"],
        reason=row["reason"],
        expires_at=row["expires_at"],
    )


def _session(row: Any) -> Session:
    record_id, user_id, user_name, started_at, ended_at, *figures = row
    return Session(record_id, user_id, user_name, started_at, ended_at, Figures(*figures))


def _shared(row: Any) -> SharedEntry:
    return SharedEntry(
        str(row["entry_id"]),
        row["at"],
        row["kind"],
        row["amount"],
        row["advisor_amount"],
        row["platform_amount"],
        row["fees"],
        row["borne_by"],
    )


def _segment(row: Any, now: int) -> SegmentView:
    ended_at = row["ended_at"]
    duration_ms = (now if ended_at is None else ended_at) - row["started_at"]
    reason = None if row["reason"] is None else Reason(row["reason"])
    return SegmentView(
        row["chat_id"],
        row["started_at"],
        ended_at,
        duration_ms,
        reason,
        CAUSES.get(reason, row["ended_by"]) if reason is not None else None,
    )
