"""The offer for a conversation that would begin now, for the person who decides whether to begin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, Self

from talktime.core.cuts import find_cuts
from talktime.core.errors import InvalidRequest
from talktime.core.record import Reason
from talktime.core.transitions import start_timer
from talktime.documents.document import Document
from talktime.documents.fields import Credits, Instant, Milliseconds
from talktime.documents.tariff import TariffDocument

if TYPE_CHECKING:
    from talktime.core.payer import Payer
    from talktime.core.record import Record


_OFFER_VERSION: Final = re.compile(r"([1-9][0-9]{0,9})-([0-9]{1,15})(-grace)?", re.ASCII)


class OfferVersion(NamedTuple):
    """The part of an offer that another record of the pair, or the host, can make worse before the user has agreed."""

    tariff_version: int
    free_ms: int
    has_grace: bool

    def __str__(self) -> str:
        return f"{self.tariff_version}-{self.free_ms}{'-grace' if self.has_grace else ''}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The version of an offer, as the offer writes it.

        Raises:
            InvalidRequest: the text is not the version of an offer.
        """
        found = _OFFER_VERSION.fullmatch(text)
        if found is None:
            raise InvalidRequest(("offer_version", "is not the `version` of an offer, such as 7-240000 or 7-0-grace"))
        return cls(int(found[1]), int(found[2]), found[3] is not None)

    @classmethod
    def of(cls, record: Record) -> Self:
        """The version of the offer for a record that has not started."""
        return cls(
            record.tariff_version, record.allowance_ms, bool(record.tariff.grace_ms) and record.grace_used_at is None
        )

    def keeps(self, promised: OfferVersion) -> bool:
        """Whether this offer has the price, and at least the free time and the grace, of one that was shown before."""
        return (
            self.tariff_version == promised.tariff_version
            and self.free_ms >= promised.free_ms
            and self.has_grace >= promised.has_grace
        )


@dataclass(frozen=True, slots=True)
class Offer(Document):
    """The price of a record that a user would start with an advisor now, and how long the user's credit would last."""

    user_id: str
    advisor_id: str
    display_name: Annotated[str, "the advisor's name"]
    tariff: TariffDocument
    tariff_version: Annotated[int, "the version of the tariff"]
    version: Annotated[
        str, "name this in the call that starts: another tariff, less free time or no grace is refused then"
    ]
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
        version=str(OfferVersion.of(record)),
        free_remaining_ms=record.allowance_ms,
        grace_used_at=record.grace_used_at,
        required=required,
        available=available,
        lasts_ms=0 if required > available else lasts_ms,
    )
