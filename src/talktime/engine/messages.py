"""Messages of a chat: stored in order, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.database.queries import SQL
from talktime.documents.chat import Message
from talktime.engine.new_ids import new_id

if TYPE_CHECKING:
    from talktime.core.record import Party
    from talktime.database.pool import Database, Row


async def send_message(
    database: Database, chat_id: str, sender: Party, text: str, client_id: str
) -> tuple[Message, bool]:
    """Store a message; a repeated `client_id` gives the first message with this id.

    Returns:
        The message, and whether it is new.

    Raises:
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
            message_id, position = new_id(), place["message_count"]
            at = await connection.fetchval(
                SQL["insert_message"], message_id, place["user_id"], chat_id, position, sender.value, client_id, text
            )
    except _AlreadySentError as repeat:
        return repeat.message, False
    return Message(message_id, chat_id, position, client_id, sender.value, text, at), True


def read_message(row: Row) -> Message:
    """The message of a row."""
    return Message(
        id=row["message_id"],
        chat_id=row["chat_id"],
        position=row["position"],
        client_id=row["client_id"],
        sender=row["sender"],
        text=row["text"],
        at=row["at"],
    )


class _AlreadySentError(Exception):
    """The message is a repeat: the transaction is rolled back, and the first message stays."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message
