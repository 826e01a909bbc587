"""Credits as integers.

Every amount inside talktime is a whole number of micro-credits (a millionth of a credit), so sums are exact and
nothing is ever a float. Outside it is a decimal string with two to six places: `"8.75"`.
"""

from __future__ import annotations

import re
from typing import Final

MICRO: Final = 1_000_000
AMOUNT_MAX: Final = 10_000_000_000 * MICRO
"""The largest single amount, in micro-credits: ten thousand million credits."""

BALANCE_MAX: Final = 1_000_000_000_000 * MICRO
"""The largest balance an account can reach, in micro-credits; far inside PostgreSQL's bigint."""

_AMOUNT = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?", re.ASCII)


def parse_credits(text: object) -> int:
    """Micro-credits of a decimal string such as `"8.75"`.

    Raises:
        ValueError: in words for the person who sent it: not a string, negative, more than six places, or too large.
    """
    if not isinstance(text, str):
        msg = 'must be a decimal string such as "8.75"'
        raise ValueError(msg)  # noqa: TRY004  one error type for one kind of bad input
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
