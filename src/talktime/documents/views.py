"""What people and programs are shown: frozen objects, and `document()` for their JSON.

Inside, instants are milliseconds since 1970 in engine time, durations milliseconds, money micro-credits, all integers.
In documents instants are RFC 3339 in UTC, durations end in `_ms`, credits are decimal strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from talktime.core.gifts import Lot
from talktime.core.money import format_credits
from talktime.core.refunds import Bearer
from talktime.core.tariff import Tariff, seconds
from talktime.core.terms import Terms

if TYPE_CHECKING:
    from talktime.core.payer import Reason, State

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant(milliseconds: int) -> str:
    """RFC 3339 in UTC with milliseconds, such as `2026-01-05T10:00:01.250Z`."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def parse_instant(text: object) -> int:
    """Milliseconds of an RFC 3339 instant with its offset, such as `2026-01-05T10:00:01.250Z`; truncated.

    Raises:
        ValueError: in words for the person who sent it.
    """
    match = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    try:
        moment = None if match is None else datetime.fromisoformat(match[0].upper())
        since = None if moment is None else moment - _EPOCH
    except (ValueError, OverflowError):
        since = None
    if since is None or since < timedelta(0):
        msg = "must be an instant with its offset, such as 2026-01-05T10:00:01.250Z"
        raise ValueError(msg)
    return since // timedelta(milliseconds=1)


def instant_or_none(milliseconds: int | None) -> str | None:
    """`instant`, or None for what has not happened."""
    return None if milliseconds is None else instant(milliseconds)


@dataclass(frozen=True, slots=True)
class RecordView:
    """A conversation time record as it stands.

    `paused_at` is since when it is paused, `paused_by` who did it: user, advisor or service, if somebody did.
    """

    id: str
    state: State
    reason: Reason | None
    user_id: str
    advisor_id: str
    current_chat_id: str
    started_at: int
    paused_at: int | None
    paused_by: str | None
    ended_at: int | None

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "id": self.id,
            "state": self.state.value,
            "reason": None if self.reason is None else self.reason.value,
            "user_id": self.user_id,
            "advisor_id": self.advisor_id,
            "current_chat_id": self.current_chat_id,
            "started_at": instant(self.started_at),
            "paused_at": instant_or_none(self.paused_at),
            "paused_by": self.paused_by,
            "ended_at": instant_or_none(self.ended_at),
        }


@dataclass(frozen=True, slots=True)
class TimerView:
    """The record's timer, as this chat sees it.

    `running` is true only for the record's current chat. `lease_until`: when the time stops unless presence is proved
    again. `cut_at`: when the credit ends, None if never. `recharge_until`: how long a record waits at zero.
    """

    running: bool
    since: int | None = None
    lease_until: int | None = None
    cut_at: int | None = None
    recharge_until: int | None = None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "running": self.running,
            "since": instant_or_none(self.since),
            "lease_until": instant_or_none(self.lease_until),
            "cut_at": instant_or_none(self.cut_at),
            "recharge_until": instant_or_none(self.recharge_until),
        }


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one screen needs to show a chat, as of `server_time`.

    `chat_duration_ms` is this chat's own time over all its records; `elapsed_ms`, `billed_ms`, `cost` and
    `free_remaining_ms` are the record's, over all its chats; `balance` is what the payer has available.
    `allowance_ms` is what was left of the pair's free allowance when the record started.
    """

    server_time: int
    sequence: int
    record: RecordView
    chat_id: str
    user_id: str
    advisor_id: str
    chat_duration_ms: int
    timer: TimerView
    elapsed_ms: int
    free_remaining_ms: int
    allowance_ms: int
    billed_ms: int
    cost: int
    balance: int
    tariff: Tariff
    tariff_version: int

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "server_time": instant(self.server_time),
            "sequence": self.sequence,
            "record": self.record.document(),
            "chat": {
                "id": self.chat_id,
                "user_id": self.user_id,
                "advisor_id": self.advisor_id,
                "duration_ms": self.chat_duration_ms,
            },
            "timer": self.timer.document(),
            "elapsed_ms": self.elapsed_ms,
            "free_remaining_ms": self.free_remaining_ms,
            "allowance_ms": self.allowance_ms,
            "billed_ms": self.billed_ms,
            "cost": format_credits(self.cost),
            "balance": format_credits(self.balance),
            "tariff": self.tariff.document(),
            "tariff_version": self.tariff_version,
        }


@dataclass(frozen=True, slots=True)
class Account:
    """A user's credit: `balance` is what is posted, `committed` what running meters have begun to owe beyond that.

    `gift` is what of the balance was given, not bought; `next_expiry` the gift that expires next, if one does.
    """

    user_id: str
    display_name: str
    balance: int
    committed: int
    available: int
    gift: int = 0
    next_expiry: Lot | None = None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        lot = self.next_expiry
        return {
            "user_id": self.user_id,
            "display_name": self.display_name,
            "balance": format_credits(self.balance),
            "committed": format_credits(self.committed),
            "available": format_credits(self.available),
            "gift": format_credits(self.gift),
            "next_expiry": None
            if lot is None
            else {"amount": format_credits(lot.amount), "expires_at": instant_or_none(lot.expires_at)},
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. Charges, debits and expiries are negative; `gift` is what of the amount was given."""

    id: str
    amount: int
    gift: int
    kind: str
    at: int
    record_id: str | None = None
    reference: str | None = None
    reason: str | None = None
    expires_at: int | None = None

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "id": self.id,
            "amount": format_credits(self.amount),
            "gift": format_credits(self.gift),
            "kind": self.kind,
            "at": instant(self.at),
            "record_id": self.record_id,
            "reference": self.reference,
            "reason": self.reason,
            "expires_at": instant_or_none(self.expires_at),
        }


@dataclass(frozen=True, slots=True)
class Refund:
    """What was given back of a record's cost, who bears it, and what is `refunded` and `refundable` of it by now."""

    record_id: str
    amount: int
    gift: int
    refunded_ms: int | None
    reason: str
    borne_by: Bearer
    by_advisor: int
    at: int
    refunded: int
    refundable: int

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "record_id": self.record_id,
            "amount": format_credits(self.amount),
            "gift": format_credits(self.gift),
            "seconds": None if self.refunded_ms is None else seconds(self.refunded_ms),
            "reason": self.reason,
            "borne_by": self.borne_by.value,
            "advisor_amount": format_credits(self.by_advisor),
            "platform_amount": format_credits(self.amount - self.by_advisor),
            "at": instant(self.at),
            "refunded": format_credits(self.refunded),
            "refundable": format_credits(self.refundable),
        }


@dataclass(frozen=True, slots=True)
class Earnings:
    """What an advisor's sessions have brought up to `at`: the `share` of what was charged, less the `refunds` borne.

    `unposted` is what running records had come to by then beyond that; with it, it is the same however often is posted.
    """

    advisor_id: str
    display_name: str
    at: int
    share: int
    refunds: int
    unposted: int = 0

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "advisor_id": self.advisor_id,
            "display_name": self.display_name,
            "at": instant(self.at),
            "share": format_credits(self.share),
            "refunds": format_credits(self.refunds),
            "net": format_credits(self.share - self.refunds),
            "unposted": format_credits(self.unposted),
        }


@dataclass(frozen=True, slots=True)
class Advisor:
    """Who is paid, and the tariff and terms that a record started now would have."""

    advisor_id: str
    display_name: str
    tariff: Tariff
    tariff_version: int
    terms: Terms

    def document(self, *, with_terms: bool = False) -> dict[str, Any]:
        """Its JSON; the terms are no business of users."""
        shown = {
            "id": self.advisor_id,
            "display_name": self.display_name,
            "tariff": self.tariff.document(),
            "tariff_version": self.tariff_version,
        }
        return shown | {"terms": self.terms.document()} if with_terms else shown


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """A chat in a list: who, how long, and what its latest record is doing.

    `number` counts the pair's from 1. `earned` is what is the advisor's of that record's cost by now, over all its
    chats; refunds apart.
    """

    id: str
    user_id: str
    user_name: str
    advisor_id: str
    advisor_name: str
    duration_ms: int
    state: State | None
    reason: Reason | None
    record_id: str | None
    current: bool
    created_at: int
    last_message: str | None
    earned: int
    number: int

    def document(self, *, with_earned: bool = False) -> dict[str, Any]:
        """Its JSON; what the advisor earned is no business of the user's."""
        shown = {
            "id": self.id,
            "user_id": self.user_id,
            "user_name": self.user_name,
            "advisor_id": self.advisor_id,
            "advisor_name": self.advisor_name,
            "duration_ms": self.duration_ms,
            "state": None if self.state is None else self.state.value,
            "reason": None if self.reason is None else self.reason.value,
            "record_id": self.record_id,
            "current": self.current,
            "created_at": instant(self.created_at),
            "last_message": self.last_message,
            "number": self.number,
        }
        return shown | {"earned": format_credits(self.earned)} if with_earned else shown


@dataclass(frozen=True, slots=True)
class Pair:
    """Who talks in a record: their names, and which of them (`user`, `advisor`) have a live socket on it now."""

    user_name: str
    advisor_name: str
    connected: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {"user_name": self.user_name, "advisor_name": self.advisor_name, "connected": list(self.connected)}


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a chat. `position` counts from 1, without gaps; `client_id` makes a repeat harmless."""

    id: str
    chat_id: str
    position: int
    client_id: str
    sender: str
    text: str
    at: int

    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "id": self.id,
            "chat_id": self.chat_id,
            "position": self.position,
            "client_id": self.client_id,
            "sender": self.sender,
            "text": self.text,
            "at": instant(self.at),
        }
