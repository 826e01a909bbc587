"""Presence proofs: which seats are held, silent or vacated, and which proof counts for each."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from talktime.core.proofs import Proofs, Seat
from talktime.core.record import Party

SEAT: Final = ("chat", Party.USER)
OTHER: Final = ("chat", Party.ADVISOR)


def test_the_newest_proof_of_two_tabs_counts_whichever_closes_first() -> None:
    proofs: Proofs[str] = Proofs()
    proofs.watch("first tab", SEAT, 0.0)
    proofs.watch("second tab", SEAT, 1.0)
    proofs.prove("first tab", 60.0)
    proofs.unwatch("first tab")
    assert proofs.last_proof(SEAT) == 60.0
    proofs.unwatch("second tab")
    assert proofs.vacated() == {SEAT: 60.0}


def test_a_seat_that_does_not_answer_a_beat_falls_silent_and_answers_again() -> None:
    proofs: Proofs[str] = Proofs()
    proofs.watch("user", SEAT, 0.0)
    proofs.watch("advisor", OTHER, 0.0)
    proofs.begin_beat()
    assert proofs.prove("advisor", 11.0) == set()
    assert proofs.end_beat(10.0) == [SEAT]
    assert proofs.oldest_proof(12.0) == 11.0
    # A silent seat has to answer no further beat, and is told as silent once.
    proofs.begin_beat()
    proofs.prove("advisor", 21.0)
    assert proofs.has_unanswered is False
    assert proofs.end_beat(20.0) == []
    assert proofs.prove("user", 25.0) == {SEAT}
    assert proofs.answering() == {SEAT, OTHER}


def test_a_later_proof_of_a_vacated_seat_is_not_lost_while_an_earlier_one_is_stored() -> None:
    proofs: Proofs[str] = Proofs()
    proofs.watch("tab", SEAT, 1.0)
    proofs.unwatch("tab")
    stored = proofs.vacated()
    proofs.watch("tab", SEAT, 2.0)
    proofs.unwatch("tab")
    proofs.mark_stored(SEAT, stored[SEAT])
    assert proofs.vacated() == {SEAT: 2.0}


def test_a_socket_that_proves_nothing_for_a_whole_lease_has_lapsed() -> None:
    proofs: Proofs[str] = Proofs()
    proofs.watch("tab", SEAT, 0.0)
    assert proofs.lapsed(29.9, 30.0) == []
    assert proofs.lapsed(30.0, 30.0) == ["tab"]


SOCKETS: Final = st.sampled_from(["a", "b", "c"])
SEATS: Final = st.sampled_from([("one", Party.USER), ("one", Party.ADVISOR), ("two", Party.USER)])


class ProofsMachine(RuleBasedStateMachine):
    """Plays sockets at random against a list of all proofs, of which the largest must always count."""

    @initialize()
    def begin(self) -> None:
        self.proofs: Proofs[str] = Proofs()
        self.now = 0.0
        self.held: dict[str, set[Seat]] = {}
        self.last: dict[Seat, float] = {}  # the latest proof since somebody sat down on an empty seat
        self.began = 0.0

    def is_held(self, seat: Seat) -> bool:
        return any(seat in seats for seats in self.held.values())

    def note(self, seat: Seat) -> None:
        self.last[seat] = self.now

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(socket=SOCKETS, seat=SEATS)
    def watch(self, socket: str, seat: Seat) -> None:
        self.proofs.watch(socket, seat, self.now)
        self.held.setdefault(socket, set()).add(seat)
        for each in self.held[socket]:
            self.note(each)

    @rule(socket=SOCKETS)
    def prove(self, socket: str) -> None:
        self.proofs.prove(socket, self.now)
        for seat in self.held.get(socket, ()):
            self.note(seat)

    @rule(socket=SOCKETS, chat_id=st.sampled_from(["one", "two", None]))
    def unwatch(self, socket: str, chat_id: str | None) -> None:
        self.proofs.unwatch(socket, chat_id)
        given_up = {seat for seat in self.held.get(socket, ()) if chat_id in (None, seat[0])}
        if socket in self.held:
            self.held[socket] -= given_up
            if chat_id is None:
                del self.held[socket]
        for seat in given_up:
            if not self.is_held(seat):
                assert self.proofs.vacated()[seat] == self.last[seat]

    @rule()
    def beat(self) -> None:
        silent = self.proofs.end_beat(self.began)
        assert all(self.last[seat] < self.began for seat in silent)
        self.now += 1
        self.began = self.now
        self.proofs.begin_beat()

    @invariant()
    def the_last_proof_of_each_held_seat_is_the_latest_of_all_its_sockets(self) -> None:
        for seat in self.proofs.seats():
            assert self.is_held(seat)
            assert self.proofs.last_proof(seat) == self.last[seat]

    @invariant()
    def the_oldest_proof_is_not_later_than_that_of_any_seat_that_answers(self) -> None:
        oldest = self.proofs.oldest_proof(self.now)
        assert all(oldest <= self.last[seat] for seat in self.proofs.answering())


TestProofs = ProofsMachine.TestCase
