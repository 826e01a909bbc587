"""A story: steps that the meter and the slow reference both take, and must agree on after each."""

from __future__ import annotations

from typing import Any, Final

from talktime.core import credit, meter
from talktime.core.entries import EntryKind
from talktime.core.errors import InsufficientCredit
from talktime.core.payer import Durations, Payer
from talktime.core.posting import post_all
from talktime.core.record import Party, Record
from talktime.core.steps import EntryPosted
from talktime.core.tariff import Tariff
from tests.unit.reference import Reference, ReferenceRecord

RECORDS_MAX: Final = 3
_FOREVER_MS: Final = 10**12
_DURATIONS: Final = Durations(lease_ms=_FOREVER_MS, recharge_ms=_FOREVER_MS, abandon_ms=_FOREVER_MS)

Step = tuple[str, Any]
"""A step and its argument: `start` with a tariff and an allowance, `wait` with milliseconds, and so on."""


class Story:
    """A payer in the meter and in the reference."""

    def __init__(self, balance: int) -> None:
        self.reference = Reference(balance)
        self.payer = Payer("user", balance, 0, {}, {})

    def play(self, steps: list[Step]) -> None:
        """Take the steps, and compare after each."""
        for name, argument in steps:
            self.step(name, argument)

    def step(self, name: str, argument: Any = None) -> None:
        """Take one step, which the meter and the reference must both accept or both refuse."""
        if name == "wait":  # the meter learns of passed time only at the next step
            self.reference.wait(argument)
            return
        now = self.reference.now
        settled = meter.settle(self.payer, now, _DURATIONS)
        try:
            self.payer, is_accepted = self._step_of_meter(settled, name, argument), True
        except InsufficientCredit:
            self.payer, is_accepted = settled, False
        assert is_accepted == self._step_of_reference(name, argument), name
        self.payer = meter.settle(self.payer, now, _DURATIONS)
        self._compare()

    def charged(self) -> dict[str | None, int]:
        """The sum of the posted charges of each record."""
        charges: dict[str | None, int] = {}
        for event in self.payer.steps:
            if isinstance(event, EntryPosted) and event.kind == "charge":
                charges[event.record_id] = charges.get(event.record_id, 0) - event.amount
        return charges

    def _step_of_meter(self, payer: Payer, name: str, argument: Any) -> Payer:
        now = self.reference.now
        if name == "start" and len(self.reference.records) < RECORDS_MAX:
            document, allowance_ms = argument
            number = str(len(self.reference.records))
            # The record's allowance is the tariff's free time minus the free time that was used before.
            document["free_seconds"] = max(document["free_seconds"], allowance_ms / 1000)
            tariff = Tariff.parse(document)
            record = Record(number, "user", number, number, tariff, 1, tariff.free_ms - allowance_ms, now, now)
            return meter.start(payer, record, now, _DURATIONS)
        if name == "credit":
            return credit.add(payer, EntryPosted(argument, EntryKind.PURCHASE, now))
        if name == "debit":
            return credit.debit(payer, EntryPosted(-argument, EntryKind.DEBIT, now))
        if name == "post":
            return post_all(payer, now)
        active = payer.records.get(str(argument)) if name in {"pause", "resume", "stop"} else None
        if active is None:
            return payer
        return {
            "pause": lambda: meter.pause(payer, active, now),
            "resume": lambda: meter.resume(payer, active, now, _DURATIONS, Party.USER),
            "stop": lambda: meter.stop(payer, active, now),
        }[name]()

    def _step_of_reference(self, name: str, argument: Any) -> bool:
        reference = self.reference
        if name == "start" and len(reference.records) < RECORDS_MAX:
            return reference.start(*argument)
        if name == "credit":
            reference.credit(argument)
        elif name == "debit":
            return reference.debit(argument)
        elif name == "post":
            reference.post_charges()
        elif name in {"pause", "resume", "stop"} and argument < len(reference.records):
            return self._person_acts(name, reference.records[argument])
        return True

    def _person_acts(self, name: str, record: ReferenceRecord) -> bool:
        if name == "pause" and record.state != "ended":
            self.reference.pause(record)
        elif name == "resume" and record.state == "paused":
            return self.reference.resume(record)
        elif name == "stop" and record.state != "ended":
            self.reference.stop(record)
        return True

    def _compare(self) -> None:
        now, reference = self.reference.now, self.reference
        assert self.payer.balance == reference.balance >= 0
        assert self.payer.available_at(now) == reference.available
        for expected in reference.records:
            if expected.state == "ended":
                assert str(expected.number) not in self.payer.records
                continue
            record = self.payer.records[str(expected.number)]
            assert (record.state.value, record.reason and record.reason.value) == (expected.state, expected.reason)
            assert record.elapsed_at(now) == expected.elapsed_ms
            assert record.charged == expected.charged
            assert record.cost_at(now) == expected.cost
