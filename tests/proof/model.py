"""The reference model: what every charge must be, computed in a slow and obvious way.

The model shares no code with talktime, only the type of a rounding mode. A price is a table of increments, which are
added up one by one, exactly. The end of credit is found by going from one increment to the next. Nothing is
settled, batched or stored.

The model has one user, and knows heartbeats but no sockets. `advance` moves `now`; every other method is an act of a
person or of a host. An act that must be refused changes nothing and gives the code of the refusal; an act that must be
accepted gives None.

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
from math import lcm
from operator import sub
from typing import TYPE_CHECKING, Any, assert_never

if TYPE_CHECKING:
    from talktime.core.tariff import RoundingMode

DAY_MS = 86_400_000
HORIZON_MS = 3_600_000
"""How far the model looks ahead for the end of `max_cost`."""

_NEVER = 10**18
_ORDER = ["max_cost", "out_of_credit", "user_away", "advisor_away", "missed", "abandoned"]
"""The order of deadlines in one millisecond."""

LEASE_MS, RECHARGE_MS, ABANDON_MS, LEAVE_MS = 150_000, 60_000, 240_000, 12_000


def _ms(seconds: Any) -> int:
    return int(Fraction(str(seconds)) * 1000)


class PriceTable:
    """A tariff as a table: the priced time at which each increment begins, and the cost from there on."""

    def __init__(self, tariff: dict[str, Any]) -> None:
        self.free_ms = _ms(tariff.get("free_seconds", 0))
        self.grace_ms = _ms(tariff.get("grace_seconds", 0))
        self.begun: bool = tariff.get("boundary", "ceil") == "begun"
        self._tariff = tariff
        # Every sum is a whole number of parts of a micro-credit, because whole numbers are added faster than fractions.
        parts = lcm(*(_ms(tier["per_seconds"]) for tier in tariff["tiers"]))
        self._tiers = [
            (
                _ms(tier["from_seconds"]),
                _ms(tier["increment_seconds"]),
                micro(tier["rate"]) * parts // _ms(tier["per_seconds"]),
            )
            for tier in tariff["tiers"]
        ]
        is_free = tariff.get("max_cost") is not None and tariff.get("at_max_cost", "free") == "free"
        self._maximum = micro(tariff["max_cost"]) * parts if is_free else None
        self._minimum = micro(tariff.get("minimum_charge", "0")) * parts
        rounding = tariff.get("rounding", {})
        self._step: int = 10 ** (6 - rounding.get("places", 2))
        self._step_in_parts: int = self._step * parts
        self._mode: RoundingMode = rounding.get("mode", "up")
        self._total = micro(tariff.get("connect_fee", "0")) * parts
        self._end_ms = 0
        self._begins: list[int] = []
        self._cost_from: list[int] = []
        self._exact: list[int] = []
        self.stop_ms = self._stop_ms()

    def without_grace(self) -> PriceTable:
        return PriceTable({**self._tariff, "grace_seconds": 0})

    def is_free_by_grace(self, priced_ms: int) -> bool:
        """Whether this time costs nothing, and would cost something without the grace."""
        return 0 < priced_ms <= self.grace_ms and self.begun_cost(priced_ms) > 0

    def increment(self, index: int) -> tuple[int, int]:
        """The priced time at which the increment begins, and the cost from there on."""
        return self.begin_of(index), self._cost_from[index]

    def begin_of(self, index: int) -> int:
        """The priced time at which the increment begins."""
        while len(self._begins) <= index:
            _, increment_ms, rate = [tier for tier in self._tiers if tier[0] <= self._end_ms][-1]
            self._exact.append(self._total)
            self._total += rate * increment_ms
            self._begins.append(self._end_ms)
            self._cost_from.append(self._finished(self._total))
            self._end_ms += increment_ms
        return self._begins[index]

    def begun_by(self, priced_ms: int) -> int:
        """The number of increments that have begun at this priced time, as the boundary counts them."""
        while self._end_ms <= priced_ms:
            self.increment(len(self._begins))
        return (bisect_right if self.begun else bisect_left)(self._begins, priced_ms)

    def _finished(self, total: int) -> int:
        """The cost in micro-credits of an exact sum: with maximum, minimum and one rounding."""
        total = max(self._minimum, total if self._maximum is None else min(total, self._maximum))
        return self._rounded(*divmod(total, self._step_in_parts)) * self._step

    def _rounded(self, steps: int, rest: int) -> int:
        """Whole steps of the cost, for a number of whole steps and a rest that is less than a step."""
        match self._mode:
            case "up":
                return steps + (rest > 0)
            case "down":
                return steps
            case "half_up":
                return steps + (2 * rest >= self._step_in_parts)
            case _:
                assert_never(self._mode)

    def begun_cost(self, priced_ms: int) -> int:
        """The cost of the increments that have begun, as if the tariff had no grace."""
        return 0 if priced_ms <= 0 else self.increment(self.begun_by(priced_ms) - 1)[1]

    def cost(self, priced_ms: int) -> int:
        """The cost of the priced time."""
        return 0 if priced_ms <= self.grace_ms else self.begun_cost(priced_ms)

    def billed_minutes(self, priced_ms: int) -> Fraction:
        """The minutes that bear fees: increments that have begun, up to the one that reaches `max_cost` (`free`)."""
        if priced_ms <= max(0, self.grace_ms):
            return Fraction(0)
        begun = self.begun_by(priced_ms)
        if self._maximum is not None:
            begun = next((i for i in range(begun) if self._exact[i] >= self._maximum), begun)
        return Fraction(self.increment(begun)[0], 60_000)

    def _stop_ms(self) -> int | None:
        """The last millisecond of priced time that `max_cost` with `stop` allows."""
        maximum = self._tariff.get("max_cost")
        if maximum is None or self._tariff.get("at_max_cost", "free") == "free":
            return None
        increments = takewhile(lambda increment: increment[0] <= HORIZON_MS, map(self.increment, count()))
        first = next((at for at, cost in increments if cost > micro(maximum)), None)
        return None if first is None else max(self.grace_ms, 0, first - self.begun)


def micro(amount: str) -> int:
    """The micro-credits of a decimal string."""
    return int(Fraction(amount) * 1_000_000)


@dataclass
class ModelRecord:
    """A record.

    `ran_ms` is the time of the segments that have ended, `since` the start of the open segment. `charged` was posted at
    `posted_at`, for `posted_ms` of elapsed time; `by_gift` is the part of `charged` that gifts paid. `user_left` tells
    whether the user's page has closed and the user is not back.
    """

    advisor: str
    chat: str
    price: PriceTable
    free_before_ms: int
    started_at: int
    id: str = ""
    state: str = "paused"
    reason: str | None = None
    ran_ms: int = 0
    charged: int = 0
    since: int = 0
    user_until: int = 0
    advisor_until: int = 0
    user_left: bool = False
    advisor_left: bool = False
    paused_at: int = 0
    paused_by_user: bool = True
    waiting_since: int = 0
    paying_until: int = 0
    ended_at: int | None = None
    terms: tuple[str, str, str] = ("0", "0", "0")
    posted_ms: int = 0
    posted_at: int = 0
    by_gift: int = 0
    refunded: int = 0
    refunded_gift: int = 0
    starts: str = "at_once"
    ring_until: int = 0

    @property
    def earned(self) -> int:
        """The advisor's share of what is charged: a percentage of what the fees leave."""
        percent, per_minute, per_session = map(Fraction, self.terms)
        minutes = self.price.billed_minutes(self.posted_ms - self.allowance_ms)
        fees = (per_minute * minutes + per_session) * 1_000_000
        return math.floor(max(Fraction(0), self.charged - fees) * percent / 100)

    @property
    def recharge_until(self) -> int:
        return max(self.waiting_since + RECHARGE_MS, self.paying_until)

    @property
    def allowance_ms(self) -> int:
        return max(0, self.price.free_ms - self.free_before_ms)

    def elapsed_ms(self, at: int) -> int:
        return self.ran_ms + (at - self.since if self.state == "running" else 0)

    def cost(self, at: int) -> int:
        return self.price.cost(self.elapsed_ms(at) - self.allowance_ms)

    def committed(self, at: int) -> int:
        """What the record would begin to owe at `at` beyond what is charged, if it ran."""
        return max(0, self.price.begun_cost(self.elapsed_ms(at) + 1 - self.allowance_ms) - self.charged)

    @property
    def grace_end(self) -> int:
        """The end of the grace, if the record runs."""
        return self.since + self.allowance_ms + self.price.grace_ms - self.ran_ms

    def charge_instants(self, end: int) -> Iterator[int]:
        """The instants up to `end` at which the cost may have risen since the last posting."""
        start = max(self.since, self.posted_at)
        begun = chain([start], self.increment_instants(start, end))
        later_ms = 1 - self.price.begun
        yield from (at for at in chain((at + later_ms for at in begun), [self.grace_end + 1]) if start < at <= end)

    def increment_instants(self, start: int, end: int) -> Iterator[int]:
        """The instants after `start`, up to `end`, at which the record commits one increment more, if it runs."""
        zero = self.since + self.allowance_ms - self.ran_ms
        if start < self.since <= end:
            yield self.since
        start = max(start, self.since)
        for index in count(max(0, self.price.begun_by(start - zero) - 1)):
            at = zero + max(0, self.price.begin_of(index) - self.price.begun)  # nothing without priced time
            if at > end:
                return
            if at > start:
                yield at


@dataclass
class Model:
    """A user, and everything that must be true of the user's account, records and chats."""

    now: int
    balance: int = 0
    prices: dict[str, PriceTable] = field(default_factory=dict)
    active: dict[str, ModelRecord] = field(default_factory=dict)
    latest: dict[str, ModelRecord] = field(default_factory=dict)
    advisor_of: dict[str, str] = field(default_factory=dict)
    chat_ms: dict[str, int] = field(default_factory=dict)
    free_used: dict[str, int] = field(default_factory=dict)
    grace_used: dict[str, int] = field(default_factory=dict)  # the start of the last record that the grace made free
    entries: list[tuple[str, int]] = field(default_factory=list)
    terms: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    starts: dict[str, tuple[str, int]] = field(default_factory=dict)  # how an advisor's records start, and the ring
    records: list[ModelRecord] = field(default_factory=list)
    gifts: list[tuple[int, int]] = field(default_factory=list)  # the expiry of each gift, and what is left of it
    had_gifts: bool = False

    # What screens show.

    @property
    def gift(self) -> int:
        return sum(amount for _, amount in self.gifts)

    def running(self) -> list[ModelRecord]:
        found = [record for record in self.active.values() if record.state == "running"]
        return sorted(found, key=lambda record: (record.started_at, record.id))

    def requested(self) -> list[ModelRecord]:
        return [record for record in self.active.values() if record.state == "requested"]

    @property
    def committed(self) -> int:
        return self.balance - self.available

    @property
    def available(self) -> int:
        """A requested record holds what it would commit if it ran."""
        held = sum(record.committed(self.now) for record in (*self.running(), *self.requested()))
        return max(0, self.balance - held)

    def duration_ms(self, chat: str) -> int:
        record = self.latest[chat]
        here = record.state == "running" and record.chat == chat
        return self.chat_ms.get(chat, 0) + (self.now - record.since if here else 0)

    def cut_at(self, record: ModelRecord, within_ms: int) -> int | None:
        """The cut of the record if nothing else happens: a copy of the account is played until then.

        A cut that is further away than `within_ms` may be None.
        """
        others = (*self.running(), *self.requested())
        copies = [replace(o, user_until=_NEVER, advisor_until=_NEVER, ring_until=_NEVER) for o in others]
        copy = Model(self.now, self.balance, active={other.advisor: other for other in copies}, gifts=[*self.gifts])
        mine = copy.active[record.advisor]
        while mine.state == "running" and (event := copy._next(self.now + within_ms)) is not None:
            copy._apply(*event)
        return None if mine.state == "running" else copy.now

    # What happens by itself.

    def advance(self, duration_ms: int) -> None:
        target = self.now + duration_ms
        while (event := self._next(target)) is not None:
            self._apply(*event)
        self.now = target

    def outage(self, duration_ms: int) -> None:
        """From now on no node can write, for this duration: no time is billed, and no lease or window runs out."""
        began_at, ended_at = self.now, self.now + duration_ms
        self.post_charges()
        for record in self.active.values():
            if record.state == "running":
                self.chat_ms[record.chat] = self.chat_ms.get(record.chat, 0) + began_at - record.since
                record.ran_ms, record.since = record.elapsed_ms(began_at), ended_at
            record.user_until += duration_ms if record.user_until > began_at else 0
            record.advisor_until += duration_ms if record.advisor_until > began_at else 0
            record.waiting_since += duration_ms
            record.ring_until += duration_ms
            record.paying_until += duration_ms if record.paying_until else 0
        self.now = ended_at
        if any(at <= self.now for at, _ in self.gifts):
            self.post_charges()
            self._expire()

    def _apply(self, at: int, reason: str, record: ModelRecord | None) -> None:
        self.now = at
        if record is None:
            self.post_charges()
            self._expire()
        elif record.state == "running" and reason != "max_cost":
            self._pause(record, reason)
        else:
            self._end(record, reason)

    def _expire(self) -> None:
        """Take away what is left of expired gifts, except what running records have begun to owe and requests hold."""
        committed = sum(record.committed(self.now) for record in (*self.running(), *self.requested()))
        gifts, self.gifts = self.gifts, []
        for expires_at, amount in gifts:
            kept = min(amount, committed) if expires_at <= self.now else amount
            committed -= min(kept, committed)
            self.balance -= amount - kept
            if amount - kept:
                self.entries.append(("expiry", kept - amount))
            if kept:
                self.gifts.append((expires_at, kept))

    def _spend_gifts(self, amount: int, *, valid: bool) -> int:
        """Spend gifts, the earliest expiry first; what they could pay. `valid` spends no gift that has expired."""
        gifts, self.gifts, paid = self.gifts, [], 0
        for expires_at, left in gifts:
            taken = 0 if valid and expires_at <= self.now else min(left, amount - paid)
            paid += taken
            if left - taken:
                self.gifts.append((expires_at, left - taken))
        return paid

    def _next(self, target: int) -> tuple[int, str, ModelRecord | None] | None:
        """The first deadline up to `target`; for the expiry of a gift without a record."""
        expiry = min((at for at, _ in self.gifts if self.now < at <= target), default=None)
        event = self._next_of_records(target if expiry is None else expiry)
        if expiry is not None and (event is None or expiry <= event[0]):
            return expiry, "expiry", None
        return event

    def _next_of_records(self, target: int) -> tuple[int, str, ModelRecord] | None:
        due: list[tuple[int, str, ModelRecord]] = []
        for record in self.active.values():
            if record.state == "running":
                due += [(record.user_until, "user_away", record), (record.advisor_until, "advisor_away", record)]
                stop = self._stop_at(record)
                due += [] if stop is None else [(stop, "max_cost", record)]
            elif record.state == "requested":
                due += [(record.user_until, "user_away", record), (record.ring_until, "missed", record)]
            elif record.reason == "out_of_credit":
                due.append((record.recharge_until, "out_of_credit", record))
            else:
                due.append((record.waiting_since + ABANDON_MS, "abandoned", record))
        target = min(target, min((at for at, _, _ in due), default=target))
        due.sort(key=lambda event: (event[2].started_at, event[2].id))
        # The first record that could not pay is cut first, because another may then be able to go on.
        due = [(at, "out_of_credit", record) for at, record in self._unpaid(target)] + due
        return min(
            (event for event in due if event[0] <= target),
            key=lambda event: (event[0], _ORDER.index(event[1])),
            default=None,
        )

    def _stop_at(self, record: ModelRecord) -> int | None:
        """The instant at which `max_cost` ends the record."""
        if record.price.stop_ms is None:
            return None
        return max(self.now, record.since + record.allowance_ms + record.price.stop_ms - record.ran_ms)

    def _committed_until_stop(self, record: ModelRecord, at: int) -> int:
        if at < record.since:
            return 0
        stop = self._stop_at(record)
        return record.committed(at if stop is None else min(at, stop - 1))

    def _unpaid(self, end: int) -> Iterator[tuple[int, ModelRecord]]:
        """The records whose increments up to `end` can't be paid, and the instants at which they stop.

        A record within its grace goes on to the end of the grace, and holds the credit that it could pay. The others
        go on with the rest.
        """
        running, held = self.running(), sum(record.committed(self.now) for record in self.requested())
        # Only a record within its grace can have begun, in the past, an increment that it can't pay.
        in_grace = any(record.price.grace_ms and record.grace_end > self.now for record in running)
        start = min(record.since for record in running) if in_grace else self.now
        for at in chain([start], merge(*(record.increment_instants(start, end) for record in running))):
            while running and at <= end:
                record = self._first_unpaid(running, self.balance - held, at)
                if record is None:
                    break
                running.remove(record)
                held += self._committed_until_stop(record, at - 1)
                stop = max(at, self.now, record.grace_end if record.price.grace_ms else 0)
                end = min(end, stop)
                yield stop, record

    def _first_unpaid(self, running: list[ModelRecord], left: int, at: int) -> ModelRecord | None:
        """The first record whose increment can't be paid. The record that started first pays first."""
        committed = [self._committed_until_stop(record, at) for record in running]
        if sum(committed) <= left:
            return None
        before = [self._committed_until_stop(record, at - 1) for record in running]
        paid = accumulate(map(sub, committed, before), initial=sum(before))
        next(paid)
        return next(record for record, total in zip(running, paid, strict=True) if total > left)

    # What happens to a running record.

    def _post(self, record: ModelRecord, at: int) -> None:
        """Post the record. While there are gifts, all records are posted, increment by increment in their order."""
        running = self.running()
        if self.gifts and len(running) > 1:
            rises = {instant for other in running for instant in other.charge_instants(at)}
            for instant, other in product(sorted(rises), running):
                if other.posted_at < instant:
                    self._post_one(other, instant)
        self._post_one(record, at)

    def _post_one(self, record: ModelRecord, at: int) -> None:
        record.posted_at = at
        charge = record.cost(at) - record.charged
        record.charged, record.posted_ms = record.charged + charge, record.elapsed_ms(at)
        self.balance -= charge
        record.by_gift += self._spend_gifts(charge, valid=False)
        if charge:
            self.entries.append(("charge", -charge))

    def _stop_timer(self, record: ModelRecord) -> None:
        self._post(record, self.now)
        self.chat_ms[record.chat] = self.chat_ms.get(record.chat, 0) + self.now - record.since
        record.ran_ms = record.elapsed_ms(self.now)
        record.state = "paused"
        if self.gifts:
            if any(at <= self.now for at, _ in self.gifts):
                self.post_charges()
            self._expire()

    def _pause(self, record: ModelRecord, reason: str) -> None:
        self._stop_timer(record)
        record.reason, record.paused_at, record.waiting_since = reason, self.now, self.now

    def _end(self, record: ModelRecord, reason: str) -> None:
        record.ended_at = self.now
        if record.state == "running":
            self._stop_timer(record)
        elif reason == "abandoned":
            record.ended_at = record.paused_at
        elif reason == "out_of_credit":
            record.ended_at = record.waiting_since
        held, record.state, record.reason = record.state == "requested", "ended", reason
        self.free_used[record.advisor] = record.free_before_ms + min(record.ran_ms, record.allowance_ms)
        if record.price.is_free_by_grace(record.ran_ms - record.allowance_ms):
            self.grace_used[record.advisor] = record.started_at
        del self.active[record.advisor]
        if held and any(at <= self.now for at, _ in self.gifts):
            self.post_charges()
            self._expire()

    def _start_timer(self, record: ModelRecord) -> None:
        self._wait(record, None)
        record.state, record.since = "running", self.now

    def _wait(self, record: ModelRecord, reason: str | None) -> None:
        """The record waits for `reason` from now on, or for nothing. An announced payment counts for one wait."""
        if record.reason == "out_of_credit":
            record.paying_until = 0
        record.reason, record.waiting_since = reason, self.now

    def _away(self, record: ModelRecord) -> str | None:
        """Who is absent where time would start: the lease has ended, or the page has closed and nobody is back."""
        if record.user_until <= self.now or record.user_left:
            return "user_away"
        return "advisor_away" if record.advisor_until <= self.now or record.advisor_left else None

    def _away_for_act(self, record: ModelRecord) -> str | None:
        """The same for an act: who starts at once vouches for an advisor whose page has just closed."""
        away = self._away(record)
        is_vouched_for = record.starts == "at_once" and record.advisor_until > self.now
        return None if away == "advisor_away" and is_vouched_for else away

    def _start_timer_or_wait(self, record: ModelRecord) -> None:
        """Start the timer if both parties are there. If not, the record waits for the absent party."""
        away = self._away_for_act(record)
        if away is None:
            self._start_timer(record)
        elif record.reason != away:
            record.state = "paused"
            self._wait(record, away)

    def _prove_by_act(self, record: ModelRecord, *, by_user: bool = True) -> None:
        """An act proves presence. A record that starts at once also gives an absent advisor one lease to arrive."""
        if by_user:
            record.user_until, record.user_left = max(record.user_until, self.now + LEASE_MS), False
        is_vouched_for = record.starts == "at_once" and record.advisor_until > self.now
        is_absent = (record.advisor_until <= self.now or record.advisor_left) and not is_vouched_for
        if is_absent and (not by_user or record.starts == "at_once"):
            record.advisor_until, record.advisor_left = self.now + LEASE_MS, False

    def _affordable(self, record: ModelRecord) -> bool:
        return record.committed(self.now) <= self.available

    # What people do.

    def credit(self, amount: int, kind: str = "purchase", gift: int = 0, expires_at: int = _NEVER) -> str | None:
        """Add credit that was bought, given or given back, and resume the records that are out of credit."""
        if self.gifts or gift:
            self.post_charges()
        if gift:
            self.had_gifts = True
            lots = dict(self.gifts)
            lots[expires_at] = lots.get(expires_at, 0) + gift
            self.gifts = sorted(lots.items())
        self.balance += amount
        self.entries.append((kind, amount))
        waiting = [record for record in self.active.values() if record.reason == "out_of_credit"]
        for record in sorted(waiting, key=lambda record: (record.waiting_since, record.started_at, record.id)):
            if not self._affordable(record):
                continue
            away = self._away(record)
            if away is None:
                self._start_timer(record)
            else:
                self._wait(record, away)
        return None

    def pay(self, duration_ms: int) -> str | None:
        """Somebody is paying: each record that is out of credit, or will be, waits longer, once in a wait."""
        if duration_ms > 900_000:
            return "invalid_request"
        for record in self.active.values():
            until = self.now + duration_ms
            is_waiting = record.reason == "out_of_credit"
            is_usual_wait = record.recharge_until == record.waiting_since + RECHARGE_MS
            if not is_waiting:
                record.paying_until = max(until, record.paying_until)
            elif is_usual_wait and until > record.recharge_until:
                record.paying_until = until
        return None

    def debit(self, amount: int) -> str | None:
        if amount > self.available:
            return "insufficient_credit"
        if self.gifts:
            self.post_charges()
            self._spend_gifts(amount, valid=True)
        self.balance -= amount
        self.entries.append(("debit", -amount))
        return None

    def refund(self, record: ModelRecord, amount: int) -> str | None:
        """Give back at most what was charged. Bought credit comes back first."""
        charged = record.cost(self.now) if record.state == "running" else record.charged
        if not 0 < amount <= charged - record.refunded:
            return "conflict"
        if record.state == "running":
            self.post_charges()
        gift = amount - min(amount, record.charged - record.by_gift - record.refunded + record.refunded_gift)
        record.refunded += amount
        record.refunded_gift += gift
        return self.credit(amount, "refund", gift)

    def track(self, chat: str, advisor: str) -> str | None:
        if self.advisor_of.get(chat, advisor) != advisor:
            return "conflict"
        record = self.active.get(advisor)
        if record is None:
            price = self.prices[advisor]
            if self.now - self.grace_used.get(advisor, -_NEVER) < DAY_MS:
                price = price.without_grace()
            record = ModelRecord(advisor, chat, price, self.free_used.get(advisor, 0), self.now)
            record.terms = self.terms.get(advisor, record.terms)
            record.starts, ring_ms = self.starts.get(advisor, ("at_once", 0))
            record.paused_at = self.now
            if not self._affordable(record):
                return "insufficient_credit"
            self.active[advisor] = record
            self.records.append(record)
            if record.starts == "accepted":
                record.state, record.ring_until = "requested", self.now + ring_ms
        elif record.state in {"running", "requested"} and record.chat == chat:
            return None
        elif record.state == "running":
            self._stop_timer(record)
        elif record.state == "paused" and not self._affordable(record):
            return "insufficient_credit"
        record.chat = chat
        self.advisor_of[chat], self.latest[chat] = advisor, record
        self._prove_by_act(record)
        if record.state != "requested":
            self._start_timer_or_wait(record)
        return None

    def accept(self, chat: str) -> str | None:
        record = self._current(chat)
        if isinstance(record, str):
            return record
        if record.state == "requested":
            self._prove_by_act(record, by_user=False)
            self._start_timer_or_wait(record)
        return None

    def decline(self, chat: str) -> str | None:
        latest = self.latest.get(chat)
        if latest is not None and latest.state == "ended":
            return None
        record = self._current(chat)
        if isinstance(record, str):
            return record
        if record.state != "requested":
            return "conflict"
        self._end(record, "declined")
        return None

    def _current(self, chat: str) -> ModelRecord | str:
        record = self.latest.get(chat)
        if record is None:
            return "not_found"
        return "conflict" if record.state == "ended" or record.chat != chat else record

    def pause(self, chat: str, *, by_user: bool = True) -> str | None:
        record = self._current(chat)
        if isinstance(record, str):
            return record
        if record.state == "requested":
            return "conflict"
        # What the user pauses too is no longer the advisor's own pause.
        record.paused_by_user = by_user or (record.reason == "paused" and record.paused_by_user)
        if record.state == "running":
            self._pause(record, "paused")
        elif record.reason != "paused":
            self._wait(record, "paused")
        return None

    def resume(self, chat: str, *, by_user: bool = True) -> str | None:
        record = self._current(chat)
        if isinstance(record, str):
            return record
        if record.state == "running":
            return None
        if record.state == "requested":
            return "conflict"
        is_own_pause = record.reason == "paused" and not record.paused_by_user
        if not by_user and (not is_own_pause or self._away(record) == "user_away"):
            return "conflict"
        if not self._affordable(record):
            return "insufficient_credit"
        self._prove_by_act(record, by_user=by_user)
        self._start_timer_or_wait(record)
        return None

    def stop(self, chat: str) -> str | None:
        record = self.latest.get(chat)
        if record is None:
            return "not_found"
        if record.state != "ended":
            self._end(record, "stopped")
        return None

    def heartbeat(self, chat: str, *, by_user: bool) -> str | None:
        record = self.latest.get(chat)
        if record is None:
            return "not_found"
        if record.state == "ended" or record.chat != chat:
            return None
        if by_user:
            record.user_until, record.user_left = max(record.user_until, self.now + LEASE_MS), False
        else:
            record.advisor_until, record.advisor_left = max(record.advisor_until, self.now + LEASE_MS), False
        if record.reason in {"user_away", "advisor_away"} and self._away(record) is None:
            if self._affordable(record):
                self._start_timer(record)
            else:
                self._wait(record, "out_of_credit")
        return None

    def leave(self, chat: str, *, by_user: bool) -> str | None:
        """A page closes. In the model nobody has a socket, so the party is gone. No time starts until it is back."""
        record = self.latest.get(chat)
        if record is None:
            return "not_found"
        lease_until = record.user_until if by_user else record.advisor_until
        # The page of a chat that the record has left counts until the party has proved presence in the record's chat.
        has_come = record.chat != chat and record.state == "running" and lease_until > record.since + LEASE_MS
        if record.state != "ended" and not has_come:
            until = self.now + LEAVE_MS
            if by_user:
                record.user_until, record.user_left = min(record.user_until, until), True
            else:
                record.advisor_until, record.advisor_left = min(record.advisor_until, until), True
        return None

    def post_charges(self) -> None:
        for record in self.running():
            self._post(record, self.now)
