"""Users with their accounts and entries, and advisors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.errors import InvalidRequest, NotFound
from talktime.documents.account import Account, Entry
from talktime.documents.advisor import Advisor
from talktime.engine.screens import account_of

if TYPE_CHECKING:
    from talktime.database.pool import Database, Row
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


async def list_accounts(engine: Engine, *, after: str, limit: int) -> list[Account]:
    """The accounts of the users whose ids follow `after`, in the order of the ids."""
    ids = [row["user_id"] for row in await engine.database.fetch("users", after, limit)]
    payers = await engine.read(ids)
    return [account_of(payers[user_id]) for user_id in ids if user_id in payers]


async def list_entries(database: Database, user_id: str, *, before: str | None, limit: int) -> list[Entry]:
    """The entries of a user's ledger, the newest first. `before` is the id of the last entry of the page before.

    Raises:
        InvalidRequest: `before` is not the id of an entry.
        NotFound: there is no such user.
    """
    if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise InvalidRequest(("before", "must be the id of an entry"))
    rows = await database.fetch("entries", user_id, int(before) if before else 2**62, limit)
    if not rows:
        await require_user(database, user_id)
    return [read_entry(row) for row in rows]


async def list_advisors(engine: Engine, *, after: str, limit: int) -> list[Advisor]:
    """The advisors whose ids follow `after`, in the order of the ids."""
    rows = await engine.database.fetch("advisors", after, limit)
    return await _advisors(engine, [row["advisor_id"] for row in rows])


async def advisor(engine: Engine, advisor_id: str) -> Advisor:
    """An advisor, with the current tariff and terms.

    Raises:
        NotFound: there is no such advisor.
    """
    return (await _advisors(engine, [advisor_id]))[0]


async def require_user(database: Database, user_id: str) -> None:
    """Nothing, if there is such a user. An unknown person is an error, not a person with empty lists.

    Raises:
        NotFound: there is no such user.
    """
    if not await database.fetch_value("user_exists", user_id):
        raise NotFound("user")


async def require_advisor(database: Database, advisor_id: str) -> None:
    """Nothing, if there is such an advisor. An unknown person is an error, not a person with empty lists.

    Raises:
        NotFound: there is no such advisor.
    """
    if not await database.fetch_value("advisor_exists", advisor_id):
        raise NotFound("advisor")


def read_entry(row: Row) -> Entry:
    """The entry of a row."""
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


async def _advisors(engine: Engine, ids: list[str]) -> list[Advisor]:
    async with engine.database.reading() as connection:
        stored = await engine.loader.load_advisors(connection, ids)
    if len(stored) < len(ids):
        raise NotFound("advisor")
    return [
        Advisor(a.advisor_id, a.display_name, a.tariff, a.tariff_version, a.terms)
        for a in (stored[advisor_id] for advisor_id in ids)
    ]
