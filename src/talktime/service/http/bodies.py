"""What is sent to us, and what of it is refused before anything happens."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, StrictStr, WithJsonSchema

from talktime.core.durations import parse_seconds
from talktime.core.ids import (
    EXPLANATION_LENGTH_MAX,
    ID_LENGTH_MAX,
    MESSAGE_LENGTH_MAX,
    NAME_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    has_control_characters,
)
from talktime.core.instants import parse_instant
from talktime.core.money import parse_credits
from talktime.core.payer import Party
from talktime.core.refunds import BorneBy
from talktime.core.roles import Role
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.documents.fields import CREDITS_INPUT, DURATION_INPUT, INSTANT
from talktime.service.tokens import TTL_SECONDS_MAX

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
Seconds = Annotated[int, PlainValidator(parse_seconds), WithJsonSchema(DURATION_INPUT)]
Instant = Annotated[int, PlainValidator(parse_instant), WithJsonSchema(INSTANT)]
TariffDocument = Annotated[Tariff, PlainValidator(Tariff.parse), WithJsonSchema({DECLARED: "TariffInput"})]
TermsDocument = Annotated[Terms, PlainValidator(Terms.parse), WithJsonSchema({DECLARED: "TermsInput"})]
Version = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]


class Body(BaseModel):
    """A request body: strict, and nothing in it that we would silently ignore."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PutUser(Body):
    display_name: Name


class PutAdvisor(Body):
    display_name: Name
    tariff: TariffDocument
    terms: TermsDocument | None = None


class AddCredit(Body):
    amount: Amount
    kind: Literal["purchase", "gift", "refund"] = "purchase"
    reference: Reference | None = None
    expires_at: Instant | None = None


class Debit(Body):
    amount: Amount
    reference: Reference | None = None


class RefundRecord(Body):
    """One of `amount` and `seconds`."""

    amount: Amount | None = None
    seconds: Seconds | None = None
    reason: Explanation
    borne_by: BorneBy


class CreateChat(Body):
    user_id: Id
    advisor_id: Id
    chat_id: Id | None = None
    tariff_version: Version | None = None


class Track(Body):
    tariff_version: Version | None = None


class Nothing(Body):
    """A body may be sent, but has nothing to say."""


class Heartbeat(Body):
    party: Party | None = None


class NewMessage(Body):
    text: Text
    client_id: Id
    party: Party | None = None


class PriceQuestion(Body):
    tariff: TariffDocument
    seconds: Seconds


class TokenRequest(Body):
    role: Role
    subject: Id
    ttl_seconds: Annotated[int, Field(strict=True, ge=1, le=TTL_SECONDS_MAX)] = 3600


class Advance(Body):
    seconds: Seconds


class Topup(Body):
    amount: Annotated[int, PlainValidator(_topup), WithJsonSchema(CREDITS_INPUT)]
