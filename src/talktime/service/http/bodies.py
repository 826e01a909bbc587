"""What is sent to us, and what of it is refused before anything happens."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

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
from talktime.core.refunds import Bearer
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms
from talktime.service.tokens import TTL_SECONDS_MAX, Role

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
_AMOUNT_SCHEMA: Final = {"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,6})?$", "examples": ["8.75"]}
_SECONDS_SCHEMA: Final = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,3})?$"}]
}
_INSTANT_SCHEMA: Final = {"type": "string", "format": "date-time", "examples": ["2026-01-05T10:00:01.250Z"]}
_CREDITS_FIELD: Final = {"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,6})?$"}
_TARIFF_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tiers"],
    "properties": {
        "connect_fee": _CREDITS_FIELD,
        "free_seconds": _SECONDS_SCHEMA,
        "grace_seconds": _SECONDS_SCHEMA,
        "tiers": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["rate"],
                "properties": {
                    "from_seconds": _SECONDS_SCHEMA,
                    "rate": _CREDITS_FIELD,
                    "per_seconds": _SECONDS_SCHEMA,
                    "increment_seconds": _SECONDS_SCHEMA,
                },
            },
        },
        "boundary": {"enum": ["ceil", "begun"]},
        "minimum_charge": _CREDITS_FIELD,
        "max_cost": {"anyOf": [_CREDITS_FIELD, {"type": "null"}]},
        "at_max_cost": {"enum": ["free", "stop"]},
        "rounding": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "places": {"type": "integer", "minimum": 0, "maximum": 6},
                "mode": {"enum": ["up", "down", "half_up"]},
            },
        },
    },
    "examples": [{"tiers": [{"from_seconds": 0, "rate": "1.00", "per_seconds": 60, "increment_seconds": 60}]}],
}
_TERMS_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["share_percent"],
    "properties": {
        "share_percent": {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 100, "multipleOf": 0.5},
                {"type": "string", "pattern": r"^([0-9]{1,2}(\.[0-9]{1,4})?|100)$"},
            ]
        },
        "fee_per_minute": _CREDITS_FIELD,
        "fee_per_session": _CREDITS_FIELD,
    },
    "examples": [{"share_percent": 49, "fee_per_minute": "0.40", "fee_per_session": "0"}],
}

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
Amount = Annotated[int, PlainValidator(_positive_credits), WithJsonSchema(_AMOUNT_SCHEMA)]
Seconds = Annotated[int, PlainValidator(parse_seconds), WithJsonSchema(_SECONDS_SCHEMA)]
Instant = Annotated[int, PlainValidator(parse_instant), WithJsonSchema(_INSTANT_SCHEMA)]
TariffDocument = Annotated[Tariff, PlainValidator(Tariff.parse), WithJsonSchema(_TARIFF_SCHEMA)]
TermsDocument = Annotated[Terms, PlainValidator(Terms.parse), WithJsonSchema(_TERMS_SCHEMA)]
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
    borne_by: Bearer


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
    amount: Annotated[int, PlainValidator(_topup), WithJsonSchema(_AMOUNT_SCHEMA)]
