"""The meter for paid conversations.

One server clock, exact credits, and the same number on both screens, in the database and on the receipt.
"""

from talktime.core.errors import TalktimeError
from talktime.core.money import format_credits, parse_credits
from talktime.core.payer import Party, Reason, State
from talktime.core.price import Price, price
from talktime.core.refunds import Bearer
from talktime.core.tariff import Tariff, TariffError
from talktime.core.terms import Terms, TermsError
from talktime.documents.account import Account, Entry, Refund
from talktime.documents.advisor import Advisor
from talktime.documents.chat import ChatSummary, Message
from talktime.documents.receipt import Receipt
from talktime.documents.snapshot import RecordView, Snapshot
from talktime.documents.statement import Statement
from talktime.talktime import Talktime

__all__ = [
    "Account",
    "Advisor",
    "Bearer",
    "ChatSummary",
    "Entry",
    "Message",
    "Party",
    "Price",
    "Reason",
    "Receipt",
    "RecordView",
    "Refund",
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
