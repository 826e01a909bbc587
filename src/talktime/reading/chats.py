"""Chats as their screens and lists show them, and the messages in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.documents.chat import ChatSummary, Messages
from talktime.engine.messages import read_message
from talktime.engine.screens import snapshot_of
from talktime.reading.people import require_advisor, require_user

if TYPE_CHECKING:
    from talktime.core.record import Record
    from talktime.database.payer_transaction import PayerTransaction
    from talktime.database.pool import Database, Row
    from talktime.documents.snapshot import Snapshot
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory


async def snapshot(engine: Engine, parties: PartyDirectory, chat_id: str) -> Snapshot:
    """The snapshot of a chat, as of now.

    Raises:
        NotFound: there is no such chat.
    """
    user_id = await parties.payer_of(chat_id)
    payers = await engine.read([user_id], [chat_id])
    return snapshot_of(payers[user_id], chat_id)


async def latest_record(engine: Engine, user_id: str, chat_id: str) -> Record | None:
    """The latest record of a chat, as it stands now; None for a chat that never had a record."""
    payer = (await engine.read([user_id], [chat_id]))[user_id]
    return payer.latest_record(payer.chats[chat_id])


async def chats_of_user(engine: Engine, user_id: str, *, after: str | None, limit: int) -> list[ChatSummary]:
    """A user's chats, the newest first. `after` is the id of the last chat of the page before.

    Raises:
        NotFound: there is no such user.
    """
    rows = await engine.database.fetch("chats_of", user_id, None, limit, after)
    if not rows:
        await require_user(engine.database, user_id)
    return await _summaries(engine, rows)


async def chats_of_advisor(engine: Engine, advisor_id: str, *, after: str | None, limit: int) -> list[ChatSummary]:
    """An advisor's chats, the newest first. `after` is the id of the last chat of the page before.

    Raises:
        NotFound: there is no such advisor.
    """
    rows = await engine.database.fetch("chats_of", None, advisor_id, limit, after)
    if not rows:
        await require_advisor(engine.database, advisor_id)
    return await _summaries(engine, rows)


async def messages(database: Database, chat_id: str, *, after: int, limit: int, bytes_max: int) -> Messages:
    """A page of a chat's messages after position `after`, the oldest first.

    The page ends early, after at least one message, when its texts have `bytes_max` bytes together.
    """
    rows = await database.fetch("messages", chat_id, after, limit, bytes_max)
    is_last = not rows or rows[-1]["position"] >= rows[-1]["message_count"]
    return Messages(tuple(map(read_message, rows)), None if is_last else str(rows[-1]["position"]))


async def messages_before(database: Database, chat_id: str, *, before: int, limit: int, bytes_max: int) -> Messages:
    """A page of a chat's last messages before position `before`, the oldest first.

    The page has fewer messages, but at least one message, when its texts have `bytes_max` bytes together.
    """
    rows = await database.fetch("messages_before", chat_id, before, limit, bytes_max)
    is_first = not rows or rows[0]["position"] <= rows[0]["first_position"]
    return Messages(tuple(map(read_message, rows)), None if is_first else str(rows[0]["position"]))


async def _summaries(engine: Engine, rows: list[Row]) -> list[ChatSummary]:
    payers = await engine.read({row["user_id"] for row in rows}, {row["chat_id"] for row in rows})
    return [_summary(row, payers[row["user_id"]]) for row in rows]


def _summary(row: Row, payer: PayerTransaction) -> ChatSummary:
    chat_id = row["chat_id"]
    shown, record = snapshot_of(payer, chat_id), payer.latest_record(payer.chats[chat_id])
    return ChatSummary(
        id=chat_id,
        user_id=row["user_id"],
        user_name=row["user_name"],
        advisor_id=row["advisor_id"],
        advisor_name=row["advisor_name"],
        duration_ms=shown.chat_duration_ms,
        state=shown.record.state,
        reason=shown.record.reason,
        record_id=shown.record.id,
        current=shown.record.is_active and shown.record.current_chat_id == chat_id,
        presence=shown.presence,
        created_at=row["created_at"],
        last_message=row["last_message"],
        earned=0 if record is None else record.share_at(payer.now).advisor,
        number=row["number"],
        unread=row["unread"],
        metadata=row["metadata"] or {},
    )
