"""Users and advisors: created and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.tariff import Tariff
from talktime.core.terms import NO_TERMS, Terms
from talktime.database.queries import SQL
from talktime.database.record_rows import read_terms
from talktime.documents.advisor import Advisor

if TYPE_CHECKING:
    from talktime.database.pool import Database


async def put_user(database: Database, user_id: str, display_name: str) -> bool:
    """Create a user with an empty account, or rename the user.

    Returns:
        Whether the user was created.
    """
    created: bool = await database.fetch_value("put_user", user_id, display_name)
    return created


async def put_advisor(
    database: Database, advisor_id: str, display_name: str, tariff: Tariff, terms: Terms | None = None
) -> tuple[Advisor, bool]:
    """Create an advisor, or change the advisor. A changed tariff is a new version.

    A change holds for records that start later. `terms` of None keeps the terms.

    Returns:
        The advisor, and whether the advisor was created.
    """
    async with database.writing() as connection:
        await connection.execute(SQL["lock_name"], f"advisor {advisor_id}")
        row = await connection.fetchrow(SQL["lock_advisor"], advisor_id)
        version = 1 if row is None else row["tariff_version"]
        if row is None or Tariff.parse(row["tariff"]) != tariff:
            version += row is not None
            await connection.execute(SQL["insert_tariff"], advisor_id, version, tariff.document())
        if terms is None:
            terms = NO_TERMS if row is None else read_terms(row)
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
