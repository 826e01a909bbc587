"""A conversation time record: the paid conversation of one user with one advisor.

A record is requested, runs, is paused, or has ended. `meter` draws the four states. Nothing in a record changes because
time passes. The record stores totals as of `settled_at`, and a running record computes its totals for any later
instant:

    elapsed time at `at`     = `elapsed_ms` + (`at` - `settled_at`), if the record runs
    cost at `at`             = the price of this elapsed time
    `charged`                = the part of the cost that is posted to the ledger, the cost as of `settled_at`
    committed at `at`        = the cost of all time begun at `at` (`price.begun_cost`) - `charged`, if the record runs
                               or is requested

The grace is granted to a pair once in 24 hours. A record has no grace if the grace made an earlier record of the
pair free that started less than 24 hours before. `grace_used_at` is the start of that earlier record.

`committed` is more than the cost that is not posted yet. The increment in progress is owed from its first instant on,
and time within the grace may turn out to cost something, so this credit is held: nothing else may spend it. A requested
record holds the same as if its timer started now, so that an accepted record can always be paid.

Units: instants and durations in milliseconds of engine time, money in micro-credits, all integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core.durations import DAY_MS
from talktime.core.metadata import Metadata
from talktime.core.price import begun_cost, is_free_by_grace, price
from talktime.core.starts import Starts
from talktime.core.tariff import Tariff
from talktime.core.terms import NO_TERMS, Share, Terms, share

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414  exported

    from talktime.core.roles import Role
else:
    # `dataclasses.replace` calls the constructor. A command changes a record or its payer about ten times, so this
    # copy of the fields makes commands measurably faster. It fits classes without slots: records, payers, entries.
    def replace(instance: object, /, **changes: object) -> object:
        changed = object.__new__(type(instance))
        vars(changed).update(vars(instance), **changes)
        return changed


class Party(StrEnum):
    """The two people of a conversation: the user pays, the advisor is paid."""

    USER = "user"
    ADVISOR = "advisor"


class State(StrEnum):
    """The state of a record. A record that has not ended is *active*."""

    REQUESTED = "requested"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class RecordFilter(StrEnum):
    """Which records a list shows. `active` is requested, running and paused."""

    REQUESTED = State.REQUESTED.value
    RUNNING = State.RUNNING.value
    PAUSED = State.PAUSED.value
    ENDED = State.ENDED.value
    ACTIVE = "active"

    @property
    def states(self) -> frozenset[State]:
        """The states of the records that the list shows."""
        return frozenset(State) - {State.ENDED} if self is RecordFilter.ACTIVE else frozenset({State(self.value)})


class Reason(StrEnum):
    """Why a segment ended, or why a record is paused or has ended."""

    STOPPED = "stopped"
    PAUSED = "paused"
    OUT_OF_CREDIT = "out_of_credit"
    USER_AWAY = "user_away"
    ADVISOR_AWAY = "advisor_away"
    ABANDONED = "abandoned"
    SWITCHED = "switched"
    TIMER_FAILED = "timer_failed"
    MAX_COST = "max_cost"
    PLATFORM = "platform"
    DECLINED = "declined"
    MISSED = "missed"


GRACE_INTERVAL_MS: Final = DAY_MS
"""The time from the start of a record that the grace made free until records of the pair have grace again."""

AWAY: Final = {Party.USER: Reason.USER_AWAY, Party.ADVISOR: Reason.ADVISOR_AWAY}
"""The reason of a pause by a lapse, for the party whose lease has lapsed."""

AWAY_REASONS: Final = frozenset(AWAY.values())


class Seller(NamedTuple):
    """The seller of the time, and the currency of one credit (ISO 4217). "" if there is no seller, or no currency."""

    name: str
    currency: str


NO_SELLER: Final = Seller("", "")


@dataclass(frozen=True)
class Record:
    """A conversation time record.

    Attributes:
        record_id: the id that talktime gave the record.
        user_id: the user, who pays.
        advisor_id: the advisor, who is paid.
        chat_id: the current chat of the record.
        tariff: the version of the advisor's tariff that the record started with.
        tariff_version: the number of this version.
        free_ms_before: the free time that the pair had used in earlier records when this record started.
        started_at: the start of the record.
        settled_at: the instant that `elapsed_ms`, `charged` and `earned` belong to.
        state: requested, running, paused or ended.
        reason: why the record is paused or has ended; None while the record is requested or runs.
        elapsed_ms: the running time over all chats of the record.
        charged: the cost of `elapsed_ms`, all of it posted.
        running_since: the beginning of the open segment; None unless the record runs.
        paused_at: since when no time runs: the end of the last segment, or the start of the wait before the first. Kept
            after the end; None while the record runs.
        paused_by: the role of the caller who paused the record, if a person or the host did.
        waiting_since: the instant from which the recharge window or the abandon time counts, while paused.
        paying_until: until when the record waits at least if it is out of credit, because somebody is paying.
        ended_at: the end of the record.
        ended_by: the role of the caller who ended the record, if a person or the host did. None also for a record that
            ended before migration 0037.
        user_lease_until: the end of the user's lease, by heartbeats and acts; sockets may prove more (`Payer.sockets`).
        advisor_lease_until: the end of the advisor's lease, in the same way.
        user_left_at: when a page of the user said that it closes; None if a heartbeat, an act or a new socket of the
            user came after that.
        advisor_left_at: the same of the advisor.
        terms: the advisor's terms when the record started.
        earned: the advisor's share of `charged`.
        starts: how the record started, and what a resume waits for.
        ring_until: the instant at which the request is missed; None unless the record is requested.
        decline_reason: what the advisor said when the advisor declined.
        grace_used_at: the start of the pair's record that used the grace, less than `GRACE_INTERVAL_MS` before this
            record, which therefore has no grace; None for a record with grace.
        low_told_at: the instant at which an event told that the record's credit is low (`low_credit`).
        metadata: the host's own texts, which the meter never reads; None for none.
        seller: who sold the time when the record started, "" for nobody; None for a record of a version that did not
            store this.
        currency: the currency of one credit at that time, a code of ISO 4217, "" for none; None in the same way.
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
    paused_by: Role | None = None
    waiting_since: int | None = None
    paying_until: int | None = None
    ended_at: int | None = None
    user_lease_until: int = 0
    advisor_lease_until: int = 0
    user_left_at: int | None = None
    advisor_left_at: int | None = None
    terms: Terms = NO_TERMS
    earned: int = 0
    starts: Starts = Starts.AT_ONCE
    ring_until: int | None = None
    decline_reason: str | None = None
    grace_used_at: int | None = None
    low_told_at: int | None = None
    metadata: Metadata | None = None
    seller: str | None = None
    currency: str | None = None
    ended_by: Role | None = None

    @property
    def charging_tariff(self) -> Tariff:
        """The tariff by which the record is charged: without the grace, if the pair has used the grace."""
        return self.tariff if self.grace_used_at is None else self.tariff.without_grace

    @property
    def next_grace_used_at(self) -> int | None:
        """The start of the pair's last record that the grace made free, as of the end of this record."""
        is_free = is_free_by_grace(self.charging_tariff, self.elapsed_ms, self.allowance_ms)
        return self.started_at if is_free else self.grace_used_at

    @property
    def allowance_ms(self) -> int:
        """The free time that the pair had left when the record started."""
        return self.tariff.allowance_after(self.free_ms_before)

    @property
    def began_at(self) -> int:
        """The instant at which the open segment of a running record began."""
        # The auditor also looks at damaged records, which run without an open segment.
        return self.settled_at if self.running_since is None else self.running_since

    @property
    def is_running(self) -> bool:
        """Whether the record's timer runs."""
        return self.state is State.RUNNING

    @property
    def is_requested(self) -> bool:
        """Whether the record rings, and waits for the advisor to accept."""
        return self.state is State.REQUESTED

    def recharge_until(self, recharge_ms: int) -> int | None:
        """The end of the recharge window, which lasts `recharge_ms`; None unless the record waits for credit."""
        if self.reason is not Reason.OUT_OF_CREDIT or self.waiting_since is None:
            return None
        return max(self.waiting_since + recharge_ms, self.paying_until or 0)

    def abandon_until(self, abandon_ms: int) -> int | None:
        """The end of the abandon time, which lasts `abandon_ms`; None unless the record waits for a person."""
        if self.reason is Reason.OUT_OF_CREDIT or self.waiting_since is None:
            return None
        return self.waiting_since + abandon_ms

    def left_at(self, party: Party) -> int | None:
        """When a page of the party said that it closes, unless the party has proved presence since."""
        return self.user_left_at if party is Party.USER else self.advisor_left_at

    def elapsed_at(self, at: int) -> int:
        """The running time over all chats, as of `at`."""
        return self.elapsed_ms + (at - self.settled_at if self.is_running else 0)

    def cost_at(self, at: int) -> int:
        """The price of the running time, as of `at`."""
        return price(self.charging_tariff, self.elapsed_at(at), self.allowance_ms).cost

    def share_at(self, at: int) -> Share:
        """How the cost as of `at` is divided between advisor and platform."""
        return share(self.terms, self.charging_tariff, self.elapsed_at(at), self.allowance_ms)

    def committed_at(self, at: int) -> int:
        """The credit that the record holds at `at`: its begun cost less `charged`; nothing while paused."""
        return self.committed_if_running_at(at) if self.is_running or self.is_requested else 0

    def committed_if_running_at(self, at: int) -> int:
        """The credit that the record would hold at `at` if it ran, which is the credit that a resume needs."""
        return max(0, begun_cost(self.charging_tariff, self.elapsed_at(at), self.allowance_ms) - self.charged)
