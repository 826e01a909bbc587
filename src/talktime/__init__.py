"""The meter for paid conversations.

One server clock, exact credits, and the same number on both screens, in the database and on the receipt.
"""

import warnings
from typing import TYPE_CHECKING, Any

from talktime.core.actors import Actor
from talktime.core.entries import BorneBy
from talktime.core.errors import TalktimeError
from talktime.core.money import format_credits, parse_credits
from talktime.core.price import Price, price
from talktime.core.record import Party, Reason, State
from talktime.core.roles import Role
from talktime.core.tariff import Tariff, TariffError
from talktime.core.terms import Terms, TermsError
from talktime.documents.account import Account, Entry, Refund
from talktime.documents.advisor import Advisor
from talktime.documents.chat import ChatSummary, Message, Messages
from talktime.documents.ledger import LedgerEntry
from talktime.documents.offer import Offer
from talktime.documents.page import Page, RecordWithSnapshot
from talktime.documents.receipt import Receipt
from talktime.documents.snapshot import RecordView, Snapshot
from talktime.documents.statement import Statement

if TYPE_CHECKING:
    from talktime.talktime import BlockingTalktime, Talktime
else:
    # Only a program that opens a database needs the rest. `talktime --help` starts quicker without it, and so does a
    # host that only asks for prices. Type checkers do not see this function, so that they still know every name.
    def __getattr__(name: str) -> Any:
        if name in {"Talktime", "BlockingTalktime"}:
            from talktime import talktime  # noqa: PLC0415  only programs that open a database need it

            return getattr(talktime, name)
        if name == "Bearer":
            warnings.warn("talktime.Bearer is called talktime.BorneBy now", DeprecationWarning, stacklevel=2)
            return BorneBy
        raise AttributeError(f"module 'talktime' has no attribute {name!r}")


__all__ = [
    "Account",
    "Actor",
    "Advisor",
    "BlockingTalktime",
    "BorneBy",
    "ChatSummary",
    "Entry",
    "LedgerEntry",
    "Message",
    "Messages",
    "Offer",
    "Page",
    "Party",
    "Price",
    "Reason",
    "Receipt",
    "RecordView",
    "RecordWithSnapshot",
    "Refund",
    "Role",
    "Snapshot",
    "State",
    "Statement",
    "Talktime",
    "TalktimeError",
    "Tariff",
    "TariffError",
    "Terms",
    "TermsError",
    "format_credits",
    "parse_credits",
    "price",
]
