"""One document of each kind, with a value in every field."""

from __future__ import annotations

from typing import Any

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.gifts import Gift
from talktime.core.price import Line
from talktime.core.record import Party, Reason, State
from talktime.core.roles import Role
from talktime.core.scopes import Scope
from talktime.core.starts import Starts
from talktime.core.tariff import Tariff
from talktime.core.terms import Share, Terms
from talktime.documents.access_key import AccessKey
from talktime.documents.account import Account, Entry, Refund
from talktime.documents.advisor import Advisor, Earnings
from talktime.documents.chat import ChatSummary, Message, Pair
from talktime.documents.link import Link
from talktime.documents.receipt import Cause, Receipt, SegmentView, SharedEntry
from talktime.documents.report import Book, BookKind, Report
from talktime.documents.snapshot import AlsoRunning, PresenceView, RecordView, Snapshot, TimerView
from talktime.documents.statement import Figures, Session, Statement
from talktime.documents.what_if import EndedRecord, Replay, ReplayedSession

TEN = 1_767_607_200_000
TARIFF = Tariff.parse(
    {
        "connect_fee": "0.4",
        "free_seconds": 1.5,
        "grace_seconds": "2",
        "tiers": [{"rate": "0.20", "increment_seconds": 60}, {"from_seconds": 60, "rate": "0.123456"}],
        "boundary": "begun",
        "minimum_charge": "0.5",
        "max_cost": "12",
        "at_max_cost": "stop",
        "rounding": {"places": 4, "mode": "half_up"},
    }
)
TERMS = Terms.parse({"share_percent": 49.25, "fee_per_minute": "0.05", "fee_per_session": "0.1"})
RECORD = RecordView(
    "r",
    State.PAUSED,
    Reason.PAUSED,
    "alice",
    "maya",
    "second",
    TEN,
    TEN + 62_000,
    Role.ADVISOR,
    None,
    Starts.PRESENT,
    None,
)
ENDED = RecordView(
    "r",
    State.ENDED,
    Reason.STOPPED,
    "alice",
    "maya",
    "second",
    TEN,
    None,
    None,
    TEN + 80_001,
    Starts.ACCEPTED,
    "Later",
    ended_by=Role.OPERATOR,
)
SNAPSHOT = Snapshot(
    server_time=TEN + 61_250,
    sequence=17,
    record=RECORD,
    chat_id="first",
    user_id="alice",
    advisor_id="maya",
    chat_duration_ms=30_000,
    timer=TimerView(True, TEN + 32_000, TEN + 91_250, TEN + 120_000, None),
    presence=PresenceView(user=True, advisor=False, until=TEN + 91_250),
    elapsed_ms=61_250,
    free_remaining_ms=0,
    allowance_ms=1_500,
    grace_used_at=TEN - 3_600_000,
    billed_ms=120_000,
    cost=2_000_000,
    balance=8_000_001,
    earned=980_000,
    tariff=TARIFF,
    tariff_version=3,
    terms=Terms(490_000, 190_000, 0),
    also_running=(AlsoRunning(30_000, 0, TEN + 100_000, TARIFF),),
)
SEGMENTS = (
    SegmentView("first", TEN + 2_000, TEN + 32_000, 30_000, Reason.SWITCHED),
    SegmentView("second", TEN + 32_000, TEN + 62_000, 30_000, Reason.USER_AWAY, Cause.USER),
    SegmentView("second", TEN + 70_000, TEN + 80_001, 10_001, Reason.STOPPED, Cause.OPERATOR),
)
ENTRIES = (
    Entry("1", -200_000, -150_000, EntryKind.CHARGE, TEN + 32_000, "r"),
    Entry("2", 50_000, 20_000, EntryKind.REFUND, TEN + 90_000, "r", reason="Late"),
)
RECEIPT = Receipt(
    server_time=TEN + 100_000,
    record=ENDED,
    user_name="Alice",
    advisor_name="Maya",
    tariff=TARIFF,
    tariff_version=3,
    free_ms_before=250,
    seller="Stars & Co",
    currency="EUR",
    grace_used_at=None,
    segments=SEGMENTS,
    elapsed_ms=70_001,
    billed_ms=71_000,
    cost=700_000,
    lines=(Line("connect fee", 400_000), Line("the first minute", 300_000)),
    entries=ENTRIES,
    terms=TERMS,
    shared=Share(300_000, 100_000),
    shared_entries=(
        SharedEntry("1", TEN + 32_000, EntryKind.CHARGE, -200_000, 50_000, 150_000, 100_000),
        SharedEntry("2", TEN + 90_000, EntryKind.REFUND, 50_000, -50_000, 0, 0, BorneBy.ADVISOR),
    ),
)
CHAT = ChatSummary(
    id="first",
    user_id="alice",
    user_name="Alice",
    advisor_id="maya",
    advisor_name="Maya",
    duration_ms=30_000,
    state=State.PAUSED,
    reason=Reason.PAUSED,
    record_id="r",
    current=False,
    presence=None,
    created_at=TEN,
    last_message="Hello ☕",
    earned=250_000,
    number=2,
    unread=3,
)
ADVISOR = Advisor("maya", "Maya", TARIFF, 3, TERMS, Starts.PRESENT, 60_000, 2)
DOCUMENTS: dict[str, tuple[Any, dict[str, bool]]] = {
    "record": (RECORD, {}),
    "snapshot": (SNAPSHOT, {}),
    "account": (Account("alice", "Alice", 9_000_000, 1_000_000, 8_000_000, 500_000, Gift(500_000, TEN)), {}),
    "account without gifts": (Account("alice", "Alice", 9_000_000, 1_000_000, 8_000_000), {}),
    "entry": (Entry("3", 5_000_000, 5_000_000, EntryKind.GIFT, TEN, None, "voucher", None, TEN + 1), {}),
    "refund by time": (
        Refund("r", 500_000, 100_000, 1_500, "Late", BorneBy.SHARED, 200_000, TEN, 600_000, 100_000), {}
    ),
    "refund by amount": (
        Refund("r", 500_000, 0, None, "Late", BorneBy.PLATFORM, 0, TEN, 500_000, 0), {}
    ),
    "dry run of a refund": (
        Refund("r", 500_000, 0, None, "Late", BorneBy.PLATFORM, 0, TEN, 500_000, 0, dry_run=True), {}
    ),
    "advisor for users": (ADVISOR, {}),
    "advisor": (ADVISOR, {"with_terms": True}),
    "access key": (AccessKey("k", "shop", Scope.CREDITS, TEN, TEN + 1, TEN + 2), {}),
    "link": (Link("https://talk.example/sign-in#c", Role.USER, "alice", "/account", TEN), {}),
    "earnings": (Earnings("maya", "Maya", TEN, 700_000, 50_000, 1), {}),
    "chat of a user": (CHAT, {}),
    "chat of an advisor": (CHAT, {"with_earned": True}),
    "pair": (Pair("Alice", "Maya", (Party.USER, Party.ADVISOR)), {}),
    "message": (Message("m", "first", 1, "c 1", Party.USER, "Hello\nthere", TEN), {}),
    "receipt": (RECEIPT, {}),
    "receipt for the user": (RECEIPT, {"with_shares": False}),
    "report": (
        Report(
            TEN,
            TEN + 1_000,
            (
                Book(BookKind.USER, "alice", "Alice", 1, (1, 2, 3, -4, -5, 0, -6)),
                Book(BookKind.USER, "bob", "Bob", 0, (1, 0, 0, 0, 0, 0, 0)),
                Book(BookKind.REVENUE, "", "", -1, (-1, -2, -3, 4, 5, 0, 6)),
            ),
        ),
        {},
    ),
    "statement": (
        Statement(
            "maya",
            "Maya",
            TEN,
            TEN + 1_000,
            (
                Session(
                    "r",
                    "alice",
                    "Alice",
                    TEN,
                    None,
                    300_000,
                    Figures(61_250, 2_000_000, 100_000, 900_000, 50_000, 25_000),
                ),
                Session("s", "bob", "Bob", TEN, TEN + 1, 0, Figures(1, 1, 1, 1, 1, 1)),
            ),
            earned_before=9_999,
        ),
        {},
    ),
    "replay": (
        Replay(
            TEN,
            TEN + 1_000,
            TARIFF,
            (ReplayedSession(EndedRecord("r", "alice", "maya", TEN, 61_250, 250, None, 2_000_000), 60_000, 1_500_000),),
        ),
        {},
    ),
}  # fmt: skip
"""By name: a document, and what its `document` is asked for."""
