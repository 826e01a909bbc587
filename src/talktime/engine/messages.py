"""Messages of a chat: stored in order, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.record import Party
from talktime.core.writing import refusal
from talktime.database.queries import SQL
from talktime.documents.chat import Message
from talktime.engine.new_ids import new_id

if TYPE_CHECKING:
    from talktime.core.record import Record
    from talktime.database.pool import Database, Row


async def sent_before(database: Database, chat_id: str, sender: Party, client_id: str) -> Message | None:
    """The message that the sender has sent under this id; None if there is none."""
    row = await database.fetch_row("message_by_client_id", chat_id, sender.value, client_id)
    return None if row is None else read_message(row)


async def send_message(
    database: Database, chat_id: str, sender: Party, text: str, client_id: str, *, note_of: Record | None = None
) -> tuple[Message, bool]:
    """Store a message; a repeated `client_id` gives the first message with this id.

    `note_of` is the record before whose first segment the message is the user's one note; None for other messages.

    Returns:
        The message, and whether it is new.

    Raises:
        NotRunning: the record has a note already.
        Unavailable: the database can't be reached.
    """
    try:
        async with database.writing() as connection:
            # The row of the chat makes messages wait for each other, so positions have no gaps.
            place = await connection.fetchrow(SQL["next_message_position"], chat_id)
            assert place is not None  # noqa: S101  the caller has found the chat, and chats stay
            row = await connection.fetchrow(SQL["message_by_client_id"], chat_id, sender.value, client_id)
            if row is not None:
                raise _AlreadySentError(read_message(row))  # noqa: TRY301  it rolls the transaction back
            if note_of is not None:
                # Two notes in two chats of the record wait for each other.
                await connection.execute(SQL["lock_name"], f"note {note_of.record_id}")
                if await connection.fetchval(SQL["has_note"], note_of.record_id):
                    why = "Before the time of the conversation runs, one note is all that the user may send."
                    raise refusal(note_of, why)
            message_id, position = new_id(), place["message_count"]
            at = await connection.fetchval(
                SQL["insert_message"], message_id, place["user_id"], chat_id, position, sender.value, client_id, text
            )
    except _AlreadySentError as repeat:
        return repeat.message, False
    return Message(message_id, chat_id, position, client_id, sender, text, at), True


async def mark_read(database: Database, chat_id: str, party: Party, position: int) -> None:
    """Note that a party has read the chat up to a position. What was read stays read."""
    async with database.writing() as connection:
        await connection.execute(SQL["read_messages"], chat_id, party.value, position)


def read_message(row: Row) -> Message:
    """The message of a row."""
    return Message(
        id=row["message_id"],
        chat_id=row["chat_id"],
        position=row["position"],
        client_id=row["client_id"],
        sender=Party(row["sender"]),
        text=row["text"],
        at=row["at"],
    )


class _AlreadySentError(Exception):
    """The message is a repeat: the transaction is rolled back, and the first message stays."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message
