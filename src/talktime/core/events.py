"""Events: what the transitions of a payer did, to be stored, logged and sent to screens.

The transitions in this package return a changed payer. They append to `Payer.events` what happened on the way, in
order. The database stores the events in the same transaction in which it stores the payer.

Units: instants and durations in milliseconds of engine time, money in micro-credits, all integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from talktime.core.entries import EntryKind

if TYPE_CHECKING:
    from talktime.core.record import Reason, Record


@dataclass(frozen=True, slots=True)
class TimerStarted:
    """A timer started: a segment began at `at`.

    `reason` is the reason of the pause before; None if the record has just started or was switched while running.
    """

    record: Record
    at: int
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class TimerStopped:
    """A timer stopped: the segment of `chat_id` that began at `since` ended at `at`.

    `by` is the caller whose act stopped the timer; None if the timer stopped by itself.
    """

    record: Record
    chat_id: str
    since: int
    at: int
    reason: Reason
    by: str | None = None


@dataclass(frozen=True, slots=True)
class DurationAdded:
    """Running time was added to the stored duration of a chat."""

    chat_id: str
    duration_ms: int


@dataclass(frozen=True)
class EntryPosted:
    """An entry was posted to the ledger: credit moved between the user, the advisor and the platform.

    Attributes:
        amount: what the user's balance gained; negative for credit that the user paid or lost.
        kind: one of `EntryKind`.
        at: the instant of the entry.
        record_id: the record that was charged or refunded.
        reference: the host's own reference of a credit or a debit.
        advisor_id: the advisor of the record.
        advisor_amount: what the advisor gained; negative for a refund that the advisor bears.
        fees: the fees within the platform's part. The platform gained `-amount - advisor_amount`.
        gift: the part of `amount` that is a gift.
        expires_at: the expiry of the gift that was given or has expired.
        reason: why a refund was made.
        borne_by: who bears a refund.
        refunded_ms: the billed time that a refund by time gave back.
    """

    amount: int
    kind: str
    at: int
    record_id: str | None = None
    reference: str | None = None
    advisor_id: str | None = None
    advisor_amount: int = 0
    fees: int = 0
    gift: int = 0
    expires_at: int | None = None
    reason: str | None = None
    borne_by: str | None = None
    refunded_ms: int | None = None

    @property
    def follows_from_time(self) -> bool:
        """Whether the entry posts the cost of running time, which screens compute themselves: a charge or a share."""
        return self.kind in {EntryKind.CHARGE, EntryKind.SHARE}


@dataclass(frozen=True, slots=True)
class KeptPaused:
    """A record is paused for another reason from `at` on, or the timer of a record could not start."""

    record: Record
    at: int


@dataclass(frozen=True, slots=True)
class RecordEnded:
    """A record has ended."""

    record: Record


Event = TimerStarted | TimerStopped | DurationAdded | EntryPosted | KeptPaused | RecordEnded
