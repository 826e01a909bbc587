"""What is answered, described for the OpenAPI document. `views` makes the answers themselves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from talktime.core.payer import Party, Reason, State
from talktime.core.refunds import Bearer

Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-05T10:00:01.250Z"])]
Credits = Annotated[str, Field(pattern=r"^-?[0-9]+\.[0-9]{2,6}$", examples=["8.75"])]
Milliseconds = Annotated[int, Field(ge=0)]
Seconds = int | float
Cause = Literal["user", "advisor", "operator", "service"]


class Document(BaseModel):
    """An answer: these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class Tier(Document):
    from_seconds: Seconds
    rate: Credits
    per_seconds: Seconds
    increment_seconds: Seconds


class Rounding(Document):
    places: int
    mode: Literal["up", "down", "half_up"]


class Tariff(Document):
    connect_fee: Credits
    free_seconds: Seconds
    grace_seconds: Seconds
    tiers: list[Tier]
    boundary: Literal["ceil", "begun"]
    minimum_charge: Credits
    max_cost: Credits | None
    at_max_cost: Literal["free", "stop"]
    rounding: Rounding


class Record(Document):
    id: str
    state: State
    reason: Reason | None
    user_id: str
    advisor_id: str
    current_chat_id: str
    started_at: Instant
    paused_at: Instant | None
    paused_by: Literal["user", "advisor", "operator", "service"] | None
    ended_at: Instant | None


class Chat(Document):
    id: str
    user_id: str
    advisor_id: str
    duration_ms: Milliseconds


class Timer(Document):
    running: bool
    since: Instant | None
    lease_until: Instant | None
    cut_at: Instant | None
    recharge_until: Instant | None


class Snapshot(Document):
    """Everything one screen needs to show a chat, as of `server_time`."""

    server_time: Instant
    sequence: int
    record: Record | None
    chat: Chat
    timer: Timer
    elapsed_ms: Milliseconds
    free_remaining_ms: Milliseconds
    allowance_ms: Milliseconds
    billed_ms: Milliseconds
    cost: Credits
    balance: Credits
    tariff: Tariff
    tariff_version: int


class RecordWithSnapshot(Record):
    user_name: str
    advisor_name: str
    connected: list[Literal["user", "advisor"]]
    snapshot: Snapshot


class Records(Document):
    records: list[RecordWithSnapshot]


class User(Document):
    id: str
    display_name: str


class Terms(Document):
    share_percent: int | float
    fee_per_minute: Credits
    fee_per_session: Credits


class Advisor(Document):
    """The terms are for the advisor, `service` and `operator`."""

    id: str
    display_name: str
    tariff: Tariff
    tariff_version: int
    terms: Terms | None = None


class Advisors(Document):
    advisors: list[Advisor]


class Expiry(Document):
    """So much of the gifts is gone then, unless it is spent or committed before."""

    amount: Credits
    expires_at: Instant


class Account(Document):
    """`gift` is what of the balance was given, not bought."""

    user_id: str
    display_name: str
    balance: Credits
    committed: Credits
    available: Credits
    gift: Credits
    next_expiry: Expiry | None


class Entry(Document):
    """One line of the ledger; `gift` is what of the amount was given, not bought."""

    id: str
    amount: Credits
    gift: Credits
    kind: Literal["purchase", "gift", "refund", "debit", "charge", "expiry"]
    at: Instant
    record_id: str | None
    reference: str | None
    reason: str | None
    expires_at: Instant | None


class Entries(Document):
    entries: list[Entry]


class Refund(Document):
    """What was given back, who bears it, and what is given back by now of what the record has cost."""

    record_id: str
    amount: Credits
    gift: Credits
    seconds: Seconds | None
    reason: str
    borne_by: Bearer
    advisor_amount: Credits
    platform_amount: Credits
    at: Instant
    refunded: Credits
    refundable: Credits


class ChatSummary(Document):
    """`earned` is told in an advisor's list: what is theirs of the record's cost by now, refunds apart."""

    id: str
    user_id: str
    user_name: str
    advisor_id: str
    advisor_name: str
    duration_ms: Milliseconds
    state: State | None
    reason: Reason | None
    record_id: str | None
    current: bool
    created_at: Instant
    last_message: str | None
    number: Annotated[int, Field(ge=1)]
    earned: Credits | None = None


class ChatSummaries(Document):
    chats: list[ChatSummary]


class Message(Document):
    id: str
    chat_id: str
    position: int
    client_id: str
    sender: Literal["user", "advisor"]
    text: str
    at: Instant


class Messages(Document):
    messages: list[Message]


class Segment(Document):
    chat_id: str
    started_at: Instant
    ended_at: Instant | None
    duration_ms: Milliseconds
    reason: Reason | None
    caused_by: Cause | None


class Gap(Document):
    """Time that was not billed; what is still going on has no `ended_at`."""

    started_at: Instant
    ended_at: Instant | None
    duration_ms: Milliseconds
    reason: Reason
    caused_by: Cause | None


class Lapse(Document):
    """A lease that ended a segment."""

    party: Party
    ended_at: Instant


class Line(Document):
    text: str
    amount: Credits


class Totals(Document):
    """`paid` is what is charged without what is refunded, by gifts and by what was bought."""

    charged: Credits
    refunded: Credits
    paid: Credits
    gift: Credits
    bought: Credits


class SharedEntry(Document):
    id: str
    at: Instant
    kind: str
    amount: Credits
    advisor_amount: Credits
    platform_amount: Credits
    fees: Credits
    borne_by: Literal["platform", "advisor", "shared"] | None


class Shares(Document):
    """How the cost divides between advisor and platform, refunds apart."""

    terms: Terms
    advisor: Credits
    fees: Credits
    platform: Credits
    entries: list[SharedEntry]


class Receipt(Document):
    """A record's bill, with everything needed to recompute it. The shares are for everybody but the user."""

    server_time: Instant
    record: Record
    user_name: str
    advisor_name: str
    tariff: Tariff
    tariff_version: int
    free_ms_before: Milliseconds
    segments: list[Segment]
    gaps: list[Gap]
    leases: list[Lapse]
    elapsed_ms: Milliseconds
    billed_ms: Milliseconds
    cost: Credits
    lines: list[Line]
    entries: list[Entry]
    unposted: Credits
    totals: Totals
    how_to_recompute: str
    shares: Shares | None = None
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Figures(Document):
    """`share` is the advisor's of the gross, after the fees; `refunds` is what of `refunded` the advisor bears."""

    time_ms: Milliseconds
    gross: Credits
    fees: Credits
    share: Credits
    refunded: Credits
    refunds: Credits
    net: Credits


class Earnings(Document):
    """Since the beginning, up to `at`; `refunds` is what the advisor bears of them.

    `unposted` is what running records had come to beyond what was posted.
    """

    advisor_id: str
    display_name: str
    at: Instant
    share: Credits
    refunds: Credits
    net: Credits
    unposted: Credits


class Duration(Document):
    chat_id: str
    duration_ms: Milliseconds


class Book(Document):
    """What it held before the period, what came and went in it by kind of entry, and what it held then."""

    book: Literal["user", "advisor", "revenue", "promotion", "outside"]
    owner: str
    name: str
    opening: Credits
    purchase: Credits
    gift: Credits
    refund: Credits
    debit: Credits
    charge: Credits
    share: Credits
    expiry: Credits
    closing: Credits


class Report(Document):
    """All books of a period; each column of the totals adds up to nothing."""

    begin: Annotated[Instant, Field(alias="from")]
    to: Instant
    books: list[Book]
    totals: list[Book]


class StatementTotal(Figures):
    sessions: int


class StatementSession(Figures):
    record_id: str
    user_id: str
    user_name: str
    started_at: Instant
    ended_at: Instant | None


class Statement(Document):
    """An amount belongs to the period in which it was posted, time to the one in which it ran."""

    advisor_id: str
    advisor_name: str
    begin: Annotated[Instant, Field(alias="from")]
    to: Instant
    total: StatementTotal
    sessions: list[StatementSession]


class Price(Document):
    cost: Credits
    billed_seconds: Seconds


class Token(Document):
    token: str
    role: Literal["service", "operator", "user", "advisor"]
    subject: str


class Time(Document):
    server_time: Instant
    epoch: str


class Now(Document):
    now: Instant


class Alive(Document):
    status: Literal["ok"]


def answers(model: type[Document], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers `model`, with 200 if no `statuses` are given."""
    described = {200: "Done", 201: "Created"}
    return {status: {"model": model, "description": described[status]} for status in statuses or (200,)}
