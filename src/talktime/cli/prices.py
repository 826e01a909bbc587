"""`talktime price`: the price of some time by a tariff. Needs no database."""

from __future__ import annotations

from typing import Annotated

import typer

from talktime.cli.arguments import TariffFile, read_tariff
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import AsJson, print_json
from talktime.core.durations import parse_seconds, seconds
from talktime.core.money import format_credits
from talktime.core.price import price as price_of


def price(
    tariff: TariffFile,
    elapsed: Annotated[str, typer.Option("--seconds", help="How long, with at most 3 decimals.")],
    as_json: AsJson = False,
) -> None:
    """Print what a number of seconds costs by a tariff."""
    try:
        quoted = price_of(read_tariff(tariff), parse_seconds(elapsed))
    except ValueError as error:
        exit_with_usage_error(f"--seconds {error}")
    document = {"cost": format_credits(quoted.cost), "billed_seconds": seconds(quoted.billed_ms)}
    if as_json:
        print_json(document)
    else:
        print(f"{document['cost']} for {document['billed_seconds']} billed seconds")
