"""The documents that HTTP alone has, and how a route says what it answers.

All other documents are declared in `talktime.documents`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Final

from talktime.core.roles import Role
from talktime.documents.account import Entry
from talktime.documents.advisor import Advisor
from talktime.documents.chat import ChatSummary, Message, Pair
from talktime.documents.document import INLINE, Document
from talktime.documents.fields import Credits, Instant, Milliseconds, Seconds
from talktime.documents.schema import Schemas
from talktime.documents.snapshot import RecordView, Snapshot


@dataclass(frozen=True, slots=True)
class User(Document):
    """A user."""

    id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Advisors(Document):
    """Advisors, as users see them."""

    advisors: tuple[Advisor, ...]


@dataclass(frozen=True, slots=True)
class Entries(Document):
    """A page of a user's ledger, newest first."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ChatSummaries(Document):
    """The chats of a user or an advisor, newest first."""

    chats: tuple[ChatSummary, ...]

    def document(self, *, with_earned: bool = False) -> dict[str, Any]:
        """The JSON of this document. Users are not shown what advisors have earned."""
        return {"chats": [chat.document(with_earned=with_earned) for chat in self.chats]}


@dataclass(frozen=True, slots=True)
class Messages(Document):
    """Messages of a chat, in order."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class RecordWithSnapshot(Document):
    """A record in a list, with its people and the snapshot of its current chat."""

    record: Annotated[RecordView, INLINE]
    pair: Annotated[Pair, INLINE]
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Records(Document):
    """Records, newest first."""

    records: tuple[RecordWithSnapshot, ...]


@dataclass(frozen=True, slots=True)
class Duration(Document):
    """How long the timer of a chat has run, over all its records."""

    chat_id: str
    duration_ms: Milliseconds


@dataclass(frozen=True, slots=True)
class Price(Document):
    """The price of a session."""

    cost: Credits
    billed_seconds: Annotated[Seconds, "the time that is paid for, in whole increments, without free time"]


@dataclass(frozen=True, slots=True)
class Token(Document):
    """A token, and who uses it."""

    token: str
    role: Role
    subject: Annotated[str, "the id of the user or the advisor, or the name of a backend or an operator"]


@dataclass(frozen=True, slots=True)
class Time(Document):
    """Engine time."""

    server_time: Instant
    epoch: Annotated[str, "changes when engine time may have jumped"]


@dataclass(frozen=True, slots=True)
class Now(Document):
    """Engine time after the test clock was moved ahead."""

    now: Instant


class Status(StrEnum):
    """That the service is well; a service that is not answers with a problem."""

    OK = "ok"


@dataclass(frozen=True, slots=True)
class Alive(Document):
    """The service is well."""

    status: Status = Status.OK


SCHEMAS: Final = Schemas()
"""The schemas of all documents that routes answer."""

_DESCRIPTIONS: Final = {HTTPStatus.OK: "Done", HTTPStatus.CREATED: "Created"}


def answers(document: type[Document], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers `document`, with 200 if no `statuses` are given."""
    schema = SCHEMAS.add(document)
    return {
        int(status): {
            "description": _DESCRIPTIONS[HTTPStatus(status)],
            "content": {"application/json": {"schema": schema}},
        }
        for status in statuses or (HTTPStatus.OK,)
    }
