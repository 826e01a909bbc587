"""The meter for paid conversations.

One server clock, exact credits, and the same number on both screens, in the database and on the receipt.
"""

from talktime.errors import TalktimeError
from talktime.ledger import Receipt
from talktime.money import format_credits, parse_credits
from talktime.payer import Party, Reason, State
from talktime.refunds import Bearer
from talktime.shares import Terms, TermsError
from talktime.statements import Statement
from talktime.talktime import Talktime
from talktime.tariff import Price, Tariff, TariffError, price
from talktime.views import Account, Advisor, ChatSummary, Entry, Message, RecordView, Refund, Snapshot

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
