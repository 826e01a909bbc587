"""The past, from facts alone: accounts, earnings and durations as of an instant, and the books of a period.

What is due is applied first, as before every reading: a database on which nothing has worked for a while does not hold
all facts. An instant that has not come yet counts as now.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from talktime.core import gifts
from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.terms import share
from talktime.database.pool import LONG_SECONDS
from talktime.database.queries import SQL
from talktime.documents.account import Account
from talktime.documents.advisor import Earnings
from talktime.documents.report import KINDS, Book, BookKind, Report
from talktime.documents.what_if import EndedRecord, replay

if TYPE_CHECKING:
    from talktime.core.tariff import Tariff
    from talktime.database.pool import Database, Row
    from talktime.documents.what_if import Replay
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory
    from talktime.node.deadlines import DeadlineWorker


async def account_as_of(engine: Engine, user_id: str, at: int) -> Account:
    """A user's account as of an instant that has passed.

    Raises:
        NotFound: there is no such user.
    """
    await engine.settle_accounts([user_id])
    async with engine.database.reading() as connection:
        name = await connection.fetchval(SQL["user_name"], user_id)
        if name is None:
            raise NotFound("user")
        metadata = await connection.fetchval(SQL["user_metadata"], user_id)
        balance = await connection.fetchval(SQL["balance_as_of"], user_id, at)
        entries = await connection.fetch(SQL["gift_entries_as_of"], user_id, at)
        kept_gifts = gifts.gifts_after(
            (row["kind"], row["gift_amount"], row["at"], row["expires_at"]) for row in entries
        )
        committed = 0
        for row in await connection.fetch(SQL["running_as_of"], user_id, at):
            record = await engine.loader.load_record(connection, row["record_id"])
            if record is not None:
                as_of = replace(record, elapsed_ms=row["elapsed_ms"], charged=row["charged"], settled_at=at)
                committed += as_of.committed_if_running_at(at)
    return Account(
        user_id=user_id,
        display_name=name,
        balance=balance,
        committed=committed,
        available=max(0, balance - committed),
        gift=gifts.total(kept_gifts),
        metadata=metadata or {},
        next_expiry=gifts.next_to_expire(kept_gifts, at),
    )


async def earnings(engine: Engine, deadlines: DeadlineWorker, advisor_id: str, at: int | None) -> Earnings:
    """The earnings of an advisor up to and including an instant, or now.

    Raises:
        NotFound: there is no such advisor.
    """
    await deadlines.settle_due()
    at = await _not_after_now(engine.database, at)
    async with engine.database.reading() as connection:
        posted = await connection.fetchrow(SQL["earnings_as_of"], advisor_id, at)
        if posted is None:
            raise NotFound("advisor")
        unposted = 0
        for row in await connection.fetch(SQL["earning_as_of"], advisor_id, at):
            record = await engine.loader.load_record(connection, row["record_id"])
            if record is not None:
                by_then = share(record.terms, record.charging_tariff, row["elapsed_ms"], record.allowance_ms)
                unposted += by_then.advisor - row["earned"]
    return Earnings(advisor_id, posted["display_name"], at, posted["share"], posted["refunds"], unposted)


async def chat_duration(engine: Engine, parties: PartyDirectory, chat_id: str, at: int | None) -> int:
    """How long a chat's timer had run up to an instant, or up to now, in milliseconds.

    Raises:
        NotFound: there is no such chat.
    """
    await engine.settle_accounts([await parties.payer_of(chat_id)])
    at = await _not_after_now(engine.database, at)
    duration_ms: int = await engine.database.fetch_value("duration_as_of", chat_id, at)
    return duration_ms


async def report(
    engine: Engine,
    deadlines: DeadlineWorker,
    begin: int,
    end: int,
    *,
    books_max: int | None = None,
    by_person: bool = True,
) -> Report:
    """All books from `begin` until just before `end`, from the entries of the ledger.

    Without `by_person`, the books of all users are one book, and so are those of all advisors.

    The charges of running records are posted up to the end of the period first. So the report has the cost of the time
    that lies in the period, and a period that is over is the same tomorrow.

    Raises:
        InvalidRequest: the period is empty, or there are more than `books_max` books.
    """
    _require_period(begin, end)
    await deadlines.settle_due()
    await engine.post_charges(end)
    limit = None if books_max is None else books_max + 1
    rows = await engine.database.search("report", begin, end, limit, by_person, seconds=LONG_SECONDS)
    if books_max is not None and len(rows) > books_max:
        raise InvalidRequest(("end", f"has more than {books_max} books before it: take talktime report"))
    return Report(begin, end, tuple(_read_book(row) for row in rows))


async def what_if(
    database: Database, deadlines: DeadlineWorker, tariff: Tariff, begin: int, end: int, advisor_id: str | None
) -> Replay:
    """The costs under another tariff of the records that started in a period and have ended.

    Raises:
        InvalidRequest: the period is empty.
        NotFound: there is no such advisor.
    """
    _require_period(begin, end)
    if advisor_id is not None and await database.fetch_value("advisor_name", advisor_id) is None:
        raise NotFound("advisor")
    await deadlines.settle_due()
    rows = await database.fetch("ended_records", begin, end, advisor_id, seconds=LONG_SECONDS)
    return replay(tariff, begin, end, (_read_ended_record(row) for row in rows))


async def _not_after_now(database: Database, at: int | None) -> int:
    now: int = await database.fetch_value("engine_now")
    return now if at is None else min(at, now)


def _require_period(begin: int, end: int) -> None:
    if begin >= end:
        raise InvalidRequest(("end", "must be later than the beginning of the period"))


def _read_book(row: Row) -> Book:
    return Book(BookKind(row["book"]), row["owner"], row["name"], row["opening"], tuple(row[kind] for kind in KINDS))


def _read_ended_record(row: Row) -> EndedRecord:
    return EndedRecord(
        record_id=row["record_id"],
        user_id=row["user_id"],
        advisor_id=row["advisor_id"],
        started_at=row["started_at"],
        elapsed_ms=row["elapsed_ms"],
        free_ms_before=row["free_ms_before"],
        grace_used_at=row["grace_used_at"],
        cost=row["charged"],
    )
