"""A page of a list, and what stands in lists of records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

from talktime.documents.chat import Pair
from talktime.documents.document import INLINE, Document
from talktime.documents.fields import Instant, Metadata
from talktime.documents.snapshot import RecordView, Snapshot

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """A page of a list.

    Attributes:
        items: what the page has, in the order of the list.
        next: what to give as `after` for the next page; None after the last page.
    """

    items: tuple[_Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class RecordWithSnapshot(Document):
    """A record in a list, with its people and the snapshot of its current chat."""

    record: Annotated[RecordView, INLINE]
    pair: Annotated[Pair, INLINE]
    snapshot: Snapshot
    stopped_at: Annotated[
        Instant | None,
        "in a list of the records that stopped for a reason: when the time last stopped for this reason, in the period",
    ] = None
    metadata: Annotated[Metadata, "the host's own texts about the record, by key"] = field(default_factory=dict)
