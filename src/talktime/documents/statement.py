"""An advisor's statement: what each session of a period brought, tied to the ledger's entries. Pure.

An amount belongs to the period in which it was posted, time to the one in which it ran.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from talktime.core.instants import instant, instant_or_none
from talktime.core.money import format_credits

AMOUNTS: Final = ("gross", "fees", "share", "refunded", "refunds", "net")
"""The amounts of each line, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over entries. `share` is the advisor's of the `gross`, `refunds` what of `refunded` the advisor bears."""

    time_ms: int = 0
    gross: int = 0
    fees: int = 0
    share: int = 0
    refunded: int = 0
    refunds: int = 0

    @property
    def net(self) -> int:
        """What is the advisor's in the end: the sum of the entries' advisor amounts."""
        return self.share - self.refunds

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {"time_ms": self.time_ms} | {name: format_credits(getattr(self, name)) for name in AMOUNTS}


@dataclass(frozen=True, slots=True)
class Session:
    """One record in a statement: what of it falls into the period."""

    record_id: str
    user_id: str
    user_name: str
    started_at: int
    ended_at: int | None
    figures: Figures

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "record_id": self.record_id,
            "user_id": self.user_id,
            "user_name": self.user_name,
            "started_at": instant(self.started_at),
            "ended_at": instant_or_none(self.ended_at),
            **self.figures.document(),
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """An advisor's sessions in the period from `begin` until just before `end`."""

    advisor_id: str
    advisor_name: str
    begin: int
    end: int
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

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "advisor_id": self.advisor_id,
            "advisor_name": self.advisor_name,
            "from": instant(self.begin),
            "to": instant(self.end),
            "total": {"sessions": len(self.sessions), **self.total.document()},
            "sessions": [session.document() for session in self.sessions],
        }
