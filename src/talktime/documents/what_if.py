"""What past sessions would have cost under another tariff. Pure.

Each session is taken as long as it was: whether people would have talked longer or shorter, or their credit would have
ended elsewhere, nobody knows. Two things do follow from the tariff: its own free allowance is used up from the front,
across the sessions of a pair in turn, and where its `max_cost` stops a session, the session is that much shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from talktime.core.instants import instant
from talktime.core.money import format_credits
from talktime.core.price import price, stop_elapsed
from talktime.core.tariff import Tariff

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class PastSession:
    """A record that has ended: how long it ran, what it cost, and what free time its pair had used before it."""

    record_id: str
    user_id: str
    advisor_id: str
    started_at: int
    elapsed_ms: int
    free_ms_before: int
    cost: int


@dataclass(frozen=True, slots=True)
class ReplayedSession:
    """The same under the other tariff: `replayed` is what it would have cost, for `replayed_ms` of time."""

    session: PastSession
    replayed_ms: int
    replayed: int

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "record_id": self.session.record_id,
            "user_id": self.session.user_id,
            "advisor_id": self.session.advisor_id,
            "started_at": instant(self.session.started_at),
            "elapsed_ms": self.session.elapsed_ms,
            "cost": format_credits(self.session.cost),
            "replayed_ms": self.replayed_ms,
            "replayed": format_credits(self.replayed),
            "difference": format_credits(self.replayed - self.session.cost),
        }


@dataclass(frozen=True, slots=True)
class Replay:
    """All sessions that started from `begin` until just before `end`."""

    begin: int
    end: int
    tariff: Tariff
    sessions: tuple[ReplayedSession, ...]

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        cost = sum(each.session.cost for each in self.sessions)
        replayed = sum(each.replayed for each in self.sessions)
        return {
            "from": instant(self.begin),
            "to": instant(self.end),
            "tariff": self.tariff.document(),
            "sessions": [each.document() for each in self.sessions],
            "total": {
                "sessions": len(self.sessions),
                "elapsed_ms": sum(each.session.elapsed_ms for each in self.sessions),
                "cost": format_credits(cost),
                "replayed_ms": sum(each.replayed_ms for each in self.sessions),
                "replayed": format_credits(replayed),
                "difference": format_credits(replayed - cost),
            },
        }


def replay(tariff: Tariff, begin: int, end: int, sessions: Iterable[PastSession]) -> Replay:
    """These sessions, in the order in which they started, under another tariff."""
    used_ms: dict[tuple[str, str], int] = {}
    replayed: list[ReplayedSession] = []
    for session in sessions:
        pair = session.user_id, session.advisor_id
        used = used_ms.get(pair, session.free_ms_before)
        allowance_ms = max(0, tariff.free_ms - used)
        stop_ms = stop_elapsed(tariff, allowance_ms)
        elapsed_ms = session.elapsed_ms if stop_ms is None else min(session.elapsed_ms, stop_ms)
        used_ms[pair] = used + min(elapsed_ms, allowance_ms)
        replayed.append(ReplayedSession(session, elapsed_ms, price(tariff, elapsed_ms, allowance_ms).cost))
    return Replay(begin, end, tariff, tuple(replayed))
