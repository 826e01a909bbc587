"""Receipts of random lives, from a seed, made by the real core without a database.

A user talks to two advisors on one account. Records start, switch chats, pause, resume, run out of credit, lose a
party, fail to start their timer and end; credit and gifts come, gifts expire, and refunds go back. What happened is
then told to the code that makes receipts, in the form in which the database tells it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Final

from talktime.core import credit, meter, refunds
from talktime.core.entries import BorneBy, EntryKind
from talktime.core.errors import TalktimeError
from talktime.core.payer import Durations, Payer
from talktime.core.posting import post_all
from talktime.core.record import Party, Record
from talktime.core.roles import Role
from talktime.core.steps import EntryPosted, TimerStopped
from talktime.documents import receipt as documents
from talktime.documents.account import Entry
from talktime.documents.receipt import Receipt, SegmentView, SharedEntry, cause_of
from tests.twins.tariffs import random_tariff, random_terms

TEN: Final = 1_767_607_200_000
ADVISORS: Final = ("ada", "ben")
BY: Final = (*Role, None)


def receipts(random: Random) -> Iterator[Receipt]:
    """The receipts of a life: each record as of the last instant of the life, and as of an earlier instant."""
    life = Life(random)
    for _ in range(random.randrange(5, 60)):
        life.act()
    life.settle()
    for record in life.records.values():
        yield life.receipt(record, life.now)
        yield life.receipt(record, random.randint(record.started_at, life.now))


class Life:
    """A user, the acts of the user and two advisors, and the records of the user as they are now."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = TEN + random.randrange(1000)
        self.durations = Durations(lease_ms=60_000, recharge_ms=120_000, abandon_ms=600_000)
        self.payer = Payer("user", random.choice([random.randrange(20_000_000), 500_000_000]), self.now, {}, {})
        self.records: dict[str, Record] = {}
        self.chats = 0

    def act(self) -> None:
        """Play one act, and let time pass until the next act. An act that is refused changes nothing."""
        self.settle()
        acts = [self.track, self.at_record, self.at_record, self.prove, self.prove, self.money]
        act = self.random.choice(acts if self.payer.records else [self.track, self.money])
        with suppress(TalktimeError):
            self.payer = act()
        self.settle()
        self.now += self.random.choice([0, self.random.randrange(5_000), self.random.randrange(30_000), 20_000])

    def settle(self) -> None:
        """Apply every deadline up to now, and keep the records as the deadlines left them."""
        self.payer = meter.settle(self.payer, self.now, self.durations)
        for event in self.payer.steps:
            if not isinstance(event, EntryPosted) and hasattr(event, "record"):
                self.records[event.record.record_id] = event.record
        self.records |= self.payer.records

    def track(self) -> Payer:
        """The user starts with an advisor, or switches to a chat. In one of five cases no timer can start."""
        advisor_id = self.random.choice(ADVISORS)
        payer = replace(self.payer, can_start_timers=self.random.random() < 0.8)
        record = self.payer.active_with(advisor_id)
        if record is not None:
            self.chats += self.random.random() < 0.5
            payer = meter.track(payer, record, f"chat {self.chats}", self.now, self.durations)
            return replace(payer, can_start_timers=True)
        tariff, terms = random_tariff(self.random), random_terms(self.random)
        free_ms_before = self.random.choice([0, 0, 12_345, 60_000])
        new = Record(
            *(f"record {len(self.records)}", "user", advisor_id, f"chat {self.chats}", tariff, 3, free_ms_before),
            *(self.now, self.now),
            terms=terms,
            grace_used_at=(None, self.now, self.now - 86_399_999)[len(self.records) % 3],
        )
        return replace(meter.start(payer, new, self.now, self.durations), can_start_timers=True)

    def at_record(self) -> Payer:
        """Somebody pauses, resumes or stops a record, or its charges are posted."""
        if not self.payer.records:
            return self.payer
        record = self.random.choice(list(self.payer.records.values()))
        by = self.random.choice(BY)
        match self.random.choice(["pause", "pause", "resume", "resume", "stop", *["post"] * 4]):
            case "pause":
                return meter.pause(self.payer, record, self.now, by)
            case "resume":
                return meter.resume(self.payer, record, self.now, self.durations, self.random.choice(list(Party)))
            case "stop":
                return meter.stop(self.payer, record, self.now, by)
            case _:
                return post_all(self.payer, self.now)

    def prove(self) -> Payer:
        """Prove the presence of each party of each record, in four of five cases."""
        for record_id in list(self.payer.records):
            for party in Party:
                record = self.payer.records[record_id]
                if self.random.random() < 0.8:
                    until = self.now + self.durations.lease_ms
                    self.payer = meter.prove(self.payer, record, party, until, self.now)
        return self.payer

    def money(self) -> Payer:
        """Credit is bought, given or spent elsewhere, or a part of a charge is given back."""
        amount = self.random.randrange(1, 5_000_000)
        match self.random.choice(["purchase", "gift", "debit", *["refund"] * 5]):
            case "purchase":
                return credit.add(self.payer, EntryPosted(amount, EntryKind.PURCHASE, self.now))
            case "gift":
                expires_at = self.random.choice([None, self.now + self.random.randrange(1, 200_000)])
                gift = EntryPosted(amount, EntryKind.GIFT, self.now, gift=amount, expires_at=expires_at)
                return credit.add(self.payer, gift)
            case "debit":
                return credit.debit(self.payer, EntryPosted(-min(amount, 300_000), EntryKind.DEBIT, self.now))
            case _:
                return self.refund()

    def refund(self) -> Payer:
        """Refund a part of the charge of a record. A random party bears the refund."""
        if not self.records:
            return self.payer
        record = self.random.choice(list(self.records.values()))
        totals = refunds.EntryTotals().after(self.payer.steps, record.record_id)
        if totals.refundable == 0:
            return self.payer
        amount = self.random.choice([totals.refundable, self.random.randint(1, totals.refundable)])
        wish = refunds.RefundRequest("A bad line", self.random.choice(list(BorneBy)), amount)
        payer, _, _ = refunds.refund(self.payer, record, refunds.EntryTotals(), wish, self.now)
        return payer

    def receipt(self, record: Record, at: int) -> Receipt:
        """The receipt of a record as of `at`. A running record is posted first, as the service does."""
        if record.is_running:
            self.payer = post_all(self.payer, self.now)
            self.records |= self.payer.records
            record = self.records[record.record_id]
        return documents.receipt(
            record,
            at,
            ("Ulla", "Anna \N{SNOWMAN}"),
            list(self._segments(record)),
            [entry for entry, _ in self._entries(record.record_id) if entry.kind != "share"],
            [shared for _, shared in self._entries(record.record_id)],
        )

    def _segments(self, record: Record) -> Iterator[SegmentView]:
        for event in self.payer.steps:
            if isinstance(event, TimerStopped) and event.record.record_id == record.record_id:
                cause = cause_of(event.reason, event.by)
                yield SegmentView(event.chat_id, event.since, event.at, event.at - event.since, event.reason, cause)
        if record.running_since is not None:
            since = record.running_since
            yield SegmentView(record.chat_id, since, None, self.now - since, None)

    def _entries(self, record_id: str) -> Iterator[tuple[Entry, SharedEntry]]:
        for number, event in enumerate(self.payer.steps):
            if isinstance(event, EntryPosted) and event.record_id == record_id:
                platform = -event.amount - event.advisor_amount
                yield (
                    Entry(
                        *(str(number), event.amount, event.gift, event.kind, event.at, record_id),
                        reason=event.reason,
                    ),
                    SharedEntry(
                        *(str(number), event.at, event.kind, event.amount, event.advisor_amount, platform),
                        *(event.fees, event.borne_by),
                    ),
                )
