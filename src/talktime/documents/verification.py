"""A receipt proved from its own facts, by anybody, without a database.

    tariff, free time before ──────────────┐
    segments → elapsed time, gaps → price, lines → charges, each at its instant → totals
                                           └── terms → shares, each at its instant → totals

`verify` takes the JSON of a receipt and computes every figure again. For each figure it says what the receipt states
and what follows from the facts. The facts are what was stored when it happened; the fingerprint says whether they are
still the facts that the receipt was made from.

The browser does the same (`client/src/core/verify.ts`), and a test demands the same list of checks from both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.instants import format_instant, parse_instant
from talktime.core.money import format_credits, parse_formatted
from talktime.core.price import explain, price
from talktime.core.record import GRACE_INTERVAL_MS, Party, Reason, State
from talktime.core.refunds import EntryTotals, part_of_advisor
from talktime.core.starts import Starts
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms, share
from talktime.documents.fingerprint import fingerprint
from talktime.documents.receipt import CAUSES, gaps, lapses, totals
from talktime.documents.receipt_form import NotAReceiptError, read_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Check", "NotAReceiptError", "verify"]


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of a receipt: its place, the rule for it, what the receipt states, and what follows from the facts."""

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
    """The facts from which all figures are computed."""

    now: int
    tariff: Tariff
    allowance_ms: int
    segments: tuple[_Segment, ...]

    def elapsed_at(self, at: int) -> int:
        """How long the timer had run at that instant."""
        return sum(max(0, min(end, at) - start) for start, end in self.segments)

    def cost_at(self, at: int) -> int:
        """The cost of that time."""
        return price(self.tariff, self.elapsed_at(at), self.allowance_ms).cost


def verify(document: Mapping[str, Any]) -> list[Check]:
    """Everything about a receipt that follows from its facts, computed again.

    Args:
        document: the JSON of a receipt.

    Raises:
        NotAReceiptError: the document does not have the form of a receipt.
    """
    receipt = read_receipt(document)
    facts = _facts(receipt)
    return [
        Check("fingerprint", "the document is as it was made", receipt["fingerprint"], fingerprint(receipt)),
        *_times(receipt, facts),
        *_record(receipt),
        *_gaps(receipt),
        *_prices(receipt, facts),
        *_entries(receipt, facts),
        *_totals(receipt),
        *_shares(receipt, facts),
    ]


def _facts(document: Mapping[str, Any]) -> _Facts:
    now = parse_instant(document["server_time"])
    tariff = Tariff.parse(document["tariff"])
    return _Facts(
        now,
        tariff if _has_grace(document) else tariff.without_grace,
        tariff.allowance_after(document["free_ms_before"]),
        tuple(
            _Segment(
                parse_instant(segment["started_at"]),
                now if segment["ended_at"] is None else parse_instant(segment["ended_at"]),
            )
            for segment in document["segments"]
        ),
    )


def _has_grace(document: Mapping[str, Any]) -> bool:
    """Whether the record has grace: the pair has not used the grace less than a day before."""
    used_at = document.get("grace_used_at")  # receipts of earlier versions have no such field
    return (
        used_at is None or parse_instant(document["record"]["started_at"]) - parse_instant(used_at) >= GRACE_INTERVAL_MS
    )


def _times(document: Mapping[str, Any], facts: _Facts) -> Iterator[Check]:
    record, segments = document["record"], document["segments"]
    limit = parse_instant(record["started_at"])
    for index, (segment, (start, end)) in enumerate(zip(segments, facts.segments, strict=True)):
        path, reason, is_open = f"segments[{index}]", segment["reason"], segment["ended_at"] is None
        yield _time(f"{path}.started_at", "a segment does not begin before the one before it ends", start, limit)
        yield _time(f"{path}.ended_at", "a segment does not end before it begins", end, start)
        yield Check(f"{path}.duration_ms", "how long a segment is", segment["duration_ms"], end - start)
        yield Check(f"{path}.reason", "a segment that has ended says why", reason is None, is_open)
        cause = None if reason is None else CAUSES.get(reason, segment["caused_by"])
        yield Check(f"{path}.caused_by", "the reason says who caused it", segment["caused_by"], cause)
        limit = end
    if record["ended_at"] is not None:
        ended = parse_instant(record["ended_at"])
        yield _time("record.ended_at", "a record does not end before its last segment ends", ended, limit)
        limit = max(limit, ended)
    yield _time("server_time", "a receipt says nothing of what has not happened", facts.now, limit)
    elapsed_ms = facts.elapsed_at(facts.now)
    yield Check("elapsed_ms", "the segments add up to the time", document["elapsed_ms"], elapsed_ms)


def _record(document: Mapping[str, Any]) -> Iterator[Check]:
    record, segments = document["record"], document["segments"]
    is_open = [segment["ended_at"] is None for segment in segments]
    last = segments[-1] if segments else None
    may_ring = last is None and record.get("starts") == Starts.ACCEPTED and record["state"] == State.REQUESTED
    waiting = State.REQUESTED if may_ring else State.PAUSED
    state = State.RUNNING if any(is_open[-1:]) else waiting if record["ended_at"] is None else State.ENDED
    yield Check("record.state", "a record runs while its last segment is open", record["state"], state)
    yield Check("segments", "no other segment is open", sum(is_open), int(state is State.RUNNING))
    needs_no_reason = state in {State.REQUESTED, State.RUNNING}
    yield Check(
        "record.reason", "a record that is paused or has ended says why", record["reason"] is None, needs_no_reason
    )
    paused_at = None if state is not State.PAUSED else record["started_at"] if last is None else last["ended_at"]
    yield Check("record.paused_at", "a pause begins when the last segment ends", record["paused_at"], paused_at)
    paused_by = record["paused_by"] if state is State.PAUSED and record["reason"] == "paused" else None
    yield Check("record.paused_by", "only a pause is somebody's act", record["paused_by"], paused_by)
    chat_id = last["chat_id"] if last is not None and state is State.RUNNING else record["current_chat_id"]
    said = record.get("decline_reason") if record["reason"] == Reason.DECLINED else None
    yield Check("record.decline_reason", "only an advisor who declines says why", record.get("decline_reason"), said)
    is_act = state is State.ENDED and record["reason"] in {Reason.STOPPED, Reason.DECLINED}
    ended_by = record.get("ended_by") if is_act else None
    yield Check("record.ended_by", "only a stop and a refusal are somebody's act", record.get("ended_by"), ended_by)
    yield Check("record.current_chat_id", "a record runs in its current chat", record["current_chat_id"], chat_id)


def _gaps(document: Mapping[str, Any]) -> Iterator[Check]:
    first = document["gaps"][0]["caused_by"] if document["gaps"] else None
    earlier = Party.ADVISOR.value if first == Party.ADVISOR else None
    found = gaps(document["record"], document["segments"], document["server_time"], ringing_cause=earlier)
    for index, (stated, follows) in enumerate(zip(document["gaps"], found, strict=False)):
        yield Check(f"gaps[{index}]", "time that was not billed lies between the segments", stated, follows)
    yield Check("gaps", "how many gaps there are", len(document["gaps"]), len(found))
    yield Check("leases", "the leases that ended a segment", document["leases"], lapses(document["segments"]))


def _prices(document: Mapping[str, Any], facts: _Facts) -> Iterator[Check]:
    elapsed_ms = facts.elapsed_at(facts.now)
    priced = price(facts.tariff, elapsed_ms, facts.allowance_ms)
    yield Check("billed_ms", "the increments begun", document["billed_ms"], priced.billed_ms)
    yield Check("cost", "the price of the time", document["cost"], format_credits(priced.cost))
    # The words of a line are not checked: another version may have better ones, and the fingerprint covers them.
    lines = [format_credits(line.amount) for line in explain(facts.tariff, elapsed_ms, facts.allowance_ms)]
    for index, (line, amount) in enumerate(zip(document["lines"], lines, strict=False)):
        yield Check(f"lines[{index}].amount", "a step of the arithmetic", line["amount"], amount)
    yield Check("lines", "how many steps there are", len(document["lines"]), len(lines))


def _entries(document: Mapping[str, Any], facts: _Facts) -> Iterator[Check]:
    entries, totals = document["entries"], EntryTotals()
    for index, entry in enumerate(entries):
        path = f"entries[{index}]"
        record_id = document["record"]["id"]
        yield Check(f"{path}.record_id", "an entry belongs to this record", entry["record_id"], record_id)
        is_charge = entry["kind"] == EntryKind.CHARGE
        yield from _charge(path, entry, totals, facts) if is_charge else _refund(path, entry, totals)
        yield Check(f"{path}.reason", "a refund says why", entry["reason"] is None, is_charge)
        what = "what is charged or given back does not expire"
        yield Check(f"{path}.expires_at", what, entry["expires_at"], None)
        totals = _with_charge(totals, entry, facts) if is_charge else _with_refund(totals, entry)
    yield from _order("entries", entries, facts.now)
    unposted = facts.cost_at(facts.now) - totals.charged
    yield Check(
        "unposted", "the part of the cost that is not charged yet", document["unposted"], format_credits(unposted)
    )
    if document["record"]["state"] != "running":
        what = "everything is charged once the timer has stopped"
        yield Check("unposted", what, document["unposted"], "0.00")


def _charge(path: str, entry: Mapping[str, Any], totals: EntryTotals, facts: _Facts) -> Iterator[Check]:
    amount, gift = parse_formatted(entry["amount"]), parse_formatted(entry["gift"])
    cost = facts.cost_at(parse_instant(entry["at"]))
    what = f"the charges up to here are the price of the time up to here, {format_credits(cost)}"
    yield _credits(f"{path}.amount", what, amount, totals.charged - cost)
    within = min(max(gift, min(amount, 0)), max(amount, 0))
    yield _credits(f"{path}.gift", "the gift in a charge is no more than the charge", gift, within)


def _with_charge(totals: EntryTotals, entry: Mapping[str, Any], facts: _Facts) -> EntryTotals:
    """The totals after a charge, whose amount is the one that follows from the time, whatever the receipt states."""
    charged = facts.cost_at(parse_instant(entry["at"]))
    return replace(totals, charged=charged, gift=totals.gift - parse_formatted(entry["gift"]))


def _refund(path: str, entry: Mapping[str, Any], totals: EntryTotals) -> Iterator[Check]:
    amount, gift = parse_formatted(entry["amount"]), parse_formatted(entry["gift"])
    left = totals.refundable
    what = f"a refund is at most the part of the charges that was not given back yet, {format_credits(left)}"
    yield _credits(f"{path}.amount", what, amount, max(1, min(amount, left)))
    bought = left - (totals.gift - totals.refunded_gift)
    what = "a refund gives bought credit back before gifts"
    yield _credits(f"{path}.gift", what, gift, amount - min(amount, bought))


def _with_refund(totals: EntryTotals, entry: Mapping[str, Any]) -> EntryTotals:
    amount, gift = parse_formatted(entry["amount"]), parse_formatted(entry["gift"])
    return replace(totals, refunded=totals.refunded + amount, refunded_gift=totals.refunded_gift + gift)


def _order(path: str, entries: list[Mapping[str, Any]], now: int) -> Iterator[Check]:
    instants = [parse_instant(entry["at"]) for entry in entries]
    for index, (earlier, later) in enumerate(pairwise(instants), 1):
        yield _time(f"{path}[{index}].at", "entries are in order", later, earlier)
    if instants:
        at = f"{path}[{len(instants) - 1}].at"
        what = "a receipt says nothing of what has not happened"
        yield Check(at, what, format_instant(instants[-1]), format_instant(min(instants[-1], now)))
    ids = {entry["id"] for entry in entries}
    yield Check(path, "each entry is there once", len(entries), len(ids))


def _totals(document: Mapping[str, Any]) -> Iterator[Check]:
    for name, follows in totals(document["entries"]).items():
        yield Check(f"totals.{name}", "the entries add up", document["totals"][name], follows)


def _shares(document: Mapping[str, Any], facts: _Facts) -> Iterator[Check]:
    if "shares" not in document:  # a user's receipt has none
        return
    shares, entries = document["shares"], document["shares"]["entries"]
    terms = Terms.parse(shares["terms"])
    totals, earned, fees = EntryTotals(), 0, 0
    for index, entry in enumerate(entries):
        path, amount = f"shares.entries[{index}]", parse_formatted(entry["amount"])
        advisor, borne_by = parse_formatted(entry["advisor_amount"]), entry["borne_by"]
        if entry["kind"] == EntryKind.REFUND:
            borne = part_of_advisor(amount, borne_by, totals, earned)
            yield _credits(f"{path}.advisor_amount", "the advisor's part of a refund", advisor, -borne)
            yield _credits(f"{path}.fees", "a refund gives no fees back", parse_formatted(entry["fees"]), 0)
            yield Check(f"{path}.borne_by", "a refund says who bears it", borne_by is None, found=False)
            if borne_by == BorneBy.SHARED:
                totals = totals.with_shared_refund(amount, -advisor)
        else:
            by_then = share(terms, facts.tariff, facts.elapsed_at(parse_instant(entry["at"])), facts.allowance_ms)
            what = "the advisor's part up to here"
            yield _credits(f"{path}.advisor_amount", what, advisor, by_then.advisor - earned)
            yield _credits(f"{path}.fees", "the fees up to here", parse_formatted(entry["fees"]), by_then.fees - fees)
            yield Check(f"{path}.borne_by", "only a refund is borne by somebody", borne_by, None)
            earned, fees = by_then
            totals = replace(totals, charged=totals.charged - amount)
        if entry["kind"] == EntryKind.SHARE:
            yield _credits(f"{path}.amount", "fees that go on alone take nothing from the user", amount, 0)
        platform = parse_formatted(entry["platform_amount"])
        yield _credits(f"{path}.platform_amount", "the three sides add up to nothing", platform, -(amount + advisor))
    yield from _order("shares.entries", entries, facts.now)
    by_now = share(terms, facts.tariff, facts.elapsed_at(facts.now), facts.allowance_ms)
    cost = facts.cost_at(facts.now)
    for name, follows in (("advisor", by_now.advisor), ("fees", by_now.fees), ("platform", cost - by_now.advisor)):
        yield Check(f"shares.{name}", "how the cost divides", shares[name], format_credits(follows))
    users = [[entry[name] for name in _SAME] for entry in document["entries"]]
    same = [[entry[name] for name in _SAME] for entry in entries if entry["kind"] != EntryKind.SHARE]
    yield Check("shares.entries", "the shared entries are the user's entries", same, users)


_SAME = ("id", "at", "kind", "amount")
"""The fields that an entry has in common with itself among the shares."""


def _time(path: str, what: str, stated: int, earliest: int) -> Check:
    """That an instant is not before another one."""
    return Check(path, what, format_instant(stated), format_instant(max(stated, earliest)))


def _credits(path: str, what: str, stated: int, found: int) -> Check:
    return Check(path, what, format_credits(stated), format_credits(found))
