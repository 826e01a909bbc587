"""The offer for a conversation that would begin now, for the person who decides whether to begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from talktime.core.cuts import find_cuts
from talktime.core.record import Reason
from talktime.core.transitions import start_timer
from talktime.documents.document import Document
from talktime.documents.fields import Credits, Instant, Milliseconds
from talktime.documents.tariff import TariffDocument

if TYPE_CHECKING:
    from talktime.core.payer import Payer
    from talktime.core.record import Record


@dataclass(frozen=True, slots=True)
class Offer(Document):
    """The price of a record that a user would start with an advisor now, and how long the user's credit would last."""

    user_id: str
    advisor_id: str
    display_name: Annotated[str, "the advisor's name"]
    tariff: TariffDocument
    tariff_version: Annotated[int, "name this version in the call that starts: another tariff is refused then"]
    free_remaining_ms: Annotated[Milliseconds, "free time that user and advisor have left"]
    grace_used_at: Annotated[
        Instant | None, "the start of the record that used the grace of these 24 hours; null with grace"
    ]
    required: Annotated[Credits, "the credit that the start needs"]
    available: Annotated[Credits, "the credit that the user has available"]
    lasts_ms: Annotated[
        Milliseconds | None,
        "how long the credit would last, with the user's other running records and gifts that expire;"
        " 0 where the start is refused for lack of credit, null where the credit would not end the record",
    ]


def offer(payer: Payer, record: Record, display_name: str, now: int) -> Offer:
    """The offer for `record`, which has not started, to a payer settled to `now`."""
    required, available = record.committed_if_running_at(now), payer.available_at(now)
    cut = find_cuts(start_timer(payer, record, now, None)).get(record.record_id)
    lasts_ms = cut.at - now if cut is not None and cut.reason is Reason.OUT_OF_CREDIT else None
    return Offer(
        user_id=record.user_id,
        advisor_id=record.advisor_id,
        display_name=display_name,
        tariff=record.tariff,
        tariff_version=record.tariff_version,
        free_remaining_ms=record.allowance_ms,
        grace_used_at=record.grace_used_at,
        required=required,
        available=available,
        lasts_ms=0 if required > available else lasts_ms,
    )
