"""Outages: times in which no node could write. They are billed to nobody.

An outage is a stored fact. `meter.settle` takes the payer over each outage in its turn, as over a deadline, and nothing
is written before the payer changes for another reason:

    a running record     stops when the outage begins, segment reason `platform`, and runs again when the outage is over
    a lease              lasts longer by the length of the outage, if it held when the outage began
    a waiting record     waits longer by the length of the outage
    a request            rings longer by the length of the outage
    a gift               expires at its own instant; if this lies within the outage, at the end of the outage

If the payer changed after the last renewal of engine time, but before the outage was known, the outage begins for this
payer at the instant of the change.

Units: instants in milliseconds of engine time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core.posting import expire_gifts
from talktime.core.record import Reason, replace
from talktime.core.transitions import end_segment, start_timer

if TYPE_CHECKING:
    from talktime.core.payer import Outage, Payer
    from talktime.core.record import Record


def pass_over(payer: Payer, outage: Outage) -> Payer:
    """Take the payer, which is settled to the beginning of the outage, to the end of the outage."""
    began_at = max(outage.began_at, payer.settled_at)
    running = payer.running()
    for record in running:
        payer = end_segment(payer, record, began_at, Reason.PLATFORM)  # what the record holds stays held
    for record in payer.records.values():
        payer = payer.with_record(_postponed(record, began_at, outage.ended_at))
    payer = replace(payer, settled_at=outage.ended_at)
    for record in running:
        payer = start_timer(payer, payer.records[record.record_id], outage.ended_at, Reason.PLATFORM)
    return expire_gifts(payer, outage.ended_at)


def _postponed(record: Record, began_at: int, ended_at: int) -> Record:
    """The record with every end that the outage puts off. Sockets' leases come from the database as they are then."""
    length_ms = ended_at - began_at
    return replace(
        record,
        user_lease_until=record.user_lease_until + (length_ms if record.user_lease_until > began_at else 0),
        advisor_lease_until=record.advisor_lease_until + (length_ms if record.advisor_lease_until > began_at else 0),
        user_left_at=_moved(record.user_left_at, length_ms),
        advisor_left_at=_moved(record.advisor_left_at, length_ms),
        waiting_since=_moved(record.waiting_since, length_ms),
        ring_until=_moved(record.ring_until, length_ms),
        paying_until=_moved(record.paying_until, length_ms),
    )


def _moved(at: int | None, length_ms: int) -> int | None:
    return None if at is None else at + length_ms
