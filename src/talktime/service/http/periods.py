"""The period that a call asks about: `month` and `tz`, or `from` and `to` as instants or dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Query
from pydantic import Field, WithJsonSchema

from talktime.core.errors import InvalidRequest
from talktime.core.periods import Period, parse_moment, parse_month
from talktime.zones import find_zone

_Value = TypeVar("_Value")

_MOMENT: Final[dict[str, Any]] = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}],
    "examples": ["2026-01-05T10:00:00.000Z", "2026-01-05"],
}
_Moment = Annotated[str, Field(max_length=64), WithJsonSchema(_MOMENT)]


async def read_period(
    month: Annotated[
        str | None,
        Query(
            max_length=64,
            description="a month, in the time zone `tz`, instead of `from` and `to`",
            examples=["2026-10"],
        ),
    ] = None,
    tz: Annotated[
        str,
        Query(max_length=64, description="the time zone of `month` and of dates", examples=["Europe/Berlin"]),
    ] = "UTC",
    begin: Annotated[
        _Moment | None,
        Query(alias="from", description="the first instant of the period; of a date, the first instant of the day"),
    ] = None,
    end: Annotated[
        _Moment | None,
        Query(alias="to", description="the first instant after the period; of a date, the first instant of the day"),
    ] = None,
) -> Period:
    """The period of a request.

    Raises:
        InvalidRequest: a parameter is not what it must be, or the period is empty.
    """
    zone = _read("tz", find_zone, tz)
    if month is not None:
        if begin is not None or end is not None:
            raise InvalidRequest(("month", "must stand without from and to"))
        return _read("month", parse_month, month, zone)
    period = Period(
        None if begin is None else _read("from", parse_moment, begin, zone),
        None if end is None else _read("to", parse_moment, end, zone),
    )
    if period.begin is not None and period.end is not None and period.begin >= period.end:
        raise InvalidRequest(("to", "must be after from"))
    return period


async def read_bounds(period: Annotated[Period, Depends(read_period)]) -> tuple[int, int]:
    """Both ends of the period of a request.

    Raises:
        InvalidRequest: an end is missing.
    """
    return period.bounds()


def _read(name: str, parse: Callable[..., _Value], *arguments: object) -> _Value:
    try:
        return parse(*arguments)
    except ValueError as error:
        raise InvalidRequest((name, str(error))) from None


AnyPeriod = Annotated[Period, Depends(read_period)]
"""A period that may be left out, or have one end."""

Bounds = Annotated[tuple[int, int], Depends(read_bounds)]
"""A period with both ends."""
