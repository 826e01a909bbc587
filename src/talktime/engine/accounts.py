"""The commands about credit: credit is added, spent elsewhere, or given back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from talktime.core import credit, gifts, refunds
from talktime.core.entries import CreditKind, EntryKind
from talktime.core.errors import AllowedCall, Conflict, InvalidRequest, NotFound
from talktime.core.events import EntryPosted
from talktime.core.ids import EXPLANATION_LENGTH_MAX, is_explanation
from talktime.core.money import BALANCE_MAX, format_credits
from talktime.core.refunds import BorneBy
from talktime.documents.account import Account, Refund
from talktime.engine.command import Answer, Command
from talktime.engine.screens import account_of

if TYPE_CHECKING:
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor


@dataclass
class AddCredit(Command[Account]):
    """Add `amount` micro-credits of one of the `CreditKind`s. Records that ran out of credit resume.

    A wrong argument raises InvalidRequest at once. `decide` raises InvalidRequest for a gift that has expired already,
    and Conflict when the account is full.
    """

    name = "add_credit"
    has_effect_each_time = True

    amount: int
    kind: str
    reference: str | None = None
    expires_at: int | None = None

    def __post_init__(self) -> None:
        _require_positive("amount", self.amount)
        if self.kind not in set(CreditKind):
            raise InvalidRequest(("kind", f"must be one of: {', '.join(CreditKind)}"))
        if self.expires_at is not None and self.kind != CreditKind.GIFT:
            raise InvalidRequest(("expires_at", "is for gifts only"))

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        _require_room(payer.current.balance + self.amount)
        if self.expires_at is not None and self.expires_at <= payer.now:
            raise InvalidRequest(("expires_at", "must be in the future"))
        if self.kind == EntryKind.GIFT and len(payer.current.gifts) >= gifts.GIFTS_MAX:
            msg = f"An account holds at most {gifts.GIFTS_MAX} gifts that expire at different times."
            raise Conflict(msg, state=None, allowed=(AllowedCall.DEBITS,))
        gift = self.amount if self.kind == EntryKind.GIFT else 0
        entry = EntryPosted(self.amount, self.kind, payer.now, None, self.reference, gift=gift)
        payer.current = credit.add(payer.current, replace(entry, expires_at=self.expires_at), payer.rules)

    def answer(self, payer: PayerTransaction) -> Answer[Account]:
        account = account_of(payer)
        return Answer(account, account, 201)


@dataclass
class DebitCredit(Command[Account]):
    """Spend `amount` micro-credits elsewhere.

    An amount that is not above zero raises InvalidRequest at once. `decide` raises InsufficientCredit beyond what is
    available.
    """

    name = "debit"
    has_effect_each_time = True

    amount: int
    reference: str | None = None

    def __post_init__(self) -> None:
        _require_positive("amount", self.amount)

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        entry = EntryPosted(-self.amount, EntryKind.DEBIT, payer.now, None, self.reference)
        payer.current = credit.debit(payer.current, entry)

    def answer(self, payer: PayerTransaction) -> Answer[Account]:
        account = account_of(payer)
        return Answer(account, account, 201)


@dataclass
class RefundRecord(Command[Refund]):
    """Give back what a record has cost, or a part of the cost. Records that ran out of credit resume.

    `decide` raises NotFound, and Conflict beyond what was charged and not given back yet.
    """

    name = "refund"
    has_effect_each_time = True

    record_id: str
    request: refunds.RefundRequest
    _refund: Refund | None = field(default=None, init=False)

    @property
    def record_to_sum(self) -> str | None:
        return self.record_id

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = payer.current.records.get(self.record_id) or payer.ended_record(self.record_id)
        if record is None:
            raise NotFound("record")
        tally = payer.tallies.get(self.record_id, refunds.EntryTotals())
        changed, entry, tally = refunds.refund(payer.current, record, tally, self.request, payer.now, payer.rules)
        _require_room(changed.balance)
        payer.current = changed
        self._refund = Refund(
            record_id=self.record_id,
            amount=entry.amount,
            gift=entry.gift,
            refunded_ms=entry.refunded_ms,
            reason=self.request.reason,
            borne_by=self.request.borne_by,
            by_advisor=-entry.advisor_amount,
            at=entry.at,
            refunded=tally.refunded,
            refundable=tally.refundable,
        )

    def answer(self, payer: PayerTransaction) -> Answer[Refund]:
        assert self._refund is not None  # noqa: S101  `decide` has set it
        return Answer(self._refund, self._refund, 201)


def refund_request(*, reason: str, borne_by: str, amount: int | None, duration_ms: int | None) -> refunds.RefundRequest:
    """The refund that somebody asks for: `amount` micro-credits, or the price of the last `duration_ms` of billed time.

    Raises:
        InvalidRequest: an argument is not allowed.
    """
    if (amount is None) == (duration_ms is None):
        raise InvalidRequest(("amount", "or seconds: one of the two"))
    _require_positive("amount" if duration_ms is None else "seconds", amount or duration_ms or 0)
    if not reason.strip():
        raise InvalidRequest(("reason", "must not be blank"))
    if not is_explanation(reason):
        msg = f"must have at most {EXPLANATION_LENGTH_MAX} characters, and no control characters"
        raise InvalidRequest(("reason", msg))
    if borne_by not in set(BorneBy):
        raise InvalidRequest(("borne_by", f"must be one of: {', '.join(BorneBy)}"))
    return refunds.RefundRequest(reason, BorneBy(borne_by), amount, duration_ms)


def _require_positive(field: str, number: int) -> None:
    if number <= 0:
        raise InvalidRequest((field, "must be more than 0"))


def _require_room(balance: int) -> None:
    if balance > BALANCE_MAX:
        msg = f"An account holds at most {format_credits(BALANCE_MAX)}, and the balance would be more."
        raise Conflict(msg, state=None, allowed=(AllowedCall.DEBITS,))
