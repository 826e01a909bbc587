"""The commands about presence: what proves that a party is there, and what is known once the proofs stop.

`node.presence` sends these commands for the sockets of its process. A client without a socket sends heartbeats.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talktime.core import meter
from talktime.core.payer import Payer, SocketLease
from talktime.core.record import Party, Record, replace
from talktime.database.payer_transaction import WatchChange
from talktime.engine.command import Answer, Command
from talktime.engine.tracking import ChatCommand, is_current, latest_record

if TYPE_CHECKING:
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor


@dataclass
class SendHeartbeat(ChatCommand):
    """Prove that this party is present, for one lease. On a chat that is not current the heartbeat proves nothing."""

    name = "heartbeat"

    party: Party

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        _prove(payer, latest_record(payer, self.chat_id), self.chat_id, self.party)


@dataclass
class WatchChat(ChatCommand):
    """A socket of a server process watches this chat: the party is present as long as the process renews its row."""

    name = "watch"

    party: Party
    node_id: str

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = latest_record(payer, self.chat_id)
        payer.watches.append(WatchChange(self.node_id, self.chat_id, self.party, None, dropped=False))
        payer.current = _with_socket(payer, self.chat_id, self.party, SocketLease(0, held=True))
        _prove(payer, record, self.chat_id, self.party)


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
        return payer.now - max(0, int((time.monotonic() - self.proved) * 1000))

    def answer(self, payer: PayerTransaction) -> Answer[None]:
        return Answer(None)


@dataclass
class StoreSilence(_ProofCommand):
    """A party has not answered: its last proof is stored, so that its lease ends at the right instant."""

    name = "fall_silent"

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        proved_at = self.proved_at(payer)
        payer.watches.append(WatchChange(self.node_id, self.chat_id, self.party, proved_at, dropped=False))
        lease = SocketLease(proved_at + payer.rules.lease_ms, held=False)
        payer.current = _with_socket(payer, self.chat_id, self.party, lease)


@dataclass
class UnwatchChat(_ProofCommand):
    """The last socket of a party is gone. Its last proof still counts for one lease."""

    name = "unwatch"

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        payer.watches.append(WatchChange(self.node_id, self.chat_id, self.party, None, dropped=True))
        payer.current = _without_socket(payer, self.chat_id, self.party)
        chat = payer.chats.get(self.chat_id)
        record = None if chat is None else payer.latest_record(chat)
        if record is not None and is_current(record, self.chat_id):
            payer.current = meter.leave(payer.current, record, self.party, self.proved_at(payer) + payer.rules.lease_ms)


def _prove(payer: PayerTransaction, record: Record, chat_id: str, party: Party) -> None:
    if is_current(record, chat_id):
        until = payer.now + payer.rules.lease_ms
        payer.current = meter.prove(payer.current, record, party, until, payer.now, payer.rules)


def _with_socket(payer: PayerTransaction, chat_id: str, party: Party, lease: SocketLease) -> Payer:
    before = payer.current.sockets.get((chat_id, party))
    until = lease.until if before is None or not lease.held else max(lease.until, before.until)
    sockets = {**payer.current.sockets, (chat_id, party): SocketLease(until, lease.held)}
    return replace(payer.current, sockets=sockets)


def _without_socket(payer: PayerTransaction, chat_id: str, party: Party) -> Payer:
    sockets = {key: lease for key, lease in payer.current.sockets.items() if key != (chat_id, party)}
    return replace(payer.current, sockets=sockets)
