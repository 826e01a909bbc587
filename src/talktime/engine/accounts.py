"""The commands about credit: credit is added, spent elsewhere, or given back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from talktime.core import credit, gifts, meter, refunds
from talktime.core.actors import ActKind
from talktime.core.durations import duration_words
from talktime.core.entries import BorneBy, CreditKind, EntryKind
from talktime.core.errors import AllowedCall, Conflict, InvalidRequest, NotFound
from talktime.core.ids import require_explanation, require_reference
from talktime.core.money import BALANCE_MAX, CHARGED_MAX, format_credits
from talktime.core.steps import EntryPosted
from talktime.documents.account import Account, Refund
from talktime.engine.command import Answer, Command
from talktime.engine.screens import account_of

if TYPE_CHECKING:
    from talktime.core.metadata import Metadata
    from talktime.core.payer import Payer
    from talktime.database.payer_transaction import PayerTransaction, StoredAdvisor

PAYING_MS_MAX: Final = 900_000
"""How long a record waits at most because somebody is paying."""


@dataclass
class AddCredit(Command[Account]):
    """Add `amount` micro-credits of one kind. Records that ran out of credit resume.

    A wrong argument raises InvalidRequest at once. `decide` raises InvalidRequest for a gift that has expired already,
    and Conflict when the account is full.
    """

    name = "add_credit"
    has_effect_each_time = True

    amount: int
    kind: CreditKind
    reference: str | None = None
    expires_at: int | None = None
    metadata: Metadata | None = None

    def __post_init__(self) -> None:
        _require_positive("amount", self.amount)
        require_reference("reference", self.reference)
        if self.expires_at is not None and self.kind is not CreditKind.GIFT:
            raise InvalidRequest(("expires_at", "is for gifts only"))

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        _require_room(payer.current, payer.current.balance + self.amount)
        if self.expires_at is not None and self.expires_at <= payer.now:
            raise InvalidRequest(("expires_at", "must be in the future"))
        if self.kind is CreditKind.GIFT and len(payer.current.gifts) >= gifts.GIFTS_MAX:
            msg = f"An account holds at most {gifts.GIFTS_MAX} gifts that expire at different times."
            raise Conflict(msg, state=None, allowed=(AllowedCall.DEBITS,))
        gift = self.amount if self.kind is CreditKind.GIFT else 0
        entry = EntryPosted(self.amount, EntryKind(self.kind.value), payer.now, None, self.reference, gift=gift)
        entry = replace(entry, expires_at=self.expires_at, actor=self.actor, metadata=self.metadata)
        payer.current = credit.add(payer.current, entry)
        payer.note_act(ActKind.ADD_CREDIT, self.actor, amount=self.amount)

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
    metadata: Metadata | None = None

    def __post_init__(self) -> None:
        _require_positive("amount", self.amount)
        require_reference("reference", self.reference)

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        entry = EntryPosted(-self.amount, EntryKind.DEBIT, payer.now, None, self.reference, actor=self.actor)
        entry = replace(entry, metadata=self.metadata)
        payer.current = credit.debit(payer.current, entry)
        payer.note_act(ActKind.DEBIT, self.actor, amount=self.amount)

    def answer(self, payer: PayerTransaction) -> Answer[Account]:
        account = account_of(payer)
        return Answer(account, account, 201)


@dataclass
class AnnouncePayment(Command[Account]):
    """Somebody is paying: records that are out of credit, or will be, wait this long from now on, each once in a wait.

    A duration that is not allowed raises InvalidRequest at once.
    """

    name = "paying"

    duration_ms: int

    def __post_init__(self) -> None:
        if not 0 < self.duration_ms <= PAYING_MS_MAX:
            raise InvalidRequest(("duration_ms", f"must be more than 0, and at most {duration_words(PAYING_MS_MAX)}"))

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        until = payer.now + self.duration_ms
        payer.current = meter.wait_for_payment(payer.current, until, payer.now, payer.durations)

    def answer(self, payer: PayerTransaction) -> Answer[Account]:
        account = account_of(payer)
        return Answer(account, account)


@dataclass
class RefundRecord(Command[Refund]):
    """Give back what a record has cost, or a part of the cost. Records that ran out of credit resume.

    `decide` raises NotFound, and Conflict beyond what was charged and not given back yet.
    """

    name = "refund"
    has_effect_each_time = True

    record_id: str
    request: refunds.RefundRequest
    is_dry_run: bool = False
    _refund: Refund | None = field(default=None, init=False)

    @property
    def record_to_sum(self) -> str | None:
        return self.record_id

    def decide(self, payer: PayerTransaction, advisor: StoredAdvisor | None) -> None:
        record = payer.current.records.get(self.record_id) or payer.ended_record(self.record_id)
        if record is None:
            raise NotFound("record")
        totals = payer.entry_totals.get(self.record_id, refunds.EntryTotals())
        request = replace(self.request, actor=self.actor)
        changed, entry, totals = refunds.refund(payer.current, record, totals, request, payer.now)
        _require_room(payer.current, changed.balance)
        payer.current = changed
        payer.note_act(ActKind.REFUND, self.actor, record_id=self.record_id, amount=entry.amount)
        self._refund = Refund(
            record_id=self.record_id,
            amount=entry.amount,
            gift=entry.gift,
            refunded_ms=entry.refunded_ms,
            reason=self.request.reason,
            borne_by=self.request.borne_by,
            by_advisor=-entry.advisor_amount,
            at=entry.at,
            refunded=totals.refunded,
            refundable=totals.refundable,
            dry_run=self.is_dry_run,
        )

    def answer(self, payer: PayerTransaction) -> Answer[Refund]:
        assert self._refund is not None  # noqa: S101  `decide` has set it
        return Answer(self._refund, self._refund, 201)


def credit_kind(kind: str) -> CreditKind:
    """The kind of credit that a host names.

    Raises:
        InvalidRequest: there is no such kind.
    """
    if kind not in set(CreditKind):
        raise InvalidRequest(("kind", f"must be one of: {', '.join(CreditKind)}"))
    return CreditKind(kind)


def refund_request(*, reason: str, borne_by: str, amount: int | None, duration_ms: int | None) -> refunds.RefundRequest:
    """The refund that somebody asks for: `amount` micro-credits, or the price of the last `duration_ms` of billed time.

    Raises:
        InvalidRequest: an argument is not allowed.
    """
    if (amount is None) == (duration_ms is None):
        raise InvalidRequest(("amount", "or a duration must be given, and not both"))
    _require_positive("amount" if duration_ms is None else "duration_ms", amount or duration_ms or 0)
    require_explanation("reason", reason)
    if borne_by not in set(BorneBy):
        raise InvalidRequest(("borne_by", f"must be one of: {', '.join(BorneBy)}"))
    return refunds.RefundRequest(reason, BorneBy(borne_by), amount, duration_ms)


def _require_positive(field: str, number: int) -> None:
    if number <= 0:
        raise InvalidRequest((field, "must be more than 0"))


def _require_room(payer: Payer, balance: int) -> None:
    """Refuse a balance that is too large, or that could be charged to a record for which no number is large enough."""
    if balance > BALANCE_MAX:
        msg = f"An account holds at most {format_credits(BALANCE_MAX)}, and the balance would be more."
        raise Conflict(msg, state=None, allowed=(AllowedCall.DEBITS,))
    if any(record.charged + balance > CHARGED_MAX for record in payer.records.values()):
        msg = f"One record costs at most {format_credits(CHARGED_MAX)}. Stop the record before more credit comes."
        raise Conflict(msg, state=None, allowed=(AllowedCall.STOP, AllowedCall.DEBITS))
