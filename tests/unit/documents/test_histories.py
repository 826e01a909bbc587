"""Whatever happens to a pair, in whatever order: each record's charges add up to the price of its own time.

The stories have pauses, switches, postings, leases that end and begin again, top-ups, changes of the tariff, and
people who look in between. The totals are compared with the oracle, which knows only the segments.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from talktime.core import credit, meter
from talktime.core.entries import EntryKind
from talktime.core.errors import InsufficientCredit
from talktime.core.payer import Payer
from talktime.core.posting import post_all
from talktime.core.record import Party, Record
from talktime.core.steps import EntryPosted, RecordEnded, TimerStopped
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.documents.account import Entry
from talktime.documents.receipt import Receipt, SegmentView, SharedEntry, cause_of, receipt
from talktime.documents.verification import verify
from tests.unit import oracle
from tests.unit.builders import DURATIONS
from tests.unit.tariffs import documents

DOCUMENTS: Final = st.lists(documents(1000), min_size=1, max_size=3)
TERMS: Final = Terms(share_ppm=333_333, fee_per_minute=70_001, fee_per_session=10_000)
ACTS: Final = [
    *("start", "start", "switch", "pause", "stop", "post", "look", "credit", "debit", "change_tariff"),
    *("user", "advisor", "both", "both", "both"),
]
STORY: Final = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 25_000) | st.integers(0, 200_000)),
    max_size=25,
)


class Pair:
    """A user and an advisor, and their acts."""

    def __init__(self, tariffs: list[dict[str, Any]], credit: int) -> None:
        self.tariffs = tariffs
        self.current = 0
        self.documents: dict[str, dict[str, Any]] = {}
        self.payer = Payer("user", credit, 0, {}, {})
        self.now = 0
        self.chats = 0

    @property
    def record(self) -> Record | None:
        """The active record."""
        return self.payer.active_with("advisor")

    def act(self, what: str) -> None:
        """Play one act at this instant. An act that is refused changes nothing."""
        self.payer = meter.settle(self.payer, self.now, DURATIONS)
        with suppress(InsufficientCredit):
            self.payer = getattr(self, what)()

    def look(self) -> Payer:
        return self.payer

    def change_tariff(self) -> Payer:
        self.current = (self.current + 1) % len(self.tariffs)
        return self.payer

    def credit(self) -> Payer:
        return credit.add(self.payer, EntryPosted(1_234_567, EntryKind.PURCHASE, self.now))

    def debit(self) -> Payer:
        return credit.debit(self.payer, EntryPosted(-300_000, EntryKind.DEBIT, self.now))

    def post(self) -> Payer:
        return post_all(self.payer, self.now)

    def start(self) -> Payer:
        record = self.record
        if record is None:
            return self._started()
        return meter.track(self.payer, record, record.chat_id, self.now, DURATIONS)

    def switch(self) -> Payer:
        self.chats += 1
        record = self.record
        if record is None:
            return self._started()
        return meter.track(self.payer, record, f"chat {self.chats}", self.now, DURATIONS)

    def pause(self) -> Payer:
        return self.payer if self.record is None else meter.pause(self.payer, self.record, self.now)

    def stop(self) -> Payer:
        return self.payer if self.record is None else meter.stop(self.payer, self.record, self.now)

    def user(self) -> Payer:
        return self._proved(Party.USER)

    def advisor(self) -> Payer:
        return self._proved(Party.ADVISOR)

    def both(self) -> Payer:
        self.payer = self._proved(Party.USER)
        return self._proved(Party.ADVISOR)

    def _proved(self, party: Party) -> Payer:
        if self.record is None:
            return self.payer
        return meter.prove(self.payer, self.record, party, self.now + DURATIONS.lease_ms, self.now)

    def _started(self) -> Payer:
        record_id = str(len(self.documents))
        document = self.tariffs[self.current]
        record = Record(
            record_id,
            "user",
            "advisor",
            "chat",
            Tariff.parse(document),
            self.current,
            sum(free for _, free in self.times()),
            self.now,
            self.now,
            terms=TERMS,
        )
        payer = meter.start(self.payer, record, self.now, DURATIONS)
        self.documents[record_id] = document
        return payer

    def segments(self, record_id: str) -> list[tuple[int, int]]:
        """The segments of a record, from the events."""
        return [
            (event.since, event.at)
            for event in self.payer.steps
            if isinstance(event, TimerStopped) and event.record.record_id == record_id
        ]

    def times(self) -> Iterable[tuple[int, int]]:
        """The elapsed and the free time of each record in turn. Earlier records use the allowance first."""
        used_ms = 0
        for record_id, document in self.documents.items():
            elapsed_ms = sum(end - begin for begin, end in self.segments(record_id))
            left_ms = max(0, oracle.milliseconds(document["free_seconds"]) - used_ms)
            free_ms = min(elapsed_ms, left_ms)
            used_ms += free_ms
            yield elapsed_ms, free_ms

    def receipt(self, record_id: str, at: int) -> Receipt:
        """The receipt of an ended record as of `at`, from the events."""
        (record,) = (
            e.record for e in self.payer.steps if isinstance(e, RecordEnded) and e.record.record_id == record_id
        )
        closed = [e for e in self.payer.steps if isinstance(e, TimerStopped) and e.record.record_id == record_id]
        posted = list(enumerate(self.charges(record_id)))
        return receipt(
            record,
            at,
            ("User", "Advisor"),
            [SegmentView(e.chat_id, e.since, e.at, e.at - e.since, e.reason, cause_of(e.reason, e.by)) for e in closed],
            [Entry(str(n), e.amount, e.gift, e.kind, e.at, record_id) for n, e in posted if e.kind != "share"],
            [
                SharedEntry(str(n), e.at, e.kind, e.amount, e.advisor_amount, -e.amount - e.advisor_amount, e.fees)
                for n, e in posted
            ],
        )

    def charges(self, record_id: str) -> list[EntryPosted]:
        """The entries that were posted for a record."""
        return [e for e in self.payer.steps if isinstance(e, EntryPosted) and e.record_id == record_id]


def played(tariffs: list[dict[str, Any]], credit: int, story: list[tuple[str, int]]) -> Pair:
    """The pair after the story, settled, with every record ended."""
    pair = Pair(tariffs, credit)
    for what, duration in story:
        pair.act(what)
        assert pair.payer.balance >= 0
        pair.now += duration
    pair.act("stop")
    return pair


@given(DOCUMENTS, st.integers(0, 20_000_000), STORY)
def test_the_sum_charged_is_the_price_of_the_total(
    tariffs: list[dict[str, Any]], credit: int, story: list[tuple[str, int]]
) -> None:
    pair = played(tariffs, credit, story)
    used_ms = 0
    for (record_id, document), (elapsed, free) in zip(pair.documents.items(), pair.times(), strict=True):
        allowance = max(0, oracle.milliseconds(document["free_seconds"]) - used_ms)
        used_ms += free
        charges = [posted for posted in pair.charges(record_id) if posted.kind == "charge"]
        assert -sum(charge.amount for charge in charges) == oracle.price(document, elapsed, allowance)
        assert all(charge.amount < 0 for charge in charges)
    posted = sum(event.amount for event in pair.payer.steps if isinstance(event, EntryPosted))
    assert pair.payer.balance == credit + posted >= 0
    ended = [event.record.record_id for event in pair.payer.steps if isinstance(event, RecordEnded)]
    assert ended == list(pair.documents)


@given(DOCUMENTS, st.integers(0, 20_000_000), STORY)
def test_segments_are_in_order_and_lie_within_leases(
    tariffs: list[dict[str, Any]], credit: int, story: list[tuple[str, int]]
) -> None:
    pair = played(tariffs, credit, story)
    segments = [segment for record_id in pair.documents for segment in pair.segments(record_id)]
    assert all(begin <= end for begin, end in segments)
    assert all(before[1] <= after[0] for before, after in pairwise(segments))
    # A person proves presence by an act or a heartbeat. A start gives the other party one lease to arrive.
    proofs = [0]
    for _, duration in story:
        proofs.append(proofs[-1] + duration)
    for begin, end in segments:
        proved = [at for at in proofs if at <= end]
        covered = [(at, at + DURATIONS.lease_ms) for at in proved]
        assert all(any(since <= at < until for since, until in covered) for at in range(begin, end, 5_000))


@given(DOCUMENTS, st.integers(0, 20_000_000), STORY, st.lists(st.integers(1, 10_000), min_size=1, max_size=4))
def test_the_division_of_the_time_changes_no_charge(
    tariffs: list[dict[str, Any]], credit: int, story: list[tuple[str, int]], cuts: list[int]
) -> None:
    """The same story with looks and postings put in at random instants."""
    cut_story: list[tuple[str, int]] = []
    for number, (what, duration) in enumerate(story):
        part = min(duration, cuts[number % len(cuts)])
        cut_story += [(what, part), (("look", "post")[number % 2], duration - part)]
    whole, cut = played(tariffs, credit, story), played(tariffs, credit, cut_story)
    assert whole.payer.balance == cut.payer.balance
    for record_id in whole.documents:
        assert whole.segments(record_id) == cut.segments(record_id)
        assert sum(c.amount for c in whole.charges(record_id)) == sum(c.amount for c in cut.charges(record_id))


@given(DOCUMENTS, st.integers(0, 20_000_000), STORY, st.integers(0, 1_000_000))
def test_receipts_of_a_story_are_right_as_of_any_instant(
    tariffs: list[dict[str, Any]], credit: int, story: list[tuple[str, int]], at: int
) -> None:
    pair = played(tariffs, credit, story)
    for record_id, document in pair.documents.items():
        whole = pair.receipt(record_id, pair.now)
        began = whole.record.started_at
        for earlier in (whole, pair.receipt(record_id, began + at % (pair.now - began + 1))):
            assert [check for check in verify(earlier.document()) if not check.holds] == []
            allowance = max(0, oracle.milliseconds(document["free_seconds"]) - earlier.free_ms_before)
            assert earlier.cost == oracle.price(document, earlier.elapsed_ms, allowance)
        assert whole.unposted == 0
