"""Users and advisors: created and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from talktime.core.errors import NotFound
from talktime.core.starts import DEFAULT_START_RULE
from talktime.core.tariff import Tariff
from talktime.core.terms import NO_TERMS, Terms
from talktime.database.queries import SQL
from talktime.database.record_rows import read_start_rule, read_terms
from talktime.documents.advisor import Advisor, advisor_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from talktime.core.metadata import Metadata
    from talktime.core.starts import StartRule
    from talktime.database.pool import Database

FORGOTTEN_NAME: Final = "Deleted"
"""The name that is shown for a user who was forgotten. The host may give the user another name."""

MESSAGES_AT_ONCE: Final = 500
"""The largest number of messages that one transaction deletes."""


async def put_user(database: Database, user_id: str, display_name: str, metadata: Metadata | None = None) -> bool:
    """Create a user with an empty account, or rename the user. `metadata` of None stays as it is.

    Returns:
        Whether the user was created.
    """
    created: bool = await database.fetch_value("put_user", user_id, display_name, metadata)
    return created


async def forget_user(database: Database, user_id: str) -> int:
    """Forget who a user was: the name, the metadata, and the messages of the user's chats, those of advisors as well.

    Entries, records and segments stay. A call that breaks off can be repeated.

    Returns:
        How many messages were deleted.

    Raises:
        NotFound: there is no such user.
    """
    async with database.writing() as connection:
        # The account comes first, as in every transaction: its lock is the lock of the user's chats and records.
        if await connection.fetchval(SQL["forget_account"], user_id, FORGOTTEN_NAME) is None:
            raise NotFound("user")
        await connection.execute(SQL["forget_metadata"], user_id)
    messages = 0
    while count := await database.fetch_value("delete_messages_of_user", user_id, MESSAGES_AT_ONCE):
        messages += count
    return messages


async def put_advisor(
    database: Database,
    advisor_id: str,
    display_name: str,
    tariff: Tariff,
    terms: Terms | None = None,
    change_rule: Callable[[StartRule], StartRule] = lambda rule: rule,
    metadata: Metadata | None = None,
    *,
    is_new_only: bool = False,
) -> tuple[Advisor, bool]:
    """Create an advisor, or change the advisor. A changed tariff is a new version.

    A change holds for records that start later. `terms` of None keeps the terms, and `metadata` of None the metadata.
    `change_rule` changes the start rule. `is_new_only` leaves an advisor who exists as the advisor is.

    Returns:
        The advisor, and whether the advisor was created.
    """
    async with database.writing() as connection:
        await connection.execute(SQL["lock_name"], f"advisor {advisor_id}")
        row = await connection.fetchrow(SQL["lock_advisor"], advisor_id)
        version = 1 if row is None else row["tariff_version"]
        if is_new_only and row is not None:
            rule, current = read_start_rule(row), Tariff.parse(row["tariff"])
            advisor = advisor_document(
                advisor_id, row["display_name"], current, version, read_terms(row), rule, row["metadata"]
            )
            return advisor, False
        if row is None or Tariff.parse(row["tariff"]) != tariff:
            version += row is not None
            await connection.execute(SQL["insert_tariff"], advisor_id, version, tariff.document())
        if terms is None:
            terms = NO_TERMS if row is None else read_terms(row)
        if metadata is None and row is not None:
            metadata = row["metadata"]
        start_rule = change_rule(DEFAULT_START_RULE if row is None else read_start_rule(row))
        await connection.execute(
            SQL["put_advisor"],
            advisor_id,
            display_name,
            version,
            terms.share_ppm,
            terms.fee_per_minute,
            terms.fee_per_session,
            start_rule.starts.value,
            start_rule.ring_ms,
            start_rule.max_active,
            metadata,
        )
    return advisor_document(advisor_id, display_name, tariff, version, terms, start_rule, metadata), row is None
