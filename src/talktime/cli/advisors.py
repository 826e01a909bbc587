"""`talktime advisor …`: advisors, their tariffs and their terms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talktime.cli.arguments import (
    After,
    Limit,
    Query,
    parse_tariff,
    read_id,
    read_length,
    read_name,
    read_tariff,
    read_terms,
)
from talktime.cli.connecting import run_with_talktime
from talktime.cli.exits import exit_with_usage_error
from talktime.cli.output import AsJson, print_csv, print_document, print_json, print_page, print_table
from talktime.cli.periods import From, Month, To, Zone, read_bounds
from talktime.core.durations import seconds
from talktime.core.errors import NotFound
from talktime.core.starts import Starts
from talktime.core.tariff import Tariff
from talktime.core.terms import FIELDS as TERMS
from talktime.core.terms import Terms
from talktime.documents.statement import AMOUNTS

if TYPE_CHECKING:
    from talktime.documents.advisor import Advisor
    from talktime.documents.statement import Statement
    from talktime.talktime import Talktime

app = typer.Typer(no_args_is_help=True, help="Advisors and their tariffs.")


@app.command("list")
def list_advisors(
    context: typer.Context, query: Query = None, after: After = "", limit: Limit = 100, as_json: AsJson = False
) -> None:
    """List advisors and their current tariffs, in the order of their ids."""
    page = run_with_talktime(
        context, lambda talktime: talktime.advisor_page(query or None, after=after or None, limit=limit + 1)
    )
    documents = [advisor.document(with_terms=True, with_metadata=True) for advisor in page.items]
    print_page("advisors", documents, ("id", "display_name", "tariff_version"), limit, as_json)


@app.command("set")
def set_advisor(
    context: typer.Context,
    advisor_id: str,
    tariff: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with a tariff as JSON.")
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Instead of a file: what a minute costs.")] = None,
    free: Annotated[
        str, typer.Option(help="With --rate: how much time is free, such as 3m; a number alone is seconds.")
    ] = "0s",
    increment: Annotated[
        str, typer.Option(help="With --rate: time is rounded up to multiples of this, such as 1m or 60 (seconds).")
    ] = "1s",
    name: Annotated[str | None, typer.Option(help="The name to show.", show_default="the id, at first")] = None,
    share_percent: Annotated[str | None, typer.Option(help="The advisor's share, after the fees.")] = None,
    fee_per_minute: Annotated[
        str | None,
        typer.Option(
            help="What the platform takes for each billed minute, before the share.", show_default="0, at first"
        ),
    ] = None,
    fee_per_session: Annotated[
        str | None,
        typer.Option(help="What the platform takes for each record, before the share.", show_default="0, at first"),
    ] = None,
    starts: Annotated[
        str | None,
        typer.Option(help=f"How the advisor's records start: {', '.join(Starts)}.", show_default="present, at first"),
    ] = None,
    ring_seconds: Annotated[
        int | None, typer.Option(help="How many seconds a request rings.", show_default="60, at first")
    ] = None,
    max_active: Annotated[
        int | None,
        typer.Option(help="The most active records of the advisor; 0 for no maximum.", show_default="0, at first"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create an advisor, or change one. A change holds for records that start from now on.

    What is not named stays as it is. A tariff is replaced as a whole.
    """
    advisor_id = read_id(advisor_id)
    new_name = read_name(name)
    new_tariff = _tariff_of(tariff, rate, free, increment)
    new_terms = {
        field: text
        for field, text in zip(TERMS, (share_percent, fee_per_minute, fee_per_session), strict=True)
        if text is not None
    }
    ring_ms = None if ring_seconds is None else ring_seconds * 1000

    async def change(talktime: Talktime) -> Advisor:
        try:
            stored = await talktime.advisor(advisor_id)
        except NotFound:
            stored = None
        changed, _ = await talktime.put_advisor(
            advisor_id,
            new_name or (advisor_id if stored is None else stored.display_name),
            new_tariff or _tariff_that_stays(stored),
            _terms_of(new_terms, stored) if new_terms else None,
            starts=starts,
            ring_ms=ring_ms,
            max_active=max_active,
        )
        return changed

    print_document(run_with_talktime(context, change).document(with_terms=True, with_metadata=True), as_json)


def _tariff_that_stays(stored: Advisor | None) -> Tariff:
    """The tariff of an advisor who gets no new one."""
    if stored is None:
        exit_with_usage_error("Say what time costs: --tariff FILE, or --rate AMOUNT for a minute.")
    return stored.tariff


def _terms_of(new: dict[str, str], stored: Advisor | None) -> Terms:
    """The terms of an advisor, with these changes."""
    if "share_percent" not in new and (stored is None or stored.terms.share_ppm == 0):
        exit_with_usage_error("A fee needs --share-percent: together they are the advisor's terms.")
    return read_terms({**(stored.terms.document() if stored else {}), **new})


def _tariff_of(path: Path | None, rate: str | None, free: str, increment: str) -> Tariff | None:
    """The tariff of a file, or of one rate; None if neither is given."""
    if path is not None and rate is not None:
        exit_with_usage_error("Say what time costs: --tariff FILE, or --rate AMOUNT for a minute. One of the two.")
    if path is not None:
        return read_tariff(path)
    if rate is None:
        if (free, increment) != ("0s", "1s"):
            exit_with_usage_error("--free and --increment need --rate: together they are the tariff.")
        return None
    tier = {"rate": rate, "increment_seconds": seconds(read_length("--increment", increment))}
    return parse_tariff("--rate", {"tiers": [tier], "free_seconds": seconds(read_length("--free", free))})


@app.command("show")
def show_advisor(context: typer.Context, advisor_id: str, as_json: AsJson = False) -> None:
    """Show an advisor and the current tariff."""
    advisor_id = read_id(advisor_id)
    advisor = run_with_talktime(context, lambda talktime: talktime.advisor(advisor_id))
    print_document(advisor.document(with_terms=True, with_metadata=True), as_json)


@app.command("chats")
def list_chats(context: typer.Context, advisor_id: str, as_json: AsJson = False) -> None:
    """List an advisor's chats."""
    advisor_id = read_id(advisor_id)
    chats = run_with_talktime(context, lambda talktime: talktime.chats_of_advisor(advisor_id))
    documents = [chat.document(with_earned=True) for chat in chats]
    print_table("chats", documents, ("id", "user_name", "duration_ms", "state", "reason", "earned"), as_json)


@app.command("statement")
def show_statement(
    context: typer.Context,
    advisor_id: str,
    month: Month = None,
    tz: Zone = "UTC",
    begin: From = None,
    end: To = None,
    places: Annotated[
        int, typer.Option(min=0, max=6, help="To how many decimals amounts can be paid. The rest is carried.")
    ] = 2,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a line for each record, separated by commas.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the records of a period brought an advisor: time, gross, fees, share, refunds and net; what to pay."""
    advisor_id = read_id(advisor_id)
    bounds_at = read_bounds(month, tz, begin, end)

    async def make_statement(talktime: Talktime) -> Statement:
        return await talktime.statement(advisor_id, *bounds_at(await talktime.now()), places=places)

    document = run_with_talktime(context, make_statement).document()
    sessions = document["sessions"]
    if as_json:
        print_json(document)
    elif as_csv:
        columns = ("record_id", "user_id", "user_name", "started_at", "ended_at", "time_ms", *AMOUNTS)
        print_csv(columns, sessions)
    else:
        total = {"started_at": "in all", "user_name": f"{len(sessions)} sessions", **document["total"]}
        print_table("sessions", [*sessions, total], ("started_at", "user_name", "time_ms", *AMOUNTS), as_json)
        print("To pay: {payable} (carried before: {carried_before}; after: {carried})".format_map(document))
