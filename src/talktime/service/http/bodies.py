"""The bodies of requests. A body that is not allowed is refused before anything happens."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, StrictBool, StrictStr, WithJsonSchema

from talktime.core.durations import TTL_SECONDS_MAX, parse_seconds
from talktime.core.entries import BorneBy, CreditKind
from talktime.core.ids import (
    EXPLANATION_LENGTH_MAX,
    ID_LENGTH_MAX,
    MESSAGE_LENGTH_MAX,
    NAME_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    has_control_characters,
)
from talktime.core.instants import parse_instant
from talktime.core.metadata import check_metadata
from talktime.core.money import parse_credits
from talktime.core.pages import PAGE_LENGTH_MAX, is_page
from talktime.core.record import Party
from talktime.core.roles import Role
from talktime.core.starts import MAX_ACTIVE_MAX, Starts
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.documents.event import EventType
from talktime.documents.fields import CREDITS_INPUT, DURATION_INPUT, INSTANT, METADATA
from talktime.engine.links import CODE_LENGTH_MAX

DECLARED: Final = "x-declared"
"""In a schema: the name of the schema to refer to. pydantic refuses a reference to a schema that it did not make."""

TOPUP_MAX: Final = parse_credits("100")


def _without_control(text: str) -> str:
    if has_control_characters(text):
        raise ValueError("must not contain control characters")
    return text


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _page(text: str | None) -> str | None:
    if text is not None and not is_page(text):
        raise ValueError("must be a path of this service such as /chat/c1, without empty parts, . and ..")
    return text


def _positive_credits(value: object) -> int:
    amount = parse_credits(value)
    if amount == 0:
        raise ValueError("must be more than 0")
    return amount


def _topup(value: object) -> int:
    amount = _positive_credits(value)
    if amount > TOPUP_MAX:
        raise ValueError("must be at most 100")
    return amount


_HOOK: Final = "https://shop.example/events"

POSITION_MAX: Final = 2**31 - 1
"""The largest position of a message."""

_PRINTABLE: Final = r"^[^\x00-\x1f\x7f-\x9f]+$"
Id = Annotated[
    StrictStr,
    Field(min_length=1, max_length=ID_LENGTH_MAX, json_schema_extra={"pattern": _PRINTABLE}),
    AfterValidator(_without_control),
]
Name = Annotated[
    StrictStr,
    Field(min_length=1, max_length=NAME_LENGTH_MAX, json_schema_extra={"pattern": _PRINTABLE}),
    AfterValidator(_without_control),
    AfterValidator(_not_blank),
]
Text = Annotated[StrictStr, Field(min_length=1, max_length=MESSAGE_LENGTH_MAX), AfterValidator(_without_nul)]
Reference = Annotated[StrictStr, Field(max_length=REFERENCE_LENGTH_MAX), AfterValidator(_without_control)]
Explanation = Annotated[
    StrictStr,
    Field(min_length=1, max_length=EXPLANATION_LENGTH_MAX),
    AfterValidator(_without_control),
    AfterValidator(_not_blank),
]
Amount = Annotated[int, PlainValidator(_positive_credits), WithJsonSchema(CREDITS_INPUT)]
Duration = Annotated[int, PlainValidator(parse_seconds), WithJsonSchema(DURATION_INPUT)]
"""In JSON a number of seconds, in Python milliseconds."""
Instant = Annotated[
    int, PlainValidator(parse_instant), WithJsonSchema({**INSTANT, "examples": ["2026-01-05T10:00:00.000Z"]})
]
TariffDocument = Annotated[Tariff, PlainValidator(Tariff.parse), WithJsonSchema({DECLARED: "TariffInput"})]
TermsDocument = Annotated[Terms, PlainValidator(Terms.parse), WithJsonSchema({DECLARED: "TermsInput"})]
Version = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]


OfferField = Annotated[
    str | None,
    Field(description="the `version` of the offer that the user was shown; refused if a new record would be dearer"),
]


StartsField = Annotated[
    Starts | None,
    Field(description="how a new record starts, if not as the advisor's records start; for backends only"),
]


RecordToGoOn = Annotated[
    Id | None,
    Field(description="the active record that goes on; if that record has ended, no new record begins: 409"),
]


MetadataField = Annotated[
    Annotated[dict[str, str], PlainValidator(check_metadata), WithJsonSchema(METADATA)] | None,
    Field(description="the host's own texts by key, for programs and operators; for backends only"),
]


class Body(BaseModel):
    """A request body. A field that the call does not have is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PutUser(Body):
    """A user to create or to rename."""

    display_name: Annotated[Name, Field(description="the name that others are shown")]
    metadata: MetadataField = None


class PutAdvisor(Body):
    """An advisor to create or to change. A change holds for records that start from then on."""

    display_name: Annotated[Name, Field(description="the name that others are shown")]
    tariff: Annotated[TariffDocument, Field(description="what time with this advisor costs")]
    terms: Annotated[
        TermsDocument | None,
        Field(description="what the advisor gets of the cost; terms that are left out stay as they are"),
    ] = None
    starts: Annotated[
        Starts | None, Field(description="how the advisor's records start; `present` if it was never said")
    ] = None
    ring_ms: Annotated[
        Duration | None, Field(alias="ring_seconds", description="how long a request rings, from 1 to 3600 seconds")
    ] = None
    max_active: Annotated[
        int | None,
        Field(
            strict=True, ge=0, le=MAX_ACTIVE_MAX, description="the most active records of the advisor; 0 for no maximum"
        ),
    ] = None
    metadata: MetadataField = None


class AddCredit(Body):
    """Credit to add to a user's account."""

    amount: Annotated[Amount, Field(description="how much, more than 0")]
    kind: Annotated[CreditKind, Field(description="why the credit is added")] = CreditKind.PURCHASE
    reference: Annotated[
        Reference | None,
        Field(description="the host's own text, such as the number of an order"),
    ] = None
    expires_at: Annotated[Instant | None, Field(description="when a gift expires; for gifts only")] = None
    metadata: MetadataField = None


class Debit(Body):
    """Credit that a user spends elsewhere."""

    amount: Annotated[Amount, Field(description="how much, more than 0")]
    reference: Annotated[Reference | None, Field(description="the host's own text, such as what was bought")] = None
    metadata: MetadataField = None


class Paying(Body):
    """How long records shall wait for a payment."""

    duration_ms: Annotated[Duration, Field(alias="seconds", description="how many seconds, at most 900")]


class RefundRecord(Body):
    """How much of the cost of a record to give back: an `amount`, or the price of its last `seconds`."""

    amount: Annotated[Amount | None, Field(description="how much, more than 0; instead of `seconds`")] = None
    duration_ms: Annotated[
        Duration | None,
        Field(alias="seconds", description="the price of this much billed time, from the end; instead of `amount`"),
    ] = None
    reason: Annotated[Explanation, Field(description="why; the receipt shows the reason")]
    borne_by: Annotated[
        BorneBy, Field(description="who bears the refund; `shared` is in the proportion in which the cost was earned")
    ]
    dry_run: Annotated[bool, Field(description="answer with the refund as it would be now, and give nothing back")] = (
        False
    )


class CreateChat(Body):
    """A chat to start."""

    user_id: Annotated[Id, Field(description="who pays")]
    advisor_id: Annotated[Id, Field(description="who is paid")]
    chat_id: Annotated[
        Id | None,
        Field(description="the host's own id of the chat; talktime makes one if none is sent"),
    ] = None
    tariff_version: Annotated[
        Version | None, Field(description="the version that the user was shown; refused if another one is current")
    ] = None
    offer_version: OfferField = None
    starts: StartsField = None
    metadata: MetadataField = None
    record_id: RecordToGoOn = None


class Track(Body):
    """How to start or resume the timer of a chat."""

    tariff_version: Annotated[
        Version | None, Field(description="the version that the user was shown; refused if another one is current")
    ] = None
    offer_version: OfferField = None
    starts: StartsField = None
    metadata: MetadataField = None
    record_id: RecordToGoOn = None


class Stop(Body):
    """Which record to end."""

    record_id: Annotated[
        Id | None, Field(description="the record to end, so that a later one goes on; the latest, if none is sent")
    ] = None


class Decline(Body):
    """Why an advisor declines."""

    reason: Annotated[Explanation | None, Field(description="what the user is told")] = None


class Nothing(Body):
    """A body without fields. It may be left out."""


class Heartbeat(Body):
    """A proof of presence."""

    party: Annotated[
        Party | None,
        Field(description="who is present; a backend must name the party, a person can only act for themselves"),
    ] = None


class Leave(Body):
    """A page that closes."""

    party: Annotated[
        Party | None,
        Field(description="who leaves; a backend must name the party, a person can only act for themselves"),
    ] = None
    token: Annotated[
        StrictStr | None,
        Field(
            description="the token, where no header can carry it: a beacon has no `Authorization`", examples=["eyJ…"]
        ),
    ] = None


class NewMessage(Body):
    """A message to send."""

    text: Annotated[Text, Field(description="the text")]
    client_id: Annotated[Id, Field(description="the sender's own id of the message; a repeat is not a second message")]
    party: Annotated[
        Party | None,
        Field(description="who sends it; a backend must name the party, a person can only act for themselves"),
    ] = None


class Read(Body):
    """Up to where a chat was read."""

    position: Annotated[
        int, Field(strict=True, ge=1, le=POSITION_MAX, description="the position of the last message that was read")
    ]
    party: Annotated[
        Party | None,
        Field(description="who has read it; a backend must name the party, a person can only act for themselves"),
    ] = None


class PriceQuestion(Body):
    """A record to price: a tariff and a time."""

    tariff: Annotated[TariffDocument, Field(description="the tariff; its free time counts as unused")]
    duration_ms: Annotated[Duration, Field(alias="seconds", description="how long the timer of the record runs")]


class TokenRequest(Body):
    """A token to make."""

    role: Annotated[Role, Field(description="what the token may do")]
    subject: Annotated[Id, Field(description="the id of the user or advisor, or a name for the backend or operator")]
    ttl_seconds: Annotated[
        int, Field(strict=True, ge=1, le=TTL_SECONDS_MAX, description="how long the token is valid")
    ] = 3600


class LinkRequest(Body):
    """A link to make."""

    role: Annotated[Literal["user", "advisor", "operator"], Field(description="whom the link signs in")]
    subject: Annotated[Id, Field(description="the id of the user or advisor, or a name for the operator")]
    page: Annotated[
        str | None,
        Field(
            max_length=PAGE_LENGTH_MAX, description="the page to go on to, a path of this service such as `/chat/c1`"
        ),
        AfterValidator(_page),
    ] = None


class LinkUse(Body):
    """A link to use up."""

    code: Annotated[
        str, Field(min_length=1, max_length=CODE_LENGTH_MAX, description="what stands behind `#` in the address")
    ]


class Advance(Body):
    """How far to move engine time."""

    duration_ms: Annotated[Duration, Field(alias="seconds", description="how many seconds")]


class Topup(Body):
    """Credit that a user of the demo wants."""

    amount: Annotated[
        int,
        PlainValidator(_topup),
        WithJsonSchema({**CREDITS_INPUT, "description": "how much, at most 100"}),
    ]


class WebhookRequest(Body):
    """An address to which events are to be sent."""

    url: Annotated[StrictStr, Field(description="the address, which begins with https://", examples=[_HOOK])]
    types: Annotated[
        list[EventType] | None, Field(description="the types of events to send; null or an empty list for all")
    ] = None


class WebhookChange(Body):
    """A change of a webhook. A field that is left out or null stays as it is."""

    url: Annotated[StrictStr | None, Field(description="the new address", examples=[_HOOK])] = None
    types: Annotated[
        list[EventType] | None, Field(description="the types of events to send; an empty list for all")
    ] = None
    enabled: Annotated[StrictBool | None, Field(description="whether events are sent")] = None
    rotate_secret: Annotated[
        StrictBool, Field(description="whether to make another secret; the old one signs a day longer")
    ] = False


class ReplayRequest(Body):
    """From where to send events again."""

    after: Annotated[Id, Field(description="the id of the last event that needs no repeat", examples=["4711"])]
