"""What an advisor earns: one pure function of a record's totals, like the price. Pure.

    advisor  = (cost - fees, not below 0) × share, rounded once, down to a micro-credit
    platform = cost - advisor

The fees are taken before the split: so much for each session that costs something, and so much for each minute of
billed time. Time that `max_cost` has made free bears no fee, so nobody's earnings shrink while they work for nothing.

Since it is a function of the totals, what is posted on the way (the difference of two totals) adds up to the same
earnings however a session was cut. A difference may be negative: under a minimum charge the minutes, and so their fees,
go on while the price stands still.

Units: money in micro-credits, time in milliseconds, shares in parts per million.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from talktime.core.money import format_credits, parse_credits
from talktime.core.price import price

if TYPE_CHECKING:
    from talktime.core.tariff import Tariff

_MINUTE_MS: Final = 60_000
_WHOLE_PPM: Final = 1_000_000
_PPM_PER_PERCENT: Final = 10_000
_FIELDS: Final = ("share_percent", "fee_per_minute", "fee_per_session")


class TermsError(ValueError):
    """The terms make no sense; `errors` is one `(path, message)` for each thing that is wrong."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{path}: {message}" for path, message in errors))


@dataclass(frozen=True, slots=True)
class Terms:
    """What an advisor gets of what their users pay. Without terms: nothing, the platform settles it elsewhere."""

    share_ppm: int = 0
    fee_per_minute: int = 0
    fee_per_session: int = 0

    @classmethod
    def parse(cls, document: object) -> Terms:
        """The terms that a JSON document describes: `share_percent`, `fee_per_minute` and `fee_per_session`.

        Raises:
            TermsError: listing everything that is wrong.
        """
        if not isinstance(document, dict):
            raise TermsError([("terms", "must be an object")])
        errors = [(str(name)[:80], "is not a field of an advisor's terms") for name in document if name not in _FIELDS]
        share_ppm = 0
        try:
            share_ppm = _parse_percent(document["share_percent"])
        except KeyError:
            errors.append(("share_percent", "is required"))
        except ValueError as error:
            errors.append(("share_percent", str(error)))
        fees = dict.fromkeys(_FIELDS[1:], 0)
        for name in fees:
            try:
                fees[name] = parse_credits(document.get(name, "0"))
            except ValueError as error:
                errors.append((name, str(error)))
        if errors:
            raise TermsError(errors)
        return cls(share_ppm, **fees)

    def document(self) -> dict[str, Any]:
        """Their JSON."""
        whole, rest = divmod(self.share_ppm, _PPM_PER_PERCENT)
        return {
            "share_percent": whole if rest == 0 else self.share_ppm / _PPM_PER_PERCENT,
            "fee_per_minute": format_credits(self.fee_per_minute),
            "fee_per_session": format_credits(self.fee_per_session),
        }


NO_TERMS: Final = Terms()


class Share(NamedTuple):
    """How a cost divides: what the advisor gets, and what of the platform's part are fees."""

    advisor: int
    fees: int


def share(terms: Terms, tariff: Tariff, elapsed_ms: int, allowance_ms: int) -> Share:
    """How the price of so much running time divides between advisor and platform, which gets the rest."""
    priced = price(tariff, elapsed_ms, allowance_ms)
    fees = terms.fee_per_session * _MINUTE_MS + terms.fee_per_minute * _minutes_ms(tariff, priced.billed_ms)
    net = max(0, priced.cost * _MINUTE_MS - fees)
    return Share(net * terms.share_ppm // (_MINUTE_MS * _WHOLE_PPM), min(priced.cost, -(-fees // _MINUTE_MS)))


def _minutes_ms(tariff: Tariff, billed_ms: int) -> int:
    """Billed time without what lies beyond the increment at which `max_cost` (`free`) is reached."""
    if tariff.max_cost is None or tariff.at_max_cost == "stop":
        return billed_ms
    maximum = tariff.max_cost * tariff.scale
    for run in tariff.runs:
        if run.before >= maximum:
            return min(billed_ms, run.start_ms)
        if run.unit:
            units = -(-(maximum - run.before) // run.unit)
            if run.count is None or units <= run.count:
                return min(billed_ms, run.start_ms + units * run.increment_ms)
    return billed_ms


def _parse_percent(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 20:
        msg = "must be a number of percent, such as 49"
        raise ValueError(msg)
    try:
        percent = Decimal(str(value))
    except ArithmeticError:
        percent = Decimal("nan")
    if not percent.is_finite() or (isinstance(value, str) and not set(value) <= set("0123456789.-")):
        msg = "must be a number of percent, such as 49"
        raise ValueError(msg)
    if not 0 <= percent <= 100:
        msg = "must be from 0 to 100"
        raise ValueError(msg)
    ppm = percent * _PPM_PER_PERCENT
    if ppm != int(ppm):
        msg = "must have at most 4 decimals"
        raise ValueError(msg)
    return int(ppm)
