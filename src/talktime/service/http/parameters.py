"""The parameters that several calls take: the ids in their paths, and parts of their queries."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import BeforeValidator

from talktime.service.http.bodies import Id, Instant
from talktime.service.http.slashed_ids import decode_id

_read = BeforeValidator(decode_id)

UserId = Annotated[Id, _read, Path(description="the host's own id of the user", examples=["alice"])]
AdvisorId = Annotated[Id, _read, Path(description="the host's own id of the advisor", examples=["maya"])]
ChatId = Annotated[
    Id, _read, Path(description="the id of the chat: the host's own, or the id that talktime gave", examples=["chat-1"])
]
RecordId = Annotated[
    Id,
    _read,
    Path(
        description="the id of the record, from a snapshot or a list", examples=["019b9f5e-0000-7000-8000-000000000001"]
    ),
]

AsOf = Annotated[
    Instant | None,
    Query(description="as of this instant in the past, instead of now", examples=["2026-01-05T10:00:00.000Z"]),
]
AfterChat = Annotated[Id | None, Query(description="the id of the last chat of the page before", examples=["chat-1"])]
AfterRecord = Annotated[
    Id | None,
    Query(
        description="the id of the last record of the page before", examples=["019b9f5e-0000-7000-8000-000000000001"]
    ),
]
ITEMS_MAX: Final = 1000
"""The largest number of items of a list."""

LINES_MAX: Final = 10_000
"""The largest number of lines of a document that has no pages."""

Limit = Annotated[int, Query(ge=1, le=ITEMS_MAX, description="the largest number of items", examples=[50])]
