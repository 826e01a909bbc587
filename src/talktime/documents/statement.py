"""An advisor's statement: what each session of a period brought, from the entries of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from talktime.core.money import PLACES_MAX
from talktime.documents.document import INLINE, INSIDE, Document, Named, shown
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
    charged_later: Annotated[Credits, "what was charged for this record after the period, also for time in it"]
    figures: Annotated[Figures, INLINE]


@dataclass(frozen=True, slots=True)
class StatementTotal(Document):
    """All sessions of a statement together."""

    sessions: Annotated[Count, "how many the list has, with those of which the period has only a refund"]
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
    earned_before: Annotated[int, INSIDE] = 0
    places: Annotated[Count, "to how many decimals amounts can be paid"] = 2

    @property
    @shown(after="places")
    def carried_before(self) -> Annotated[Credits, "what the statements before have earned and could not pay"]:
        """The rest of earlier periods: the earnings before the period, less what can be paid of them."""
        return self.earned_before - payable(self.earned_before, self.places)

    @property
    @shown(after="carried_before")
    def payable(self) -> Annotated[Credits, "what to pay for this period: `net` and `carried_before` less `carried`"]:
        """The amount to pay for the period.

        What can be paid of all earnings up to the end, less what can be paid of those up to its beginning. So the
        statements of periods that follow each other add up to exactly what can be paid of all their earnings, and an
        amount that is too small to be paid is paid later.
        """
        earned = self.earned_before + self.total.net
        return payable(earned, self.places) - payable(self.earned_before, self.places)

    @property
    @shown(after="payable")
    def carried(self) -> Annotated[Credits, "what the period leaves to later ones, less than the smallest payment"]:
        """The rest that is too small to be paid, and is left to the next period."""
        earned = self.earned_before + self.total.net
        return earned - payable(earned, self.places)

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


def payable(amount: int, places: int) -> int:
    """The largest amount with at most `places` decimals that is not above `amount`; both are micro-credits."""
    smallest: int = 10 ** (PLACES_MAX - places)
    return amount // smallest * smallest
