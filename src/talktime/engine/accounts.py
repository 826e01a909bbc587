"""The commands that move credit: it is added, spent elsewhere, given back. Each is one transaction of the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from talktime.core import credit, gifts, refunds
from talktime.core.errors import Conflict, InvalidRequest, NotFound
from talktime.core.money import BALANCE_MAX, format_credits
from talktime.core.payer import Posted
from talktime.database.payer_transaction import AdvisorRow, Unit
from talktime.documents.account import Account, Refund
from talktime.engine.batching import Answer, Command
from talktime.engine.idempotency import Repeat

if TYPE_CHECKING:
    from collections.abc import Callable


def add_credit(
    user_id: str,
    amount: int,
    kind: str,
    reference: str | None = None,
    expires_at: int | None = None,
    repeat: Repeat | None = None,
) -> Command:
    """Add credit; records that ran out resume. `amount` in micro-credits, more than zero.

    Raises (when run) InvalidRequest for a gift that has expired already, Conflict when the account is full.
    """

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        _require_room(unit.payer.balance + amount)
        if expires_at is not None and expires_at <= unit.now:
            raise InvalidRequest(("expires_at", "must be in the future"))
        if kind == "gift" and len(unit.payer.gifts) >= gifts.LOTS_MAX:
            msg = f"An account holds at most {gifts.LOTS_MAX} gifts that expire at different times."
            raise Conflict(msg, state=None, allowed=("debits",))
        entry = Posted(amount, kind, unit.now, None, reference, gift=amount if kind == "gift" else 0)
        unit.payer = credit.add(unit.payer, replace(entry, expires_at=expires_at), unit.rules)
        return lambda: Answer(account_view(unit), 201)

    return Command(user_id, decide, "add_credit", (), None, repeat, counts_twice=True)


def debit(user_id: str, amount: int, reference: str | None = None, repeat: Repeat | None = None) -> Command:
    """Spend credit elsewhere; InsufficientCredit beyond what is available."""

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        unit.payer = credit.debit(unit.payer, Posted(-amount, "debit", unit.now, None, reference))
        return lambda: Answer(account_view(unit), 201)

    return Command(user_id, decide, "debit", (), None, repeat, counts_twice=True)


def refund(user_id: str, record_id: str, wish: refunds.Wish, repeat: Repeat | None = None) -> Command:
    """Give back what a record has cost, or part of it; records that ran out resume.

    Raises (when run) Conflict beyond what was charged and not given back yet, NotFound.
    """

    def decide(unit: Unit, _: AdvisorRow | None) -> Callable[[], Answer]:
        record = unit.payer.records.get(record_id) or unit.ended_record(record_id)
        if record is None:
            raise NotFound("record")
        tally = unit.tallies.get(record_id, refunds.Tally())
        payer, entry, tally = refunds.refund(unit.payer, record, tally, wish, unit.now, unit.rules)
        _require_room(payer.balance)
        unit.payer = payer
        shown = Refund(
            record_id=record_id,
            amount=entry.amount,
            gift=entry.gift,
            refunded_ms=entry.refunded_ms,
            reason=wish.reason,
            borne_by=wish.borne_by,
            by_advisor=-entry.advisor_amount,
            at=entry.at,
            refunded=tally.refunded,
            refundable=tally.refundable,
        )
        return lambda: Answer(shown, 201)

    return Command(user_id, decide, "refund", repeat=repeat, record_id=record_id, counts_twice=True)


def account_view(unit: Unit) -> Account:
    """The account as it stands."""
    payer = unit.payer
    available = payer.available_at(unit.now)
    # What is left of one that is over is what running meters have begun to owe.
    expiring = next((lot for lot in payer.gifts if lot.expires_at is not None and not lot.is_over(unit.now)), None)
    return Account(
        user_id=payer.user_id,
        display_name=unit.display_name,
        balance=payer.balance,
        committed=payer.balance - available,
        available=available,
        gift=gifts.total(payer.gifts),
        next_expiry=expiring,
    )


def _require_room(balance: int) -> None:
    if balance > BALANCE_MAX:
        msg = f"An account holds at most {format_credits(BALANCE_MAX)}, and this would be more."
        raise Conflict(msg, state=None, allowed=("debits",))
