"""The costs of past records under another tariff.

Each session keeps its length: whether people would have talked longer or shorter, or run out of credit elsewhere, is
unknown. Three things follow from the other tariff: its free allowance is used up by the sessions of a pair in turn, its
grace is granted to a pair once in 24 hours, and a session that reaches its `max_cost` with `stop` ends there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from talktime.core.price import elapsed_at_max_cost, is_free_by_grace, price
from talktime.core.record import GRACE_INTERVAL_MS
from talktime.core.tariff import Tariff
from talktime.documents.document import INLINE, INSIDE, Document, Named, shown
from talktime.documents.fields import Count, Credits, Instant, Milliseconds
from talktime.documents.tariff import TariffDocument

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class EndedRecord(Document):
    """A record that has ended: how long it ran, its cost, and what the pair had used of free time and grace before."""

    record_id: str
    user_id: str
    advisor_id: str
    started_at: Instant
    elapsed_ms: Milliseconds
    free_ms_before: Annotated[int, INSIDE]
    grace_used_at: Annotated[int | None, INSIDE]
    cost: Credits


@dataclass(frozen=True, slots=True)
class ReplayedSession(Document):
    """An ended record under another tariff: `replayed` is what it would have cost, for `replayed_ms` of time."""

    session: Annotated[EndedRecord, INLINE]
    replayed_ms: Milliseconds
    replayed: Credits

    @property
    @shown()
    def difference(self) -> Credits:
        """The cost under the other tariff less the cost."""
        return self.replayed - self.session.cost


@dataclass(frozen=True, slots=True)
class ReplayTotal(Document):
    """All sessions of a replay together."""

    sessions: Annotated[Count, "how many sessions there are"]
    elapsed_ms: Milliseconds
    cost: Credits
    replayed_ms: Milliseconds
    replayed: Credits
    difference: Credits


@dataclass(frozen=True, slots=True)
class Replay(Document):
    """All sessions that started from `from` until just before `to`, under another tariff."""

    begin: Annotated[Instant, Named("from")]
    end: Annotated[Instant, Named("to")]
    tariff: TariffDocument
    sessions: tuple[ReplayedSession, ...]

    @property
    @shown()
    def total(self) -> ReplayTotal:
        """All sessions together."""
        cost = sum(each.session.cost for each in self.sessions)
        replayed = sum(each.replayed for each in self.sessions)
        return ReplayTotal(
            sessions=len(self.sessions),
            elapsed_ms=sum(each.session.elapsed_ms for each in self.sessions),
            cost=cost,
            replayed_ms=sum(each.replayed_ms for each in self.sessions),
            replayed=replayed,
            difference=replayed - cost,
        )


def replay(tariff: Tariff, begin: int, end: int, sessions: Iterable[EndedRecord]) -> Replay:
    """These sessions, in the order in which they started, under another tariff."""
    used_ms: dict[tuple[str, str], int] = {}
    graces_used_at: dict[tuple[str, str], int | None] = {}
    replayed: list[ReplayedSession] = []
    for session in sessions:
        pair = session.user_id, session.advisor_id
        used = used_ms.get(pair, session.free_ms_before)
        allowance_ms = tariff.allowance_after(used)
        grace_used_at = graces_used_at.get(pair, session.grace_used_at)
        has_grace = grace_used_at is None or session.started_at - grace_used_at >= GRACE_INTERVAL_MS
        pricing = tariff if has_grace else tariff.without_grace
        stop_ms = elapsed_at_max_cost(pricing, allowance_ms)
        elapsed_ms = session.elapsed_ms if stop_ms is None else min(session.elapsed_ms, stop_ms)
        used_ms[pair] = used + min(elapsed_ms, allowance_ms)
        is_free = is_free_by_grace(pricing, elapsed_ms, allowance_ms)
        graces_used_at[pair] = session.started_at if is_free else grace_used_at
        replayed.append(ReplayedSession(session, elapsed_ms, price(pricing, elapsed_ms, allowance_ms).cost))
    return Replay(begin, end, tariff, tuple(replayed))
