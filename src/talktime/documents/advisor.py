"""An advisor as users, hosts and the advisor see them: name, tariff, terms, and earnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from talktime.documents.document import CONFIDENTIAL, Document, Named, encoded, shown
from talktime.documents.fields import Credits, Instant
from talktime.documents.tariff import TariffDocument, TermsDocument


@dataclass(frozen=True, slots=True)
class Advisor(Document):
    """An advisor, with the tariff and the terms of a record that started now."""

    advisor_id: Annotated[str, Named("id")]
    display_name: str
    tariff: TariffDocument
    tariff_version: int
    terms: Annotated[TermsDocument, CONFIDENTIAL, "absent for users and other advisors"]

    def document(self, *, with_terms: bool = False) -> dict[str, Any]:
        """The JSON of this document. Users and other advisors are not shown the terms."""
        return encoded(self, with_confidential=with_terms)


@dataclass(frozen=True, slots=True)
class Earnings(Document):
    """What the sessions of an advisor have brought, from the beginning up to `at`.

    `net + unposted` does not depend on when charges are posted.
    """

    advisor_id: str
    display_name: str
    at: Instant
    share: Annotated[Credits, "the advisor's share of what was charged"]
    refunds: Annotated[Credits, "the part of refunds that the advisor bears"]
    unposted: Annotated[Credits, "what running records had earned by `at` but not yet posted"] = 0

    @property
    @shown(after="refunds")
    def net(self) -> Annotated[Credits, "the share minus the refunds"]:
        """The share minus the refunds."""
        return self.share - self.refunds
