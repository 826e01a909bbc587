"""The advisor's share of a cost: like the price, a function of a record's whole running time.

An advisor has *terms*: a share in percent, and fees that the platform takes before it divides the rest.

    fees     = fee per session + fee per minute × billed minutes, at most the cost
    advisor  = (cost - fees) × share, rounded once, down to a micro-credit
    platform = cost - advisor, which includes the fees

For example, ten minutes at 2.00 cost 20.00. With 0.40 per minute and a share of 49 % the fees are 4.00, and the advisor
earns 16.00 × 49 % = 7.84.

Billed time after the increment that reaches a `max_cost` with `free` bears no fee per minute, so that the earnings of
an advisor do not shrink while the time is free.

Each posting moves the difference of two such shares, so the postings add up to the same earnings however the time is
divided. A difference may be negative: up to the minimum charge the cost stands still, while fees per minute go on.

Units: money in micro-credits, time in milliseconds, shares in parts per million (ppm).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from talktime.core.decimals import parse_decimal, scale_exactly
from talktime.core.durations import MINUTE_MS
from talktime.core.errors import Mistakes
from talktime.core.money import AMOUNT_MAX, format_credits, parse_credits
from talktime.core.price import price

if TYPE_CHECKING:
    from talktime.core.tariff import Tariff


_WHOLE_PPM: Final = 1_000_000
_PPM_PER_PERCENT: Final = 10_000
FIELDS: Final = ("share_percent", "fee_per_minute", "fee_per_session")


class TermsError(Mistakes):
    """The document does not have the form of terms. `errors` has a `(path, message)` for each mistake."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The share and the fees of an advisor. The defaults give the whole cost to the platform.

    `share_ppm` is in parts per million, the fees are in micro-credits.

    Raises:
        TermsError: a value is no whole number, or out of its bounds.
    """

    share_ppm: int = 0
    fee_per_minute: int = 0
    fee_per_session: int = 0

    def __post_init__(self) -> None:
        bounds = {"share_ppm": _WHOLE_PPM, "fee_per_minute": AMOUNT_MAX, "fee_per_session": AMOUNT_MAX}
        values = {name: getattr(self, name) for name in bounds}
        errors = [
            (name, f"must be a whole number from 0 to {bounds[name]}")
            for name, value in values.items()
            if type(value) is not int or not 0 <= value <= bounds[name]
        ]
        if errors:
            raise TermsError(errors)

    @classmethod
    def parse(cls, document: object) -> Terms:
        """The terms of a JSON document: `share_percent`, which is required, `fee_per_minute` and `fee_per_session`.

        Raises:
            TermsError: with every mistake in the document.
        """
        if not isinstance(document, dict):
            raise TermsError([("terms", "must be an object")])
        errors = [(str(name)[:80], "is not a field of an advisor's terms") for name in document if name not in FIELDS]
        share_ppm = 0
        try:
            share_ppm = _parse_percent(document["share_percent"])
        except KeyError:
            errors.append(("share_percent", "is required"))
        except ValueError as error:
            errors.append(("share_percent", str(error)))
        fees = dict.fromkeys(FIELDS[1:], 0)
        for name in fees:
            try:
                fees[name] = parse_credits(document.get(name, "0"))
            except ValueError as error:
                errors.append((name, str(error)))
        if errors:
            raise TermsError(errors)
        return cls(share_ppm, **fees)

    def document(self) -> dict[str, Any]:
        """The JSON document of these terms."""
        whole, rest = divmod(self.share_ppm, _PPM_PER_PERCENT)
        return {
            "share_percent": whole if rest == 0 else self.share_ppm / _PPM_PER_PERCENT,
            "fee_per_minute": format_credits(self.fee_per_minute),
            "fee_per_session": format_credits(self.fee_per_session),
        }


NO_TERMS: Final = Terms()
"""The terms of an advisor who has none: hosts pay such an advisor by other means."""


class Share(NamedTuple):
    """The advisor's earnings from a cost, and the fees within the platform's part of the cost, in micro-credits."""

    advisor: int
    fees: int


def share(terms: Terms, tariff: Tariff, elapsed_ms: int, allowance_ms: int) -> Share:
    """How the cost of a record's running time is divided.

    Args:
        terms: the advisor's terms when the record started.
        tariff: the version that the record started with.
        elapsed_ms: the record's running time, over all its chats.
        allowance_ms: the free time that the pair had left when the record started.
    """
    total = price(tariff, elapsed_ms, allowance_ms)
    # Amounts times 60,000, so that the fee for a part of a minute is an integer.
    fees = terms.fee_per_session * MINUTE_MS + terms.fee_per_minute * _fee_bearing_ms(tariff, total.billed_ms)
    divided = max(0, total.cost * MINUTE_MS - fees)
    advisor = divided * terms.share_ppm // (MINUTE_MS * _WHOLE_PPM)
    return Share(advisor, fees=min(total.cost, -(-fees // MINUTE_MS)))


def _fee_bearing_ms(tariff: Tariff, billed_ms: int) -> int:
    """Billed time up to the end of the increment that reaches a `max_cost` with `free`."""
    if tariff.max_cost is None or tariff.at_max_cost == "stop":
        return billed_ms
    maximum = tariff.max_cost * tariff.scale
    for run in tariff.runs:
        if run.cost_before >= maximum:
            return min(billed_ms, run.start_ms)
        if run.increment_cost:
            count = -(-(maximum - run.cost_before) // run.increment_cost)
            if run.count is None or count <= run.count:
                return min(billed_ms, run.start_ms + count * run.increment_ms)
    return billed_ms


def _parse_percent(value: object) -> int:
    percent = parse_decimal(value, "a number of percent, such as 49")
    if not 0 <= percent <= 100:
        msg = "must be from 0 to 100"
        raise ValueError(msg)
    return scale_exactly(percent, 4)
