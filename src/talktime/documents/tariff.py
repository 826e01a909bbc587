"""The JSON of a tariff and of an advisor's terms.

Each has two schemas: an answer has every field, written as talktime writes it; in a request most fields have a default,
and a number of seconds may also be a decimal string. `Tariff` and `Terms` read and write the JSON; tests hold the
schemas against them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args

from talktime.core.tariff import TIERS_MAX, AtMaxCost, Boundary, RoundingMode, Tariff
from talktime.core.terms import Terms
from talktime.documents.document import Kind
from talktime.documents.fields import CREDITS, CREDITS_INPUT, DURATION, DURATION_INPUT, Schema, or_null, reference

_REQUIRED: Final = object()


@dataclass(frozen=True)
class _Member:
    """A field: its schema in answers and in requests, and the default of a request that leaves it out."""

    about: str
    response: Schema
    request: Schema
    default: Any = _REQUIRED


def _credits(about: str, default: Any = _REQUIRED) -> _Member:
    return _Member(about, CREDITS, CREDITS_INPUT, default)


def _duration(about: str, default: Any = _REQUIRED) -> _Member:
    return _Member(about, DURATION, DURATION_INPUT, default)


def _choice(about: str, choices: Any) -> _Member:
    values = list(get_args(choices))
    schema = {"type": "string", "enum": values}
    return _Member(about, schema, schema, values[0])


_TIER: Final = {
    "from_seconds": _duration("from which second of priced time on the tier counts; 0 in the first tier", 0),
    "rate": _credits("the price of `per_seconds`"),
    "per_seconds": _duration("the time that `rate` is for", 60),
    "increment_seconds": _duration("used time is rounded up to whole increments", 1),
}
_PLACES: Final = {"type": "integer", "minimum": 0, "maximum": 6}
_ROUNDING: Final = {
    "places": _Member("how many decimals the cost has", _PLACES, _PLACES, 2),
    "mode": _choice("how the rest is rounded", RoundingMode),
}
_TIERS: Final = {"type": "array", "minItems": 1, "maxItems": TIERS_MAX}
_TARIFF: Final = {
    "connect_fee": _credits("charged once, as soon as priced time exceeds zero", "0"),
    "free_seconds": _duration("free time for each user, used up across chats and records", 0),
    "grace_seconds": _duration("a record with at most this priced time costs nothing", 0),
    "tiers": _Member(
        "what time costs, by the priced time of the record",
        {**_TIERS, "items": reference("Tier")},
        {**_TIERS, "items": reference("TierInput")},
    ),
    "boundary": _choice(
        "whether exactly 5:00 is 5 minutes (`ceil`), or 6 since the sixth has begun (`begun`)", Boundary
    ),
    "minimum_charge": _credits("the least that a record costs, unless it costs nothing", "0"),
    "max_cost": _Member(
        "the most that a record costs; null for no maximum", or_null(CREDITS), or_null(CREDITS_INPUT), None
    ),
    "at_max_cost": _choice("whether time goes on for nothing at `max_cost` (`free`) or ends (`stop`)", AtMaxCost),
    "rounding": _Member(
        "how the total is rounded, once",
        reference("Rounding"),
        reference("RoundingInput"),
        {"places": 2, "mode": "up"},
    ),
}
_PERCENT: Final = {"type": "number", "minimum": 0, "maximum": 100}
_TERMS: Final = {
    "share_percent": _Member(
        "the advisor's share of the cost, after the fees; at most 4 decimals",
        _PERCENT,
        {"anyOf": [_PERCENT, {"type": "string", "pattern": r"^([0-9]{1,2}(\.[0-9]{1,4})?|100(\.0{1,4})?)$"}]},
    ),
    "fee_per_minute": _credits("taken for each billed minute, before the share", "0"),
    "fee_per_session": _credits("taken for each session that costs something, before the share", "0"),
}


def _response(about: str, members: dict[str, _Member]) -> Schema:
    return {
        "type": "object",
        "description": about,
        "properties": {name: {**member.response, "description": member.about} for name, member in members.items()},
        "required": list(members),
        "additionalProperties": False,
    }


def _request(about: str, members: dict[str, _Member]) -> Schema:
    return {
        "type": "object",
        "description": about,
        "properties": {
            name: {
                **member.request,
                "description": member.about,
                **({} if member.default is _REQUIRED else {"default": member.default}),
            }
            for name, member in members.items()
        },
        "required": [name for name, member in members.items() if member.default is _REQUIRED],
        "additionalProperties": False,
    }


TARIFF_SCHEMAS: Final = {
    "Tier": _response("What time costs from `from_seconds` of priced time on.", _TIER),
    "Rounding": _response("How the total is rounded.", _ROUNDING),
    "Tariff": _response("What time costs.", _TARIFF),
    "TierInput": _request("What time costs from `from_seconds` of priced time on.", _TIER),
    "RoundingInput": _request("How the total is rounded.", _ROUNDING),
    "TariffInput": _request("What time costs. All fields but `tiers` have a default.", _TARIFF),
    "Terms": _response("What an advisor gets of what users pay.", _TERMS),
    "TermsInput": _request("What an advisor gets of what users pay. The fees have a default.", _TERMS),
}
"""By name. A schema refers to others here."""

TariffDocument = Annotated[Tariff, Kind(reference("Tariff"), Tariff.document, Tariff.parse)]
TermsDocument = Annotated[Terms, Kind(reference("Terms"), Terms.document, Terms.parse)]
