"""A record's bill, from its facts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.snapshots import record_view
from talktime.tariff import explain, price
from talktime.views import Receipt

if TYPE_CHECKING:
    from talktime.payer import Record
    from talktime.views import Entry, SegmentView


def receipt(
    record: Record,
    now: int,
    user_name: str,
    advisor_name: str,
    segments: tuple[SegmentView, ...],
    entries: tuple[Entry, ...],
) -> Receipt:
    """The receipt of a record as of `now`, with the arithmetic that leads from its time to its cost."""
    elapsed_ms = record.elapsed_at(now)
    cost = price(record.tariff, elapsed_ms, record.allowance_ms)
    return Receipt(
        server_time=now,
        record=record_view(record),
        user_name=user_name,
        advisor_name=advisor_name,
        tariff=record.tariff,
        tariff_version=record.tariff_version,
        free_ms_before=record.free_ms_before,
        segments=segments,
        elapsed_ms=elapsed_ms,
        billed_ms=cost.billed_ms,
        cost=cost.cost,
        lines=tuple(explain(record.tariff, elapsed_ms, record.allowance_ms)),
        entries=entries,
    )
