"""The meter for paid conversations.

One server clock, exact credits, and the same number on both screens, in the database and on the receipt.
"""

from talktime.errors import TalktimeError
from talktime.ledger import Receipt
from talktime.money import format_credits, parse_credits
from talktime.payer import Party, Reason, State
from talktime.talktime import Talktime
from talktime.tariff import Price, Tariff, TariffError, price
from talktime.views import Account, Advisor, ChatSummary, Entry, Message, RecordView, Snapshot

__all__ = [
    "Account",
    "Advisor",
    "ChatSummary",
    "Entry",
    "Message",
    "Party",
    "Price",
    "Reason",
    "Receipt",
    "RecordView",
    "Snapshot",
    "State",
    "Talktime",
    "TalktimeError",
    "Tariff",
    "TariffError",
    "format_credits",
    "parse_credits",
    "price",
]
