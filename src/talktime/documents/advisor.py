"""An advisor as users, hosts and the advisor see them: name, tariff, terms, and earnings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from talktime.core.starts import Starts
from talktime.documents.document import CONFIDENTIAL, Document, Named, encoded, shown
from talktime.documents.fields import Credits, Instant, Metadata, MillisecondsAsSeconds
from talktime.documents.tariff import TariffDocument, TermsDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from talktime.core.starts import StartRule
    from talktime.core.tariff import Tariff
    from talktime.core.terms import Terms


@dataclass(frozen=True, slots=True)
class Advisor(Document):
    """An advisor, with the tariff and the terms of a record that started now."""

    advisor_id: Annotated[str, Named("id")]
    display_name: str
    tariff: TariffDocument
    tariff_version: int
    terms: Annotated[TermsDocument, CONFIDENTIAL, "absent for users and other advisors"]
    starts: Annotated[Starts, "how a record that started now would start"]
    ring_ms: Annotated[MillisecondsAsSeconds, Named("ring_seconds"), "how long a request rings"]
    max_active: Annotated[int | None, "how many active records the advisor may have; null for no maximum"]
    metadata: Annotated[Metadata, CONFIDENTIAL, "the host's own texts, by key; absent for users and advisors"] = field(
        default_factory=dict
    )

    def document(self, *, with_terms: bool = False, with_metadata: bool = False) -> dict[str, Any]:
        """The JSON of this document. Users and other advisors are shown neither the terms nor the metadata."""
        document = encoded(self, with_confidential=True)
        hidden = {name for name, is_shown in (("terms", with_terms), ("metadata", with_metadata)) if not is_shown}
        return {name: value for name, value in document.items() if name not in hidden}


def advisor_document(
    advisor_id: str,
    display_name: str,
    tariff: Tariff,
    tariff_version: int,
    terms: Terms,
    start_rule: StartRule,
    metadata: Mapping[str, str] | None = None,
) -> Advisor:
    """An advisor, with all that a record gets if it starts now."""
    return Advisor(
        advisor_id,
        display_name,
        tariff,
        tariff_version,
        terms,
        start_rule.starts,
        start_rule.ring_ms,
        start_rule.max_active,
        metadata or {},
    )


@dataclass(frozen=True, slots=True)
class Earnings(Document):
    """The earnings of an advisor, from the beginning up to `at`.

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
