"""Deadlines: what happens to a payer by itself, and when.

    a running record      stops at its cut (`cuts`), and at the end of each party's lease
    a requested record    ends when its ring is over, and at the end of the user's lease
    out of credit         the record ends when the recharge window is over
    paused otherwise      the record ends when the abandon time is over
    a gift                expires (`posting.next_expiry`)
    low credit            is told before the credit ends (`low_credit`)

`meter.settle` applies the deadlines that have fallen due. The earliest deadline is stored with the account, so that a
worker wakes at this instant. A worker that wakes late changes no cost: each deadline acts as of its own instant.

Units: instants and durations in milliseconds of engine time, all integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core.low_credit import next_low_credit
from talktime.core.posting import next_expiry
from talktime.core.record import AWAY, Party, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from talktime.core.cuts import Cut
    from talktime.core.payer import Durations, Payer
    from talktime.core.record import Record

_RANK: Final = {
    reason: rank
    for rank, reason in enumerate(
        (
            Reason.MAX_COST,
            Reason.OUT_OF_CREDIT,
            Reason.USER_AWAY,
            Reason.ADVISOR_AWAY,
            Reason.MISSED,
            Reason.ABANDONED,
        )
    )
}
"""The order of deadlines in one millisecond. The order decides which reason people see, but not the cost."""


class Deadline(NamedTuple):
    """Something that happens to a record by itself at an instant.

    `cut_number` is the place of the record's cut among the cuts of the account; 0 for other deadlines.
    """

    at: int
    reason: Reason
    record: Record
    cut_number: int = 0

    @property
    def order(self) -> tuple[int, int, int, int, str]:
        """The sort key: by instant, by reason, then by cut, by start of the record and by its id.

        If two records are cut in one millisecond, the first that could not pay is cut first, because the other may then
        be able to go on.
        """
        return (self.at, _RANK[self.reason], self.cut_number, self.record.started_at, self.record.record_id)


def find_deadlines(
    payer: Payer, durations: Durations, cuts: Mapping[str, Cut], *, with_renewed: bool
) -> Iterator[Deadline]:
    """The deadlines of all records.

    Args:
        payer: the payer.
        durations: the durations that the host sets.
        cuts: the payer's cuts.
        with_renewed: whether to count the leases that a live node keeps renewing.
    """
    for number, (record_id, cut) in enumerate(cuts.items()):
        yield Deadline(cut.at, cut.reason, payer.records[record_id], number)
    for record in payer.records.values():
        if record.ring_until is not None:
            yield Deadline(record.ring_until, Reason.MISSED, record)
        if record.is_running or record.is_requested:
            for party in Party if record.is_running else (Party.USER,):
                if with_renewed or not payer.is_lease_renewed(record, party):
                    # Posted time stays billed, so a lapse that is noticed late stops the record at `settled_at` at the
                    # earliest.
                    lapse = max(payer.present_until(record, party), record.settled_at)
                    yield Deadline(lapse, AWAY[party], record)
        elif (recharge_until := record.recharge_until(durations.recharge_ms)) is not None:
            yield Deadline(recharge_until, Reason.OUT_OF_CREDIT, record)
        elif (abandon_until := record.abandon_until(durations.abandon_ms)) is not None:
            yield Deadline(abandon_until, Reason.ABANDONED, record)


def next_deadline(payer: Payer, durations: Durations, cuts: Mapping[str, Cut]) -> int | None:
    """The earliest instant at which something happens to the payer by itself; None if nothing will.

    Leases that a live node keeps renewing do not count, because the node stores their end when it stops renewing them.
    `cuts` are the payer's cuts.
    """
    instants = [deadline.at for deadline in find_deadlines(payer, durations, cuts, with_renewed=False)]
    low = next_low_credit(payer, durations.low_ms, cuts)
    others = (next_expiry(payer), None if low is None else low.at)
    return min([*instants, *(at for at in others if at is not None)], default=None)
