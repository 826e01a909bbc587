"""A payer: one account with everything that decides what the account can pay.

A `Payer` is the state that every command and every deadline starts from: the posted balance, the active records, the
leases that sockets hold, and the gifts within the balance. A payer is immutable. Each transition gives a new payer,
with what happened added to `Payer.steps`.

    balance      the sum of the posted entries; charges are negative
    committed    what the running records have begun to owe beyond what is posted, and what requests hold
    available    balance - committed: what can be spent, by a new record or elsewhere

`available` does not depend on when charges are posted, because posting lowers balance and committed alike.

Units: instants and durations in milliseconds of engine time, money in micro-credits, all integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from talktime.core.record import AWAY_REASONS, Party, replace
from talktime.core.starts import Starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from talktime.core.gifts import Gift
    from talktime.core.record import Record
    from talktime.core.steps import Step


@dataclass(frozen=True, slots=True)
class Durations:
    """The durations that a host sets, in milliseconds.

    Attributes:
        lease_ms: how long time stays billable after the last proof of presence.
        recharge_ms: how long a record without credit waits, unbilled, before it ends.
        abandon_ms: how long a record that is paused for another reason waits before it ends.
        leave_ms: how long time stays billable after a party's page has said that it closes.
        low_ms: how long before a cut for lack of credit the credit counts as low; 0 for never.
    """

    lease_ms: int
    recharge_ms: int
    abandon_ms: int
    leave_ms: int = 5_000
    low_ms: int = 0


class SocketLease(NamedTuple):
    """The lease that the sockets of one party on one chat prove.

    `until` is the end of the lease. `is_renewed` tells whether a live node keeps renewing the lease.
    """

    until: int
    is_renewed: bool


def merge_leases(leases: Iterable[SocketLease]) -> SocketLease:
    """The lease of a party whose sockets at several nodes prove these leases."""
    proved = tuple(leases)
    return SocketLease(max(lease.until for lease in proved), any(lease.is_renewed for lease in proved))


class Presence(NamedTuple):
    """The presence of the two parties, and until when it is certain: None while live sockets prove it."""

    user: bool
    advisor: bool
    until: int | None

    def is_news_after(self, told: Presence) -> bool:
        """Whether a screen that knows `told` must learn this. A later end is not news: the screen asks again."""
        if (self.user, self.advisor) != (told.user, told.advisor):
            return True
        return self.until is not None and (told.until is None or self.until < told.until)


class Outage(NamedTuple):
    """A time in which no node could write (`outages`)."""

    began_at: int
    ended_at: int


@dataclass(frozen=True)
class Payer:
    """One account, with its active records.

    Attributes:
        user_id: the user whose account this is.
        balance: the sum of the posted entries.
        settled_at: the instant up to which every deadline of the account has been applied.
        records: the active records, by id.
        sockets: the leases that sockets prove, by chat and party.
        gifts: the part of the balance that was given, in the order in which gifts are spent.
        steps: what has happened since the payer was loaded.
        can_start_timers: False in the second attempt of a transaction whose first attempt could not start a timer.
        outages: the outages that ended after `settled_at`, in order.
    """

    user_id: str
    balance: int
    settled_at: int
    records: Mapping[str, Record]
    sockets: Mapping[tuple[str, Party], SocketLease]
    gifts: tuple[Gift, ...] = ()
    steps: tuple[Step, ...] = ()
    can_start_timers: bool = True
    outages: tuple[Outage, ...] = ()

    def active_with(self, advisor_id: str) -> Record | None:
        """The active record of the user with this advisor. A pair has at most one."""
        return next((record for record in self.records.values() if record.advisor_id == advisor_id), None)

    def running(self) -> list[Record]:
        """The running records in the order of their starts, in which they pay in one millisecond."""
        records = (record for record in self.records.values() if record.is_running)
        return sorted(records, key=lambda record: (record.started_at, record.record_id))

    def present_until(self, record: Record, party: Party) -> int:
        """The end of the party's lease: the later of what heartbeats and acts prove, and what sockets prove.

        Only sockets on the record's current chat count.
        """
        lease_until = record.user_lease_until if party is Party.USER else record.advisor_lease_until
        socket = self.sockets.get((record.chat_id, party))
        return lease_until if socket is None else max(lease_until, socket.until)

    def is_present(self, record: Record, party: Party, at: int) -> bool:
        """Whether the party's lease holds at `at`. A lease no longer holds at the instant of its end."""
        return self.present_until(record, party) > at

    def presence(self, record: Record, at: int) -> Presence:
        """The presence of the two parties at `at`.

        Where a record waits for the parties, who has just left is not there: it would seem to wait for nobody.
        """
        here = self.is_ready if record.reason in AWAY_REASONS else self.is_present
        present = [party for party in Party if here(record, party, at)]
        ends = [self.present_until(record, party) for party in present if not self.is_lease_renewed(record, party)]
        return Presence(Party.USER in present, Party.ADVISOR in present, min(ends, default=None))

    def awaited(self, record: Record, lease_ms: int) -> frozenset[Party]:
        """The parties of a running record who have not come to the record's chat yet.

        After a switch, what a party has proved in the chat before holds the lease until its end. An advisor who is
        given time to arrive (`Starts.AT_ONCE`) has a lease that nothing has proved, from the beginning of the segment.
        """
        began_lease_until = record.began_at + lease_ms
        elsewhere = {
            party
            for (chat_id, party), lease in self.sockets.items()
            if lease.is_renewed and chat_id != record.chat_id and self.present_until(record, party) < began_lease_until
        }
        if record.starts is Starts.AT_ONCE and record.advisor_lease_until == began_lease_until:
            elsewhere.add(Party.ADVISOR)
        return frozenset(party for party in elsewhere if not self.is_lease_renewed(record, party))

    def is_ready(self, record: Record, party: Party, at: int) -> bool:
        """Whether time may start with the party at `at`: the lease holds, and no page has said that it closes.

        Running time goes on until the lease ends, because who loads a page again is back by then. But no time starts
        with a party who has just left.
        """
        has_left = record.left_at(party) is not None and not self.is_lease_renewed(record, party)
        return not has_left and self.is_present(record, party, at)

    def absent_party(self, record: Record, at: int) -> Party | None:
        """A party with whom no time may start at `at`; None if time may start; the user, if both are absent."""
        return next((party for party in Party if not self.is_ready(record, party, at)), None)

    def is_lease_renewed(self, record: Record, party: Party) -> bool:
        """Whether a live node keeps renewing the party's lease, so that its end is not a deadline of the account."""
        socket = self.sockets.get((record.chat_id, party))
        return socket is not None and socket.is_renewed

    def lease_until(self, record: Record) -> int:
        """The instant until which both leases hold."""
        return min(self.present_until(record, party) for party in Party)

    def committed_at(self, at: int) -> int:
        """The credit that running records and requests hold at `at`."""
        return sum(record.committed_at(at) for record in self.records.values())

    def can_pay(self, record: Record, at: int) -> bool:
        """Whether the available credit pays for the first increment, if the record's timer starts at `at`."""
        return record.committed_if_running_at(at) <= self.available_at(at)

    def available_at(self, at: int) -> int:
        """The credit that can be spent at `at`. A record within its grace may hold more than there is."""
        return max(0, self.balance - self.committed_at(at))

    def with_record(self, record: Record, *steps: Step) -> Payer:
        """The payer with `record` in place of its earlier state, and with `steps`. An ended record is left out."""
        records = {**self.records, record.record_id: record}
        if record.ended_at is not None:
            del records[record.record_id]
        return replace(self, records=records, steps=(*self.steps, *steps))
