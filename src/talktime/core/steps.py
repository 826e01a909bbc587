"""Steps: what the transitions of a payer did, to be stored, logged and sent to screens.

The transitions in this package return a changed payer. They append to `Payer.steps` what happened on the way, in
order. The database stores the steps in the same transaction in which it stores the payer.

Units: instants and durations in milliseconds of engine time, money in micro-credits, all integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from talktime.core.entries import EntryKind

if TYPE_CHECKING:
    from talktime.core.actors import Actor
    from talktime.core.entries import BorneBy
    from talktime.core.metadata import Metadata
    from talktime.core.record import Reason, Record
    from talktime.core.roles import Role


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

    `by` is the role of the caller whose act stopped the timer; None if the timer stopped by itself.
    """

    record: Record
    chat_id: str
    since: int
    at: int
    reason: Reason
    by: Role | None = None


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
        kind: why the entry moves credit.
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
        metadata: the host's own texts of a credit or a debit; None for none.
        actor: who asked for the entry; None for what follows from time, or if the host does not say.
    """

    amount: int
    kind: EntryKind
    at: int
    record_id: str | None = None
    reference: str | None = None
    advisor_id: str | None = None
    advisor_amount: int = 0
    fees: int = 0
    gift: int = 0
    expires_at: int | None = None
    reason: str | None = None
    borne_by: BorneBy | None = None
    refunded_ms: int | None = None
    actor: Actor | None = None
    metadata: Metadata | None = None

    @property
    def follows_from_time(self) -> bool:
        """Whether the entry posts the cost of running time, which screens compute themselves: a charge or a share."""
        return self.kind in {EntryKind.CHARGE, EntryKind.SHARE}


@dataclass(frozen=True, slots=True)
class RecordRequested:
    """A record rings in its chat from `at` on, and waits for the advisor to accept."""

    record: Record
    at: int


@dataclass(frozen=True, slots=True)
class WaitBegan:
    """A record waits from `at` on: for the first time, for another reason, by another role, or in another chat."""

    record: Record
    at: int


@dataclass(frozen=True, slots=True)
class WaitExtended:
    """A record that is out of credit waits longer, because somebody is paying."""

    record: Record
    at: int


@dataclass(frozen=True, slots=True)
class CreditLow:
    """The credit of a running record ends soon, at `cut_at`, unless credit is added."""

    record: Record
    at: int
    cut_at: int


@dataclass(frozen=True, slots=True)
class RecordEnded:
    """A record has ended. `by` is the role of the caller whose act ended the record; None without an act."""

    record: Record
    by: Role | None = None


Step = (
    TimerStarted
    | TimerStopped
    | DurationAdded
    | EntryPosted
    | RecordRequested
    | WaitBegan
    | WaitExtended
    | CreditLow
    | RecordEnded
)
