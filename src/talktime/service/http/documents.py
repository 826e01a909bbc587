"""The documents that HTTP alone has, and how a route says what it answers.

All other documents are declared in `talktime.documents`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Final

from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.documents.account import Account, Entry
from talktime.documents.advisor import Advisor
from talktime.documents.chat import ChatSummary, Message, RecordSummary
from talktime.documents.document import ADDED, CONFIDENTIAL, INLINE, Document, encoded, shown
from talktime.documents.fields import Count, Credits, Instant, Metadata, Milliseconds, MillisecondsAsSeconds, Number
from talktime.documents.ledger import LedgerEntry
from talktime.documents.old_rows import OldSession
from talktime.documents.page import RecordWithSnapshot
from talktime.documents.schema import Schemas
from talktime.documents.snapshot import RecordView
from talktime.documents.webhook import Delivery, Webhook


@dataclass(frozen=True, slots=True)
class User(Document):
    """A user."""

    id: str
    display_name: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class ForgottenUser(Document):
    """A user who was forgotten, and how many messages were deleted."""

    id: str
    messages: Count


@dataclass(frozen=True, slots=True)
class Advisors(Document):
    """Advisors, as users see them."""

    advisors: tuple[Advisor, ...]


_AFTER: Final = "what to send as `after` for the next page; null after the last page"
_SAME: Final = "the same list under the name of its items"


@dataclass(frozen=True, slots=True)
class Accounts(Document):
    """A page of users, each with the account."""

    data: tuple[Account, ...]
    next: Annotated[str | None, _AFTER]

    def document(self) -> dict[str, Any]:
        """The JSON of this document."""
        return {"data": [account.document(with_metadata=True) for account in self.data], "next": self.next}


@dataclass(frozen=True, slots=True)
class AdvisorList(Document):
    """A page of advisors, each with the tariff and the terms of a record that started now."""

    data: tuple[Advisor, ...]
    next: Annotated[str | None, _AFTER]

    def document(self) -> dict[str, Any]:
        """The JSON of this document."""
        return {
            "data": [advisor.document(with_terms=True, with_metadata=True) for advisor in self.data],
            "next": self.next,
        }


@dataclass(frozen=True, slots=True)
class LedgerEntries(Document):
    """A page of the entries of all users, newest first."""

    data: tuple[LedgerEntry, ...]
    next: Annotated[str | None, _AFTER]


@dataclass(frozen=True, slots=True)
class PastSessions(Document):
    """A page of conversations that were imported from another system, newest first."""

    data: tuple[OldSession, ...]
    next: Annotated[str | None, _AFTER]


@dataclass(frozen=True, slots=True)
class Entries(Document):
    """A page of a user's ledger, newest first."""

    data: tuple[Entry, ...]
    next: Annotated[str | None, _AFTER]

    @property
    @shown()
    def entries(self) -> Annotated[tuple[Entry, ...], ADDED, _SAME]:
        """The same list under the name of its items."""
        return self.data

    def document(self) -> dict[str, Any]:
        """The JSON of this document."""
        return _with_name(encoded(self), "entries")


@dataclass(frozen=True, slots=True)
class Webhooks(Document):
    """All webhooks, the oldest first. There is one page."""

    data: tuple[Webhook, ...]
    next: Annotated[str | None, "always null"] = None


@dataclass(frozen=True, slots=True)
class Deliveries(Document):
    """A page of the deliveries of a webhook, those of the newest events first."""

    data: tuple[Delivery, ...]
    next: Annotated[str | None, _AFTER]


@dataclass(frozen=True, slots=True)
class ChatSummaries(Document):
    """A page of the chats of a user or an advisor, newest first."""

    data: tuple[ChatSummary, ...]
    next: Annotated[str | None, _AFTER]

    @property
    @shown()
    def chats(self) -> Annotated[tuple[ChatSummary, ...], ADDED, _SAME]:
        """The same list under the name of its items."""
        return self.data

    def document(self, *, with_earned: bool = False, with_metadata: bool = False) -> dict[str, Any]:
        """The JSON of this document. Users are not shown what advisors have earned, and no person the metadata."""
        chats = [chat.document(with_earned=with_earned, with_metadata=with_metadata) for chat in self.data]
        return _with_name({"data": chats, "next": self.next}, "chats")


@dataclass(frozen=True, slots=True)
class RecordWithMetadata(Document):
    """A conversation time record as it stands."""

    record: Annotated[RecordView, INLINE]

    @property
    @shown()
    def metadata(
        self,
    ) -> Annotated[Metadata, CONFIDENTIAL, "the host's own texts, by key; absent for users and advisors"]:
        """The host's own texts about the record."""
        return self.record.metadata

    def document(self, *, with_metadata: bool = False) -> dict[str, Any]:
        """The JSON of this document."""
        return encoded(self, with_confidential=with_metadata)


@dataclass(frozen=True, slots=True)
class Records(Document):
    """A page of records. A page may have fewer than were asked for, although others follow."""

    data: tuple[RecordWithSnapshot, ...]
    next: Annotated[str | None, _AFTER]

    @property
    @shown()
    def records(self) -> Annotated[tuple[RecordWithSnapshot, ...], ADDED, _SAME]:
        """The same list under the name of its items."""
        return self.data

    def document(self) -> dict[str, Any]:
        """The JSON of this document."""
        return _with_name(encoded(self), "records")


@dataclass(frozen=True, slots=True)
class RecordSummaries(Document):
    """A page of the records of a user or of a chat, newest first."""

    data: tuple[RecordSummary, ...]
    next: Annotated[str | None, _AFTER]

    @property
    @shown()
    def records(self) -> Annotated[tuple[RecordSummary, ...], ADDED, _SAME]:
        """The same list under the name of its items."""
        return self.data

    def document(self) -> dict[str, Any]:
        """The JSON of this document."""
        return _with_name(encoded(self), "records")


@dataclass(frozen=True, slots=True)
class MessageList(Document):
    """Messages of a chat, in order. A page with long texts has fewer messages than were asked for."""

    schema_name: ClassVar[str] = "Messages"

    data: tuple[Message, ...]
    next: Annotated[str | None, "what to send as `after`, or as `before`, for the next page; null when there is none"]

    @property
    @shown()
    def messages(self) -> Annotated[tuple[Message, ...], ADDED, _SAME]:
        """The same list under the name of its items."""
        return self.data

    def document(self) -> dict[str, Any]:
        """The JSON of this document."""
        return _with_name(encoded(self), "messages")


def _with_name(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The page with its list under the name of the items as well, the only name that earlier versions had."""
    return {**document, name: document["data"]}


def record_summaries(records: list[RecordSummary], limit: int) -> RecordSummaries:
    """A page of at most `limit` records."""
    return RecordSummaries(tuple(records), records[-1].id if len(records) == limit else None)


@dataclass(frozen=True, slots=True)
class ReadUpTo(Document):
    """Up to where a party has read a chat."""

    chat_id: str
    party: Party
    position: Annotated[Number, "the position of the last message that the party has read"]


@dataclass(frozen=True, slots=True)
class Duration(Document):
    """How long the timer of a chat has run, over all its records."""

    chat_id: str
    duration_ms: Milliseconds


@dataclass(frozen=True, slots=True)
class PriceView(Document):
    """The price of a record."""

    schema_name: ClassVar[str] = "Price"

    cost: Credits
    billed_seconds: Annotated[
        MillisecondsAsSeconds, "the time that is paid for, in whole increments, without free time"
    ]


@dataclass(frozen=True, slots=True)
class Token(Document):
    """A token, and who uses it."""

    token: str
    role: Role
    subject: Annotated[str, "the id of the user or the advisor, or the name of a backend or an operator"]


@dataclass(frozen=True, slots=True)
class SignedIn(Document):
    """The token of a browser that a link has signed in."""

    token: str
    role: Role
    subject: Annotated[str, "the id of the user or the advisor, or the name of the operator"]
    page: Annotated[str | None, "the page to go on to; null for the first page of the role"]


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
    """The service is well. A service that is not well answers with a problem."""

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
