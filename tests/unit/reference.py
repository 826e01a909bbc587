"""Several meters on one balance, played millisecond by millisecond: the slow and obvious way.

What the meter computes, this does by looking at every instant: each running session owes its increments from the
instant they begin; they are paid in order of instant, of those of one instant the earlier session's first; the session
whose increment can't be paid is cut there, or at the end of its grace if that comes later. Nobody is ever away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tests.unit import oracle
from tests.unit.oracle import Document


@dataclass
class Session:
    """A record, by its number: which is its place in the order of starting, too."""

    number: int
    tariff: Document
    allowance_ms: int
    elapsed_ms: int = 0
    charged: int = 0
    state: Literal["running", "paused", "ended"] = "running"
    reason: str | None = None
    waiting_since: int = 0
    owed: list[tuple[int, int]] = field(default_factory=list)
    """Since it runs: the instants at which it came to owe more, and how much in all."""
    _prices: dict[tuple[int, bool], int] = field(default_factory=dict)

    def price(self, elapsed_ms: int, *, grace: bool = True) -> int:
        """What that much time costs; asked for often."""
        known = (elapsed_ms, grace)
        if known not in self._prices:
            self._prices[known] = oracle.price(self.tariff, elapsed_ms, self.allowance_ms, grace=grace)
        return self._prices[known]

    @property
    def cost(self) -> int:
        """The price of its time."""
        return self.price(self.elapsed_ms)

    @property
    def commitment(self) -> int:
        """What it owes in all if it runs."""
        return self.price(self.elapsed_ms + 1, grace=False)

    @property
    def more(self) -> int:
        """What it owes, if it runs, beyond what is posted."""
        return max(0, self.commitment - self.charged)

    @property
    def is_at_its_maximum(self) -> bool:
        """Whether one millisecond more would cost more than the maximum at which it stops."""
        if self.tariff["max_cost"] is None or self.tariff["at_max_cost"] == "free":
            return False
        return self.price(self.elapsed_ms + 1) > oracle.micros(self.tariff["max_cost"])

    @property
    def is_in_grace(self) -> bool:
        """Whether the next millisecond costs nothing for being within the grace time."""
        grace_ms = oracle.milliseconds(self.tariff["grace_seconds"])
        return grace_ms > 0 and self.elapsed_ms < self.allowance_ms + grace_ms


class Reference:
    """A user with some credit."""

    def __init__(self, credit: int) -> None:
        self.now = 0
        self.posted = credit
        self.sessions: list[Session] = []

    @property
    def running(self) -> list[Session]:
        """In the order in which they started."""
        return [session for session in self.sessions if session.state == "running"]

    @property
    def available(self) -> int:
        """What can be spent."""
        return max(0, self.posted - sum(session.more for session in self.running))

    def start(self, tariff: Document, allowance_ms: int) -> bool:
        """Whether it could be paid."""
        session = Session(len(self.sessions), tariff, allowance_ms)
        if session.more > self.available:
            return False
        self.sessions.append(session)
        self._run(session)
        self._stop_what_must()
        return True

    def pause(self, session: Session) -> None:
        """By a person."""
        if session.state == "running":
            self._post(session)
        session.state, session.reason = "paused", "paused"

    def resume(self, session: Session) -> bool:
        """Whether it could be paid."""
        if session.more > self.available:
            return False
        self._run(session)
        self._stop_what_must()
        return True

    def stop(self, session: Session) -> None:
        """By a person."""
        if session.state == "running":
            self._post(session)
        session.state, session.reason = "ended", "stopped"

    def checkpoint(self) -> None:
        """Post what they have come to."""
        for session in self.running:
            self._post(session)

    def credit(self, amount: int) -> None:
        """A top-up: what ran out of credit goes on, the oldest cut first."""
        self.posted += amount
        waiting = [session for session in self.sessions if session.reason == "out_of_credit"]
        for session in sorted(waiting, key=lambda s: (s.waiting_since, s.number)):
            if session.state == "paused" and session.more <= self.available:
                self._run(session)
        self._stop_what_must()

    def debit(self, amount: int) -> bool:
        """Whether there was so much to spend."""
        if amount > self.available:
            return False
        self.posted -= amount
        return True

    def wait(self, duration_ms: int) -> None:
        """Time passes."""
        for _ in range(duration_ms):
            self.now += 1
            for session in self.running:
                session.elapsed_ms += 1
                self._owe(session)
            self._stop_what_must()

    def _run(self, session: Session) -> None:
        session.state, session.reason, session.owed = "running", None, []
        self._owe(session)

    def _owe(self, session: Session) -> None:
        if not session.owed or session.commitment > session.owed[-1][1]:
            session.owed.append((self.now, session.commitment))

    def _post(self, session: Session) -> None:
        charge = session.cost - session.charged
        assert 0 <= charge <= self.posted
        session.charged += charge
        self.posted -= charge

    def _stop_what_must(self) -> None:
        for session in self.running:
            if session.is_at_its_maximum:
                self._post(session)
                session.state, session.reason = "ended", "max_cost"
        while cut := [session for session in self._unpaid() if not session.is_in_grace]:
            self._post(cut[0])
            cut[0].state, cut[0].reason, cut[0].waiting_since = "paused", "out_of_credit", self.now

    def _unpaid(self) -> list[Session]:
        left, held, unpaid = self.posted, dict.fromkeys(range(len(self.sessions)), 0), list[Session]()
        owed = sorted((at, s.number, amount) for s in self.running for at, amount in s.owed)
        for _, number, amount in owed:
            session = self.sessions[number]
            more = max(0, amount - session.charged) - held[number]
            if session not in unpaid and more > left:
                unpaid.append(session)
            elif session not in unpaid:
                left -= more
                held[number] += more
        return unpaid
