"""Low credit: hosts are told once of a running record whose credit ends soon, before the credit ends.

The credit of a running record is *low* from `low_ms` before its cut for lack of credit, or from the start of its timer
if the credit lasts no longer than this. A cut that `max_cost` causes is no lack of credit.

The instant from which the credit is low, the *crossing*, is computed and never stored in advance, so credit that is
added in time withdraws it. `Record.low_told_at` says that the crossing is told already. If the cut moves away again, so
that the credit is not low any more, the next crossing is told again.

Units: instants and durations in milliseconds of engine time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from talktime.core.record import Reason, replace
from talktime.core.steps import CreditLow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from talktime.core.cuts import Cut
    from talktime.core.payer import Payer
    from talktime.core.record import Record


class LowCredit(NamedTuple):
    """The credit of a running record is low from `at` on, because the credit ends at `cut_at`."""

    at: int
    record: Record
    cut_at: int


def next_low_credit(payer: Payer, low_ms: int, cuts: Mapping[str, Cut]) -> LowCredit | None:
    """The next record whose low credit has to be reported, None if there is none.

    Args:
        payer: the payer. A crossing after `settled_at` is not reported yet, whatever was reported before.
        low_ms: how long before its end the credit counts as low; 0 for never.
        cuts: the payer's cuts.
    """
    untold = (
        low for low in _low_credits(payer, low_ms, cuts) if low.record.low_told_at is None or low.at > payer.settled_at
    )
    return min(untold, key=lambda low: (low.at, low.record.started_at, low.record.record_id), default=None)


def tell_low_credit(payer: Payer, low: LowCredit) -> Payer:
    """The payer, with the event that the credit of a record is low."""
    at = max(low.at, payer.settled_at)
    record = replace(low.record, low_told_at=at)
    return payer.with_record(record, CreditLow(record, at, low.cut_at))


def forget_low_credit(payer: Payer, low_ms: int, cuts: Mapping[str, Cut]) -> Payer:
    """The payer, in which every running record whose credit is not low any more can be reported again."""
    if all(record.low_told_at is None for record in payer.records.values()):
        return payer
    low = {low.record.record_id for low in _low_credits(payer, low_ms, cuts) if low.at <= payer.settled_at}
    for record in payer.running():
        if record.low_told_at is not None and record.record_id not in low:
            payer = payer.with_record(replace(record, low_told_at=None))
    return payer


def _low_credits(payer: Payer, low_ms: int, cuts: Mapping[str, Cut]) -> Iterator[LowCredit]:
    for record_id, cut in cuts.items():
        if low_ms and cut.reason is Reason.OUT_OF_CREDIT:
            record = payer.records[record_id]
            yield LowCredit(max(cut.at - low_ms, record.began_at), record, cut.at)
