"""Decimal numbers of JSON as integers. A number of seconds becomes milliseconds, a percentage becomes ppm."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

_TEXT_LENGTH_MAX: Final = 20


def parse_decimal(value: object, what: str) -> Decimal:
    """The exact number of an integer, a float or a decimal string. `what` says in the message what is asked for.

    Raises:
        ValueError: `value` is not a number.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_text = isinstance(value, str) and len(value) <= _TEXT_LENGTH_MAX and set(value) <= set("0123456789.-")
    try:
        number = Decimal(str(value)) if is_number or is_text else Decimal("nan")
    except ArithmeticError:
        number = Decimal("nan")
    if not number.is_finite():
        msg = f"must be {what}"
        raise ValueError(msg)
    return number


def scale_exactly(number: Decimal, places: int) -> int:
    """`number` times ten to the power of `places`.

    Raises:
        ValueError: `number` has more than `places` decimals.
    """
    scaled = number.scaleb(places)
    if scaled != int(scaled):
        msg = f"must have at most {places} decimals"
        raise ValueError(msg)
    return int(scaled)
