"""What tests of the core begin with: a tariff, rules, a payer with records; and what happened to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from talktime.core import meter
from talktime.core.events import EntryPosted, RecordEnded, TimerStopped
from talktime.core.money import parse_credits
from talktime.core.payer import Payer, Rules
from talktime.core.record import Reason, Record
from talktime.core.tariff import Tariff

MINUTE: Final = 60_000
BEGIN: Final = 1_000_000
LONG: Final = 10**9
"""Longer than any test, in milliseconds."""

RULES: Final = Rules(lease_ms=30_000, recharge_ms=120_000, abandon_ms=600_000)
"""As a service has them by default."""

LONG_LEASES: Final = replace(RULES, lease_ms=LONG)
"""Both parties are present throughout."""

LONG_PAUSES: Final = replace(LONG_LEASES, abandon_ms=LONG)
"""Both parties are present throughout, and no record that waits is ended."""


def tariff(rate: str = "1.00", increment: float = 60, **more: Any) -> Tariff:
    """A tariff with one rate a minute, billed in increments of so many seconds."""
    return Tariff.parse({"tiers": [{"rate": rate, "increment_seconds": increment}], **more})


def payer(credit: str = "0") -> Payer:
    """A payer with bought credit and no record."""
    return Payer("user", parse_credits(credit), BEGIN, {}, {})


def started(
    payer: Payer,
    what: Tariff,
    record_id: str = "record",
    *,
    now: int | None = None,
    rules: Rules = LONG_LEASES,
    free_ms_before: int = 0,
    **facts: Any,
) -> Payer:
    """The payer with one more record, with another advisor, that runs from `now` or from the payer's instant on."""
    now = payer.settled_at if now is None else now
    advisor, chat = f"advisor of {record_id}", f"chat of {record_id}"
    record = Record(record_id, payer.user_id, advisor, chat, what, 1, free_ms_before, now, now, **facts)
    return meter.start(payer, record, now, rules)


def purchase(amount: str, now: int) -> EntryPosted:
    """Bought credit that arrives."""
    return EntryPosted(parse_credits(amount), "purchase", now)


def gift(amount: str, now: int, expires_at: int | None = None) -> EntryPosted:
    """A gift that arrives."""
    micros = parse_credits(amount)
    return EntryPosted(micros, "gift", now, gift=micros, expires_at=expires_at)


def only(payer: Payer) -> Record:
    """The payer's only record."""
    (record,) = payer.records.values()
    return record


def posted(payer: Payer, kind: str, record_id: str | None = None) -> list[EntryPosted]:
    """The entries of a kind that were posted, of all records or one."""
    entries = [event for event in payer.events if isinstance(event, EntryPosted) and event.kind == kind]
    return [entry for entry in entries if record_id in (None, entry.record_id)]


def charged(payer: Payer, record_id: str | None = None) -> int:
    """What was charged, in micro-credits, for all records or one."""
    return -sum(entry.amount for entry in posted(payer, "charge", record_id))


def timers_stopped(payer: Payer) -> list[tuple[int, Reason]]:
    """When and why timers stopped."""
    return [(event.at, event.reason) for event in payer.events if isinstance(event, TimerStopped)]


def records_ended(payer: Payer) -> list[tuple[int | None, Reason | None]]:
    """When and why records ended."""
    return [(event.record.ended_at, event.record.reason) for event in payer.events if isinstance(event, RecordEnded)]
