"""What falls due by itself, and when. Pure.

A record that runs waits for the end of its credit and of its leases, one that is paused for the end of its patience.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.core.payer import AWAY, Party, Reason
from talktime.core.posting import next_expiry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from talktime.core.cuts import Cut
    from talktime.core.payer import Payer, Record, Rules

# What is due in the same millisecond happens in this order; the bill is the same, the reason is not.
_RANK: Final = {
    reason: rank
    for rank, reason in enumerate(
        (Reason.MAX_COST, Reason.OUT_OF_CREDIT, Reason.USER_AWAY, Reason.ADVISOR_AWAY, Reason.ABANDONED)
    )
}


class Due(NamedTuple):
    """What happens to a record by itself, and when; `turn` is its place among the account's cuts."""

    at: int
    reason: Reason
    record: Record
    turn: int = 0

    @property
    def order(self) -> tuple[int, int, int, int, str]:
        """What is due earlier happens earlier; in the same millisecond it is settled, too.

        Of two that are cut, who could not pay first is first: what that leaves may let the other go on.
        """
        return (self.at, _RANK[self.reason], self.turn, self.record.started_at, self.record.record_id)


def dues(payer: Payer, rules: Rules, ends: Mapping[str, Cut], *, held: bool) -> Iterator[Due]:
    """All that will fall due if nothing else happens; `held` says whether to count leases that live processes renew."""
    for turn, (record_id, end) in enumerate(ends.items()):
        yield Due(end.at, end.reason, payer.records[record_id], turn)
    for record in payer.records.values():
        if record.is_running:
            for party in Party:
                if held or not payer.is_held(record, party):
                    # What is posted can't be taken back, so a lapse noticed late counts from there at the earliest.
                    yield Due(max(payer.present_until(record, party), record.settled_at), AWAY[party], record)
        elif record.waiting_since is not None:
            out_of_credit = record.reason is Reason.OUT_OF_CREDIT
            window_ms = rules.recharge_ms if out_of_credit else rules.abandon_ms
            yield Due(
                record.waiting_since + window_ms, Reason.OUT_OF_CREDIT if out_of_credit else Reason.ABANDONED, record
            )


def next_deadline(payer: Payer, rules: Rules, ends: Mapping[str, Cut]) -> int | None:
    """The earliest instant at which something happens by itself, leaving out what live processes keep renewing.

    `ends` are the payer's `cuts`, which whoever stores a deadline stores too.
    """
    instants = [due.at for due in dues(payer, rules, ends, held=False)]
    expiry = next_expiry(payer)
    return min(instants if expiry is None else [*instants, expiry], default=None)
