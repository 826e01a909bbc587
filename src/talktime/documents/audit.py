"""The rules and findings of the auditor: the nine rules in words, and checks that no view makes.

The rules themselves are views (`broken_rule_1` to `broken_rule_9` in invariants.sql) that must be empty. Further checks
follow from what the core computes. `node.auditor` reads the facts for them. Checked here:

- each posted charge is the price of the time that had passed in segments until then;
- the whole charge is the price of the whole time;
- the advisor's part and the fees are those that the terms give;
- a shared refund is borne in the proportion in which the cost was earned.

Checked in `node.auditor`, by functions of `core`:

- the cut of a running record is the cut that follows from the account;
- the unspent gifts, and their expiries, are those that follow from the entries.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from talktime.core.durations import clock_text
from talktime.core.entries import BorneBy, EntryKind
from talktime.core.money import format_credits
from talktime.core.price import price
from talktime.core.refunds import EntryTotals, part_of_advisor
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

EXAMPLES: Final = 5
"""How many breaches of a rule are shown; all are counted."""

_REFUND: Final = (
    "a refund gives back what was billed by mistake:"
    " talktime record refund RECORD_ID --amount AMOUNT --reason WHY --borne-by platform"
)
_ENTRY: Final = (
    "another entry corrects what an account got or lost by mistake:"
    " talktime user debit USER_ID AMOUNT, or talktime user credit USER_ID AMOUNT --kind refund"
)
_TOTALS: Final = "talktime doctor --repair, which computes the stored totals again from the facts"


class Rule(NamedTuple):
    """A rule in words, and what to do if the rule is broken."""

    says: str
    repair: str


RULES: Final = {
    1: Rule("at most one active record per user and advisor", "end one of them: talktime record stop RECORD_ID"),
    2: Rule("at most one open segment per record, and segments of a record never overlap", _REFUND),
    3: Rule("a chat's duration is the sum of its segments, and only the current chat has an open one", _TOTALS),
    4: Rule(
        "a record's charge is the price of its time and minus the sum of its charge entries, and shared as agreed",
        f"{_TOTALS}; if that leaves it broken, {_REFUND}",
    ),
    5: Rule(
        "a balance is the sum of the account's entries, its gifts the sum of their gift amounts, and none is negative",
        _TOTALS,
    ),
    6: Rule("nothing is billed outside a lease, after a cut, after an end, or while no timer ran", _REFUND),
    7: Rule("repeating a request changes nothing the second time", _ENTRY),
    8: Rule(
        "credit that running records have committed can't be spent elsewhere",
        f"{_TOTALS}; if that leaves it broken, {_ENTRY}",
    ),
    9: Rule(
        "every active record has the deadlines it needs, none overdue by more than a minute",
        "talktime doctor --repair, and keep a node running: talktime serve",
    ),
}
"""By number, as in the documents."""


class Finding(NamedTuple):
    """A breach: what is wrong in words, with which row of which user; what is stored, and what follows from facts."""

    rule: int
    what: str
    id: str
    user_id: str
    stored: str
    follows: str

    def document(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {name: value for name, value in self._asdict().items() if name != "rule"}


class Lately(NamedTuple):
    """How engine time was corrected, and the outages of the last day. Nothing of this breaks a rule.

    Attributes:
        clock_corrections: how often nodes have corrected engine time, ever.
        clock_held_seconds: what is added to the clock of the database's server.
        outages: how many outages ended in the last day.
        outage_seconds: how long these outages lasted together, in the last day.
    """

    clock_corrections: int
    clock_held_seconds: float
    outages: int
    outage_seconds: float


@dataclass(slots=True)
class Audit:
    """The number of rows that were checked so far, and the findings."""

    accounts: int = 0
    records: int = 0
    entries: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    examples: dict[int, list[Finding]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    schema_faults: list[str] = field(default_factory=list)
    lately: Lately | None = None

    def add(self, findings: Iterable[Finding]) -> None:
        """Count findings. The first few of each rule are kept as examples, and the users of all are kept."""
        for finding in findings:
            self.counts[finding.rule] += 1
            self.users.add(finding.user_id)
            examples = self.examples.setdefault(finding.rule, [])
            if len(examples) < EXAMPLES:
                examples.append(finding)

    def broken(self) -> list[dict[str, Any]]:
        """Each rule that doesn't hold: `rule` (its number), `says`, `count`, `examples`, `repair`. Empty if all do."""
        return [
            {
                "rule": rule,
                "says": RULES[rule].says,
                "count": self.counts[rule],
                "examples": [finding.document() for finding in self.examples[rule]],
                "repair": RULES[rule].repair,
            }
            for rule in sorted(self.counts)
        ]

    def document(self) -> dict[str, Any]:
        """As JSON shows it."""
        checked = {"accounts": self.accounts, "records": self.records, "entries": self.entries}
        return {
            "broken": self.broken(),
            "schema_faults": self.schema_faults,
            "checked": checked,
            "lately": None if self.lately is None else self.lately._asdict(),
        }


class AuditedRecord(NamedTuple):
    """A record as stored, with its tariff and its terms. Milliseconds and micro-credits."""

    record_id: str
    user_id: str
    tariff: Tariff
    allowance_ms: int
    elapsed_ms: int
    charged: int
    earned: int
    fees: int
    terms: Terms


def charge_findings(
    record: AuditedRecord, charges: Sequence[tuple[int, int]], segments: Sequence[tuple[int, int]]
) -> Iterator[Finding]:
    """Where a record's charges are not the price of its time.

    Args:
        record: as stored.
        charges: `(instant, micro-credits)` of what was posted, by instant.
        segments: `(begin, end)` of its running time, by instant.
    """
    cost = price(record.tariff, record.elapsed_ms, record.allowance_ms).cost
    if record.charged != cost:
        yield _finding(4, record, "a record's charge is not the price of its time", record.charged, cost)
    earned, fees = share(record.terms, record.tariff, record.elapsed_ms, record.allowance_ms)
    if record.earned != earned:
        yield _finding(4, record, "what an advisor earned is not their share of the price", record.earned, earned)
    if record.fees != fees:
        yield _finding(4, record, "what was taken as fees is not what the terms say", record.fees, fees)
    posted = before_ms = index = 0
    for at, amount in charges:
        posted += amount
        while index < len(segments) and segments[index][1] <= at:
            before_ms += segments[index][1] - segments[index][0]
            index += 1
        elapsed_ms = before_ms + (max(0, at - segments[index][0]) if index < len(segments) else 0)
        cost = price(record.tariff, elapsed_ms, record.allowance_ms).cost
        if posted != cost:
            what = f"what was billed by {clock_text(elapsed_ms)} of its time is not the price of that time"
            yield _finding(6, record, what, posted, cost)
            return


def shared_refund_findings(
    record_id: str, user_id: str, entries: Iterable[tuple[EntryKind, int, int, BorneBy | None]]
) -> Iterator[Finding]:
    """Where a refund at both parties' cost is not borne in the proportion in which it was earned by then.

    Args:
        record_id: of the record.
        user_id: whose it is.
        entries: `(kind, amount, the advisor's part, borne by)` of each of its entries, in order.
    """
    totals, earned = EntryTotals(), 0
    for kind, amount, advisor_amount, borne_by in entries:
        if kind != EntryKind.REFUND:
            totals, earned = replace(totals, charged=totals.charged - amount), earned + advisor_amount
        elif borne_by == BorneBy.SHARED:
            follows = part_of_advisor(amount, BorneBy.SHARED, totals, earned)
            totals = totals.with_shared_refund(amount, -advisor_amount)
            if -advisor_amount != follows:
                what = "a refund is not borne in the proportion in which it was earned"
                stored = f"{format_credits(-advisor_amount)} by the advisor"
                yield Finding(4, what, record_id, user_id, stored, format_credits(follows))


def _finding(rule: int, record: AuditedRecord, what: str, stored: int, follows: int) -> Finding:
    return Finding(rule, what, record.record_id, record.user_id, format_credits(stored), format_credits(follows))
