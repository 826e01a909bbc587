"""The commands about credit: credit is added, spent elsewhere, or given back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from talktime.core import credit, gifts, refunds
from talktime.core.entries import EntryKind
from talktime.core.errors import AllowedCall, Conflict, InvalidRequest, NotFound
from talktime.core.events import EntryPosted
from talktime.core.money import BALANCE_MAX, format_credits
from talktime.documents.account import Account, Refund
from talktime.engine.command import Answer, Command
from talktime.engine.screens import account_of

if TYPE_CHECKING:
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor


@dataclass
class AddCredit(Command[Account]):
    """Add `amount` micro-credits, more than zero. Records that ran out of credit resume.

    `decide` raises InvalidRequest for a gift that has expired already, Conflict when the account is full.
    """

    name = "add_credit"
    adds_up = True

    amount: int
    kind: str
    reference: str | None = None
    expires_at: int | None = None

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        _require_room(payer.payer.balance + self.amount)
        if self.expires_at is not None and self.expires_at <= payer.now:
            raise InvalidRequest(("expires_at", "must be in the future"))
        if self.kind == EntryKind.GIFT and len(payer.payer.gifts) >= gifts.GIFTS_MAX:
            msg = f"An account holds at most {gifts.GIFTS_MAX} gifts that expire at different times."
            raise Conflict(msg, state=None, allowed=(AllowedCall.DEBITS,))
        gift = self.amount if self.kind == EntryKind.GIFT else 0
        entry = EntryPosted(self.amount, self.kind, payer.now, None, self.reference, gift=gift)
        payer.payer = credit.add(payer.payer, replace(entry, expires_at=self.expires_at), payer.rules)

    def answer(self, payer: PayerTransaction) -> Answer[Account]:
        account = account_of(payer)
        return Answer(account, account, 201)


@dataclass
class DebitCredit(Command[Account]):
    """Spend `amount` micro-credits elsewhere. `decide` raises InsufficientCredit beyond what is available."""

    name = "debit"
    adds_up = True

    amount: int
    reference: str | None = None

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        entry = EntryPosted(-self.amount, EntryKind.DEBIT, payer.now, None, self.reference)
        payer.payer = credit.debit(payer.payer, entry)

    def answer(self, payer: PayerTransaction) -> Answer[Account]:
        account = account_of(payer)
        return Answer(account, account, 201)


@dataclass
class RefundRecord(Command[Refund]):
    """Give back what a record has cost, or a part of the cost. Records that ran out of credit resume.

    `decide` raises NotFound, and Conflict beyond what was charged and not given back yet.
    """

    name = "refund"
    adds_up = True

    record_id: str
    wish: refunds.RefundRequest
    _refund: Refund | None = field(default=None, init=False)

    @property
    def counted_record(self) -> str | None:
        return self.record_id

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = payer.payer.records.get(self.record_id) or payer.ended_record(self.record_id)
        if record is None:
            raise NotFound("record")
        tally = payer.tallies.get(self.record_id, refunds.EntryTotals())
        changed, entry, tally = refunds.refund(payer.payer, record, tally, self.wish, payer.now, payer.rules)
        _require_room(changed.balance)
        payer.payer = changed
        self._refund = Refund(
            record_id=self.record_id,
            amount=entry.amount,
            gift=entry.gift,
            refunded_ms=entry.refunded_ms,
            reason=self.wish.reason,
            borne_by=self.wish.borne_by,
            by_advisor=-entry.advisor_amount,
            at=entry.at,
            refunded=tally.refunded,
            refundable=tally.refundable,
        )

    def answer(self, payer: PayerTransaction) -> Answer[Refund]:
        assert self._refund is not None  # noqa: S101  `decide` has set it
        return Answer(self._refund, self._refund, 201)


def _require_room(balance: int) -> None:
    if balance > BALANCE_MAX:
        msg = f"An account holds at most {format_credits(BALANCE_MAX)}, and this would be more."
        raise Conflict(msg, state=None, allowed=(AllowedCall.DEBITS,))
