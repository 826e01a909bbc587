"""Several meters on one balance, against a reference that plays every millisecond."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import given, note, settings
from hypothesis import strategies as st

from talktime.core import credit, meter
from talktime.core.cuts import find_cuts
from talktime.core.errors import InsufficientCredit
from talktime.core.events import EntryPosted
from talktime.core.payer import Payer, Rules
from talktime.core.record import Party, Record
from talktime.core.tariff import Tariff
from tests.unit.reference import Reference, Session
from tests.unit.tariffs import allowances, amounts, documents

EVER: Final = 10**12
RULES: Final = Rules(lease_ms=EVER, recharge_ms=EVER, abandon_ms=EVER)
METERS_MAX: Final = 3
HORIZON_MS: Final = 250

Step = tuple[str, Any]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.tuples(documents(costs=True), allowances)),
        st.tuples(st.just("start"), st.tuples(documents(), allowances)),
        st.tuples(st.just("wait"), st.integers(0, 60)),
        st.tuples(st.just("wait"), st.integers(0, 60)),
        st.tuples(st.sampled_from(["pause", "resume", "stop"]), st.integers(0, METERS_MAX - 1)),
        st.tuples(st.sampled_from(["credit", "debit"]), st.integers(1, 5_000_000)),
        st.tuples(st.sampled_from(["look", "checkpoint"]), st.none()),
    ),
    max_size=10,
)


class Both:
    """The meter and its reference, told the same."""

    def __init__(self, credit: int) -> None:
        self.reference = Reference(credit)
        self.payer = Payer("user", credit, 0, {}, {})

    def record(self, session: Session) -> Record:
        """The meter's record of this session, if it has not ended."""
        return self.payer.records[str(session.number)]

    def step(self, what: str, value: Any) -> None:
        """Do one thing to both, and see that they agree on whether it may be done."""
        if what == "wait":  # the meter learns of it only when something happens
            self.reference.wait(value)
            return
        now = self.reference.now
        payer = meter.settle(self.payer, now, RULES)
        try:
            self.payer, accepted = self._command(payer, what, value), True
        except InsufficientCredit:
            self.payer, accepted = payer, False
        assert accepted == self._model(what, value), what
        self.payer = meter.settle(self.payer, now, RULES)
        self.compare()

    def _command(self, payer: Payer, what: str, value: Any) -> Payer:
        now = self.reference.now
        if what == "start" and len(self.reference.sessions) < METERS_MAX:
            document, allowance_ms = value
            number = str(len(self.reference.sessions))
            # The record's allowance is the tariff's free time minus what was used before.
            document["free_seconds"] = max(document["free_seconds"], allowance_ms / 1000)
            tariff = Tariff.parse(document)
            record = Record(number, "user", number, number, tariff, 1, tariff.free_ms - allowance_ms, now, now)
            return meter.start(payer, record, now, RULES)
        if what == "credit":
            return credit.add(payer, EntryPosted(value, "purchase", now), RULES)
        if what == "debit":
            return credit.debit(payer, EntryPosted(-value, "debit", now))
        if what == "checkpoint":
            return meter.checkpoint(payer, now)
        found = payer.records.get(str(value)) if what in {"pause", "resume", "stop"} else None
        if found is None:
            return payer
        return {
            "pause": lambda: meter.pause(payer, found, now),
            "resume": lambda: meter.resume(payer, found, now, RULES, Party.USER),
            "stop": lambda: meter.stop(payer, found, now),
        }[what]()

    def _model(self, what: str, value: Any) -> bool:
        reference = self.reference
        if what == "start" and len(reference.sessions) < METERS_MAX:
            return reference.start(*value)
        if what == "credit":
            reference.credit(value)
        elif what == "debit":
            return reference.debit(value)
        elif what == "checkpoint":
            reference.checkpoint()
        elif what in {"pause", "resume", "stop"} and value < len(reference.sessions):
            session = reference.sessions[value]
            if what == "pause" and session.state != "ended":
                reference.pause(session)
            elif what == "resume" and session.state == "paused":
                return reference.resume(session)
            elif what == "stop" and session.state != "ended":
                reference.stop(session)
        return True

    def compare(self) -> None:
        """They agree on everything."""
        now, reference = self.reference.now, self.reference
        assert self.payer.balance == reference.posted >= 0
        assert self.payer.available_at(now) == reference.available
        for session in reference.sessions:
            if session.state == "ended":
                assert str(session.number) not in self.payer.records
                continue
            record = self.record(session)
            assert (record.state.value, record.reason and record.reason.value) == (session.state, session.reason)
            assert record.elapsed_at(now) == session.elapsed_ms
            assert record.charged == session.charged
            assert record.cost_at(now) == session.cost

    def charged(self) -> dict[str | None, int]:
        """What was posted for each record."""
        charges: dict[str | None, int] = {}
        for event in self.payer.events:
            if isinstance(event, EntryPosted) and event.kind == "charge":
                charges[event.record_id] = charges.get(event.record_id, 0) - event.amount
        return charges


@settings(max_examples=2 * settings().max_examples)  # the rarer meetings of two meters need some luck
@given(amounts, steps)
def test_the_meter_agrees_with_one_that_looks_at_every_instant(credit: int, story: list[Step]) -> None:
    both = Both(credit)
    for what, value in story:
        both.step(what, value)
    both.step("wait", 50)
    both.step("look", None)
    credited = sum(e.amount for e in both.payer.events if isinstance(e, EntryPosted) and e.kind != "charge")
    charged = both.charged()
    assert sum(charged.values()) == credit + credited - both.payer.balance
    assert charged == {str(s.number): s.charged for s in both.reference.sessions if s.charged}


@settings(max_examples=settings().max_examples // 2)  # each plays a quarter of a second
@given(amounts, steps, st.integers(0, 30))
def test_a_cut_told_in_advance_is_the_one_that_comes(credit: int, story: list[Step], later: int) -> None:
    both = Both(credit)
    for what, value in story:
        both.step(what, value)
    both.step("wait", later)
    both.step("look", None)
    told = find_cuts(both.payer)
    note(f"told at {both.reference.now}: {told}")
    begun = both.reference.now
    for _ in range(HORIZON_MS):
        before = {session.number for session in both.reference.running}
        both.reference.wait(1)
        for number in before - {session.number for session in both.reference.running}:
            session = both.reference.sessions[number]
            assert told.pop(str(number)) == (both.reference.now, session.reason)
    assert all(cut.at > begun + HORIZON_MS for cut in told.values())
