"""A record's bill, from its facts: what a receipt says, and its JSON, which `verification` proves. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from talktime.core.instants import instant, instant_or_none, parse_instant
from talktime.core.money import format_credits, parse_formatted
from talktime.core.payer import AWAY, Reason, State
from talktime.core.price import Line, explain, price
from talktime.core.tariff import Tariff
from talktime.core.terms import Share, Terms, share
from talktime.documents.fingerprint import fingerprint
from talktime.documents.snapshot import record_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from talktime.core.payer import Record
    from talktime.documents.account import Entry
    from talktime.documents.snapshot import RecordView

HOW_TO_RECOMPUTE: Final = (
    "elapsed_ms is the sum of the segments' duration_ms."
    " priced = elapsed_ms - max(0, tariff.free_seconds * 1000 - free_ms_before), not below 0."
    " cost is the tariff's price of priced, rounded once; the entries of kind 'charge' sum to -(cost - unposted)."
    " POST /v1/price with free_seconds set to what was left gives the same;"
    " talktime receipt --offline FILE does all of it, and so does the button on the receipt's page."
)

CAUSES: Final = {
    Reason.USER_AWAY: "user",
    Reason.ADVISOR_AWAY: "advisor",
    Reason.OUT_OF_CREDIT: "user",
    Reason.TIMER_FAILED: "service",
}
"""Who is the cause of time that was not billed, where the reason alone tells."""


@dataclass(frozen=True, slots=True)
class SegmentView:
    """An uninterrupted part of the billable time, for one chat; `reason` says why it ended, `caused_by` through whom.

    That is `user`, `advisor`, `operator` or `service`, and None where nobody noted it.
    """

    chat_id: str
    started_at: int
    ended_at: int | None
    duration_ms: int
    reason: Reason | None
    caused_by: str | None = None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "chat_id": self.chat_id,
            "started_at": instant(self.started_at),
            "ended_at": instant_or_none(self.ended_at),
            "duration_ms": self.duration_ms,
            "reason": None if self.reason is None else self.reason.value,
            "caused_by": self.caused_by,
        }


@dataclass(frozen=True, slots=True)
class SharedEntry:
    """An entry with both its other sides: what of it is the advisor's, what the platform's, and of that the fees.

    `borne_by` says who bears a refund.
    """

    id: str
    at: int
    kind: str
    amount: int
    advisor_amount: int
    platform_amount: int
    fees: int
    borne_by: str | None = None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "id": self.id,
            "at": instant(self.at),
            "kind": self.kind,
            "amount": format_credits(self.amount),
            "advisor_amount": format_credits(self.advisor_amount),
            "platform_amount": format_credits(self.platform_amount),
            "fees": format_credits(self.fees),
            "borne_by": self.borne_by,
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """A record's bill, with everything needed to recompute it.

    `cost` is `price(tariff, elapsed_ms)` after what was left of the free allowance: the tariff's own minus
    `free_ms_before`, the free time that the pair had used before this record. `shared` is how it divides by the
    `terms`.
    """

    server_time: int
    record: RecordView
    user_name: str
    advisor_name: str
    tariff: Tariff
    tariff_version: int
    free_ms_before: int
    segments: tuple[SegmentView, ...]
    elapsed_ms: int
    billed_ms: int
    cost: int
    lines: tuple[Line, ...]
    entries: tuple[Entry, ...]
    terms: Terms
    shared: Share
    shared_entries: tuple[SharedEntry, ...]

    @property
    def unposted(self) -> int:
        """What of the cost is not charged yet: of a record that was running at an instant that has passed."""
        return self.cost + sum(entry.amount for entry in self.entries if entry.kind == "charge")

    def document(self, *, with_shares: bool = True) -> dict[str, Any]:
        """Its JSON; how the cost divides between advisor and platform is no business of the user's."""
        record = self.record.document()
        segments = [segment.document() for segment in self.segments]
        entries = [entry.document() for entry in self.entries]
        told = {
            "server_time": instant(self.server_time),
            "record": record,
            "user_name": self.user_name,
            "advisor_name": self.advisor_name,
            "tariff": self.tariff.document(),
            "tariff_version": self.tariff_version,
            "free_ms_before": self.free_ms_before,
            "segments": segments,
            "gaps": gaps(record, segments, instant(self.server_time)),
            "leases": lapses(segments),
            "elapsed_ms": self.elapsed_ms,
            "billed_ms": self.billed_ms,
            "cost": format_credits(self.cost),
            "lines": [{"text": line.text, "amount": format_credits(line.amount)} for line in self.lines],
            "entries": entries,
            "unposted": format_credits(self.unposted),
            "totals": totals(entries),
            "how_to_recompute": HOW_TO_RECOMPUTE,
        }
        if with_shares:
            told["shares"] = {
                "terms": self.terms.document(),
                "advisor": format_credits(self.shared.advisor),
                "fees": format_credits(self.shared.fees),
                "platform": format_credits(self.cost - self.shared.advisor),
                "entries": [entry.document() for entry in self.shared_entries],
            }
        return told | {"fingerprint": fingerprint(told)}


def receipt(
    record: Record,
    now: int,
    names: tuple[str, str],
    segments: Sequence[SegmentView],
    entries: Sequence[Entry],
    shared_entries: Sequence[SharedEntry],
) -> Receipt:
    """The receipt of a record as of `now`, with the arithmetic that leads from its time to its cost.

    `now` may be long past: then it is what the receipt said then, as far as the facts tell. A record that was left
    alone ended when its time stopped, even if nobody knew yet.
    """
    view, elapsed_ms = record_view(record), record.elapsed_at(now)
    if now < max(record.settled_at, record.ended_at or 0):
        segments = [_cut_off(segment, now) for segment in segments if segment.started_at <= now]
        view, elapsed_ms = _as_of(view, segments, now), sum(segment.duration_ms for segment in segments)
    priced = price(record.tariff, elapsed_ms, record.allowance_ms)
    return Receipt(
        server_time=now,
        record=view,
        user_name=names[0],
        advisor_name=names[1],
        tariff=record.tariff,
        tariff_version=record.tariff_version,
        free_ms_before=record.free_ms_before,
        segments=tuple(segments),
        elapsed_ms=elapsed_ms,
        billed_ms=priced.billed_ms,
        cost=priced.cost,
        lines=tuple(explain(record.tariff, elapsed_ms, record.allowance_ms)),
        entries=tuple(entry for entry in entries if entry.at <= now),
        terms=record.terms,
        shared=share(record.terms, record.tariff, elapsed_ms, record.allowance_ms),
        shared_entries=tuple(entry for entry in shared_entries if entry.at <= now),
    )


def gaps(record: Mapping[str, Any], segments: Sequence[Mapping[str, Any]], server_time: str) -> list[dict[str, Any]]:
    """The time of a record that was not billed, from the JSON of its receipt: from when to when, why, through whom.

    Time before the first segment, or after a switch, was lost because a timer could not be started at once. What is
    still going on has no `ended_at`; its duration is as of `server_time`.
    """
    found: list[dict[str, Any]] = []
    at, reason, by = record["started_at"], Reason.TIMER_FAILED, "service"
    for segment in (*segments, None):
        until = record["ended_at"] if segment is None else segment["started_at"]
        if at is None:
            break  # the last segment is open
        duration_ms = parse_instant(until or server_time) - parse_instant(at)
        if duration_ms > 0:
            found.append(
                {
                    "started_at": at,
                    "ended_at": until,
                    "duration_ms": duration_ms,
                    "reason": reason.value,
                    "caused_by": CAUSES.get(reason, by),
                }
            )
        if segment is not None and segment["ended_at"] is not None:
            at, by = segment["ended_at"], segment["caused_by"]
            # A receipt that was changed may lack the reason: `verification` says so.
            ended_for = segment["reason"] or Reason.TIMER_FAILED
            reason = Reason.TIMER_FAILED if ended_for == Reason.SWITCHED else Reason(ended_for)
        else:
            at = None
    return found


def lapses(segments: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The leases that ended a segment, from the JSON of a receipt: whose, and when."""
    parties = {reason.value: party.value for party, reason in AWAY.items()}
    return [
        {"party": parties[segment["reason"]], "ended_at": segment["ended_at"]}
        for segment in segments
        if segment["reason"] in parties
    ]


def totals(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the JSON entries of a receipt come to: charged, refunded, paid in the end, and with which credit."""

    def total(field: str, *kinds: str) -> int:
        return sum(parse_formatted(entry[field]) for entry in entries if entry["kind"] in kinds)

    charged, refunded = -total("amount", "charge"), total("amount", "refund")
    gift = -total("gift", "charge", "refund")
    found = {
        "charged": charged,
        "refunded": refunded,
        "paid": charged - refunded,
        "gift": gift,
        "bought": charged - refunded - gift,
    }
    return {name: format_credits(amount) for name, amount in found.items()}


def _cut_off(segment: SegmentView, now: int) -> SegmentView:
    if segment.ended_at is not None and segment.ended_at <= now:
        return segment
    return replace(segment, ended_at=None, duration_ms=now - segment.started_at, reason=None, caused_by=None)


def _as_of(view: RecordView, segments: Sequence[SegmentView], now: int) -> RecordView:
    """The record as it stood: what was not known yet is left out."""
    if view.ended_at is not None and view.ended_at <= now:
        return view
    last = segments[-1] if segments else None
    running = last is not None and last.ended_at is None
    reason = None if running else Reason.TIMER_FAILED if last is None else last.reason
    return replace(
        view,
        state=State.RUNNING if running else State.PAUSED,
        reason=reason,
        current_chat_id=view.current_chat_id if last is None else last.chat_id,
        paused_at=None if running else view.started_at if last is None else last.ended_at,
        paused_by=last.caused_by if reason is Reason.PAUSED and last is not None else None,
        ended_at=None,
    )
