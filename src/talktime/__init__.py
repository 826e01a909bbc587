"""The meter for paid conversations.

One server clock, exact credits, and the same number on both screens, in the database and on the receipt.
"""

from talktime.core.errors import TalktimeError
from talktime.core.money import format_credits, parse_credits
from talktime.core.payer import Party, Reason, State
from talktime.core.refunds import Bearer
from talktime.core.tariff import Price, Tariff, TariffError, price
from talktime.core.terms import Terms, TermsError
from talktime.documents.receipt import Receipt
from talktime.documents.statement import Statement
from talktime.documents.views import Account, Advisor, ChatSummary, Entry, Message, RecordView, Refund, Snapshot
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
