"""Users with their accounts and entries, and advisors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.entries import EntryKind
from talktime.core.errors import InvalidRequest, NotFound
from talktime.core.ids import AFTER_ALL
from talktime.core.instants import INSTANT_MAX
from talktime.documents.account import Account, Entry
from talktime.documents.advisor import Advisor, advisor_document
from talktime.documents.page import Page
from talktime.engine.screens import account_of
from talktime.engine.tracking import offer_of

if TYPE_CHECKING:
    from talktime.core.periods import Period
    from talktime.database.pool import Database, Row
    from talktime.documents.offer import Offer
    from talktime.engine.engine import Engine


async def account(engine: Engine, user_id: str) -> Account:
    """A user's account as of now.

    Raises:
        NotFound: there is no such user.
    """
    payers = await engine.read([user_id])
    if user_id not in payers:
        raise NotFound("user")
    return account_of(payers[user_id])


async def offer(engine: Engine, user_id: str, advisor_id: str) -> Offer:
    """The offer for a record that the user would start with this advisor now.

    Raises:
        NotFound: there is no such user, or no such advisor.
        Conflict: the two have an active record.
    """
    payers = await engine.read([user_id], pairs=[(user_id, advisor_id)])
    if user_id not in payers:
        raise NotFound("user")
    async with engine.database.reading() as connection:
        advisors = await engine.loader.load_advisors(connection, [advisor_id])
    if advisor_id not in advisors:
        raise NotFound("advisor")
    return offer_of(payers[user_id], advisors[advisor_id])


async def list_accounts(engine: Engine, *, after: str, limit: int) -> list[Account]:
    """The accounts of the users whose ids follow `after`, in the order of the ids."""
    return await _accounts(engine, [row["user_id"] for row in await engine.database.fetch("users", after, limit)])


async def account_page(engine: Engine, query: str | None, *, after: str | None, limit: int) -> Page[Account]:
    """The accounts of users in the order of their ids, or of those whose id or name begins with `query`.

    Those whose ids begin with `query` come first, in the order of the ids, and then the others, in that of the names.
    `after` is the id of the last user of the page before.
    """
    if query is None:
        rows = await engine.database.fetch("users", after or "", limit + 1)
    else:
        name = None if after is None else await engine.database.fetch_value("user_name", after)
        rows = await engine.database.fetch("find_users", query, limit + 1, *_cursor(query, after, name))
    ids = [row["user_id"] for row in rows]
    return Page(tuple(await _accounts(engine, ids[:limit])), ids[limit - 1] if len(ids) > limit else None)


async def _accounts(engine: Engine, ids: list[str]) -> list[Account]:
    payers = await engine.read(ids)
    return [account_of(payers[user_id]) for user_id in ids if user_id in payers]


def _cursor(query: str, after: str | None, name: str | None) -> tuple[str, str, str]:
    """After which id, and after which name and id, a page of a search begins. `name` is that of the person `after`.

    Raises:
        InvalidRequest: there is no such person.
    """
    if after is None:
        return "", "", ""
    if after.startswith(query):
        return after, "", ""
    if name is None:
        raise InvalidRequest(("after", "must be the id of a person: the `next` of the page before"))
    return AFTER_ALL, name, after  # all ids that begin with the text are on the pages before


async def list_entries(
    database: Database, user_id: str, period: Period, *, before: str | None, limit: int
) -> list[Entry]:
    """The entries of a user's ledger in a period, the newest first. `before` is the last id of the page before.

    Raises:
        InvalidRequest: `before` is not the id of an entry.
        NotFound: there is no such user.
    """
    if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise InvalidRequest(("before", "must be the id of an entry"))
    rows = await database.fetch("entries", user_id, int(before) if before else 2**62, limit, *_ends(period))
    if not rows:
        await require_user(database, user_id)
    return [read_entry(row) for row in rows]


async def list_advisors(engine: Engine, *, after: str, limit: int) -> list[Advisor]:
    """The advisors whose ids follow `after`, in the order of the ids."""
    rows = await engine.database.fetch("advisors", after, limit)
    return await _advisors(engine, [row["advisor_id"] for row in rows])


async def advisor_page(engine: Engine, query: str | None, *, after: str | None, limit: int) -> Page[Advisor]:
    """Advisors in the order of their ids, or those whose id or name begins with `query`, as in `account_page`."""
    if query is None:
        rows = await engine.database.fetch("advisors", after or "", limit + 1)
    else:
        name = None if after is None else await engine.database.fetch_value("advisor_name", after)
        rows = await engine.database.fetch("find_advisors", query, limit + 1, *_cursor(query, after, name))
    ids = [row["advisor_id"] for row in rows]
    return Page(tuple(await _advisors(engine, ids[:limit])), ids[limit - 1] if len(ids) > limit else None)


async def advisor(engine: Engine, advisor_id: str) -> Advisor:
    """An advisor, with the current tariff and terms.

    Raises:
        NotFound: there is no such advisor.
    """
    return (await _advisors(engine, [advisor_id]))[0]


async def require_user(database: Database, user_id: str) -> None:
    """Refuse an unknown user: an unknown person is an error, not a person with empty lists.

    Raises:
        NotFound: there is no such user.
    """
    if not await database.fetch_value("user_exists", user_id):
        raise NotFound("user")


async def require_advisor(database: Database, advisor_id: str) -> None:
    """Refuse an unknown advisor: an unknown person is an error, not a person with empty lists.

    Raises:
        NotFound: there is no such advisor.
    """
    if not await database.fetch_value("advisor_exists", advisor_id):
        raise NotFound("advisor")


def _ends(period: Period) -> tuple[int, int]:
    return 0 if period.begin is None else period.begin, INSTANT_MAX if period.end is None else period.end


def read_entry(row: Row) -> Entry:
    """The entry of a row."""
    return Entry(
        id=str(row["entry_id"]),
        amount=row["amount"],
        gift=row["gift_amount"],
        kind=EntryKind(row["kind"]),
        at=row["at"],
        record_id=row["record_id"],
        reference=row["reference"],
        reason=row["reason"],
        expires_at=row["expires_at"],
    )


async def _advisors(engine: Engine, ids: list[str]) -> list[Advisor]:
    async with engine.database.reading() as connection:
        stored = await engine.loader.load_advisors(connection, ids)
    if len(stored) < len(ids):
        raise NotFound("advisor")
    return [
        advisor_document(a.advisor_id, a.display_name, a.tariff, a.tariff_version, a.terms, a.start_rule, a.metadata)
        for a in (stored[advisor_id] for advisor_id in ids)
    ]
