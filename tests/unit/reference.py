"""Several records on one balance, played millisecond by millisecond: the slow and obvious meter.

The reference looks at every instant. A running record owes each increment from the instant at which the increment
begins. The increments of all records are paid in the order of their instants; in one millisecond the record that
started first pays first. A record whose increment can't be paid is cut at once, or at the end of its grace if this
comes later. Nobody is ever away.

The reference shares no code with `talktime.core`. Money is in micro-credits, time in milliseconds, both integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tests.unit import oracle
from tests.unit.oracle import Document


@dataclass
class ReferenceRecord:
    """A record. `number` is its place in the order of starts."""

    number: int
    tariff: Document
    allowance_ms: int
    elapsed_ms: int = 0
    charged: int = 0
    state: Literal["running", "paused", "ended"] = "running"
    reason: str | None = None
    waiting_since: int = 0
    begun: list[tuple[int, int]] = field(default_factory=list)
    """Since the timer started: each instant at which the begun cost rose, and the begun cost from then on."""
    _prices: dict[tuple[int, bool], int] = field(default_factory=dict)

    def price(self, elapsed_ms: int, *, grace: bool = True) -> int:
        """The price of this much time. Prices are kept, because each is asked for often."""
        key = (elapsed_ms, grace)
        if key not in self._prices:
            self._prices[key] = oracle.price(self.tariff, elapsed_ms, self.allowance_ms, grace=grace)
        return self._prices[key]

    @property
    def cost(self) -> int:
        """The price of the elapsed time."""
        return self.price(self.elapsed_ms)

    @property
    def begun_cost(self) -> int:
        """The cost of all time that the record has begun, if it runs."""
        return self.price(self.elapsed_ms + 1, grace=False)

    @property
    def committed(self) -> int:
        """What the record has begun to owe beyond what is charged, if it runs."""
        return max(0, self.begun_cost - self.charged)

    @property
    def is_at_maximum(self) -> bool:
        """Whether one millisecond more would cost more than a maximum that stops the record."""
        if self.tariff["max_cost"] is None or self.tariff["at_max_cost"] == "free":
            return False
        return self.price(self.elapsed_ms + 1) > oracle.micros(self.tariff["max_cost"])

    @property
    def is_in_grace(self) -> bool:
        """Whether the next millisecond costs nothing because of the grace."""
        grace_ms = oracle.milliseconds(self.tariff["grace_seconds"])
        return grace_ms > 0 and self.elapsed_ms < self.allowance_ms + grace_ms


class Reference:
    """A payer."""

    def __init__(self, balance: int) -> None:
        self.now = 0
        self.balance = balance
        self.records: list[ReferenceRecord] = []

    @property
    def running(self) -> list[ReferenceRecord]:
        """The running records, in the order of their starts."""
        return [record for record in self.records if record.state == "running"]

    @property
    def available(self) -> int:
        """What can be spent."""
        return max(0, self.balance - sum(record.committed for record in self.running))

    def start(self, tariff: Document, allowance_ms: int) -> bool:
        """Start a record; False if the credit can't pay for the start."""
        record = ReferenceRecord(len(self.records), tariff, allowance_ms)
        if record.committed > self.available:
            return False
        self.records.append(record)
        self._start_timer(record)
        self._cut()
        return True

    def pause(self, record: ReferenceRecord) -> None:
        """Pause the record, as a person's act."""
        if record.state == "running":
            self._post(record)
        record.state, record.reason = "paused", "paused"

    def resume(self, record: ReferenceRecord) -> bool:
        """Resume the record; False if the credit can't pay for the resume."""
        if record.committed > self.available:
            return False
        self._start_timer(record)
        self._cut()
        return True

    def stop(self, record: ReferenceRecord) -> None:
        """End the record, as a person's act."""
        if record.state == "running":
            self._post(record)
        record.state, record.reason = "ended", "stopped"

    def post_charges(self) -> None:
        """Post all running records."""
        for record in self.running:
            self._post(record)

    def credit(self, amount: int) -> None:
        """Add credit. Records that are out of credit resume, the record that was cut first before the others."""
        self.balance += amount
        waiting = [record for record in self.records if record.reason == "out_of_credit"]
        for record in sorted(waiting, key=lambda r: (r.waiting_since, r.number)):
            if record.state == "paused" and record.committed <= self.available:
                self._start_timer(record)
        self._cut()

    def debit(self, amount: int) -> bool:
        """Spend credit elsewhere; False if this much is not available."""
        if amount > self.available:
            return False
        self.balance -= amount
        return True

    def wait(self, duration_ms: int) -> None:
        """Let time pass."""
        for _ in range(duration_ms):
            self.now += 1
            for record in self.running:
                record.elapsed_ms += 1
                self._begin(record)
            self._cut()

    def _start_timer(self, record: ReferenceRecord) -> None:
        record.state, record.reason, record.begun = "running", None, []
        self._begin(record)

    def _begin(self, record: ReferenceRecord) -> None:
        if not record.begun or record.begun_cost > record.begun[-1][1]:
            record.begun.append((self.now, record.begun_cost))

    def _post(self, record: ReferenceRecord) -> None:
        charge = record.cost - record.charged
        assert 0 <= charge <= self.balance
        record.charged += charge
        self.balance -= charge

    def _cut(self) -> None:
        """End records at their maximum, then pause records that can't pay and whose grace is over."""
        for record in self.running:
            if record.is_at_maximum:
                self._post(record)
                record.state, record.reason = "ended", "max_cost"
        while cut := [record for record in self._unpaid() if not record.is_in_grace]:
            self._post(cut[0])
            cut[0].state, cut[0].reason, cut[0].waiting_since = "paused", "out_of_credit", self.now

    def _unpaid(self) -> list[ReferenceRecord]:
        """The records that the balance can't pay, in the order of the first increments that it can't pay."""
        left, held = self.balance, dict.fromkeys(range(len(self.records)), 0)
        unpaid: list[ReferenceRecord] = []
        begun = sorted((at, record.number, cost) for record in self.running for at, cost in record.begun)
        for _, number, cost in begun:
            record = self.records[number]
            more = max(0, cost - record.charged) - held[number]
            if record not in unpaid and more > left:
                unpaid.append(record)
            elif record not in unpaid:
                left -= more
                held[number] += more
        return unpaid
