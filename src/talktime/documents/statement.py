"""An advisor's statement: what each session of a period brought, from the entries of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from talktime.documents.document import INLINE, Document, Named, shown
from talktime.documents.fields import Count, Credits, Instant, Milliseconds

AMOUNTS: Final = ("gross", "fees", "share", "refunded", "refunds", "net")
"""The amounts of each line, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Figures(Document):
    """Sums over the entries of a period."""

    time_ms: Milliseconds = 0
    gross: Annotated[Credits, "what was charged"] = 0
    fees: Annotated[Credits, "what the platform took before the share"] = 0
    share: Annotated[Credits, "the advisor's share of what was charged"] = 0
    refunded: Annotated[Credits, "what was given back"] = 0
    refunds: Annotated[Credits, "the part of what was given back that the advisor bears"] = 0

    @property
    @shown(after="refunds")
    def net(self) -> Annotated[Credits, "the share minus the refunds"]:
        """The share minus the refunds: the sum of the entries' advisor amounts."""
        return self.share - self.refunds


@dataclass(frozen=True, slots=True)
class Session(Document):
    """The part of one record that falls into the period of a statement."""

    schema_name: ClassVar[str] = "StatementSession"

    record_id: str
    user_id: str
    user_name: str
    started_at: Instant
    ended_at: Instant | None
    figures: Annotated[Figures, INLINE]


@dataclass(frozen=True, slots=True)
class StatementTotal(Document):
    """All sessions of a statement together."""

    sessions: Annotated[Count, "how many sessions there are"]
    figures: Annotated[Figures, INLINE]


@dataclass(frozen=True, slots=True)
class Statement(Document):
    """The sessions of an advisor in the period from `from` until just before `to`.

    An amount belongs to the period in which it was posted, time to the period in which it ran.
    """

    advisor_id: str
    advisor_name: str
    begin: Annotated[Instant, Named("from")]
    end: Annotated[Instant, Named("to")]
    sessions: tuple[Session, ...]

    @property
    def total(self) -> Figures:
        """All sessions together."""
        every = [session.figures for session in self.sessions]
        return Figures(
            time_ms=sum(figures.time_ms for figures in every),
            gross=sum(figures.gross for figures in every),
            fees=sum(figures.fees for figures in every),
            share=sum(figures.share for figures in every),
            refunded=sum(figures.refunded for figures in every),
            refunds=sum(figures.refunds for figures in every),
        )

    @property
    @shown(after="end", as_="total")
    def _total(self) -> StatementTotal:
        return StatementTotal(len(self.sessions), self.total)
