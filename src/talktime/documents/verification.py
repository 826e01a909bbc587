"""A receipt proved from its own facts, by anybody, without a database. Pure.

    tariff, free time before ──────────────┐
    segments → elapsed time, gaps → price, lines → charges, each at its instant → totals
                                           └── terms → shares, each at its instant → totals

`verify` takes the JSON of a receipt and does all of that again, and says of each figure what the receipt states and
what follows from the facts. The facts themselves are what was stored, and the fingerprint tells whether they are still
those that the receipt was made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from talktime.core.instants import instant, parse_instant
from talktime.core.money import format_credits, parse_credits
from talktime.core.price import explain, price
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms, share
from talktime.documents import receipt as ledger
from talktime.documents.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class NotAReceiptError(ValueError):
    """The document has not the shape of a receipt."""


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of a receipt: where it stands, what it is, what is `stated` there and what was `found`."""

    path: str
    what: str
    stated: Any
    found: Any

    @property
    def holds(self) -> bool:
        """Whether the receipt is right here."""
        return bool(self.stated == self.found)

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "path": self.path,
            "what": self.what,
            "stated": self.stated,
            "found": self.found,
            "holds": self.holds,
        }


class _Segment(NamedTuple):
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Facts:
    """What everything else follows from."""

    now: int
    tariff: Tariff
    allowance_ms: int
    segments: tuple[_Segment, ...]

    def elapsed_at(self, at: int) -> int:
        """How long the timer had run by then."""
        return sum(max(0, min(end, at) - start) for start, end in self.segments)

    def cost_at(self, at: int) -> int:
        """What that cost."""
        return price(self.tariff, self.elapsed_at(at), self.allowance_ms).cost


def verify(document: Mapping[str, Any]) -> list[Check]:
    """Everything about a receipt that follows from its facts, done again.

    Args:
        document: the JSON of a receipt.

    Raises:
        NotAReceiptError: when it is none.
    """
    try:
        facts = _facts(document)
        return [
            Check("fingerprint", "the document is as it was made", document["fingerprint"], fingerprint(document)),
            *_times(document, facts),
            *_gaps(document),
            *_prices(document, facts),
            *_entries(document, facts),
            *_totals(document),
            *_shares(document, facts),
        ]
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, ArithmeticError) as error:
        msg = f"This is not a receipt: {type(error).__name__} {error}"
        raise NotAReceiptError(msg) from error


def _facts(document: Mapping[str, Any]) -> _Facts:
    now = parse_instant(document["server_time"])
    tariff = Tariff.parse(document["tariff"])
    return _Facts(
        now,
        tariff,
        max(0, tariff.free_ms - _whole(document["free_ms_before"])),
        tuple(
            _Segment(
                parse_instant(told["started_at"]), now if told["ended_at"] is None else parse_instant(told["ended_at"])
            )
            for told in document["segments"]
        ),
    )


def _times(document: Mapping[str, Any], facts: _Facts) -> Iterator[Check]:
    record, segments = document["record"], document["segments"]
    limit = parse_instant(record["started_at"])
    for index, (told, (start, end)) in enumerate(zip(segments, facts.segments, strict=True)):
        path = f"segments[{index}]"
        yield _time(f"{path}.started_at", "a segment begins after what was before it", start, max(start, limit))
        yield _time(f"{path}.ended_at", "a segment ends after it began", end, max(start, end))
        yield Check(f"{path}.duration_ms", "how long a segment is", told["duration_ms"], end - start)
        limit = end
    if record["ended_at"] is not None:
        ended = parse_instant(record["ended_at"])
        yield _time("record.ended_at", "a record ends after its time did", ended, max(ended, limit))
    yield _time("server_time", "a receipt tells of what has been", facts.now, max(facts.now, limit))
    runs = [told["ended_at"] is None for told in segments]
    state = "running" if any(runs[-1:]) else "paused" if record["ended_at"] is None else "ended"
    yield Check("record.state", "only the last segment is open, and only while it runs", record["state"], state)
    yield Check("segments", "no other segment is open", sum(runs), int(state == "running"))
    yield Check("record.reason", "what does not run says why", record["reason"] is None, state == "running")
    yield Check("elapsed_ms", "the segments add up to the time", document["elapsed_ms"], facts.elapsed_at(facts.now))


def _gaps(document: Mapping[str, Any]) -> Iterator[Check]:
    found = ledger.gaps(document["record"], document["segments"], document["server_time"])
    for index, (stated, follows) in enumerate(zip(document["gaps"], found, strict=False)):
        yield Check(f"gaps[{index}]", "time that was not billed lies between the segments", stated, follows)
    yield Check("gaps", "how many gaps there are", len(document["gaps"]), len(found))
    yield Check("leases", "the leases that ended a segment", document["leases"], ledger.lapses(document["segments"]))


def _prices(document: Mapping[str, Any], facts: _Facts) -> Iterator[Check]:
    elapsed_ms = facts.elapsed_at(facts.now)
    priced = price(facts.tariff, elapsed_ms, facts.allowance_ms)
    yield Check("billed_ms", "the increments begun", document["billed_ms"], priced.billed_ms)
    yield Check("cost", "the price of the time", document["cost"], format_credits(priced.cost))
    # Not their words: another version may have better ones, and the fingerprint covers them.
    lines = [format_credits(line.amount) for line in explain(facts.tariff, elapsed_ms, facts.allowance_ms)]
    for index, (told, amount) in enumerate(zip(document["lines"], lines, strict=False)):
        yield Check(f"lines[{index}].amount", "a step of the arithmetic", told["amount"], amount)
    yield Check("lines", "how many steps there are", len(document["lines"]), len(lines))


def _entries(document: Mapping[str, Any], facts: _Facts) -> Iterator[Check]:
    entries, before, refunded = document["entries"], 0, 0
    for index, entry in enumerate(entries):
        path, at, amount = f"entries[{index}]", parse_instant(entry["at"]), _amount(entry["amount"])
        yield Check(f"{path}.record_id", "an entry is of this record", entry["record_id"], document["record"]["id"])
        if entry["kind"] == "charge":
            cost = facts.cost_at(at)
            what = f"charges by then are the price of the time by then, {format_credits(cost)}"
            yield _credits(f"{path}.amount", what, amount, before - cost)
            before = cost
        else:
            what = f"no more is given back than is left of what was charged, {format_credits(before - refunded)}"
            yield _credits(f"{path}.amount", what, amount, max(1, min(amount, before - refunded)))
            refunded += amount
        gift = _amount(entry.get("gift", "0.00"))
        within = min(max(gift, min(amount, 0)), max(amount, 0))
        yield _credits(f"{path}.gift", "what was given is no more than the amount", gift, within)
    for index, (earlier, later) in enumerate(pairwise(parse_instant(entry["at"]) for entry in entries), 1):
        yield _time(f"entries[{index}].at", "entries are in order", later, max(earlier, later))
    if entries:
        last = parse_instant(entries[-1]["at"])
        yield _time(f"entries[{len(entries) - 1}].at", "a receipt tells of what has been", last, min(last, facts.now))
    unposted = facts.cost_at(facts.now) - before
    yield Check("unposted", "what of the cost is not charged yet", document["unposted"], format_credits(unposted))
    if document["record"]["state"] != "running":
        yield Check("unposted", "nothing is left open once the timer has stopped", document["unposted"], "0.00")


def _totals(document: Mapping[str, Any]) -> Iterator[Check]:
    for name, follows in ledger.totals(document["entries"]).items():
        yield Check(f"totals.{name}", "the entries add up", document["totals"][name], follows)


def _shares(document: Mapping[str, Any], facts: _Facts) -> Iterator[Check]:
    if "shares" not in document:  # they are no business of a user
        return
    told, entries = document["shares"], document["shares"]["entries"]
    terms = Terms.parse(told["terms"])
    earned = fees = charged = 0
    tally = _Shared(0, 0)
    for index, entry in enumerate(entries):
        path, amount, advisor = f"shares.entries[{index}]", _amount(entry["amount"]), _amount(entry["advisor_amount"])
        if entry["kind"] in {"charge", "share"}:
            by_then = share(terms, facts.tariff, facts.elapsed_at(parse_instant(entry["at"])), facts.allowance_ms)
            yield _credits(f"{path}.advisor_amount", "the advisor's part by then", advisor, by_then.advisor - earned)
            yield _credits(f"{path}.fees", "the fees by then", _amount(entry["fees"]), by_then.fees - fees)
            earned, fees = by_then
            charged -= amount
            yield Check(f"{path}.borne_by", "only a refund is borne by somebody", entry["borne_by"], None)
        else:
            borne, tally = _borne(entry["borne_by"], amount, -advisor, tally, (earned, charged))
            yield _credits(f"{path}.advisor_amount", "who bears a refund", advisor, -borne)
            yield _credits(f"{path}.fees", "a refund gives no fees back", _amount(entry["fees"]), 0)
        platform = _amount(entry["platform_amount"])
        yield _credits(f"{path}.platform_amount", "what one gets the others give", platform, -(amount + advisor))
    by_now = share(terms, facts.tariff, facts.elapsed_at(facts.now), facts.allowance_ms)
    cost = facts.cost_at(facts.now)
    for name, follows in (("advisor", by_now.advisor), ("fees", by_now.fees), ("platform", cost - by_now.advisor)):
        yield Check(f"shares.{name}", "how the cost divides", told[name], format_credits(follows))
    mine = [(e["id"], e["at"], e["kind"], e["amount"]) for e in document["entries"]]
    same = [(e["id"], e["at"], e["kind"], e["amount"]) for e in entries if e["kind"] != "share"]
    yield Check("shares.entries", "they are the user's entries, seen from the other side", same, mine)


class _Shared(NamedTuple):
    """What was given back at both parties' cost, and what of that at the advisor's."""

    amount: int
    by_advisor: int


def _borne(borne_by: str, amount: int, stated: int, tally: _Shared, proportion: tuple[int, int]) -> tuple[int, _Shared]:
    """What of a refund the advisor bears, and the tally of shared ones with it (see `refunds`)."""
    if borne_by != "shared":
        return (amount if borne_by == "advisor" else 0), tally
    earned, charged = proportion
    by_then = (tally.amount + amount) * earned // charged if charged else 0
    found = min(amount, max(0, by_then - tally.by_advisor))
    return found, _Shared(tally.amount + amount, tally.by_advisor + stated)


def _time(path: str, what: str, stated: int, found: int) -> Check:
    return Check(path, what, instant(stated), instant(found))


def _credits(path: str, what: str, stated: int, found: int) -> Check:
    return Check(path, what, format_credits(stated), format_credits(found))


def _amount(text: str) -> int:
    return -parse_credits(text[1:]) if text.startswith("-") else parse_credits(text)


def _whole(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        msg = f"{number!r} is no whole number"
        raise ValueError(msg)  # noqa: TRY004  one error type for one kind of bad document
    return number
