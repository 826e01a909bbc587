"""A payer and what belongs to one: the facts that every computation starts from. Pure.

A `Payer` is one account with its records that have not ended. Nothing in it ticks: a running record says since when it
runs, and what it has come to is computed for the instant that is asked about. What happens to a payer is collected in
`Payer.events`, to be stored and told.

Units: instants and durations in milliseconds of engine time, money in micro-credits, all integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core.gifts import Lot
from talktime.core.price import commitment, price
from talktime.core.tariff import Tariff
from talktime.core.terms import NO_TERMS, Share, Terms, share

if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import replace as replace  # noqa: PLC0414  others import it from here
else:
    # `dataclasses.replace` calls the constructor. A command changes a record or its payer about ten times, so this
    # copy of the fields makes commands measurably faster. It fits classes without slots: `Payer`, `Record`, `Posted`.
    def replace(instance: object, /, **changes: object) -> object:
        new = object.__new__(type(instance))
        vars(new).update(vars(instance), **changes)
        return new


class Party(StrEnum):
    """The two sides of a conversation."""

    USER = "user"
    ADVISOR = "advisor"


class State(StrEnum):
    """What a record is doing."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class Reason(StrEnum):
    """Why a record is not running, or why a segment ended."""

    STOPPED = "stopped"
    PAUSED = "paused"
    OUT_OF_CREDIT = "out_of_credit"
    USER_AWAY = "user_away"
    ADVISOR_AWAY = "advisor_away"
    ABANDONED = "abandoned"
    SWITCHED = "switched"
    TIMER_FAILED = "timer_failed"
    MAX_COST = "max_cost"


AWAY: Final = {Party.USER: Reason.USER_AWAY, Party.ADVISOR: Reason.ADVISOR_AWAY}
AWAY_REASONS: Final = frozenset(AWAY.values())


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things last, and whether timers start at all (`False` once starting one has failed)."""

    lease_ms: int
    recharge_ms: int
    abandon_ms: int
    timer_starts: bool = True


class SocketLease(NamedTuple):
    """What the sockets of one party on one chat prove: presence `until`; `held` while a live process renews it."""

    until: int
    held: bool


@dataclass(frozen=True)
class Record:
    """A conversation time record. `elapsed_ms`, `charged` and `earned` are as of `settled_at`, and always fit together.

    `earned` is what of the charge is the advisor's, by the `terms` that held at the start.
    """

    record_id: str
    user_id: str
    advisor_id: str
    chat_id: str
    tariff: Tariff
    tariff_version: int
    free_ms_before: int
    started_at: int
    settled_at: int
    state: State = State.RUNNING
    reason: Reason | None = None
    elapsed_ms: int = 0
    charged: int = 0
    running_since: int | None = None
    paused_at: int | None = None
    paused_by: str | None = None
    waiting_since: int | None = None
    ended_at: int | None = None
    user_lease_until: int = 0
    advisor_lease_until: int = 0
    terms: Terms = NO_TERMS
    earned: int = 0

    @property
    def allowance_ms(self) -> int:
        """What was left of the pair's free allowance when the record started."""
        return max(0, self.tariff.free_ms - self.free_ms_before)

    @property
    def is_running(self) -> bool:
        """Whether its timer runs."""
        return self.state is State.RUNNING

    def elapsed_at(self, at: int) -> int:
        """Running time over all its chats, as of `at`."""
        return self.elapsed_ms + (at - self.settled_at if self.is_running else 0)

    def cost_at(self, at: int) -> int:
        """What that time costs."""
        return price(self.tariff, self.elapsed_at(at), self.allowance_ms).cost

    def share_at(self, at: int) -> Share:
        """How that cost divides between advisor and platform."""
        return share(self.terms, self.tariff, self.elapsed_at(at), self.allowance_ms)

    def committed_at(self, at: int) -> int:
        """What it has begun to owe beyond what is posted."""
        return self.commitment_at(at) if self.is_running else 0

    def commitment_at(self, at: int) -> int:
        """What it would have begun to owe beyond what is posted, if it ran at `at`."""
        return max(0, commitment(self.tariff, self.elapsed_at(at), self.allowance_ms) - self.charged)


@dataclass(frozen=True, slots=True)
class Opened:
    """A timer started: a segment begins. `reason` is what the record was paused for, None at its start."""

    record: Record
    at: int
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Closed:
    """A timer stopped: the segment since `since` on `chat_id` ends at `at`; `by` whose act, if it was one."""

    record: Record
    chat_id: str
    since: int
    at: int
    reason: Reason
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Accrued:
    """Running time was added to a chat's stored duration."""

    chat_id: str
    duration_ms: int


@dataclass(frozen=True)
class Posted:
    """A line for the ledger. `amount` is the user's, negative for what is spent; the platform has the other side of it.

    `advisor_amount` is the advisor's part of it, `fees` what of the platform's are fees, and `gift` what of the user's
    was given, not bought.
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
    def is_accrual(self) -> bool:
        """Whether it only posts what screens compute by themselves."""
        return self.kind in {"charge", "share"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that is not running got another reason, or its timer could not be started."""

    record: Record
    at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A record is over."""

    record: Record


Event = Opened | Closed | Accrued | Posted | Waiting | Ended


@dataclass(frozen=True)
class Payer:
    """One account: its posted balance, its records that have not ended, what sockets prove, and what happened.

    `gifts` is what of the balance was given, not bought.
    """

    user_id: str
    balance: int
    settled_at: int
    records: Mapping[str, Record]
    sockets: Mapping[tuple[str, Party], SocketLease]
    gifts: tuple[Lot, ...] = ()
    events: tuple[Event, ...] = ()

    def active_with(self, advisor_id: str) -> Record | None:
        """The pair's active record: there is at most one."""
        return next((record for record in self.records.values() if record.advisor_id == advisor_id), None)

    def present_until(self, record: Record, party: Party) -> int:
        """When this party's lease ends: heartbeats and acts, or sockets on the record's current chat."""
        fixed = record.user_lease_until if party is Party.USER else record.advisor_lease_until
        socket = self.sockets.get((record.chat_id, party))
        return fixed if socket is None else max(fixed, socket.until)

    def is_held(self, record: Record, party: Party) -> bool:
        """Whether a live process keeps renewing this party's lease, so that its end is no deadline of the account."""
        socket = self.sockets.get((record.chat_id, party))
        return socket is not None and socket.held

    def is_present(self, record: Record, party: Party, at: int) -> bool:
        """Whether this party's lease holds."""
        return self.present_until(record, party) > at

    def lease_until(self, record: Record) -> int:
        """Until when both leases hold."""
        return min(self.present_until(record, party) for party in Party)

    def committed_at(self, at: int) -> int:
        """What the running records have begun to owe beyond what is posted."""
        return sum(record.committed_at(at) for record in self.records.values())

    def put(self, record: Record, *events: Event) -> Payer:
        """The payer with the record as it is now, or without one that is over, and with what happened to it."""
        records = {**self.records, record.record_id: record}
        if record.ended_at is not None:
            del records[record.record_id]
        return replace(self, records=records, events=(*self.events, *events))

    def running(self) -> list[Record]:
        """The records that run, those that started earlier first: in the same millisecond they pay first."""
        records = (record for record in self.records.values() if record.is_running)
        return sorted(records, key=lambda record: (record.started_at, record.record_id))

    def available_at(self, at: int) -> int:
        """What can be spent: the rest of the balance."""
        return max(0, self.balance - self.committed_at(at))
