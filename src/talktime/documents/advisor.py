"""An advisor as users, hosts and the advisor see them: name, tariff, terms, and earnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from talktime.core.instants import instant
from talktime.core.money import format_credits
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms


@dataclass(frozen=True, slots=True)
class Advisor:
    """Who is paid, and the tariff and terms that a record started now would have."""

    advisor_id: str
    display_name: str
    tariff: Tariff
    tariff_version: int
    terms: Terms

    def document(self, *, with_terms: bool = False) -> dict[str, Any]:
        """Its JSON; the terms are no business of users."""
        shown = {
            "id": self.advisor_id,
            "display_name": self.display_name,
            "tariff": self.tariff.document(),
            "tariff_version": self.tariff_version,
        }
        return shown | {"terms": self.terms.document()} if with_terms else shown


@dataclass(frozen=True, slots=True)
class Earnings:
    """What an advisor's sessions have brought up to `at`: the `share` of what was charged, less the `refunds` borne.

    `unposted` is what running records had come to by then beyond that; with it, it is the same however often is posted.
    """

    advisor_id: str
    display_name: str
    at: int
    share: int
    refunds: int
    unposted: int = 0

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "advisor_id": self.advisor_id,
            "display_name": self.display_name,
            "at": instant(self.at),
            "share": format_credits(self.share),
            "refunds": format_credits(self.refunds),
            "net": format_credits(self.share - self.refunds),
            "unposted": format_credits(self.unposted),
        }
