"""Rows of `events`: those that a transaction stores with its facts, and a row as an `Event`.

The events are stored with the facts, so an event exists exactly if its fact exists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.documents.event import DATA_VERSION, Event, read_event_type
from talktime.documents.event_stories import stories

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from talktime.database.payer_transaction import PayerTransaction
    from talktime.database.pool import Row


def event_rows(payers: Iterable[PayerTransaction], entry_ids: Sequence[int]) -> list[dict[str, object]]:
    """The events of what happened to these payers. `entry_ids` are the ids of all their new entries, in order."""
    ids = iter(entry_ids)
    return [
        {
            "type": story.type,
            "occurred_at": story.occurred_at,
            "recorded_at": payer.now,
            "user_id": payer.current.user_id,
            "advisor_id": story.advisor_id,
            "chat_id": story.chat_id,
            "record_id": story.record_id,
            "data": story.data.document(),
            "data_version": DATA_VERSION,
            "request_id": payer.request_of(story.place),
        }
        for payer in payers
        for story in stories(payer.loaded, payer.current.steps, ids)
    ]


def read_event(row: Row) -> Event:
    """The event of a row."""
    return Event(
        id=str(row["event_id"]),
        type=read_event_type(row["type"]),
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        user_id=row["user_id"],
        advisor_id=row["advisor_id"],
        chat_id=row["chat_id"],
        record_id=row["record_id"],
        data=row["data"],
        data_version=row["data_version"],
        request_id=row["request_id"],
    )
