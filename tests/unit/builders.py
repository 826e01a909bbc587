"""Tariffs, payers and records for the tests of the core, each in a few words.

Every story begins at `START`, with leases that outlast the story unless a test chooses other durations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from talktime.core import credit, meter
from talktime.core.entries import EntryKind
from talktime.core.money import MICRO
from talktime.core.payer import Durations, Payer, SocketLease
from talktime.core.record import Party, Reason, Record
from talktime.core.steps import EntryPosted, RecordEnded, TimerStopped
from talktime.core.tariff import Tariff
from talktime.core.terms import NO_TERMS, Terms

MINUTE: Final = 60_000
START: Final = 1_000_000
LONG: Final = 10**9
"""Longer than any story, in milliseconds."""

DURATIONS: Final = Durations(lease_ms=30_000, recharge_ms=120_000, abandon_ms=600_000)
LONG_LEASES: Final = replace(DURATIONS, lease_ms=LONG)
"""Both parties stay present without any further proof."""


def minute_tariff(rate: str = "1.00", increment_seconds: float = 60, **fields: Any) -> Tariff:
    """A tariff with one rate for each minute."""
    return Tariff.parse({"tiers": [{"rate": rate, "increment_seconds": increment_seconds}], **fields})


def payer_with(bought: float = 0) -> Payer:
    """A payer who has bought this many credits, and has no record."""
    return Payer("user", round(bought * MICRO), START, {}, {})


def new_record(
    record_id: str = "record",
    tariff: Tariff | None = None,
    *,
    at: int = START,
    free_ms_before: int = 0,
    terms: Terms = NO_TERMS,
) -> Record:
    """A record that has not started. Each record has an advisor and a chat of its own."""
    advisor_id, chat_id = f"advisor of {record_id}", f"chat of {record_id}"
    return Record(
        record_id, "user", advisor_id, chat_id, tariff or minute_tariff(), 1, free_ms_before, at, at, terms=terms
    )


def start(
    payer: Payer,
    tariff: Tariff | None = None,
    record_id: str = "record",
    *,
    now: int | None = None,
    durations: Durations = LONG_LEASES,
    free_ms_before: int = 0,
    terms: Terms = NO_TERMS,
) -> Payer:
    """The payer after a record has started, at the instant of the payer unless `now` is given."""
    at = payer.settled_at if now is None else now
    record = new_record(record_id, tariff, at=at, free_ms_before=free_ms_before, terms=terms)
    return meter.start(payer, record, at, durations)


def settle(payer: Payer, after_ms: int, durations: Durations = LONG_LEASES) -> Payer:
    """The payer settled to `after_ms` after `START`."""
    return meter.settle(payer, START + after_ms, durations)


def stop(payer: Payer, record_id: str = "record") -> Payer:
    """The payer after somebody has stopped the record, at the instant of the payer."""
    return meter.stop(payer, payer.records[record_id], payer.settled_at)


def add_credit(payer: Payer, amount: float, kind: str = "purchase", expires_at: int | None = None) -> Payer:
    """The payer after this many credits were added, at the instant of the payer."""
    micros = round(amount * MICRO)
    gift = micros if kind == "gift" else 0
    entry = EntryPosted(micros, EntryKind(kind), payer.settled_at, gift=gift, expires_at=expires_at)
    return credit.add(payer, entry)


def debit(payer: Payer, amount: float) -> Payer:
    """The payer after this many credits were spent elsewhere, at the instant of the payer."""
    return credit.debit(payer, EntryPosted(-round(amount * MICRO), EntryKind.DEBIT, payer.settled_at))


def with_sockets(
    payer: Payer, until: int, *parties: Party, chat: str = "chat of record", is_renewed: bool = True
) -> Payer:
    """The payer with further sockets, of these parties on a chat, whose leases end at `until`."""
    return replace(
        payer, sockets={**payer.sockets, **{(chat, party): SocketLease(until, is_renewed) for party in parties}}
    )


def only_record(payer: Payer) -> Record:
    """The one active record of the payer."""
    (record,) = payer.records.values()
    return record


def entries(payer: Payer, kind: str | None = None, record_id: str | None = None) -> list[EntryPosted]:
    """The posted entries, of one kind and of one record if these are given."""
    return [
        event
        for event in payer.steps
        if isinstance(event, EntryPosted) and kind in {None, event.kind} and record_id in {None, event.record_id}
    ]


def charged(payer: Payer, record_id: str | None = None) -> int:
    """The sum of the charges, of all records or of one."""
    return -sum(entry.amount for entry in entries(payer, "charge", record_id))


def paid_by_gifts(payer: Payer, record_id: str) -> int:
    """The part of a record's charges that gifts paid."""
    return -sum(entry.gift for entry in entries(payer, "charge", record_id))


def timer_stops(payer: Payer) -> list[tuple[int, Reason]]:
    """When timers stopped, and why."""
    return [(event.at, event.reason) for event in payer.steps if isinstance(event, TimerStopped)]


def timer_stops_by_record(payer: Payer) -> list[tuple[str, int, Reason]]:
    """Whose timers stopped, when, and why."""
    return [(e.record.record_id, e.at, e.reason) for e in payer.steps if isinstance(e, TimerStopped)]


def ended_records(payer: Payer) -> list[Record]:
    """The records that have ended."""
    return [event.record for event in payer.steps if isinstance(event, RecordEnded)]


def ends(payer: Payer) -> list[tuple[int | None, Reason | None]]:
    """When records ended, and why."""
    return [(record.ended_at, record.reason) for record in ended_records(payer)]
