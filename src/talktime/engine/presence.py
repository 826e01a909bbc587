"""The commands about presence: what proves that a party is there, and what is known once the proofs stop.

`node.presence` sends these commands for the sockets of its process. A client without a socket sends heartbeats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from talktime.core import meter
from talktime.core.errors import InvalidRequest, NotRunning
from talktime.core.payer import SocketLease
from talktime.core.record import Party, Record, replace
from talktime.database.payer_transaction import WatchChange
from talktime.engine.command import Answer, Command
from talktime.engine.tracking import ChatCommand, is_current, latest_record

if TYPE_CHECKING:
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor


_USUAL_WAIT_MS: Final = 250
"""Every command waits a little. A proof that waited no longer than this counts from the instant of its command."""


@dataclass
class SendHeartbeat(ChatCommand):
    """Prove that this party is present, for one lease. On a chat that is not current the heartbeat proves nothing.

    `proved` is the instant at which the heartbeat came, in seconds of this process's monotonic clock; None for now.
    """

    name = "heartbeat"

    party: Party
    proved: float | None = None

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        _prove(payer, latest_record(payer, self.chat_id), self.chat_id, self.party, self.proved)


@dataclass
class LeaveChat(Command[None]):
    """A page of this party says that it closes: the party's lease ends soon, unless the party is back by then.

    A page of a chat that the record has left counts only until the party has come to the record's chat. `said` is the
    instant at which the page said it, in seconds of this process's monotonic clock. `decide` raises NotFound.
    """

    name = "leave"

    chat_id: str
    party: Party
    said: float | None = None

    @property
    def chat_ids(self) -> tuple[str, ...]:
        return (self.chat_id,)

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        _leave(
            payer, latest_record(payer, self.chat_id), self.chat_id, self.party, payer.now - _age_ms(payer, self.said)
        )

    def answer(self, payer: PayerTransaction) -> Answer[None]:
        return Answer(None)


@dataclass
class WatchChat(ChatCommand):
    """A socket of a node watches this chat: the party is present as long as the node renews its row.

    `proved` is the last proof of the socket, in seconds of this process's monotonic clock; None for now.
    """

    name = "watch"

    party: Party
    node_id: str
    proved: float | None = None

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = latest_record(payer, self.chat_id)
        payer.watches.append(WatchChange(self.node_id, self.chat_id, self.party, None, dropped=False))
        # The proof of this socket counts as a proof of the record. The node's row tells how long it vouches already.
        before = payer.node_leases.get((self.chat_id, self.party), {}).get(self.node_id)
        until = 0 if before is None else before.until
        payer.set_socket(self.chat_id, self.party, self.node_id, SocketLease(until, is_renewed=True))
        _prove(payer, record, self.chat_id, self.party, self.proved)


@dataclass
class _ProofCommand(Command[None]):
    """A command about the last proof of a party on one chat.

    `proved` is the instant of the proof on this process's monotonic clock, in seconds. Only its age is used.
    """

    chat_id: str
    party: Party
    node_id: str
    proved: float

    @property
    def chat_ids(self) -> tuple[str, ...]:
        return (self.chat_id,)

    def proved_at(self, payer: PayerTransaction) -> int:
        """The instant of the last proof, in engine time."""
        return payer.now - _age_ms(payer, self.proved)

    def answer(self, payer: PayerTransaction) -> Answer[None]:
        return Answer(None)


@dataclass
class StoreSilence(_ProofCommand):
    """A party has not answered: its last proof is stored, so that its lease ends at the right instant."""

    name = "fall_silent"

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        proved_at = self.proved_at(payer)
        payer.watches.append(WatchChange(self.node_id, self.chat_id, self.party, proved_at, dropped=False))
        lease = SocketLease(proved_at + payer.durations.lease_ms, is_renewed=False)
        payer.set_socket(self.chat_id, self.party, self.node_id, lease)
        tell_presence(payer)


@dataclass
class UnwatchChat(_ProofCommand):
    """The last socket of a party at this process is gone. Its last proof still counts for one lease.

    `left` is when the page said on the socket that it closes, on the clock of `proved`; None if the page did not.
    """

    name = "unwatch"

    left: float | None = None

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        payer.watches.append(WatchChange(self.node_id, self.chat_id, self.party, None, dropped=True))
        payer.set_socket(self.chat_id, self.party, self.node_id, None)
        chat = payer.chats.get(self.chat_id)
        record = None if chat is None else payer.latest_record(chat)
        if record is None:
            return
        left_at = None if self.left is None else payer.now - _age_ms(payer, self.left)
        if is_current(record, self.chat_id):
            payer.current = meter.close_socket(
                payer.current, record, self.party, self.proved_at(payer), payer.durations, left_at
            )
            tell_presence(payer)
        elif left_at is not None:
            _leave(payer, record, self.chat_id, self.party, left_at)
            tell_presence(payer)


@dataclass
class Talk(ChatCommand):
    """For tests: both parties prove that they are present until the timer has run for `duration_ms`.

    `stops_at` is when it has, or the cut of the record, if the cut comes before.

    `decide` raises NotRunning if the timer does not run although both are present.
    """

    name = "talk"

    duration_ms: int
    stops_at: int = field(default=0, init=False)

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = latest_record(payer, self.chat_id)
        if is_current(record, self.chat_id):
            for party in Party:
                record = payer.current.records[record.record_id]
                payer.current = meter.prove(payer.current, record, party, payer.now + 1, payer.now)
            record = payer.current.records[record.record_id]
        if record.running_since is None or not is_current(record, self.chat_id):
            why = f": {record.reason}" if record.reason else ""
            raise NotRunning(
                f"No time runs in this chat: the record is {record.state}{why}.", state=record.state, allowed=()
            )
        until = record.running_since + self.duration_ms
        if until <= payer.now:
            raise InvalidRequest(("minutes", "must be more than the timer has run already"))
        payer.current = payer.current.with_record(replace(record, user_lease_until=until, advisor_lease_until=until))
        cut = payer.cuts().get(record.record_id)
        self.stops_at = until if cut is None else min(until, cut.at)


def tell_presence(payer: PayerTransaction) -> None:
    """Sockets are gone: the screens of records that wait are told. Where time runs, the lapse tells them.

    The tables may know already that the sockets are gone, because a node that lapses, or that could not wait for the
    payer's lock, stores no change of the payer.
    """
    payer.tells_presence = any(not record.is_running for record in payer.current.records.values())


def _age_ms(payer: PayerTransaction, proved: float | None) -> int:
    """How long before `payer.now` a proof came. Only the wait before the command asked for engine time counts."""
    return 0 if proved is None else max(0, int((payer.asked_at - proved) * 1000))


def _leave(payer: PayerTransaction, record: Record, chat_id: str, party: Party, left_at: int) -> None:
    if record.ended_at is None:
        act = meter.leave if is_current(record, chat_id) else meter.leave_previous_chat
        payer.current = act(payer.current, record, party, left_at, payer.durations)


def _prove(payer: PayerTransaction, record: Record, chat_id: str, party: Party, proved: float | None) -> None:
    if is_current(record, chat_id):
        age_ms = _age_ms(payer, proved)
        until = payer.now - (age_ms if age_ms > _USUAL_WAIT_MS else 0) + payer.durations.lease_ms
        payer.current = meter.prove(payer.current, record, party, until, payer.now)
