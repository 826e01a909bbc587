"""What every bill must come to, worked out the slow way: the reference that talktime is compared with.

It shares no code with it. A price is a table of increments, added up one by one as fractions; the credit's end is found
by going from one increment to the next; there is no settling, no batching, and nothing is stored. It knows heartbeats,
not sockets, and one user: `now` moves by `advance`, and everything else is an act. An act that must be refused returns
the code of the refusal and changes nothing; one that must be accepted returns None.

Money is in micro-credits, time in milliseconds.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from heapq import merge
from itertools import accumulate, chain, count, product, takewhile
from operator import sub
from typing import Any

HORIZON_MS = 3_600_000
_NEVER = 10**18
_ORDER = ["max_cost", "out_of_credit", "user_away", "advisor_away", "abandoned"]
LEASE_MS, RECHARGE_MS, ABANDON_MS = 150_000, 60_000, 240_000


def _ms(seconds: Any) -> int:
    return int(Fraction(str(seconds)) * 1000)


class Price:
    """A tariff document as a table: where each increment begins in priced time, and what is owed from there on."""

    def __init__(self, tariff: dict[str, Any]) -> None:
        self.free_ms = _ms(tariff.get("free_seconds", 0))
        self.grace_ms = _ms(tariff.get("grace_seconds", 0))
        self.begun: bool = tariff.get("boundary", "ceil") == "begun"
        self._tariff = tariff
        self._tiers = [
            (
                _ms(tier["from_seconds"]),
                _ms(tier["increment_seconds"]),
                Fraction(tier["rate"]) / _ms(tier["per_seconds"]),
            )
            for tier in tariff["tiers"]
        ]
        is_free = tariff.get("max_cost") is not None and tariff.get("at_max_cost", "free") == "free"
        self._maximum = Fraction(tariff["max_cost"]) if is_free else None
        self._minimum = Fraction(tariff.get("minimum_charge", "0"))
        rounding = tariff.get("rounding", {})
        self._quantum = Fraction(1, 10 ** rounding.get("places", 2))
        self._mode: str = rounding.get("mode", "up")
        self._total = Fraction(tariff.get("connect_fee", "0"))
        self._end_ms = 0
        self._begins: list[int] = []
        self._owed_from: list[int] = []
        self._exact: list[Fraction] = []
        self.stop_ms = self._stop()

    def increment(self, index: int) -> tuple[int, int]:
        """Where the increment begins, and what is owed from there on."""
        while len(self._begins) <= index:
            _, increment_ms, rate = [tier for tier in self._tiers if tier[0] <= self._end_ms][-1]
            self._exact.append(self._total)
            self._total += rate * increment_ms
            self._begins.append(self._end_ms)
            self._owed_from.append(self._finished(self._total))
            self._end_ms += increment_ms
        return self._begins[index], self._owed_from[index]

    def begun_by(self, priced_ms: int) -> int:
        """How many increments begin before an instant of priced time, or also at it."""
        while self._end_ms <= priced_ms:
            self.increment(len(self._begins))
        return (bisect_right if self.begun else bisect_left)(self._begins, priced_ms)

    def _finished(self, total: Fraction) -> int:
        """Maximum, minimum, one rounding."""
        total = max(self._minimum, total if self._maximum is None else min(total, self._maximum))
        steps = total / self._quantum
        whole = {"up": math.ceil, "down": math.floor, "half_up": lambda steps: math.floor(steps + Fraction(1, 2))}
        return int(whole[self._mode](steps) * self._quantum * 1_000_000)

    def owed(self, priced_ms: int) -> int:
        """What so much priced time has begun to owe, grace left aside."""
        return 0 if priced_ms <= 0 else self.increment(self.begun_by(priced_ms) - 1)[1]

    def cost(self, priced_ms: int) -> int:
        """What it costs."""
        return 0 if priced_ms <= self.grace_ms else self.owed(priced_ms)

    def billed_minutes(self, priced_ms: int) -> Fraction:
        """What fees per minute count: increments begun, not those after the one that reaches `max_cost` (`free`)."""
        if priced_ms <= max(0, self.grace_ms):
            return Fraction(0)
        begun = self.begun_by(priced_ms)
        if self._maximum is not None:
            begun = next((i for i in range(begun) if self._exact[i] >= self._maximum), begun)
        return Fraction(self.increment(begun)[0], 60_000)

    def _stop(self) -> int | None:
        """The last millisecond of priced time that `max_cost` with `stop` allows."""
        maximum = self._tariff.get("max_cost")
        if maximum is None or self._tariff.get("at_max_cost", "free") == "free":
            return None
        increments = takewhile(lambda increment: increment[0] <= HORIZON_MS, map(self.increment, count()))
        first = next((at for at, owed in increments if owed > micro(maximum)), None)
        return None if first is None else max(self.grace_ms, 0, first - self.begun)


def micro(amount: str) -> int:
    """Micro-credits of a decimal string."""
    return int(Fraction(amount) * 1_000_000)


@dataclass
class Session:
    """A record. `ran_ms` and `posted` are what ended segments and postings came to."""

    advisor: str
    chat: str
    price: Price
    free_before_ms: int
    started_at: int
    id: str = ""
    state: str = "paused"
    reason: str | None = None
    ran_ms: int = 0
    posted: int = 0
    since: int = 0
    user_until: int = 0
    advisor_until: int = 0
    paused_at: int = 0
    waiting_since: int = 0
    ended_at: int | None = None
    terms: tuple[str, str, str] = ("0", "0", "0")
    posted_ms: int = 0
    posted_at: int = 0
    by_gift: int = 0
    refunded: int = 0
    refunded_gift: int = 0

    @property
    def earned(self) -> int:
        """What the advisor gets of what is posted: a percentage of what is left after fees a minute and a session."""
        percent, per_minute, per_session = map(Fraction, self.terms)
        minutes = self.price.billed_minutes(self.posted_ms - self.allowance_ms)
        fees = (per_minute * minutes + per_session) * 1_000_000
        return math.floor(max(Fraction(0), self.posted - fees) * percent / 100)

    @property
    def allowance_ms(self) -> int:
        return max(0, self.price.free_ms - self.free_before_ms)

    def elapsed_ms(self, at: int) -> int:
        return self.ran_ms + (at - self.since if self.state == "running" else 0)

    def cost(self, at: int) -> int:
        return self.price.cost(self.elapsed_ms(at) - self.allowance_ms)

    def begun(self, at: int) -> int:
        """What it would have begun to owe beyond what is posted, if it ran at `at`."""
        return max(0, self.price.owed(self.elapsed_ms(at) + 1 - self.allowance_ms) - self.posted)

    @property
    def grace_end(self) -> int:
        """When, if it runs, its grace is over."""
        return self.since + self.allowance_ms + self.price.grace_ms - self.ran_ms

    def rises(self, end: int) -> Iterator[int]:
        """The instants by then at which its price may have risen since it was posted."""
        start = max(self.since, self.posted_at)
        begun = chain([start], self.demands(start, end))
        owed_after = 1 - self.price.begun
        yield from (at for at in chain((at + owed_after for at in begun), [self.grace_end + 1]) if start < at <= end)

    def demands(self, start: int, end: int) -> Iterator[int]:
        """The instants in between, if it runs, from which one increment more is owed."""
        zero = self.since + self.allowance_ms - self.ran_ms
        if start < self.since <= end:
            yield self.since
        start = max(start, self.since)
        for index in count(max(0, self.price.begun_by(start - zero) - 1)):
            at = zero + max(0, self.price.increment(index)[0] - self.price.begun)  # of no priced time nothing is owed
            if at > end:
                return
            if at > start:
                yield at


@dataclass
class Model:
    """A user, with everything that must be true of them."""

    now: int
    balance: int = 0
    prices: dict[str, Price] = field(default_factory=dict)
    active: dict[str, Session] = field(default_factory=dict)
    latest: dict[str, Session] = field(default_factory=dict)
    advisor_of: dict[str, str] = field(default_factory=dict)
    chat_ms: dict[str, int] = field(default_factory=dict)
    free_used: dict[str, int] = field(default_factory=dict)
    entries: list[tuple[str, int]] = field(default_factory=list)
    terms: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)
    gifts: list[tuple[int, int]] = field(default_factory=list)  # when they expire, and how much is left
    had_gifts: bool = False

    # What one sees.

    @property
    def gift(self) -> int:
        return sum(amount for _, amount in self.gifts)

    def running(self) -> list[Session]:
        found = [session for session in self.active.values() if session.state == "running"]
        return sorted(found, key=lambda session: (session.started_at, session.id))

    @property
    def committed(self) -> int:
        return self.balance - self.available

    @property
    def available(self) -> int:
        return max(0, self.balance - sum(session.begun(self.now) for session in self.running()))

    def duration_ms(self, chat: str) -> int:
        session = self.latest[chat]
        here = session.state == "running" and session.chat == chat
        return self.chat_ms.get(chat, 0) + (self.now - session.since if here else 0)

    def cut_at(self, session: Session) -> int | None:
        """When its credit or `max_cost` ends, if nothing else happens: a copy of the account lives through it."""
        copies = [replace(other, user_until=_NEVER, advisor_until=_NEVER) for other in self.running()]
        copy = Model(self.now, self.balance, active={other.advisor: other for other in copies}, gifts=[*self.gifts])
        mine = copy.active[session.advisor]
        while mine.state == "running" and (event := copy._next(self.now + HORIZON_MS)) is not None:
            copy._happen(*event)
        return None if mine.state == "running" else copy.now

    # What happens by itself.

    def advance(self, duration_ms: int) -> None:
        target = self.now + duration_ms
        while (event := self._next(target)) is not None:
            self._happen(*event)
        self.now = target

    def _happen(self, at: int, reason: str, session: Session | None) -> None:
        self.now = at
        if session is None:
            self.checkpoint()
            self._expire()
        elif session.state == "running" and reason != "max_cost":
            self._halt(session, reason)
        else:
            self._end(session, reason)

    def _expire(self) -> None:
        """Gifts whose time is over go, but for what running sessions have begun to owe."""
        owed = sum(session.begun(self.now) for session in self.running())
        gifts, self.gifts = self.gifts, []
        for expires_at, amount in gifts:
            kept = min(amount, owed) if expires_at <= self.now else amount
            owed -= min(kept, owed)
            self.balance -= amount - kept
            if amount - kept:
                self.entries.append(("expiry", kept - amount))
            if kept:
                self.gifts.append((expires_at, kept))

    def _spend_gifts(self, amount: int, *, valid: bool) -> int:
        """Spend so much, the soonest expiry first; how much of it gifts could pay. `valid`: only what is not over."""
        gifts, self.gifts, paid = self.gifts, [], 0
        for expires_at, left in gifts:
            taken = 0 if valid and expires_at <= self.now else min(left, amount - paid)
            paid += taken
            if left - taken:
                self.gifts.append((expires_at, left - taken))
        return paid

    def _next(self, target: int) -> tuple[int, str, Session | None] | None:
        """What falls due first, by then."""
        expiry = min((at for at, _ in self.gifts if self.now < at <= target), default=None)
        event = self._next_of_sessions(target if expiry is None else expiry)
        if expiry is not None and (event is None or expiry <= event[0]):
            return expiry, "expiry", None
        return event

    def _next_of_sessions(self, target: int) -> tuple[int, str, Session] | None:
        due: list[tuple[int, str, Session]] = []
        for session in self.active.values():
            if session.state == "running":
                due += [(session.user_until, "user_away", session), (session.advisor_until, "advisor_away", session)]
                stop = self._stop_at(session)
                due += [] if stop is None else [(stop, "max_cost", session)]
            elif session.reason == "out_of_credit":
                due.append((session.waiting_since + RECHARGE_MS, "out_of_credit", session))
            else:
                due.append((session.waiting_since + ABANDON_MS, "abandoned", session))
        target = min(target, min((at for at, _, _ in due), default=target))
        due.sort(key=lambda event: (event[2].started_at, event[2].id))
        # Who could not pay first is first: what that leaves may let another go on.
        due = [(at, "out_of_credit", session) for at, session in self._unpaid(target)] + due
        return min(
            (event for event in due if event[0] <= target),
            key=lambda event: (event[0], _ORDER.index(event[1])),
            default=None,
        )

    def _stop_at(self, session: Session) -> int | None:
        """The instant at which `max_cost` ends it."""
        if session.price.stop_ms is None:
            return None
        return max(self.now, session.since + session.allowance_ms + session.price.stop_ms - session.ran_ms)

    def _begun_until_stop(self, session: Session, at: int) -> int:
        if at < session.since:
            return 0
        stop = self._stop_at(session)
        return session.begun(at if stop is None else min(at, stop - 1))

    def _unpaid(self, end: int) -> Iterator[tuple[int, Session]]:
        """From increment to increment: those that can't be paid by then, whose they are, and when that stops them.

        A session within its grace goes on to the end of that, and holds what it could pay; the others pay theirs.
        """
        running, held = self.running(), 0
        # Only one within its grace can have come to owe before what it can't pay.
        in_grace = any(session.price.grace_ms and session.grace_end > self.now for session in running)
        start = min(session.since for session in running) if in_grace else self.now
        for at in chain([start], merge(*(session.demands(start, end) for session in running))):
            while running and at <= end and (session := self._unpaid_at(running, self.balance - held, at)) is not None:
                running.remove(session)
                held += self._begun_until_stop(session, at - 1)
                stop = max(at, self.now, session.grace_end if session.price.grace_ms else 0)
                end = min(end, stop)
                yield stop, session

    def _unpaid_at(self, running: list[Session], left: int, at: int) -> Session | None:
        """Whose increment can't be paid: in the same millisecond, those that started earlier pay first."""
        demands = [self._begun_until_stop(session, at) for session in running]
        if sum(demands) <= left:
            return None
        before = [self._begun_until_stop(session, at - 1) for session in running]
        paid = accumulate(map(sub, demands, before), initial=sum(before))
        next(paid)
        return next(session for session, total in zip(running, paid, strict=True) if total > left)

    # What a running session does.

    def _post(self, session: Session, at: int) -> None:
        """While gifts are spent, everybody's increments are posted, one by one: the earlier took its part before."""
        running = self.running()
        if self.gifts and len(running) > 1:
            rises = {instant for other in running for instant in other.rises(at)}
            for instant, other in product(sorted(rises), running):
                if other.posted_at < instant:
                    self._post_one(other, instant)
        self._post_one(session, at)

    def _post_one(self, session: Session, at: int) -> None:
        session.posted_at = at
        charge = session.cost(at) - session.posted
        session.posted, session.posted_ms = session.posted + charge, session.elapsed_ms(at)
        self.balance -= charge
        session.by_gift += self._spend_gifts(charge, valid=False)
        if charge:
            self.entries.append(("charge", -charge))

    def _close(self, session: Session) -> None:
        self._post(session, self.now)
        self.chat_ms[session.chat] = self.chat_ms.get(session.chat, 0) + self.now - session.since
        session.ran_ms = session.elapsed_ms(self.now)
        session.state = "paused"
        if self.gifts:
            if any(at <= self.now for at, _ in self.gifts):
                self.checkpoint()
            self._expire()

    def _halt(self, session: Session, reason: str) -> None:
        self._close(session)
        session.reason, session.paused_at, session.waiting_since = reason, self.now, self.now

    def _end(self, session: Session, reason: str) -> None:
        session.ended_at = self.now
        if session.state == "running":
            self._close(session)
        elif reason == "abandoned":
            session.ended_at = session.paused_at
        elif reason == "out_of_credit":
            session.ended_at = session.waiting_since
        session.state, session.reason = "ended", reason
        self.free_used[session.advisor] = session.free_before_ms + min(session.ran_ms, session.allowance_ms)
        del self.active[session.advisor]

    def _open(self, session: Session) -> None:
        session.state, session.reason, session.since = "running", None, self.now

    def _act(self, session: Session, *, by_user: bool = True) -> None:
        """Acting proves presence, and gives an advisor who isn't there one lease to arrive."""
        if by_user:
            session.user_until = max(session.user_until, self.now + LEASE_MS)
        if session.advisor_until <= self.now:
            session.advisor_until = self.now + LEASE_MS

    def _affordable(self, session: Session) -> bool:
        return session.begun(self.now) <= self.available

    # What people do.

    def credit(self, amount: int, kind: str = "purchase", gift: int = 0, expires_at: int = _NEVER) -> str | None:
        """Bought, or given for a while, or given back: what waits for credit goes on."""
        if self.gifts or gift:
            self.checkpoint()
        if gift:
            self.had_gifts = True
            lots = dict(self.gifts)
            lots[expires_at] = lots.get(expires_at, 0) + gift
            self.gifts = sorted(lots.items())
        self.balance += amount
        self.entries.append((kind, amount))
        waiting = [session for session in self.active.values() if session.reason == "out_of_credit"]
        for session in sorted(waiting, key=lambda session: (session.waiting_since, session.started_at, session.id)):
            if not self._affordable(session):
                continue
            if session.user_until <= self.now or session.advisor_until <= self.now:
                session.reason = "user_away" if session.user_until <= self.now else "advisor_away"
                session.waiting_since = self.now
            else:
                self._open(session)
        return None

    def debit(self, amount: int) -> str | None:
        if amount > self.available:
            return "insufficient_credit"
        if self.gifts:
            self.checkpoint()
            self._spend_gifts(amount, valid=True)
        self.balance -= amount
        self.entries.append(("debit", -amount))
        return None

    def refund(self, session: Session, amount: int) -> str | None:
        """Never more than was charged; what was bought comes back first."""
        charged = session.cost(self.now) if session.state == "running" else session.posted
        if not 0 < amount <= charged - session.refunded:
            return "conflict"
        if session.state == "running":
            self.checkpoint()
        gift = amount - min(amount, session.posted - session.by_gift - session.refunded + session.refunded_gift)
        session.refunded += amount
        session.refunded_gift += gift
        return self.credit(amount, "refund", gift)

    def track(self, chat: str, advisor: str) -> str | None:
        if self.advisor_of.get(chat, advisor) != advisor:
            return "conflict"
        session = self.active.get(advisor)
        if session is None:
            price = self.prices[advisor]
            session = Session(advisor, chat, price, self.free_used.get(advisor, 0), self.now)
            session.terms = self.terms.get(advisor, session.terms)
            if not self._affordable(session):
                return "insufficient_credit"
            self.active[advisor] = session
            self.sessions.append(session)
        elif session.state == "running" and session.chat == chat:
            return None
        elif session.state == "running":
            self._close(session)
        elif not self._affordable(session):
            return "insufficient_credit"
        session.chat = chat
        self.advisor_of[chat], self.latest[chat] = advisor, session
        self._act(session)
        self._open(session)
        return None

    def _current(self, chat: str) -> Session | str:
        session = self.latest.get(chat)
        if session is None:
            return "not_found"
        return "conflict" if session.state == "ended" or session.chat != chat else session

    def pause(self, chat: str) -> str | None:
        session = self._current(chat)
        if isinstance(session, str):
            return session
        if session.state == "running":
            self._halt(session, "paused")
        elif session.reason != "paused":
            session.reason, session.waiting_since = "paused", self.now
        return None

    def resume(self, chat: str, *, by_user: bool = True) -> str | None:
        session = self._current(chat)
        if isinstance(session, str):
            return session
        if session.state == "running":
            return None
        if not by_user and session.user_until <= self.now:
            return "conflict"
        if not self._affordable(session):
            return "insufficient_credit"
        self._act(session, by_user=by_user)
        self._open(session)
        return None

    def stop(self, chat: str) -> str | None:
        session = self.latest.get(chat)
        if session is None:
            return "not_found"
        if session.state != "ended":
            self._end(session, "stopped")
        return None

    def heartbeat(self, chat: str, *, by_user: bool) -> str | None:
        session = self.latest.get(chat)
        if session is None:
            return "not_found"
        if session.state == "ended" or session.chat != chat:
            return None
        if by_user:
            session.user_until = max(session.user_until, self.now + LEASE_MS)
        else:
            session.advisor_until = max(session.advisor_until, self.now + LEASE_MS)
        both = session.user_until > self.now and session.advisor_until > self.now
        if session.reason in {"user_away", "advisor_away"} and both:
            if self._affordable(session):
                self._open(session)
            else:
                session.reason, session.waiting_since = "out_of_credit", self.now
        return None

    def checkpoint(self) -> None:
        for session in self.running():
            self._post(session, self.now)
