"""A payer's running records, and everything that can happen to them. Pure.

A `Payer` is one account with its records that have not ended. Nothing in it ticks: a running record says since when it
runs, and everything else is computed for the instant that is asked about.

    (no record) --start--> running --pause, lease over, credit over--> paused --resume, presence, credit--> running
                              |                                          |
                              +------- stop, max_cost -----> ended <-----+-- stop, recharge or abandon time over

Each function takes a payer and an instant and gives the payer as it is afterwards; what has to be stored and told on
the way is collected in `Payer.events`. `settle` comes first, always: it plays, in order and each as of its own
instant, everything that fell due since anybody last looked. So a handler that wakes a day late changes no bill.

A function that refuses raises a `TalktimeError` and changes nothing, since there is nothing it could change.

Units: instants and durations in milliseconds of engine time, money in micro-credits, all integers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from talktime.errors import Conflict, InsufficientCredit
from talktime.tariff import Tariff, commitment, last_affordable, price, stop_elapsed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INSTANT_MAX: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: a credit that lasts longer is shown to end there."""

_HORIZON_MS: Final = 100 * 365 * 86_400_000


class Party(StrEnum):
    """The two sides of a conversation."""

    USER = "user"
    ADVISOR = "advisor"


class State(StrEnum):
    """What a record is doing."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class Reason(StrEnum):
    """Why a record is not running, or why a segment ended."""

    STOPPED = "stopped"
    PAUSED = "paused"
    OUT_OF_CREDIT = "out_of_credit"
    USER_AWAY = "user_away"
    ADVISOR_AWAY = "advisor_away"
    ABANDONED = "abandoned"
    SWITCHED = "switched"
    TIMER_FAILED = "timer_failed"
    MAX_COST = "max_cost"


AWAY: Final = {Party.USER: Reason.USER_AWAY, Party.ADVISOR: Reason.ADVISOR_AWAY}
_AWAY_REASONS: Final = frozenset(AWAY.values())
# What is due in the same millisecond happens in this order; the bill is the same, the reason is not.
_RANK: Final = {
    reason: rank
    for rank, reason in enumerate(
        (Reason.MAX_COST, Reason.OUT_OF_CREDIT, Reason.USER_AWAY, Reason.ADVISOR_AWAY, Reason.ABANDONED)
    )
}


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things last, and whether timers start at all (`False` once starting one has failed)."""

    lease_ms: int
    recharge_ms: int
    abandon_ms: int
    timer_starts: bool = True


class SocketLease(NamedTuple):
    """What the sockets of one party on one chat prove: presence `until`; `held` while a live process renews it."""

    until: int
    held: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A conversation time record. `elapsed_ms` and `charged` are as of `settled_at`, and always fit each other."""

    record_id: str
    user_id: str
    advisor_id: str
    chat_id: str
    tariff: Tariff
    tariff_version: int
    free_ms_before: int
    started_at: int
    settled_at: int
    state: State = State.RUNNING
    reason: Reason | None = None
    elapsed_ms: int = 0
    charged: int = 0
    running_since: int | None = None
    paused_at: int | None = None
    waiting_since: int | None = None
    ended_at: int | None = None
    user_lease_until: int = 0
    advisor_lease_until: int = 0

    @property
    def allowance_ms(self) -> int:
        """What was left of the pair's free allowance when the record started."""
        return max(0, self.tariff.free_ms - self.free_ms_before)

    @property
    def is_running(self) -> bool:
        """Whether its timer runs."""
        return self.state is State.RUNNING

    def elapsed_at(self, at: int) -> int:
        """Running time over all its chats, as of `at`."""
        return self.elapsed_ms + (at - self.settled_at if self.is_running else 0)

    def cost_at(self, at: int) -> int:
        """What that time costs."""
        return price(self.tariff, self.elapsed_at(at), self.allowance_ms).cost

    def committed_at(self, at: int) -> int:
        """What it has begun to owe beyond what is posted."""
        return self.commitment_at(at) if self.is_running else 0

    def commitment_at(self, at: int) -> int:
        """What it would have begun to owe beyond what is posted, if it ran at `at`."""
        return max(0, commitment(self.tariff, self.elapsed_at(at), self.allowance_ms) - self.charged)


@dataclass(frozen=True, slots=True)
class Opened:
    """A timer started: a segment begins. `reason` is what the record was paused for, None at its start."""

    record: Record
    at: int
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Closed:
    """A timer stopped: the segment since `since` on `chat_id` ends at `at`."""

    record: Record
    chat_id: str
    since: int
    at: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Accrued:
    """Running time was added to a chat's stored duration."""

    chat_id: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Posted:
    """A line for the ledger. `amount` is negative for what is spent."""

    amount: int
    kind: str
    at: int
    record_id: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that is not running got another reason, or its timer could not be started."""

    record: Record
    at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A record is over."""

    record: Record


Event = Opened | Closed | Accrued | Posted | Waiting | Ended


@dataclass(frozen=True, slots=True)
class Payer:
    """One account: its posted balance, its records that have not ended, what sockets prove, and what happened."""

    user_id: str
    balance: int
    settled_at: int
    records: Mapping[str, Record]
    sockets: Mapping[tuple[str, Party], SocketLease]
    events: tuple[Event, ...] = ()

    def active_with(self, advisor_id: str) -> Record | None:
        """The pair's active record: there is at most one."""
        return next((record for record in self.records.values() if record.advisor_id == advisor_id), None)

    def present_until(self, record: Record, party: Party) -> int:
        """When this party's lease ends: heartbeats and acts, or sockets on the record's current chat."""
        fixed = record.user_lease_until if party is Party.USER else record.advisor_lease_until
        socket = self.sockets.get((record.chat_id, party))
        return fixed if socket is None else max(fixed, socket.until)

    def is_held(self, record: Record, party: Party) -> bool:
        """Whether a live process keeps renewing this party's lease, so that its end is no deadline of the account."""
        socket = self.sockets.get((record.chat_id, party))
        return socket is not None and socket.held

    def is_present(self, record: Record, party: Party, at: int) -> bool:
        """Whether this party's lease holds."""
        return self.present_until(record, party) > at

    def lease_until(self, record: Record) -> int:
        """Until when both leases hold."""
        return min(self.present_until(record, party) for party in Party)

    def committed_at(self, at: int) -> int:
        """What the running records have begun to owe beyond what is posted."""
        return sum(record.committed_at(at) for record in self.records.values())

    def available_at(self, at: int) -> int:
        """What can be spent: the rest of the balance."""
        return max(0, self.balance - self.committed_at(at))


class Cut(NamedTuple):
    """When a running record stops by itself, and why: `out_of_credit` or `max_cost`."""

    at: int
    reason: Reason


def cuts(payer: Payer) -> dict[str, Cut]:
    """When each running record's credit (or `max_cost`) ends, if nothing else happens; the others are left out.

    All coming increments of the account are played in order of instant; the first that can't be paid cuts exactly its
    record, and the others go on with what is left. In the same millisecond the record that started earlier pays first.
    """
    base = payer.settled_at
    running = sorted(
        (record for record in payer.records.values() if record.is_running), key=lambda r: (r.started_at, r.record_id)
    )
    result: dict[str, Cut] = {}
    for record in running:
        stop_ms = stop_elapsed(record.tariff, record.allowance_ms)
        if stop_ms is not None:
            result[record.record_id] = Cut(_instant(base + max(0, stop_ms - record.elapsed_at(base))), Reason.MAX_COST)
    left, ahead_ms = payer.balance, 0
    while running:
        first = _first_excess(running, base, left, ahead_ms)
        if first is None:
            break
        ahead_ms = first
        victim = _unpaid(running, base, left, ahead_ms)
        grace_left_ms = record_grace_end(victim) - victim.elapsed_at(base)
        cut = Cut(_instant(base + max(ahead_ms, grace_left_ms)), Reason.OUT_OF_CREDIT)
        stop = result.get(victim.record_id)
        if stop is None or cut.at < stop.at:
            result[victim.record_id] = cut
        left -= _demand(victim, base, ahead_ms - 1)
        running.remove(victim)
    return result


def record_grace_end(record: Record) -> int:
    """The elapsed time up to which the record's grace lets it go on for nothing; 0 without grace."""
    return record.allowance_ms + record.tariff.grace_ms if record.tariff.grace_ms else 0


def next_deadline(payer: Payer, rules: Rules, ends: Mapping[str, Cut]) -> int | None:
    """The earliest instant at which something happens by itself, leaving out what live processes keep renewing.

    `ends` are the payer's `cuts`, which whoever stores a deadline stores too.
    """
    return min((due.at for due in _due(payer, rules, ends, held=False)), default=None)


def settle(payer: Payer, now: int, rules: Rules) -> Payer:
    """Everything that fell due until `now`, in order, each as of its own instant."""
    while True:
        due = min(
            (due for due in _due(payer, rules, cuts(payer), held=True) if due.at <= now),
            key=lambda due: (due.at, _RANK[due.reason], due.record.started_at, due.record.record_id),
            default=None,
        )
        if due is None:
            return replace(payer, settled_at=max(now, payer.settled_at))
        payer = replace(payer, settled_at=max(due.at, payer.settled_at))
        if due.record.is_running and due.reason is not Reason.MAX_COST:
            payer = _stop_timer(payer, due.record, due.at, due.reason)
        else:
            payer = _end(payer, due.record, due.at, due.reason)


def start(payer: Payer, record: Record, now: int, rules: Rules) -> Payer:
    """A new record of a pair that has none: record and timer begin at the same instant.

    Raises:
        InsufficientCredit: when its first increment can't be paid.
    """
    record = replace(record, started_at=now, settled_at=now, state=State.PAUSED)
    _require_credit(payer, record, now)
    record = _prove_act(payer, record, now, rules, Party.USER)
    return _open(payer, record, now, rules, None)


def track(payer: Payer, record: Record, chat_id: str, now: int, rules: Rules) -> Payer:
    """`initialize_time_tracking_for_chat` for a pair that has an active record.

    The same chat: running, nothing changes; paused, it resumes. Another chat: the previous timer stops, the record
    moves, the new one starts, all at one instant.

    Raises:
        InsufficientCredit: when it would have to resume and can't pay.
    """
    if record.chat_id == chat_id:
        return payer if record.is_running else _resume(payer, record, now, rules, Party.USER)
    if record.is_running:
        payer = _close(payer, record, now, Reason.SWITCHED)
        record = payer.records[record.record_id]
    else:
        _require_credit(payer, record, now)
    # What sockets on the chat it leaves have proved stays proved; they just prove nothing more.
    record = replace(
        record,
        chat_id=chat_id,
        user_lease_until=payer.present_until(record, Party.USER),
        advisor_lease_until=payer.present_until(record, Party.ADVISOR),
    )
    record = _prove_act(payer, record, now, rules, Party.USER)
    return _open(payer, record, now, rules, record.reason)


def resume(payer: Payer, record: Record, now: int, rules: Rules, by: Party) -> Payer:
    """A person's act. Resuming what runs changes nothing.

    Raises:
        Conflict: when the advisor resumes and the user is not there.
        InsufficientCredit: when it can't pay.
    """
    if record.is_running:
        return payer
    if by is Party.ADVISOR and not payer.is_present(record, Party.USER, now):
        msg = "The user is not here, so the advisor can't resume. It resumes when the user is back."
        raise Conflict(msg, state=record.state, allowed=("stop", "pause"))
    return _resume(payer, record, now, rules, by)


def pause(payer: Payer, record: Record, now: int) -> Payer:
    """A person's act: it resumes only by another one. Pausing what is `paused` changes nothing."""
    if record.is_running:
        return _stop_timer(payer, record, now, Reason.PAUSED)
    if record.reason is Reason.PAUSED:
        return payer
    return _wait(payer, record, now, Reason.PAUSED)


def stop(payer: Payer, record: Record, now: int) -> Payer:
    """The record ends."""
    return _end(payer, record, now, Reason.STOPPED)


def prove(payer: Payer, record: Record, party: Party, until: int, now: int, rules: Rules) -> Payer:
    """A party is present until then. A record that waited for its people resumes as soon as both are there."""
    record = _lease_extended(record, party, until)
    return resume_present(_with(payer, record), record, now, rules)


def leave(payer: Payer, record: Record, party: Party, until: int) -> Payer:
    """A socket is gone; what it last proved still counts."""
    return _with(payer, _lease_extended(record, party, until))


def resume_present(
    payer: Payer, record: Record, now: int, rules: Rules, reasons: frozenset[Reason] = _AWAY_REASONS
) -> Payer:
    """Start the timer of a record that waits for one of `reasons`, if both are there; at zero it waits for credit."""
    if record.is_running or record.reason not in reasons:
        return payer
    if not all(payer.is_present(record, party, now) for party in Party):
        return payer
    if record.commitment_at(now) > payer.available_at(now):
        return _wait(payer, record, now, Reason.OUT_OF_CREDIT)
    return _open(payer, record, now, rules, record.reason)


def credit(payer: Payer, entry: Posted, rules: Rules) -> Payer:
    """Credit arrives: records that ran out resume, oldest cut first, each if it can pay and both are there."""
    now = entry.at
    payer = replace(payer, balance=payer.balance + entry.amount, events=(*payer.events, entry))
    waiting = (record for record in payer.records.values() if record.reason is Reason.OUT_OF_CREDIT)
    for record in sorted(waiting, key=lambda r: (r.waiting_since or 0, r.started_at, r.record_id)):
        if record.commitment_at(now) > payer.available_at(now):
            continue
        missing = next((party for party in Party if not payer.is_present(record, party, now)), None)
        if missing is None:
            payer = _open(payer, record, now, rules, record.reason)
        else:
            payer = _wait(payer, record, now, AWAY[missing])
    return payer


def debit(payer: Payer, entry: Posted) -> Payer:
    """Credit is spent elsewhere.

    Raises:
        InsufficientCredit: beyond what is available.
    """
    if -entry.amount > payer.available_at(entry.at):
        raise InsufficientCredit(-entry.amount, payer.available_at(entry.at))
    return replace(payer, balance=payer.balance + entry.amount, events=(*payer.events, entry))


def checkpoint(payer: Payer, now: int) -> Payer:
    """Post and store what running records have come to, for readers that go straight to the tables."""
    for record in payer.records.values():
        if record.is_running:
            payer = _settled(payer, record, now)
    return payer


class _Due(NamedTuple):
    at: int
    reason: Reason
    record: Record


def _due(payer: Payer, rules: Rules, ends: Mapping[str, Cut], *, held: bool) -> Iterator[_Due]:
    for record in payer.records.values():
        if record.is_running:
            end = ends.get(record.record_id)
            if end is not None:
                yield _Due(end.at, end.reason, record)
            for party in Party:
                if held or not payer.is_held(record, party):
                    # What is posted can't be taken back, so a lapse noticed late counts from there at the earliest.
                    yield _Due(max(payer.present_until(record, party), record.settled_at), AWAY[party], record)
        elif record.waiting_since is not None:
            out_of_credit = record.reason is Reason.OUT_OF_CREDIT
            window_ms = rules.recharge_ms if out_of_credit else rules.abandon_ms
            yield _Due(
                record.waiting_since + window_ms, Reason.OUT_OF_CREDIT if out_of_credit else Reason.ABANDONED, record
            )


def _instant(at: int) -> int:
    return min(at, INSTANT_MAX)


def _demand(record: Record, base: int, ahead_ms: int) -> int:
    """What the record will have begun to owe beyond what is posted, `ahead_ms` after `base`; it stops at `max_cost`."""
    elapsed_ms = record.elapsed_at(base) + ahead_ms
    stop_ms = stop_elapsed(record.tariff, record.allowance_ms)
    if stop_ms is not None:
        elapsed_ms = min(elapsed_ms, stop_ms - 1)
    return max(0, commitment(record.tariff, elapsed_ms, record.allowance_ms) - record.charged)


def _first_excess(running: list[Record], base: int, left: int, low_ms: int) -> int | None:
    """How long after `base` the records together have first begun to owe more than is `left`; None if never."""

    def excess(ahead_ms: int) -> bool:
        return sum(_demand(record, base, ahead_ms) for record in running) > left

    if len(running) == 1:
        (record,) = running
        alone = last_affordable(record.tariff, record.charged + left, record.allowance_ms, grace=False)
        if alone is None:
            return None
        alone = max(low_ms, alone - record.elapsed_at(base))
        return alone if excess(alone) else None
    high_ms = _HORIZON_MS
    if not excess(high_ms):
        return None
    while low_ms < high_ms:
        middle = (low_ms + high_ms) // 2
        if excess(middle):
            high_ms = middle
        else:
            low_ms = middle + 1
    return low_ms


def _unpaid(running: list[Record], base: int, left: int, ahead_ms: int) -> Record:
    """The record whose increment at that instant is the first that can't be paid."""
    owed = {record.record_id: _demand(record, base, ahead_ms - 1) for record in running}
    left -= sum(owed.values())
    for record in running:
        left -= _demand(record, base, ahead_ms) - owed[record.record_id]
        if left < 0:
            return record
    raise AssertionError  # the caller has found that together they exceed


def _with(payer: Payer, record: Record, *events: Event) -> Payer:
    records = {**payer.records, record.record_id: record}
    if record.ended_at is not None:
        del records[record.record_id]
    return replace(payer, records=records, events=(*payer.events, *events))


def _require_credit(payer: Payer, record: Record, now: int) -> None:
    required, available = record.commitment_at(now), payer.available_at(now)
    if required > available:
        raise InsufficientCredit(required, available)


def _resume(payer: Payer, record: Record, now: int, rules: Rules, by: Party) -> Payer:
    _require_credit(payer, record, now)
    return _open(payer, _prove_act(payer, record, now, rules, by), now, rules, record.reason)


def _prove_act(payer: Payer, record: Record, now: int, rules: Rules, by: Party) -> Record:
    """Acting proves that one is there, and gives an advisor who isn't yet one lease to arrive, never more."""
    if by is Party.USER:
        record = _lease_extended(record, Party.USER, now + rules.lease_ms)
    if not payer.is_present(record, Party.ADVISOR, now):
        record = _lease_extended(record, Party.ADVISOR, now + rules.lease_ms)
    return record


def _lease_extended(record: Record, party: Party, until: int) -> Record:
    if party is Party.USER:
        return replace(record, user_lease_until=max(record.user_lease_until, until))
    return replace(record, advisor_lease_until=max(record.advisor_lease_until, until))


def _open(payer: Payer, record: Record, now: int, rules: Rules, reason: Reason | None) -> Payer:
    """Start the record's timer: the one place that does."""
    if not rules.timer_starts:
        if record.reason is not Reason.TIMER_FAILED:
            return _wait(payer, record, now, Reason.TIMER_FAILED)
        # One that had failed before keeps waiting from then; it may have moved to another chat, though.
        has_moved = payer.records[record.record_id].chat_id != record.chat_id
        return _with(payer, record, *([Waiting(record, now)] if has_moved else []))
    record = replace(
        record, state=State.RUNNING, reason=None, running_since=now, settled_at=now, paused_at=None, waiting_since=None
    )
    return _with(payer, record, Opened(record, now, reason))


def _wait(payer: Payer, record: Record, now: int, reason: Reason) -> Payer:
    record = replace(
        record,
        state=State.PAUSED,
        reason=reason,
        running_since=None,
        waiting_since=now,
        paused_at=now if record.paused_at is None else record.paused_at,
    )
    return _with(payer, record, Waiting(record, now))


def _settled(payer: Payer, record: Record, at: int) -> Payer:
    """The running record with its totals as of `at`: time to the chat, its price to the ledger."""
    accrued_ms = at - record.settled_at
    cost = record.cost_at(at)
    charge = cost - record.charged
    record = replace(record, elapsed_ms=record.elapsed_at(at), charged=cost, settled_at=at)
    events: list[Event] = [Accrued(record.chat_id, accrued_ms)] if accrued_ms else []
    if charge:
        events.append(Posted(-charge, "charge", at, record.record_id))
    return replace(_with(payer, record, *events), balance=payer.balance - charge)


def _close(payer: Payer, record: Record, at: int, reason: Reason) -> Payer:
    since = record.running_since
    assert since is not None  # noqa: S101  running means that
    payer = _settled(payer, record, at)
    record = replace(payer.records[record.record_id], state=State.PAUSED, running_since=None)
    return _with(payer, record, Closed(record, record.chat_id, since, at, reason))


def _stop_timer(payer: Payer, record: Record, at: int, reason: Reason) -> Payer:
    payer = _close(payer, record, at, reason)
    record = replace(payer.records[record.record_id], reason=reason, paused_at=at, waiting_since=at)
    return _with(payer, record)


def _end(payer: Payer, record: Record, at: int, reason: Reason) -> Payer:
    """End a record. One that waited in vain ended when its time stopped, not when we gave up waiting."""
    if record.is_running:
        payer = _close(payer, record, at, reason)
        record = payer.records[record.record_id]
    elif reason is Reason.ABANDONED:
        at = record.started_at if record.paused_at is None else record.paused_at
    elif reason is Reason.OUT_OF_CREDIT and record.waiting_since is not None:
        at = record.waiting_since
    record = replace(record, state=State.ENDED, reason=reason, ended_at=at, waiting_since=None)
    return _with(payer, record, Ended(record))
