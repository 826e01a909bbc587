"""The receipt of a record, computed from the record's facts, and its JSON, which `verification` checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.instants import format_instant, parse_instant
from talktime.core.money import format_credits, parse_formatted
from talktime.core.price import Line, explain, price
from talktime.core.record import AWAY, Party, Reason, State
from talktime.core.roles import Role
from talktime.core.starts import Starts
from talktime.core.terms import Share, Terms, share
from talktime.documents.account import Entry
from talktime.documents.document import ADDED, CONFIDENTIAL, INSIDE, Document, encoded, shown
from talktime.documents.fields import Credits, CreditsText, Fingerprint, Instant, InstantText, Milliseconds
from talktime.documents.fingerprint import fingerprint
from talktime.documents.snapshot import RecordView, record_view
from talktime.documents.tariff import TariffDocument, TermsDocument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from talktime.core.record import Record

HOW_TO_RECOMPUTE: Final = (
    "elapsed_ms is the sum of the segments' duration_ms."
    " priced = elapsed_ms - max(0, tariff.free_seconds * 1000 - free_ms_before), not below 0."
    " Without grace_seconds, if grace_used_at is not null,"
    " cost is the tariff's price of priced, rounded once; the entries of kind 'charge' sum to -(cost - unposted)."
    " POST /v1/price with free_seconds set to what was left gives the same;"
    " talktime receipt --offline FILE does all of it, and so does the button on the receipt's page."
)


class Cause(StrEnum):
    """The cause of time that was not billed: a caller, or an outage of the platform."""

    SERVICE = Role.SERVICE.value
    OPERATOR = Role.OPERATOR.value
    USER = Role.USER.value
    ADVISOR = Role.ADVISOR.value
    PLATFORM = "platform"


CAUSES: Final = {
    Reason.USER_AWAY: Cause.USER,
    Reason.ADVISOR_AWAY: Cause.ADVISOR,
    Reason.OUT_OF_CREDIT: Cause.USER,
    Reason.TIMER_FAILED: Cause.SERVICE,
    Reason.PLATFORM: Cause.PLATFORM,
}
"""The cause of unbilled time, for reasons that always have the same cause."""


@dataclass(frozen=True, slots=True)
class SegmentView(Document):
    """An uninterrupted part of the billable time, of one chat."""

    schema_name: ClassVar[str] = "Segment"

    chat_id: str
    started_at: Instant
    ended_at: Annotated[Instant | None, "null while the record runs"]
    duration_ms: Milliseconds
    reason: Annotated[Reason | None, "why the segment ended"]
    caused_by: Annotated[Cause | None, "who ended the segment, if that is known"] = None


@dataclass(frozen=True, slots=True)
class Gap(Document):
    """Time of a record that was not billed."""

    started_at: InstantText
    ended_at: Annotated[InstantText | None, "null while the gap goes on; its duration is as of `server_time`"]
    duration_ms: Milliseconds
    reason: Annotated[Reason, "why no time ran from `started_at` on"]
    caused_by: Annotated[
        Cause | None, "through whom, if that is known; a party who was away may have been back before `ended_at`"
    ]


@dataclass(frozen=True, slots=True)
class Lapse(Document):
    """A lease that ended a segment: whose, and when."""

    party: Party
    ended_at: InstantText


@dataclass(frozen=True, slots=True)
class LineView(Document):
    """A step of the arithmetic that leads to the cost."""

    schema_name: ClassVar[str] = "Line"

    text: str
    amount: Credits


@dataclass(frozen=True, slots=True)
class Totals(Document):
    """The sums of the entries of a receipt."""

    charged: CreditsText
    refunded: CreditsText
    paid: Annotated[CreditsText, "what was charged minus what was refunded"]
    gift: Annotated[CreditsText, "the part of `paid` that was paid with gifts"]
    bought: Annotated[CreditsText, "the part of `paid` that was paid with bought credit"]


@dataclass(frozen=True, slots=True)
class SharedEntry(Document):
    """An entry of a record, and how it divides between the advisor and the platform."""

    id: str
    at: Instant
    kind: EntryKind
    amount: Credits
    advisor_amount: Credits
    platform_amount: Credits
    fees: Annotated[Credits, "the part of the platform's amount that is fees"]
    borne_by: Annotated[BorneBy | None, "who bears a refund; null for other entries"] = None


@dataclass(frozen=True, slots=True)
class Shares(Document):
    """How the cost divides between the advisor and the platform, without refunds."""

    terms: TermsDocument
    advisor: Credits
    fees: Annotated[Credits, "the part of the platform's share that is fees"]
    platform: Credits
    entries: tuple[SharedEntry, ...]


@dataclass(frozen=True, slots=True)
class Receipt(Document):
    """The receipt of a record, with everything that is needed to compute it again."""

    server_time: Instant
    record: RecordView
    user_name: str
    advisor_name: str
    tariff: TariffDocument
    tariff_version: int
    free_ms_before: Annotated[Milliseconds, "the free time that user and advisor had used before this record"]
    seller: Annotated[
        str | None, "who sold the time when the record started, empty for nobody; null where that was not stored"
    ]
    currency: Annotated[
        str | None, "the currency of one credit then, a code of ISO 4217, or empty; null where that was not stored"
    ]
    grace_used_at: Annotated[
        Instant | None,
        "the start of the record that used the grace of these 24 hours, so that this record has none; null with grace",
    ]
    segments: Annotated[tuple[SegmentView, ...], "the time that was billed"]
    elapsed_ms: Annotated[Milliseconds, "the sum of the segments"]
    billed_ms: Annotated[Milliseconds, "the time that is paid for, in whole increments"]
    cost: Annotated[Credits, "the price of `elapsed_ms`, by the tariff and the free time that was left"]
    lines: Annotated[tuple[Line, ...], INSIDE]
    entries: tuple[Entry, ...]
    terms: Annotated[Terms, INSIDE]
    shared: Annotated[Share, INSIDE]
    shared_entries: Annotated[tuple[SharedEntry, ...], INSIDE]

    @property
    @shown(after="segments", as_="gaps")
    def _gaps(self) -> Annotated[tuple[Gap, ...], "the time that was not billed"]:
        segments = [segment.document() for segment in self.segments]
        return tuple(map(_gap, gaps(self.record.document(), segments, format_instant(self.server_time))))

    @property
    @shown(after="_gaps", as_="leases")
    def _leases(self) -> Annotated[tuple[Lapse, ...], "the leases that ended a segment"]:
        found = lapses([segment.document() for segment in self.segments])
        return tuple(Lapse(Party(lapse["party"]), lapse["ended_at"]) for lapse in found)

    @property
    @shown(after="cost", as_="lines")
    def _lines(self) -> Annotated[tuple[LineView, ...], "the arithmetic; the amounts add up to the cost"]:
        return tuple(LineView(line.text, line.amount) for line in self.lines)

    @property
    @shown(after="entries")
    def unposted(self) -> Annotated[Credits, "the part of the cost that is not charged yet"]:
        """The part of the cost that is not charged yet, of a record that ran at the instant of the receipt."""
        return self.cost + sum(entry.amount for entry in self.entries if entry.kind == EntryKind.CHARGE)

    @property
    @shown(after="unposted", as_="totals")
    def _totals(self) -> Totals:
        return Totals(**totals([entry.document() for entry in self.entries]))

    @property
    @shown(after="_totals")
    def how_to_recompute(self) -> str:
        """In words, how the cost follows from the segments and the tariff."""
        return HOW_TO_RECOMPUTE

    @property
    @shown(after="how_to_recompute")
    def shares(self) -> Annotated[Shares, CONFIDENTIAL, "absent for users"]:
        """How the cost divides between the advisor and the platform."""
        return Shares(
            terms=self.terms,
            advisor=self.shared.advisor,
            fees=self.shared.fees,
            platform=self.cost - self.shared.advisor,
            entries=self.shared_entries,
        )

    @property
    @shown()
    def fingerprint(self) -> Annotated[Fingerprint, ADDED, "the SHA-256 of the rest of this document"]:
        """The fingerprint of the receipt with its shares."""
        return str(self.document()["fingerprint"])

    def document(self, *, with_shares: bool = True) -> dict[str, Any]:
        """The JSON of this document. Users are not shown how the cost divides."""
        content = encoded(self, with_confidential=with_shares)
        return content | {"fingerprint": fingerprint(content)}


def receipt(
    record: Record,
    now: int,
    names: tuple[str, str],
    segments: Sequence[SegmentView],
    entries: Sequence[Entry],
    shared_entries: Sequence[SharedEntry],
) -> Receipt:
    """The receipt of a record as of `now`, with the arithmetic that leads from its time to its cost.

    `now` may be an instant that has passed. The result is then the receipt of that instant, as far as the facts tell. A
    record that nobody resumed ended when its time stopped, even if nobody knew that yet.
    """
    view, elapsed_ms = record_view(record), record.elapsed_at(now)
    if now < max(record.settled_at, record.ended_at or 0):
        segments = [_cut_off(segment, now) for segment in segments if segment.started_at <= now]
        view, elapsed_ms = _as_of(view, segments, now), sum(segment.duration_ms for segment in segments)
    priced = price(record.charging_tariff, elapsed_ms, record.allowance_ms)
    return Receipt(
        server_time=now,
        record=view,
        user_name=names[0],
        advisor_name=names[1],
        tariff=record.tariff,
        tariff_version=record.tariff_version,
        free_ms_before=record.free_ms_before,
        seller=record.seller,
        currency=record.currency,
        grace_used_at=record.grace_used_at,
        segments=tuple(segments),
        elapsed_ms=elapsed_ms,
        billed_ms=priced.billed_ms,
        cost=priced.cost,
        lines=tuple(explain(record.charging_tariff, elapsed_ms, record.allowance_ms)),
        entries=tuple(entry for entry in entries if entry.at <= now),
        terms=record.terms,
        shared=share(record.terms, record.charging_tariff, elapsed_ms, record.allowance_ms),
        shared_entries=tuple(entry for entry in shared_entries if entry.at <= now),
    )


def cause_of(reason: Reason, by: Role | None) -> Cause | None:
    """The cause of the end of a segment: the reason tells, or else the role of the caller who asked for it."""
    cause = CAUSES.get(reason)
    return Cause(by.value) if cause is None and by is not None else cause


def gaps(
    record: Mapping[str, Any],
    segments: Sequence[Mapping[str, Any]],
    server_time: str,
    *,
    ringing_cause: str | None = None,
) -> list[dict[str, Any]]:
    """The time of a record that was not billed, from the JSON of its receipt: from when to when, why, and by whose act.

    Before its first segment a record waited for its advisor, unless it started `at_once`. While a request rings, nobody
    is the cause of this; a receipt of an earlier version says that the advisor was (`ringing_cause`). Other time before
    the first segment, or after a switch, was lost because a timer could not be started at once. What is still going on
    has no `ended_at`; its duration is as of `server_time`.
    """
    found: list[dict[str, Any]] = []
    starts = record.get("starts", Starts.AT_ONCE)
    at, reason = record["started_at"], Reason.TIMER_FAILED if starts == Starts.AT_ONCE else Reason.ADVISOR_AWAY
    cause = ringing_cause if starts == Starts.ACCEPTED else CAUSES[reason].value
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
                    "caused_by": cause,
                }
            )
        if segment is not None and segment["ended_at"] is not None:
            at = segment["ended_at"]
            # A receipt that was changed may lack the reason: `verification` says so.
            ended_for = segment["reason"] or Reason.TIMER_FAILED
            reason = Reason.TIMER_FAILED if ended_for == Reason.SWITCHED else Reason(ended_for)
            cause = CAUSES[reason].value if reason in CAUSES else segment["caused_by"]
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
    """The sums of the JSON entries of a receipt: charged, refunded, paid in the end, and with which credit."""

    def total(field: str, *kinds: EntryKind) -> int:
        return sum(parse_formatted(entry[field]) for entry in entries if entry["kind"] in kinds)

    charged, refunded = -total("amount", EntryKind.CHARGE), total("amount", EntryKind.REFUND)
    gift = -total("gift", EntryKind.CHARGE, EntryKind.REFUND)
    found = {
        "charged": charged,
        "refunded": refunded,
        "paid": charged - refunded,
        "gift": gift,
        "bought": charged - refunded - gift,
    }
    return {name: format_credits(amount) for name, amount in found.items()}


def _gap(gap: Mapping[str, Any]) -> Gap:
    cause = None if gap["caused_by"] is None else Cause(gap["caused_by"])
    return Gap(gap["started_at"], gap["ended_at"], gap["duration_ms"], Reason(gap["reason"]), cause)


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
    is_requested = last is None and view.starts is Starts.ACCEPTED
    waits_for = Reason.TIMER_FAILED if view.starts is Starts.AT_ONCE else Reason.ADVISOR_AWAY
    reason = None if running or is_requested else waits_for if last is None else last.reason
    cause = None if last is None else last.caused_by
    return replace(
        view,
        state=State.RUNNING if running else State.REQUESTED if is_requested else State.PAUSED,
        reason=reason,
        current_chat_id=view.current_chat_id if last is None else last.chat_id,
        paused_at=None if running or is_requested else view.started_at if last is None else last.ended_at,
        paused_by=None if reason is not Reason.PAUSED or cause is None else Role(cause.value),
        ended_at=None,
        ended_by=None,
        decline_reason=None,
    )
