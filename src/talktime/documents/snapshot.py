"""What one screen shows of a chat, computed from a payer's facts at an instant. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.payer import Payer, Reason, Record, Rules
from talktime.core.tariff import price
from talktime.documents.views import RecordView, Snapshot, TimerView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from talktime.core.cuts import Cut


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
