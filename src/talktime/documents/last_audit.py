"""The results of a node's auditor: when it was last through all accounts, and the breaches of each rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from talktime.documents.document import Document
from talktime.documents.fields import Count, Instant, Number


@dataclass(frozen=True, slots=True)
class AuditedRule(Document):
    """A rule of the auditor, and whether it holds."""

    rule: Annotated[Number, "the number of the rule"]
    says: Annotated[str, "the rule in words"]
    breaches: Annotated[Count, "how many breaches this turn or the last turn has seen, whichever is more"]
    repair: Annotated[str, "what to do if the rule is broken"]


@dataclass(frozen=True, slots=True)
class LastAudit(Document):
    """The results of this node's auditor, which goes through all accounts, a few every minute, and begins again."""

    ended_at: Annotated[Instant | None, "when it last got through all accounts; null if it has not yet"]
    accounts: Annotated[Count, "how many accounts there were on that turn"]
    rules: tuple[AuditedRule, ...]
