"""The options that name a period: `--month` with `--tz`, or `--from` and `--to`, or `--since`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import tzinfo
from typing import Annotated, NoReturn

import typer

from talktime.cli.exits import exit_with_usage_error
from talktime.core.periods import Period, parse_month, parse_words
from talktime.zones import find_zone

Month = Annotated[str | None, typer.Option("--month", help="A month, such as 2026-10, instead of --from and --to.")]
From = Annotated[
    str | None,
    typer.Option("--from", help="The first instant: 2026-01-31, 2026-01-31T18:00:00Z, yesterday, “3 days ago”."),
]
To = Annotated[
    str | None, typer.Option("--to", help="The first instant after the period; a date is the beginning of its day.")
]
Since = Annotated[
    str | None, typer.Option("--since", help="The same as --from: yesterday, “last week”, “3 days ago”, a date.")
]
Zone = Annotated[str, typer.Option("--tz", help="The time zone of months and days, such as Europe/Berlin.")]

PeriodAt = Callable[[int], Period]
"""Makes a period from the instant of now, to which words such as `yesterday` refer."""


def read_period(month: str | None, tz: str, begin: str | None, end: str | None, since: str | None = None) -> PeriodAt:
    """The period of a command. A period that is not allowed is refused before the command connects to the database."""
    try:
        zone = find_zone(tz)
    except ValueError as error:
        _refuse("--tz", error)
    if since is not None and begin is not None:
        exit_with_usage_error("Use either --since or --from.")
    if month is not None and not (begin is None and end is None and since is None):
        exit_with_usage_error("Use either --month, or --from, --since and --to.")
    option = "--from" if since is None else "--since"

    def period_at(now: int) -> Period:
        if month is not None:
            return _month(month, zone)
        first = begin if since is None else since
        period = Period(
            None if first is None else _moment(option, first, zone, now),
            None if end is None else _moment("--to", end, zone, now),
        )
        if period.begin is not None and period.end is not None and period.begin >= period.end:
            exit_with_usage_error(f"--to must be after {option}")
        return period

    period_at(int(time.time() * 1000))
    return period_at


def read_bounds(month: str | None, tz: str, begin: str | None, end: str | None) -> Callable[[int], tuple[int, int]]:
    """Both ends of the period of a command that needs them."""
    if month is None and (begin is None or end is None):
        exit_with_usage_error("Say which period: --month 2026-10, or --from and --to.")
    period_at = read_period(month, tz, begin, end)
    return lambda now: period_at(now).bounds()


def _month(text: str, zone: tzinfo) -> Period:
    try:
        return parse_month(text, zone)
    except ValueError as error:
        _refuse("--month", error)


def _moment(option: str, text: str, zone: tzinfo, now: int) -> int:
    try:
        return parse_words(text, zone, now)
    except ValueError as error:
        _refuse(option, error)


def _refuse(option: str, error: ValueError) -> NoReturn:
    exit_with_usage_error(f"{option} {error}")
