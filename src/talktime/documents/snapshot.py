"""What one screen shows of a chat, computed from a payer's facts at an instant.

Instants are milliseconds since 1970 in engine time, durations milliseconds, money micro-credits, all integers. In JSON
instants are RFC 3339 in UTC, durations end in `_ms`, credits are decimal strings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from talktime.core.instants import instant, instant_or_none
from talktime.core.money import format_credits
from talktime.core.payer import Payer, Reason, Record, Rules, State
from talktime.core.price import price
from talktime.core.tariff import Tariff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from talktime.core.cuts import Cut


@dataclass(frozen=True, slots=True)
class RecordView:
    """A conversation time record as it stands.

    `paused_at` is since when it is paused, `paused_by` who did it: user, advisor or service, if somebody did.
    """

    id: str
    state: State
    reason: Reason | None
    user_id: str
    advisor_id: str
    current_chat_id: str
    started_at: int
    paused_at: int | None
    paused_by: str | None
    ended_at: int | None

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "id": self.id,
            "state": self.state.value,
            "reason": None if self.reason is None else self.reason.value,
            "user_id": self.user_id,
            "advisor_id": self.advisor_id,
            "current_chat_id": self.current_chat_id,
            "started_at": instant(self.started_at),
            "paused_at": instant_or_none(self.paused_at),
            "paused_by": self.paused_by,
            "ended_at": instant_or_none(self.ended_at),
        }


@dataclass(frozen=True, slots=True)
class TimerView:
    """The record's timer, as this chat sees it.

    `running` is true only for the record's current chat. `lease_until`: when the time stops unless presence is proved
    again. `cut_at`: when the credit ends, None if never. `recharge_until`: how long a record waits at zero.
    """

    running: bool
    since: int | None = None
    lease_until: int | None = None
    cut_at: int | None = None
    recharge_until: int | None = None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "running": self.running,
            "since": instant_or_none(self.since),
            "lease_until": instant_or_none(self.lease_until),
            "cut_at": instant_or_none(self.cut_at),
            "recharge_until": instant_or_none(self.recharge_until),
        }


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one screen needs to show a chat, as of `server_time`.

    `chat_duration_ms` is this chat's own time over all its records; `elapsed_ms`, `billed_ms`, `cost` and
    `free_remaining_ms` are the record's, over all its chats; `balance` is what the payer has available.
    `allowance_ms` is what was left of the pair's free allowance when the record started.
    """

    server_time: int
    sequence: int
    record: RecordView
    chat_id: str
    user_id: str
    advisor_id: str
    chat_duration_ms: int
    timer: TimerView
    elapsed_ms: int
    free_remaining_ms: int
    allowance_ms: int
    billed_ms: int
    cost: int
    balance: int
    tariff: Tariff
    tariff_version: int

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "server_time": instant(self.server_time),
            "sequence": self.sequence,
            "record": self.record.document(),
            "chat": {
                "id": self.chat_id,
                "user_id": self.user_id,
                "advisor_id": self.advisor_id,
                "duration_ms": self.chat_duration_ms,
            },
            "timer": self.timer.document(),
            "elapsed_ms": self.elapsed_ms,
            "free_remaining_ms": self.free_remaining_ms,
            "allowance_ms": self.allowance_ms,
            "billed_ms": self.billed_ms,
            "cost": format_credits(self.cost),
            "balance": format_credits(self.balance),
            "tariff": self.tariff.document(),
            "tariff_version": self.tariff_version,
        }


def record_view(record: Record) -> RecordView:
    """A record as it stands."""
    return RecordView(
        id=record.record_id,
        state=record.state,
        reason=record.reason,
        user_id=record.user_id,
        advisor_id=record.advisor_id,
        current_chat_id=record.chat_id,
        started_at=record.started_at,
        paused_at=None if record.is_running or record.ended_at is not None else record.paused_at,
        paused_by=record.paused_by,
        ended_at=record.ended_at,
    )


def timer_view(payer: Payer, record: Record, chat_id: str, rules: Rules, ends: Mapping[str, Cut]) -> TimerView:
    """The record's timer as this chat sees it: it runs only in the current one. `ends` are the payer's `cuts`."""
    if record.chat_id != chat_id:
        return TimerView(running=False)
    if record.is_running:
        end = ends.get(record.record_id)
        return TimerView(
            running=True,
            since=record.running_since,
            lease_until=payer.lease_until(record),
            cut_at=None if end is None else end.at,
        )
    if record.reason is Reason.OUT_OF_CREDIT and record.waiting_since is not None:
        return TimerView(running=False, recharge_until=record.waiting_since + rules.recharge_ms)
    return TimerView(running=False)


def snapshot(
    payer: Payer,
    record: Record,
    rules: Rules,
    now: int,
    chat_id: str,
    chat_duration_ms: int,
    sequence: int,
    ends: Mapping[str, Cut],
) -> Snapshot:
    """The snapshot of a chat whose payer is settled to `now`.

    `record` is the chat's latest; `chat_duration_ms` is the chat's time up to when that record was last settled; `ends`
    are the payer's `cuts`.
    """
    elapsed_ms = record.elapsed_at(now)
    cost = price(record.tariff, elapsed_ms, record.allowance_ms)
    runs_here = record.is_running and record.chat_id == chat_id
    return Snapshot(
        server_time=now,
        sequence=sequence,
        record=record_view(record),
        chat_id=chat_id,
        user_id=record.user_id,
        advisor_id=record.advisor_id,
        chat_duration_ms=chat_duration_ms + (now - record.settled_at if runs_here else 0),
        timer=timer_view(payer, record, chat_id, rules, ends),
        elapsed_ms=elapsed_ms,
        free_remaining_ms=max(0, record.allowance_ms - elapsed_ms),
        allowance_ms=record.allowance_ms,
        billed_ms=cost.billed_ms,
        cost=cost.cost,
        balance=payer.available_at(now),
        tariff=record.tariff,
        tariff_version=record.tariff_version,
    )
