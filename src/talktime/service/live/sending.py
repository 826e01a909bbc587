"""The messages that the service sends to a screen. `docs/reference/asyncapi.yaml` describes each of them."""

from __future__ import annotations

from collections.abc import Mapping

from talktime.core.errors import TalktimeError
from talktime.core.ids import is_id
from talktime.core.instants import format_instant
from talktime.core.record import Party
from talktime.documents.chat import Message
from talktime.documents.snapshot import Snapshot

LiveMessage = Mapping[str, object]
"""One message as JSON."""


def snapshot_message(snapshot: Snapshot) -> LiveMessage:
    """A watched chat."""
    return {"type": "snapshot", "chat_id": snapshot.chat_id, "snapshot": snapshot.document()}


def text_message(message: Message) -> LiveMessage:
    """A text in a watched chat."""
    return {"type": "message", "chat_id": message.chat_id, "message": message.document()}


def typing_message(chat_id: str, party: Party) -> LiveMessage:
    """A party is typing in a watched chat."""
    return {"type": "typing", "chat_id": chat_id, "party": party.value}


def heartbeat_message(leases: Mapping[str, int], now_ms: float, epoch: str) -> LiveMessage:
    """Asks whether somebody is there. `leases` are the instants at which leases end, by chat."""
    return {"type": "heartbeat", "s2": now_ms, "epoch": epoch, "leases": _instants(leases)}


def leases_message(leases: Mapping[str, int]) -> LiveMessage:
    """The node has renewed these leases: the instants at which they end, by chat."""
    return {"type": "leases", "leases": _instants(leases)}


def pong_message(c0: float, arrived_ms: float, error_ms: float, epoch: str, leases: Mapping[str, int]) -> LiveMessage:
    """Engine time. The send queue sets `s2`.

    Args:
        c0: the reading of the browser's clock that the ping sent.
        arrived_ms: engine time at which the ping arrived.
        error_ms: how far the engine time of this node can be from that of the database.
        epoch: the epoch of the node's clock.
        leases: the instants at which leases end, by chat. Where engine time had to jump, the ping asks for both.
    """
    stamps = {"c0": c0, "s1": arrived_ms, "s2": 0, "error_ms": round(error_ms, 2)}
    return {"type": "pong", **stamps, "epoch": epoch, "leases": _instants(leases)}


def problem_message(error: TalktimeError, refused: Mapping[str, object]) -> LiveMessage:
    """The problem document for a refused message, with the `chat_id` and the `client_id` of that message."""
    ids = {name: refused[name] for name in ("chat_id", "client_id") if _is_id(refused.get(name))}
    return {"type": "problem", "problem": error.problem(), **ids}


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_id(value)


def _instants(leases: Mapping[str, int]) -> dict[str, str]:
    return {chat_id: format_instant(until) for chat_id, until in leases.items()}
