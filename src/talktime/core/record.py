"""A conversation time record: the paid conversation of one user with one advisor.

A record runs, is paused, or has ended. `meter` draws the three states. Nothing in a record changes because time
passes. The record stores totals as of `settled_at`, and a running record computes its totals for any later instant:

    elapsed time at `at`     = `elapsed_ms` + (`at` - `settled_at`), if the record runs
    cost at `at`             = the price of this elapsed time
    `charged`                = the part of the cost that is posted to the ledger, the cost as of `settled_at`
    committed at `at`        = the cost of all time begun at `at` (`price.begun_cost`) - `charged`, if the record runs

`committed` is more than the cost that is not posted yet. The increment in progress is owed from its first instant on,
and time within the grace may turn out to cost something, so this credit is held: nothing else may spend it.

Units: instants and durations in milliseconds of engine time, money in micro-credits, all integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from talktime.core.price import begun_cost, price
from talktime.core.tariff import Tariff
from talktime.core.terms import NO_TERMS, Share, Terms, share

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414  exported
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

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class RecordFilter(StrEnum):
    """Which records a list shows. `active` is running and paused."""

    RUNNING = State.RUNNING.value
    PAUSED = State.PAUSED.value
    ENDED = State.ENDED.value
    ACTIVE = "active"


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


AWAY: Final = {Party.USER: Reason.USER_AWAY, Party.ADVISOR: Reason.ADVISOR_AWAY}
"""The reason of a pause by a lapse, for the party whose lease has lapsed."""

AWAY_REASONS: Final = frozenset(AWAY.values())


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
        state: running, paused or ended.
        reason: why the record is paused or has ended; None while the record runs.
        elapsed_ms: the running time over all chats of the record.
        charged: the cost of `elapsed_ms`, all of it posted.
        running_since: the beginning of the open segment; None unless the record runs.
        paused_at: the end of the last segment, kept while the record is paused.
        paused_by: the caller who paused the record, if a person did.
        waiting_since: the instant from which the recharge window or the abandon time counts, while paused.
        ended_at: the end of the record.
        user_lease_until: the end of the user's lease, by heartbeats and acts; sockets may prove more (`Payer.sockets`).
        advisor_lease_until: the end of the advisor's lease, in the same way.
        terms: the advisor's terms when the record started.
        earned: the advisor's share of `charged`.
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
        """The free time that the pair had left when the record started."""
        return self.tariff.allowance_after(self.free_ms_before)

    @property
    def is_running(self) -> bool:
        """Whether the record's timer runs."""
        return self.state is State.RUNNING

    def elapsed_at(self, at: int) -> int:
        """The running time over all chats, as of `at`."""
        return self.elapsed_ms + (at - self.settled_at if self.is_running else 0)

    def cost_at(self, at: int) -> int:
        """The price of the running time, as of `at`."""
        return price(self.tariff, self.elapsed_at(at), self.allowance_ms).cost

    def share_at(self, at: int) -> Share:
        """How the cost as of `at` is divided between advisor and platform."""
        return share(self.terms, self.tariff, self.elapsed_at(at), self.allowance_ms)

    def committed_at(self, at: int) -> int:
        """What the record has begun to owe at `at` beyond `charged`; nothing unless the record runs."""
        return self.committed_if_running_at(at) if self.is_running else 0

    def committed_if_running_at(self, at: int) -> int:
        """What the record would begin to owe at `at` beyond `charged` if it ran: the credit that a resume needs."""
        return max(0, begun_cost(self.tariff, self.elapsed_at(at), self.allowance_ms) - self.charged)
