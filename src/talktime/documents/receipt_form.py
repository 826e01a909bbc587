"""The form of a receipt: the fields that its JSON has, and what each of them may hold.

`read_receipt` decides whether a document is a receipt at all. Whether the figures of a receipt are right is decided in
`verification`. The browser decides both in the same way (`client/src/core/form.ts`), and a test compares the two on
random documents.

Every figure has one spelling, the one that talktime writes: "8.75" and never "8.750", 60 and never "60". So two
receipts that say the same are the same text, and no program can read another number than a person does. Fields without
a name here are left alone, since a later version may add fields. Only the tariff and the terms may have no unknown
fields: a price can't be computed by a rule that is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from talktime.core.entries import BorneBy, EntryKind
from talktime.core.instants import format_instant, parse_instant
from talktime.core.money import parse_formatted
from talktime.core.record import Reason
from talktime.core.roles import Role
from talktime.core.starts import Starts
from talktime.core.tariff import Tariff
from talktime.core.terms import Terms

NUMBER_MAX: Final = 2**53 - 1
"""The largest number that every program reads exactly."""

DECIMALS_MAX: Final = 4
"""How many decimals a number on a receipt has at most: those of a share in percent."""

DEPTH_MAX: Final = 32
"""How deeply lists and objects may be nested."""


class NotAReceiptError(ValueError):
    """The document does not have the form of a receipt."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This is not a receipt: {what}")


ValueForm = Callable[[Any], str | None]
"""The form of one value. It says what the value must be, or None if the value is right."""


@dataclass(frozen=True, slots=True)
class IfPresent:
    """The form of a field that may be absent."""

    form: Any


def read_receipt(document: object) -> dict[str, Any]:
    """The JSON of a receipt, with each whole number as an `int`, also one that was written as `60.0`.

    Raises:
        NotAReceiptError: the document is not a receipt; the message says where and why.
    """
    receipt = _read_json(document, 0)
    require(receipt, RECEIPT)
    _read(Tariff, receipt["tariff"], "tariff")
    if "shares" in receipt:
        _read(Terms, receipt["shares"]["terms"], "shares.terms")
    return dict(receipt)


def _read_json(value: Any, depth: int) -> Any:
    if depth > DEPTH_MAX:
        raise NotAReceiptError("its lists and objects are nested too deeply")
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise NotAReceiptError("the name of a field must be text")
        return {name: _read_json(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_read_json(inner, depth + 1) for inner in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _read_number(value)
    if value is not None and not isinstance(value, bool | str):
        raise NotAReceiptError(f"JSON has no value like {type(value).__name__}")
    return value


def _read_number(number: float) -> int | float:
    # The first comparison is also false for NaN.
    if not -NUMBER_MAX <= number <= NUMBER_MAX or round(number, DECIMALS_MAX) != number:
        raise NotAReceiptError(f"no figure can be {number!r}")
    return int(number) if int(number) == number else number


def require(value: Any, form: Any, path: str = "") -> None:
    """Refuse a value that does not have this form: the form of one value, a list of one form, or the fields by name.

    Raises:
        NotAReceiptError: the message says which field is wrong, with its path.
    """
    if isinstance(form, dict):
        if not isinstance(value, dict):
            raise NotAReceiptError(f"{path or 'the document'} must be an object")
        for name, inner in form.items():
            at = f"{path}.{name}".lstrip(".")
            if name in value:
                require(value[name], inner.form if isinstance(inner, IfPresent) else inner, at)
            elif not isinstance(inner, IfPresent):
                raise NotAReceiptError(f"{at} is missing")
    elif isinstance(form, list):
        if not isinstance(value, list):
            raise NotAReceiptError(f"{path} must be a list")
        for index, inner in enumerate(value):
            require(inner, form[0], f"{path}[{index}]")
    elif (must := form(value)) is not None:
        raise NotAReceiptError(f"{path} must be {must}")


def _read(kind: type[Tariff | Terms], document: Any, path: str) -> None:
    """That a tariff or terms can be read and are spelt as talktime writes them; an absent field has its default."""
    try:
        spelt = kind.parse(document).document()
    except ValueError as error:
        raise NotAReceiptError(f"in {path}, {error}") from error
    if not _is_part_of(document, spelt):
        raise NotAReceiptError(f"{path} must be written as talktime writes it")


def _is_part_of(value: Any, whole: Any) -> bool:
    if isinstance(whole, dict):
        return all(_is_part_of(inner, whole[name]) for name, inner in value.items())
    if isinstance(whole, list):
        return all(_is_part_of(*pair) for pair in zip(value, whole, strict=True))
    return bool(value == whole)


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "text"


def _whole(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"


def _count(value: Any) -> str | None:
    return None if _whole(value) is None and value >= 0 else "a whole number, 0 or more"


def _amount(value: Any) -> str | None:
    try:
        parse_formatted(value)
    except ValueError:
        return 'an amount of credits such as "-8.75"'
    return None


def _instant(value: Any) -> str | None:
    try:
        right = format_instant(parse_instant(value)) == value
    except ValueError:
        right = False
    return None if right else "an instant such as 2026-01-05T10:00:01.250Z"


def _one_of(*choices: str) -> ValueForm:
    return lambda value: None if value in choices else f"one of: {', '.join(choices)}"


def _or_null(field: ValueForm) -> ValueForm:
    def field_or_null(value: Any) -> str | None:
        must = None if value is None else field(value)
        return None if must is None else f"{must}, or null"

    return field_or_null


def _of(kind: type[StrEnum]) -> ValueForm:
    return _one_of(*(member.value for member in kind))


SHARES: Final[dict[str, Any]] = {
    "terms": {},
    "advisor": _amount,
    "fees": _amount,
    "platform": _amount,
    "entries": [
        {
            "id": _text,
            "at": _instant,
            "kind": _one_of(EntryKind.CHARGE, EntryKind.SHARE, EntryKind.REFUND),
            "amount": _amount,
            "advisor_amount": _amount,
            "platform_amount": _amount,
            "fees": _amount,
            "borne_by": _or_null(_of(BorneBy)),
        }
    ],
}
"""How the cost divides. `terms` are read as an advisor's terms."""

RECEIPT: Final[dict[str, Any]] = {
    "server_time": _instant,
    "record": {
        "id": _text,
        "state": _text,
        "reason": _or_null(_of(Reason)),
        "user_id": _text,
        "advisor_id": _text,
        "current_chat_id": _text,
        "started_at": _instant,
        "paused_at": _or_null(_instant),
        "paused_by": _or_null(_text),
        "ended_at": _or_null(_instant),
        "ended_by": IfPresent(_or_null(_of(Role))),
        "starts": IfPresent(_of(Starts)),
        "decline_reason": IfPresent(_or_null(_text)),
    },
    "user_name": _text,
    "advisor_name": _text,
    "tariff": {},
    "tariff_version": _whole,
    "free_ms_before": _count,
    "seller": IfPresent(_or_null(_text)),
    "currency": IfPresent(_or_null(_text)),
    "grace_used_at": IfPresent(_or_null(_instant)),  # receipts of earlier versions have no such field
    "segments": [
        {
            "chat_id": _text,
            "started_at": _instant,
            "ended_at": _or_null(_instant),
            "duration_ms": _whole,
            "reason": _or_null(_of(Reason)),
            "caused_by": _or_null(_text),
        }
    ],
    "gaps": [
        {
            "started_at": _instant,
            "ended_at": _or_null(_instant),
            "duration_ms": _whole,
            "reason": _of(Reason),
            "caused_by": _or_null(_text),
        }
    ],
    "leases": [{"party": _text, "ended_at": _or_null(_instant)}],
    "elapsed_ms": _whole,
    "billed_ms": _whole,
    "cost": _amount,
    "lines": [{"text": _text, "amount": _amount}],
    "entries": [
        {
            "id": _text,
            "amount": _amount,
            "gift": _amount,
            "kind": _one_of(EntryKind.CHARGE, EntryKind.REFUND),
            "at": _instant,
            "record_id": _or_null(_text),
            "reference": _or_null(_text),
            "reason": _or_null(_text),
            "expires_at": _or_null(_instant),
        }
    ],
    "unposted": _amount,
    "totals": dict.fromkeys(("charged", "refunded", "paid", "gift", "bought"), _amount),
    "how_to_recompute": _text,
    "shares": IfPresent(SHARES),
    "fingerprint": _text,
}
"""The fields of a receipt. `tariff` is read as a tariff. A user's receipt has no `shares`.

A field that a release adds is `IfPresent`, because the receipts of earlier releases lack the field.
"""
