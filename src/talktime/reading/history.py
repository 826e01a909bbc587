"""The library's part about the past: what was, as of any instant, and what it comes to. From facts alone.

What is due is applied first, like before every reading: nobody may have worked on this database for a while, and then
the facts are not all there yet. An instant that has not come is now.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from talktime.core import gifts
from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.tariff import Tariff
from talktime.core.terms import share
from talktime.database.queries import SQL
from talktime.documents.account import Account
from talktime.documents.advisor import Earnings
from talktime.documents.report import Book, Report
from talktime.documents.what_if import PastSession, Replay, replay
from talktime.reading.books import Books


class History(Books):
    """What `Talktime` knows about the past."""

    async def account(self, user_id: str, *, at: int | None = None) -> Account:
        """What a user has: posted, committed by running meters, and available; now, or as of an instant."""
        if at is None or at >= await self.now():
            return await super().account(user_id)
        await self.engine.settle([user_id])
        async with self.engine.reading() as connection:
            name = await connection.fetchval(SQL["user_name"], user_id)
            if name is None:
                raise NotFound("user")
            balance = await connection.fetchval(SQL["balance_as_of"], user_id, at)
            lots = gifts.replayed(await connection.fetch(SQL["gift_entries_as_of"], user_id, at))
            committed = 0
            for row in await connection.fetch(SQL["running_as_of"], user_id, at):
                record = await self.engine.store.record(connection, row["record_id"])
                if record is not None:
                    then = replace(record, elapsed_ms=row["elapsed_ms"], charged=row["charged"], settled_at=at)
                    committed += then.commitment_at(at)
        return Account(
            user_id=user_id,
            display_name=name,
            balance=balance,
            committed=committed,
            available=max(0, balance - committed),
            gift=gifts.total(lots),
            next_expiry=next((lot for lot in lots if lot.expires_at is not None and lot.expires_at > at), None),
        )

    async def earnings(self, advisor_id: str, *, at: int | None = None) -> Earnings:
        """What an advisor's sessions have brought since the beginning, up to and including an instant, or now."""
        await self.timers.settle_due()
        at = await self._past(at)
        async with self.engine.reading() as connection:
            row = await connection.fetchrow(SQL["earnings_as_of"], advisor_id, at)
            if row is None:
                raise NotFound("advisor")
            unposted = 0
            for then in await connection.fetch(SQL["earning_as_of"], advisor_id, at):
                record = await self.engine.store.record(connection, then["record_id"])
                if record is not None:
                    total = share(record.terms, record.tariff, then["elapsed_ms"], record.allowance_ms)
                    unposted += total.advisor - then["earned"]
        return Earnings(advisor_id, row["display_name"], at, row["share"], row["refunds"], unposted)

    async def chat_duration(self, chat_id: str, *, at: int | None = None) -> int:
        """How long a chat's timer had run by an instant, or by now, in milliseconds."""
        user_id, _ = await self.chat_parties(chat_id)
        await self.engine.settle([user_id])
        duration_ms: int = await self._fetchval("duration_as_of", chat_id, await self._past(at))
        return duration_ms

    async def report(self, begin: int, end: int) -> Report:
        """The books of everybody from `begin` until just before `end`, from the ledger's entries.

        What running records have come to is posted first: a charge is dated at the instant from which a gift no longer
        paid for it, and a period that is over must say tomorrow what it says today.
        """
        _require_period(begin, end)
        await self.timers.settle_due()
        await self.timers.checkpoint()
        rows = await self._fetch("report", begin, end)
        return Report(begin, end, tuple(Book(book, owner, name, *_amounts(rest)) for book, owner, name, *rest in rows))

    async def replay(self, tariff: Tariff, begin: int, end: int, *, advisor_id: str | None = None) -> Replay:
        """What the sessions that started in a period, and have ended, would have cost under another tariff."""
        _require_period(begin, end)
        if advisor_id is not None and await self._fetchval("advisor_name", advisor_id) is None:
            raise NotFound("advisor")
        await self.timers.settle_due()
        rows = await self._fetch("past_sessions", begin, end, advisor_id)
        return replay(tariff, begin, end, (PastSession(*row) for row in rows))

    async def _past(self, at: int | None) -> int:
        """This instant, or now if it has not come yet."""
        now = await self.now()
        return now if at is None else min(at, now)


def _amounts(row: list[Any]) -> tuple[int, tuple[int, ...]]:
    opening, *amounts = row
    return opening, tuple(amounts)


def _require_period(begin: int, end: int) -> None:
    if begin >= end:
        raise InvalidRequest(("to", "must be after from"))
