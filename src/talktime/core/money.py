"""Amounts of credit, as integers.

A *credit* is the unit that users buy. Inside talktime every amount is a whole number of micro-credits, millionths of a
credit, so sums are exact and no amount is ever a float. In JSON and on the command line an amount is a decimal string
with two to six places: `"8.75"` is 8,750,000 micro-credits.
"""

from __future__ import annotations

import re
from typing import Final

MICRO: Final = 1_000_000
"""The micro-credits in one credit."""

PLACES_MAX: Final = 6
"""The largest number of decimals of an amount."""

AMOUNT_MAX: Final = 10_000_000_000 * MICRO
"""The largest single amount, in micro-credits: ten thousand million credits."""

BALANCE_MAX: Final = 1_000_000_000_000 * MICRO
"""The largest balance of an account, in micro-credits. PostgreSQL's bigint holds nine times as much."""

CHARGED_MAX: Final = 9_000_000_000_000 * MICRO
"""The largest cost of a record, in micro-credits. PostgreSQL's bigint holds a little more."""

_AMOUNT = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?", re.ASCII)
_FORMATTED = re.compile(r"(?!-0\.00$)(-?)(0|[1-9]\d{0,17})\.(\d\d(?:\d{0,3}[1-9])?)", re.ASCII)


def parse_credits(text: object) -> int:
    """The micro-credits of a decimal string such as `"8.75"`.

    Raises:
        ValueError: `text` is not a string, is negative, has more than six places, or is too large. The message tells
            the sender of the text what to change.
    """
    if not isinstance(text, str):
        msg = 'must be a decimal string such as "8.75"'
        raise ValueError(msg)  # noqa: TRY004  callers handle one error type for every wrong amount
    if text.startswith("-") and _AMOUNT.fullmatch(text[1:]):
        msg = "must not be negative"
        raise ValueError(msg)
    match = _AMOUNT.fullmatch(text)
    if match is None:
        msg = 'must be a decimal string with at most 12 digits and 6 places, such as "8.75"'
        raise ValueError(msg)
    amount = int(match[1]) * MICRO + int((match[2] or "").ljust(6, "0"))
    if amount > AMOUNT_MAX:
        msg = f"must be at most {AMOUNT_MAX // MICRO}"
        raise ValueError(msg)
    return amount


def format_credits(amount: int) -> str:
    """The decimal string of `amount` micro-credits, with two to six places."""
    whole, fraction = divmod(abs(amount), MICRO)
    places = f"{fraction:06d}"
    return f"{'-' if amount < 0 else ''}{whole}.{places[:2]}{places[2:].rstrip('0')}"


def parse_formatted(text: object) -> int:
    """Micro-credits of a decimal string that `format_credits` wrote: negative amounts too, and no other spelling.

    Raises:
        ValueError: `format_credits` does not write this.
    """
    match = _FORMATTED.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        msg = 'must be an amount as talktime writes it, such as "-8.75"'
        raise ValueError(msg)
    amount = int(match[2]) * MICRO + int(match[3].ljust(6, "0"))
    return -amount if match[1] else amount
