"""Chats as their screens and lists show them, and the messages in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.documents.chat import ChatSummary
from talktime.engine.messages import read_message
from talktime.engine.screens import snapshot_of
from talktime.reading.people import require_advisor, require_user

if TYPE_CHECKING:
    from talktime.database.payer_transaction import PayerTransaction
    from talktime.database.pool import Database, Row
    from talktime.documents.chat import Message
    from talktime.documents.snapshot import Snapshot
    from talktime.engine.engine import Engine
    from talktime.engine.parties import PartyDirectory


async def snapshot(engine: Engine, parties: PartyDirectory, chat_id: str) -> Snapshot:
    """What a screen of the chat shows now.

    Raises:
        NotFound: there is no such chat.
    """
    user_id = await parties.payer_of(chat_id)
    payers = await engine.read([user_id], [chat_id])
    return snapshot_of(payers[user_id], chat_id)


async def chats_of_user(engine: Engine, user_id: str, *, limit: int) -> list[ChatSummary]:
    """A user's chats, the newest first.

    Raises:
        NotFound: there is no such user.
    """
    rows = await engine.database.fetch("chats_of", user_id, None, limit)
    if not rows:
        await require_user(engine.database, user_id)
    return await _summaries(engine, rows)


async def chats_of_advisor(engine: Engine, advisor_id: str, *, limit: int) -> list[ChatSummary]:
    """An advisor's chats, the newest first.

    Raises:
        NotFound: there is no such advisor.
    """
    rows = await engine.database.fetch("chats_of", None, advisor_id, limit)
    if not rows:
        await require_advisor(engine.database, advisor_id)
    return await _summaries(engine, rows)


async def messages(database: Database, chat_id: str, *, after: int, limit: int) -> list[Message]:
    """The messages of a chat after position `after`, the oldest first."""
    return [read_message(row) for row in await database.fetch("messages", chat_id, after, limit)]


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
        created_at=row["created_at"],
        last_message=row["last_message"],
        earned=0 if record is None else record.share_at(payer.now).advisor,
        number=row["number"],
    )
