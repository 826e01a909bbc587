"""A row of `records` as a `Record`, and a `Record` as a row.

`columns: record` in `queries.sql` lists the columns. A new column goes into that list and into both functions here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.record import Reason, Record, State
from talktime.core.roles import Role
from talktime.core.starts import StartRule, Starts
from talktime.core.terms import Terms

if TYPE_CHECKING:
    from talktime.core.tariff import Tariff
    from talktime.database.pool import Row


def read_record(row: Row, tariff: Tariff) -> Record:
    """The record of a row. `tariff` is the version that the record started with."""
    return Record(
        record_id=row["record_id"],
        user_id=row["user_id"],
        advisor_id=row["advisor_id"],
        chat_id=row["chat_id"],
        tariff=tariff,
        tariff_version=row["tariff_version"],
        free_ms_before=row["free_ms_before"],
        started_at=row["started_at"],
        settled_at=row["settled_at"],
        state=State(row["state"]),
        reason=None if row["reason"] is None else Reason(row["reason"]),
        elapsed_ms=row["elapsed_ms"],
        charged=row["charged"],
        running_since=row["running_since"],
        paused_at=row["paused_at"],
        paused_by=None if row["paused_by"] is None else Role(row["paused_by"]),
        waiting_since=row["waiting_since"],
        paying_until=row["paying_until"],
        ended_at=row["ended_at"],
        user_lease_until=row["user_lease_until"],
        advisor_lease_until=row["advisor_lease_until"],
        user_left_at=row["user_left_at"],
        advisor_left_at=row["advisor_left_at"],
        terms=read_terms(row),
        earned=row["earned"],
        starts=Starts(row["starts"]),
        ring_until=row["ring_until"],
        decline_reason=row["decline_reason"],
        grace_used_at=row["grace_used_at"],
        low_told_at=row["low_told_at"],
        metadata=row["metadata"],
        seller=row["seller"],
        currency=row["currency"],
        ended_by=None if row["ended_by"] is None else Role(row["ended_by"]),
    )


def record_row(record: Record, cut_at: int | None) -> dict[str, object]:
    """The columns of a record. `cut_at` is when the record's credit ends, None if never or if it does not run."""
    return {
        "record_id": record.record_id,
        "user_id": record.user_id,
        "advisor_id": record.advisor_id,
        "chat_id": record.chat_id,
        "tariff_version": record.tariff_version,
        "free_ms_before": record.free_ms_before,
        "state": record.state.value,
        "reason": None if record.reason is None else record.reason.value,
        "started_at": record.started_at,
        "settled_at": record.settled_at,
        "paused_at": record.paused_at,
        "paused_by": record.paused_by,
        "waiting_since": record.waiting_since,
        "paying_until": record.paying_until,
        "ended_at": record.ended_at,
        "elapsed_ms": record.elapsed_ms,
        "charged": record.charged,
        "user_lease_until": record.user_lease_until,
        "advisor_lease_until": record.advisor_lease_until,
        "user_left_at": record.user_left_at,
        "advisor_left_at": record.advisor_left_at,
        "cut_at": cut_at,
        "share_ppm": record.terms.share_ppm,
        "fee_per_minute": record.terms.fee_per_minute,
        "fee_per_session": record.terms.fee_per_session,
        "earned": record.earned,
        "starts": record.starts.value,
        "ring_until": record.ring_until,
        "decline_reason": record.decline_reason,
        "grace_used_at": record.grace_used_at,
        "low_told_at": record.low_told_at,
        "metadata": record.metadata,
        "seller": record.seller,
        "currency": record.currency,
        "ended_by": record.ended_by,
    }


def read_start_rule(row: Row) -> StartRule:
    """The start rule in a row of `advisors`."""
    return StartRule(Starts(row["starts"]), row["ring_ms"], row["max_active"])


def read_terms(row: Row) -> Terms:
    """The terms in a row of `advisors` or `records`."""
    return Terms(row["share_ppm"], row["fee_per_minute"], row["fee_per_session"])
