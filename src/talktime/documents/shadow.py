"""A shadow run: the starts and stops of another system through the meter, and where its costs differ.

The meter plays each session as a record with enough credit: the tariff, the free time of the pair, its grace once in 24
hours. Nothing is stored and no credit moves.

Where the costs differ, the rule is looked for by trying: the session is priced again with one rule changed, then with
two, and a change that gives exactly the cost of the other system is the answer. Several changes may give the same cost,
so the answer is the simplest that explains the cost, and is not a proof.

Units: money in micro-credits, instants and durations in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, get_args

from talktime.core import meter
from talktime.core.durations import duration_words
from talktime.core.money import BALANCE_MAX
from talktime.core.payer import Durations, Payer
from talktime.core.price import elapsed_at_max_cost, price
from talktime.core.record import GRACE_INTERVAL_MS, Party, Record, State
from talktime.core.starts import Starts
from talktime.core.steps import RecordEnded
from talktime.core.tariff import RoundingMode
from talktime.documents.document import Document, shown
from talktime.documents.fields import Count, Credits, Instant, Milliseconds
from talktime.documents.old_rows import BadRow, OldEventType, RowKind, SourceEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from talktime.core.tariff import Tariff

SAME: Final = "the same"
UNEXPLAINED: Final = "no rule found"

_LONG_MS: Final = 10**12
"""Longer than any session: no lease lapses and no wait ends by itself."""

_DURATIONS: Final = Durations(_LONG_MS, _LONG_MS, _LONG_MS, leave_ms=0)
_INCREMENTS: Final = (1_000, 6_000, 10_000, 15_000, 30_000, 60_000)


@dataclass(frozen=True, slots=True)
class ShadowSession(Document):
    """A session in both systems. `rule` says why the costs differ; `old_` is what the other system has."""

    session_id: str
    user_id: str
    advisor_id: str
    started_at: Instant
    elapsed_ms: Milliseconds
    old_elapsed_ms: Milliseconds | None
    cost: Credits
    old_cost: Credits
    rule: str

    @property
    @shown()
    def difference(self) -> Credits:
        """The cost in talktime less the cost in the other system."""
        return self.cost - self.old_cost


@dataclass(frozen=True, slots=True)
class ShadowTotal(Document):
    """All sessions that differ by one rule, or are the same."""

    rule: str
    sessions: Count
    cost: Credits
    old_cost: Credits
    difference: Credits


@dataclass(frozen=True, slots=True)
class ShadowRun(Document):
    """All sessions of a shadow run, in the order of their starts, and the events that can't be played."""

    sessions: tuple[ShadowSession, ...]
    bad: Annotated[tuple[BadRow, ...], "events and sessions that are left out, with the reasons"]

    @property
    @shown(after="sessions")
    def totals(self) -> tuple[ShadowTotal, ...]:
        """The sums by rule; the last row has all sessions."""
        rules = sorted({each.rule for each in self.sessions}, key=lambda rule: (rule != SAME, rule))
        by_rule = [_total(rule, [each for each in self.sessions if each.rule == rule]) for rule in rules]
        return (*by_rule, _total("all", self.sessions))


def _total(rule: str, sessions: Iterable[ShadowSession]) -> ShadowTotal:
    sessions = list(sessions)
    cost, old_cost = sum(each.cost for each in sessions), sum(each.old_cost for each in sessions)
    return ShadowTotal(rule, len(sessions), cost, old_cost, cost - old_cost)


@dataclass(slots=True)
class _Session:
    """The events of a session, and what the other system says of it."""

    events: list[SourceEvent] = field(default_factory=list)
    user_id: str | None = None
    advisor_id: str | None = None
    cost: int | None = None
    duration_ms: int | None = None

    def add(self, source: SourceEvent) -> None:
        event = source.event
        self.events.append(source)
        self.user_id = event.user_id or self.user_id
        self.advisor_id = event.advisor_id or self.advisor_id
        self.cost = self.cost if event.cost is None else event.cost
        self.duration_ms = self.duration_ms if event.duration_ms is None else event.duration_ms


class _Pair(NamedTuple):
    """The free time that a pair has used before, and the instant at which the pair used the grace."""

    free_ms: int = 0
    grace_used_at: int | None = None


def shadow_run(
    events: Iterable[SourceEvent | BadRow], tariffs: Mapping[str, Tariff], default: Tariff | None
) -> ShadowRun:
    """Play the events of another system through the meter, and compare the costs.

    Args:
        events: the events, in any order.
        tariffs: the tariff of each advisor, by id.
        default: the tariff of all other advisors; None if they have none.
    """
    bad: list[BadRow] = []
    sessions: dict[str, _Session] = {}
    for each in events:
        if isinstance(each, BadRow):
            bad.append(each)
        else:
            sessions.setdefault(each.event.id, _Session()).add(each)
    spoiled = {row.id for row in bad}
    pairs: dict[tuple[str, str], _Pair] = {}
    shadows: list[ShadowSession] = []
    for session in sessions.values():
        session.events.sort(key=lambda source: source.event.at)
    for session_id, session in sorted(sessions.items(), key=lambda item: (item[1].events[0].event.at, item[0])):
        user_id, advisor_id, cost = session.user_id, session.advisor_id, session.cost
        tariff = default if advisor_id is None else tariffs.get(advisor_id, default)
        reason = "has an event that can't be read" if session_id in spoiled else _order_problem(session)
        if reason is None and (user_id is None or advisor_id is None or cost is None):
            reason = "needs user_id, advisor_id and cost in one of its events"
        if reason is None and tariff is None:
            reason = f"the advisor {advisor_id} has no tariff: add one with --advisors or --tariff"
        if reason is not None or user_id is None or advisor_id is None or cost is None or tariff is None:
            place = session.events[0].place
            bad.append(BadRow(place.source, place.line, RowKind.EVENTS, session_id, reason or ""))
            continue
        pair = pairs.get((user_id, advisor_id), _Pair())
        record = _play(session, user_id, advisor_id, tariff, pair)
        pairs[user_id, advisor_id] = _Pair(
            pair.free_ms + min(record.elapsed_ms, record.allowance_ms), record.next_grace_used_at
        )
        shadows.append(
            ShadowSession(
                session_id,
                user_id,
                advisor_id,
                record.started_at,
                record.elapsed_ms,
                session.duration_ms,
                record.charged,
                cost,
                _rule(session, record, cost),
            )
        )
    return ShadowRun(tuple(shadows), tuple(sorted(bad, key=lambda row: (row.source, row.line))))


def _order_problem(session: _Session) -> str | None:
    """Why the events are not those of one session that has ended; None if they are."""
    types = [source.event.type for source in session.events]
    if types.count(OldEventType.START) != 1 or types.count(OldEventType.STOP) != 1:
        return "needs one start and one stop"
    if types[0] is not OldEventType.START or types[-1] is not OldEventType.STOP:
        return "has an event before its start or after its stop"
    return None


def _play(session: _Session, user_id: str, advisor_id: str, tariff: Tariff, pair: _Pair) -> Record:
    """The record that the meter makes of a session, ended."""
    start = session.events[0].event
    grace = pair.grace_used_at
    record = Record(
        record_id=start.id,
        user_id=user_id,
        advisor_id=advisor_id,
        chat_id=start.id,
        tariff=tariff,
        tariff_version=1,
        free_ms_before=pair.free_ms,
        grace_used_at=None if grace is None or start.at - grace >= GRACE_INTERVAL_MS else grace,
        started_at=start.at,
        settled_at=start.at,
        state=State.PAUSED,
        starts=Starts.AT_ONCE,
    )
    payer = meter.start(Payer(user_id, BALANCE_MAX, start.at, {}, {}), record, start.at, _DURATIONS)
    for source in session.events[1:]:
        payer = meter.settle(payer, source.event.at, _DURATIONS)
        current = payer.records.get(start.id)
        if current is not None:  # `max_cost` has not ended it
            payer = _apply(payer, current, source.event.type, source.event.at)
    return next(step.record for step in payer.steps if isinstance(step, RecordEnded))


def _apply(payer: Payer, record: Record, event: OldEventType, at: int) -> Payer:
    match event:
        case OldEventType.PAUSE:
            return meter.pause(payer, record, at)
        case OldEventType.RESUME:
            return meter.resume(payer, record, at, _DURATIONS, Party.USER)
        case OldEventType.AWAY:
            return meter.settle(meter.leave(payer, record, Party.USER, at, _DURATIONS), at, _DURATIONS)
        case OldEventType.BACK:
            return meter.prove(payer, record, Party.USER, at + _LONG_MS, at)
        case _:
            return meter.stop(payer, record, at)


class _Terms(NamedTuple):
    """All that a cost is computed from."""

    tariff: Tariff
    elapsed_ms: int
    allowance_ms: int

    def cost(self) -> int:
        stop_ms = elapsed_at_max_cost(self.tariff, self.allowance_ms)
        elapsed_ms = self.elapsed_ms if stop_ms is None else min(self.elapsed_ms, stop_ms)
        return price(self.tariff, elapsed_ms, self.allowance_ms).cost


class _Change(NamedTuple):
    """One rule of the other system: its kind, in words, and what differs by it."""

    kind: str
    words: str
    tariff: dict[str, Any]
    elapsed_ms: int | None = None
    allowance_ms: int | None = None

    def applied(self, terms: _Terms) -> _Terms:
        tariff = replace(terms.tariff, **self.tariff) if self.tariff else terms.tariff
        elapsed_ms = terms.elapsed_ms if self.elapsed_ms is None else self.elapsed_ms
        return _Terms(tariff, elapsed_ms, terms.allowance_ms if self.allowance_ms is None else self.allowance_ms)


def _rule(session: _Session, record: Record, old_cost: int) -> str:
    """By which rule the cost of the other system differs, in words."""
    if record.charged == old_cost:
        return SAME
    terms = _Terms(record.charging_tariff, record.elapsed_ms, record.allowance_ms)
    changes = [*_times(session, record), *_changes(record)]
    changes = [change for change in changes if change.applied(terms) != terms]
    for count in (1, 2):
        for several in combinations(changes, count):
            if len({change.kind for change in several}) < count:
                continue
            changed = terms
            for change in several:
                changed = change.applied(changed)
            if changed.cost() == old_cost:
                return " and ".join(change.words for change in several)
    return UNEXPLAINED


def _times(session: _Session, record: Record) -> Iterator[_Change]:
    """The times that the other system may have counted. If the other system states a time, only this time."""
    start, stop = session.events[0].event.at, session.events[-1].event.at
    away_ms, paused_ms = (
        _interrupted(session, OldEventType.AWAY, OldEventType.BACK),
        _interrupted(session, OldEventType.PAUSE, OldEventType.RESUME),
    )
    named = {
        stop - start: "all time from start to stop counted",
        record.elapsed_ms + paused_ms: "time counted while paused",
        record.elapsed_ms + away_ms: "time counted while away",
    }
    named.pop(record.elapsed_ms, None)
    old_ms = session.duration_ms
    if old_ms is None:
        yield from (_Change("time", words, {}, elapsed_ms) for elapsed_ms, words in reversed(named.items()))
    elif old_ms != record.elapsed_ms:
        yield _Change("time", named.get(old_ms, f"{duration_words(old_ms)} counted"), {}, old_ms)


def _interrupted(session: _Session, begin: OldEventType, end: OldEventType) -> int:
    """The time from each event of one type to the next of the other, or to the end."""
    total_ms, since = 0, None
    for source in session.events:
        event = source.event
        if event.type is begin and since is None:
            since = event.at
        elif since is not None and event.type in {end, OldEventType.STOP}:
            total_ms, since = total_ms + event.at - since, None
    return total_ms


def _changes(record: Record) -> Iterator[_Change]:
    """The rules that other systems have differently, the likeliest first. Some may change nothing."""
    tariff = record.charging_tariff
    yield from _roundings(tariff.places)
    for increment_ms in _INCREMENTS:
        tiers = tuple(replace(tier, increment_ms=increment_ms) for tier in tariff.tiers)
        yield _Change("increment", f"increment: {duration_words(increment_ms)}", {"tiers": tiers})
    yield _Change("free", "free time: not granted", {}, allowance_ms=0)
    yield _Change("free", "free time: granted again", {}, allowance_ms=tariff.free_ms)
    yield _Change("minimum", "minimum: none", {"minimum_charge": 0})
    yield _Change("grace", "grace: none", {"grace_ms": 0})
    yield _Change("grace", "grace: granted again", {"grace_ms": record.tariff.grace_ms})
    yield _Change("connect fee", "connect fee: none", {"connect_fee": 0})
    yield _Change("maximum", "maximum: none", {"max_cost": None})
    other = "begun" if tariff.boundary == "ceil" else "ceil"
    yield _Change("boundary", f"boundary: {other}", {"boundary": other})
    for places in (2, 4, 0):
        yield from _roundings(places)


def _roundings(places: int) -> Iterator[_Change]:
    for mode in get_args(RoundingMode):
        yield _Change("rounding", f"rounding: {mode} to {places} places", {"places": places, "mode": mode})
